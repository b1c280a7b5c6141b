//! The statements that a table's columns make of the templates in `sql/rebuild`.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::Folded;

/// Rows read at a time; deals are large.
const PAGE: usize = 500;
const PAGE_OF_DEALS: usize = 100;

#[derive(Debug)]
pub(super) struct Statements {
    pub(super) first_page: SqlStr,
    pub(super) next_page: SqlStr,
    pub(super) first_keys: SqlStr,
    pub(super) next_keys: SqlStr,
    pub(super) look_up: SqlStr,
    pub(super) look_up_keys: SqlStr,
    pub(super) whole: SqlStr,
    pub(super) count: SqlStr,
    pub(super) parts: SqlStr,
    pub(super) put: SqlStr,
    pub(super) take_out: SqlStr,
}

/// Replaces `{name}` in a template. Whatever is put in comes from our own code or from the catalogue of our own schema.
fn fill(template: &str, with: &[(&str, &str)]) -> SqlStr {
    let mut text = template.to_owned();
    for (name, value) in with {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    AssertSqlSafe(Arc::<str>::from(text)).into_sql_str()
}

fn list(names: &[impl AsRef<str>], between: &str, each: impl Fn(&str) -> String) -> String {
    names.iter().map(|name| each(name.as_ref())).collect::<Vec<_>>().join(between)
}

impl Statements {
    /// `keys` and `types` are of the key without the part.
    pub(super) fn of(table: &'static Folded, keys: &[String], types: &[String], others: &[String]) -> Self {
        let key = format!("jsonb_build_object({})::text", list(keys, ", ", |name| format!("'{name}', t.{name}")));
        let order = list(keys, ", ", |name| format!("t.{name}"));
        let typed = keys.iter().zip(types);
        let wanted = typed.clone().map(|(name, kind)| format!("{name} {kind}")).collect::<Vec<_>>().join(", ");
        let after =
            typed.map(|(name, kind)| format!("($2::text::jsonb->>'{name}')::{kind}")).collect::<Vec<_>>().join(", ");
        let after = format!("({order}) > ({after})");
        let same = list(keys, " and ", |name| format!("t.{name} = wanted.{name}"));
        let apart = list(table.apart, ", ", |name| format!("'{name}'"));
        let content = if apart.is_empty() { "to_jsonb(t)".to_owned() } else { format!("to_jsonb(t) - array[{apart}]") };
        let hash = format!("sha256(convert_to(({content})::text, 'UTF8'))");
        let body = if table.is_deal() { "t.body" } else { "null::bytea" };
        let most = if table.is_deal() { PAGE_OF_DEALS } else { PAGE }.to_string();
        let update = if others.is_empty() {
            "nothing".to_owned()
        } else {
            format!("update set {}", list(others, ", ", |name| format!("{name} = excluded.{name}")))
        };
        let names = list(keys, ", ", str::to_owned);

        let page = |after: &str, hash: &str, body: &str| {
            fill(
                include_str!("../../../sql/rebuild/page.sql"),
                &[
                    ("key", &key),
                    ("deal", table.deal),
                    ("hash", hash),
                    ("body", body),
                    ("table", table.name),
                    ("after", after),
                    ("order", &order),
                    ("most", &most),
                ],
            )
        };
        let look_up = |hash: &str, body: &str, row: &str| {
            fill(
                include_str!("../../../sql/rebuild/look_up.sql"),
                &[
                    ("key", &key),
                    ("deal", table.deal),
                    ("hash", hash),
                    ("body", body),
                    ("row", row),
                    ("wanted", &wanted),
                    ("table", table.name),
                    ("same", &same),
                ],
            )
        };
        let none = "null::bytea";
        Self {
            first_page: page("true", &hash, body),
            next_page: page(&after, &hash, body),
            first_keys: page("true", none, none),
            next_keys: page(&after, none, none),
            look_up: look_up(&hash, body, "null::text"),
            look_up_keys: look_up(none, none, "null::text"),
            whole: look_up(&hash, body, "to_jsonb(t)::text"),
            count: fill(include_str!("../../../sql/rebuild/count.sql"), &[("table", table.name)]),
            parts: fill(include_str!("../../../sql/rebuild/parts.sql"), &[("table", table.name)]),
            put: fill(
                include_str!("../../../sql/rebuild/put.sql"),
                &[("table", table.name), ("keys", &names), ("update", &update)],
            ),
            take_out: fill(
                include_str!("../../../sql/rebuild/take_out.sql"),
                &[("table", table.name), ("wanted", &wanted), ("same", &same)],
            ),
        }
    }
}
