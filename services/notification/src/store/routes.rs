//! Routes and their secrets.

use throughline_platform::pages::After;
use throughline_platform::signature::Secret;
use throughline_platform::{db::Tx, jiff_sqlx, jiff_sqlx::ToSqlx};

use super::{Error, read_severity, stored_severity};
use crate::{
    domain::{ChannelKind, Route},
    wire::{Channel, RouteContent, StoredRoute},
};

/// Open routes of these groups, as deciding needs them.
pub async fn load_routes(tx: &mut Tx, groups: &[String]) -> Result<Vec<Route>, Error> {
    let rows = sqlx::query_file!("sql/load_routes.sql", groups).fetch_all(tx.conn()).await?;
    let routes = rows.into_iter().map(|row| {
        Ok(Route {
            group: row.group_id,
            id: row.route_id,
            rooftops: row.rooftops,
            measures: row.measures,
            min_severity: read_severity(row.min_severity)?,
            channel: if row.url.is_some() { ChannelKind::Webhook } else { ChannelKind::Log },
        })
    });
    routes.collect()
}

/// How many routes a group has.
pub async fn count_routes(tx: &mut Tx, group: &str) -> Result<i64, Error> {
    Ok(sqlx::query_file!("sql/count_routes.sql", group).fetch_one(tx.conn()).await?.count)
}

/// Adds a route.
pub async fn add_route(tx: &mut Tx, group: &str, route: &StoredRoute) -> Result<(), Error> {
    let StoredRoute { id, content, created_at, .. } = route;
    let url = match &content.channel {
        Channel::Log => None,
        Channel::Webhook { url } => Some(url.as_str()),
    };
    sqlx::query_file!(
        "sql/add_route.sql",
        group,
        id,
        &content.rooftops,
        &content.measures,
        stored_severity(content.min_severity),
        url,
        created_at.to_sqlx() as _
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Keeps what a route's messages are signed with.
pub async fn add_secret(tx: &mut Tx, group: &str, route: &str, secret: &Secret) -> Result<(), Error> {
    sqlx::query_file!("sql/add_secret.sql", group, route, secret.bytes()).execute(tx.conn()).await?;
    Ok(())
}

/// What a route's messages are signed with; none for the log, and none once the route is gone.
pub async fn find_secret(tx: &mut Tx, group: &str, route: &str) -> Result<Option<Secret>, Error> {
    let row = sqlx::query_file!("sql/find_secret.sql", group, route).fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| Secret::new(row.secret)))
}

struct Row {
    route_id: String,
    rooftops: Vec<String>,
    measures: Vec<String>,
    min_severity: i16,
    url: Option<String>,
    created_at: jiff_sqlx::Timestamp,
    disabled_at: Option<jiff_sqlx::Timestamp>,
}

impl Row {
    fn read(self) -> Result<StoredRoute, Error> {
        Ok(StoredRoute {
            id: self.route_id,
            content: RouteContent {
                rooftops: self.rooftops,
                measures: self.measures,
                min_severity: read_severity(self.min_severity)?,
                channel: self.url.map_or(Channel::Log, |url| Channel::Webhook { url }),
            },
            created_at: self.created_at.to_jiff(),
            disabled_at: self.disabled_at.map(jiff_sqlx::Timestamp::to_jiff),
        })
    }
}

/// One route, locked until the transaction ends.
pub async fn lock_route(tx: &mut Tx, group: &str, id: &str) -> Result<Option<StoredRoute>, Error> {
    let row = sqlx::query_file_as!(Row, "sql/lock_route.sql", group, id).fetch_optional(tx.conn()).await?;
    row.map(Row::read).transpose()
}

/// Removes a route and its secret.
pub async fn delete_route(tx: &mut Tx, group: &str, id: &str) -> Result<(), Error> {
    sqlx::query_file!("sql/delete_route.sql", group, id).execute(tx.conn()).await?;
    Ok(())
}

/// Nothing is sent there any more. Says whether it was open before.
pub async fn disable_route(tx: &mut Tx, group: &str, id: &str, now: jiff::Timestamp) -> Result<bool, Error> {
    let done = sqlx::query_file!("sql/disable_route.sql", group, id, now.to_sqlx() as _).execute(tx.conn()).await?;
    Ok(done.rows_affected() > 0)
}

/// A page of routes, by creation, each with where the next page would begin. `rooftops`: what the caller's key is held to.
pub async fn list_routes(
    tx: &mut Tx,
    group: &str,
    rooftops: Option<&[String]>,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<(After, StoredRoute)>, Error> {
    let (at, id) = after.map(|after| (after.at.to_sqlx(), after.id)).unzip();
    let rows = sqlx::query_file_as!(Row, "sql/list_routes.sql", group, rooftops as _, at as _, id, limit)
        .fetch_all(tx.conn())
        .await?;
    let page = rows.into_iter().map(|row| {
        let route = row.read()?;
        Ok((After { at: route.created_at, id: route.id.clone() }, route))
    });
    page.collect()
}
