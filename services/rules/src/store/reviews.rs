//! The review queue.

use std::collections::HashMap;

use prost::Message;
use throughline_platform::db::Tx;
use throughline_platform::jiff_sqlx::ToSqlx;
use throughline_platform::pages::After;
use throughline_proto as pb;

use super::{DealKey, Error, deals::Keys, stored_part, stored_revision};
use crate::{domain::Review, wire};

/// All review items of these deals, locked until the transaction ends.
pub async fn load_reviews(tx: &mut Tx, part: u16, keys: &[DealKey]) -> Result<HashMap<DealKey, Vec<Review>>, Error> {
    let Keys { groups, rooftops, deals } = keys.iter().collect();
    let rows = sqlx::query_file!("sql/load_reviews.sql", stored_part(part), &groups, &rooftops, &deals)
        .fetch_all(tx.conn())
        .await?;
    let mut reviews: HashMap<DealKey, Vec<Review>> = HashMap::new();
    for row in rows {
        let key = DealKey { group: row.group_id, rooftop: row.rooftop, deal: row.subject };
        reviews.entry(key).or_default().push(parse(&row.body)?);
    }
    Ok(reviews)
}

/// Saves review items of one part as they now stand.
pub async fn save_reviews(tx: &mut Tx, part: u16, reviews: &[(&DealKey, &Review)]) -> Result<(), Error> {
    if reviews.is_empty() {
        return Ok(());
    }
    let Keys { groups, rooftops, deals } = reviews.iter().map(|(key, _)| *key).collect();
    let ids: Vec<_> = reviews.iter().map(|(_, review)| review.id.clone()).collect();
    let kinds: Vec<_> = reviews.iter().map(|(_, review)| review.kind.clone()).collect();
    let opened_at: Vec<_> = reviews.iter().map(|(_, review)| review.opened_at.to_sqlx()).collect();
    let resolved_at: Vec<_> =
        reviews.iter().map(|(_, review)| review.resolved.as_ref().map(|resolution| resolution.at.to_sqlx())).collect();
    let revisions: Vec<_> = reviews.iter().map(|(_, review)| stored_revision(review.revision)).collect();
    let bodies: Vec<_> = reviews.iter().map(|(_, review)| wire::render_review(review).encode_to_vec()).collect();
    sqlx::query_file!(
        "sql/save_reviews.sql",
        stored_part(part),
        &groups,
        &rooftops,
        &ids,
        &deals,
        &kinds,
        &opened_at as _,
        &resolved_at as _,
        &revisions,
        &bodies
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// One item with its part and deal, locked until the transaction ends.
pub async fn lock_review(
    tx: &mut Tx,
    group: &str,
    rooftop: &str,
    id: &str,
) -> Result<Option<(u16, DealKey, Review)>, Error> {
    let row = sqlx::query_file!("sql/lock_review.sql", group, rooftop, id).fetch_optional(tx.conn()).await?;
    let Some(row) = row else { return Ok(None) };
    let key = DealKey { group: group.to_owned(), rooftop: rooftop.to_owned(), deal: row.subject };
    let part = u16::try_from(row.part).map_err(|why| Error::unreadable("part")(&why))?;
    Ok(Some((part, key, parse(&row.body)?)))
}

/// Which items, oldest first.
#[derive(Clone, Debug)]
pub struct ReviewsQuery {
    pub group: String,
    /// None: all of the group.
    pub rooftops: Option<Vec<String>>,
    pub resolved: bool,
    pub after: Option<After>,
    pub limit: i64,
}

struct Row {
    review_id: String,
    opened_at: throughline_platform::jiff_sqlx::Timestamp,
    body: Vec<u8>,
}

/// A page of items, each with where the next page would begin.
pub async fn list_reviews(tx: &mut Tx, query: ReviewsQuery) -> Result<Vec<(After, Review)>, Error> {
    let ReviewsQuery { group, rooftops, resolved, after, limit } = query;
    let at = after.as_ref().map(|after| after.at.to_sqlx());
    let id = after.map(|after| after.id);
    let rooftops = rooftops.as_deref();
    let rows = if resolved {
        sqlx::query_file_as!(Row, "sql/list_reviews.sql", group, rooftops as _, at as _, id, limit)
            .fetch_all(tx.conn())
            .await?
    } else {
        sqlx::query_file_as!(Row, "sql/list_open_reviews.sql", group, rooftops as _, at as _, id, limit)
            .fetch_all(tx.conn())
            .await?
    };
    let page = rows.into_iter().map(|row| {
        let review = parse(&row.body)?;
        Ok((After { at: row.opened_at.to_jiff(), id: row.review_id }, review))
    });
    page.collect()
}

/// How many items wait for a person.
pub async fn count_open_reviews(tx: &mut Tx) -> Result<i64, Error> {
    Ok(sqlx::query_file!("sql/count_open_reviews.sql").fetch_one(tx.conn()).await?.open)
}

fn parse(body: &[u8]) -> Result<Review, Error> {
    let body = pb::rule::v1::Review::decode(body).map_err(|why| Error::unreadable("review")(&why))?;
    wire::review(body).map_err(|why| Error::unreadable("review")(&why))
}
