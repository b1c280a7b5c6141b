//! Flags.

use std::collections::HashMap;

use prost::Message;
use throughline_platform::db::Tx;
use throughline_platform::jiff_sqlx::ToSqlx;
use throughline_platform::pages::After;
use throughline_proto as pb;

use super::{DealKey, Error, deals::Keys, stored_part, stored_revision};
use crate::{domain::Flag, wire};

/// All flags of these deals, locked until the transaction ends.
pub async fn load_flags(tx: &mut Tx, part: u16, keys: &[DealKey]) -> Result<HashMap<DealKey, Vec<Flag>>, Error> {
    let Keys { groups, rooftops, deals } = keys.iter().collect();
    let rows = sqlx::query_file!("sql/load_flags.sql", stored_part(part), &groups, &rooftops, &deals)
        .fetch_all(tx.conn())
        .await?;
    let mut flags: HashMap<DealKey, Vec<Flag>> = HashMap::new();
    for row in rows {
        let key = DealKey { group: row.group_id, rooftop: row.rooftop, deal: row.subject };
        flags.entry(key).or_default().push(parse(&row.body, row.retracted)?);
    }
    Ok(flags)
}

/// Saves flags of one part as they now stand.
pub async fn save_flags(tx: &mut Tx, part: u16, flags: &[(&DealKey, &Flag)]) -> Result<(), Error> {
    if flags.is_empty() {
        return Ok(());
    }
    let Keys { groups, rooftops, deals } = flags.iter().map(|(key, _)| *key).collect();
    let ids: Vec<_> = flags.iter().map(|(_, flag)| flag.id.clone()).collect();
    let kinds: Vec<_> = flags.iter().map(|(_, flag)| flag.content.kind.clone()).collect();
    let opened_at: Vec<_> = flags.iter().map(|(_, flag)| flag.content.opened_at.to_sqlx()).collect();
    let closed_at: Vec<_> = flags.iter().map(|(_, flag)| flag.content.closed_at.map(ToSqlx::to_sqlx)).collect();
    let retracted: Vec<_> = flags.iter().map(|(_, flag)| flag.retracted).collect();
    let revisions: Vec<_> = flags.iter().map(|(_, flag)| stored_revision(flag.revision)).collect();
    let bodies: Vec<_> = flags.iter().map(|(_, flag)| wire::render_flag(flag).encode_to_vec()).collect();
    sqlx::query_file!(
        "sql/save_flags.sql",
        stored_part(part),
        &groups,
        &rooftops,
        &ids,
        &deals,
        &kinds,
        &opened_at as _,
        &closed_at as _,
        &retracted,
        &revisions,
        &bodies
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// One flag with its part and deal, locked until the transaction ends.
pub async fn lock_flag(
    tx: &mut Tx,
    group: &str,
    rooftop: &str,
    id: &str,
) -> Result<Option<(u16, DealKey, Flag)>, Error> {
    let row = sqlx::query_file!("sql/lock_flag.sql", group, rooftop, id).fetch_optional(tx.conn()).await?;
    let Some(row) = row else { return Ok(None) };
    let key = DealKey { group: group.to_owned(), rooftop: rooftop.to_owned(), deal: row.subject };
    let part = u16::try_from(row.part).map_err(|why| Error::unreadable("part")(&why))?;
    Ok(Some((part, key, parse(&row.body, row.retracted)?)))
}

/// One flag, unless it never stood.
pub async fn get_flag(tx: &mut Tx, group: &str, rooftop: &str, id: &str) -> Result<Option<Flag>, Error> {
    let row = sqlx::query_file!("sql/get_flag.sql", group, rooftop, id).fetch_optional(tx.conn()).await?;
    row.map(|row| parse(&row.body, false)).transpose()
}

/// Which flags, newest first.
#[derive(Clone, Debug)]
pub struct FlagsQuery {
    pub group: String,
    /// None: all of the group.
    pub rooftops: Option<Vec<String>>,
    /// (rooftop, deal): of this deal alone.
    pub deal: Option<(String, String)>,
    pub kind: Option<String>,
    pub closed: bool,
    pub after: Option<After>,
    pub limit: i64,
}

struct Row {
    flag_id: String,
    opened_at: throughline_platform::jiff_sqlx::Timestamp,
    body: Vec<u8>,
}

/// A page of flags, each with where the next page would begin.
pub async fn list_flags(tx: &mut Tx, query: FlagsQuery) -> Result<Vec<(After, Flag)>, Error> {
    let FlagsQuery { group, rooftops, deal, kind, closed, after, limit } = query;
    let at = after.as_ref().map(|after| after.at.to_sqlx());
    let id = after.map(|after| after.id);
    let rooftops = rooftops.as_deref();
    let rows = match (deal, closed) {
        (Some((rooftop, deal)), _) => {
            sqlx::query_file_as!(
                Row,
                "sql/list_flags_of_deal.sql",
                group,
                rooftop,
                deal,
                closed,
                kind.as_deref(),
                at as _,
                id,
                limit
            )
            .fetch_all(tx.conn())
            .await?
        }
        (None, true) => {
            sqlx::query_file_as!(Row, "sql/list_flags.sql", group, rooftops as _, kind.as_deref(), at as _, id, limit)
                .fetch_all(tx.conn())
                .await?
        }
        (None, false) => {
            sqlx::query_file_as!(
                Row,
                "sql/list_standing_flags.sql",
                group,
                rooftops as _,
                kind.as_deref(),
                at as _,
                id,
                limit
            )
            .fetch_all(tx.conn())
            .await?
        }
    };
    let page = rows.into_iter().map(|row| {
        let flag = parse(&row.body, false)?;
        Ok((After { at: row.opened_at.to_jiff(), id: row.flag_id }, flag))
    });
    page.collect()
}

pub(super) fn parse(body: &[u8], retracted: bool) -> Result<Flag, Error> {
    let body = pb::rule::v1::Flag::decode(body).map_err(|why| Error::unreadable("flag")(&why))?;
    wire::flag(body, retracted).map_err(|why| Error::unreadable("flag")(&why))
}
