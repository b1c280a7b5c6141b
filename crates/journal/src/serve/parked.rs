//! `ListParked` and `RetryParked`: what could not be processed, and asking for it again.
use std::sync::Arc;
use throughline_platform::jiff_sqlx;

use futures::future::BoxFuture;
use jiff::Timestamp;
use sqlx::Row;
use throughline_platform::{
    Principal,
    db::{Role, Tx},
    failure::Failure,
    seal::{args_hash, page_size},
};
use throughline_proto::{
    log::v1::{ListParkedRequest, ListParkedResponse, Parked, ParkedPath, RetryParkedRequest, RetryParkedResponse},
    time,
};

use crate::{Context, consumer::Consumer, wait::not_served};

const PURPOSE: &str = "parked";

pub(super) async fn list(
    cx: &Context,
    principal: Principal,
    request: ListParkedRequest,
) -> Result<ListParkedResponse, Failure> {
    let consumer = consumer(cx, &request.consumer)?;
    let size = page_size(request.page_size, 50, 500)?;
    let args = args_hash(&[consumer.name]);
    let sealer = &cx.platform.sealer;
    let after = match sealer.open_page(PURPOSE, &principal, &args, &request.page_token)? {
        Some(payload) => {
            After::unpack(&payload).ok_or_else(|| Failure::internal("a sealed page token is malformed"))?
        }
        // Postgres knows no year as early as `Timestamp::MIN`, and nothing was parked before this.
        None => After { parked_at: Timestamp::UNIX_EPOCH, part: -1, position: -1, entity: <[String; 3]>::default() },
    };
    let group = (!principal.service).then(|| principal.group.clone());
    let page = Page { sql: consumer.sql.parked_page.clone(), consumer: consumer.name, group, after, size };
    let rows = match principal.service {
        true => cx.platform.db.work(Role::Worker, move |tx| page.read(tx)).await?,
        false => cx.platform.db.read(&principal, move |tx| page.read(tx)).await?,
    };
    let mut parked = Vec::with_capacity(rows.len());
    let mut last = None;
    for row in rows.iter().take(size as usize) {
        let after = After {
            parked_at: row.try_get::<jiff_sqlx::Timestamp, _>(6)?.to_jiff(),
            part: row.try_get(0)?,
            position: row.try_get(1)?,
            entity: [row.try_get(2)?, row.try_get(3)?, row.try_get(4)?],
        };
        let path = if row.try_get(7)? { ParkedPath::Timer } else { ParkedPath::Entry };
        let [group, rooftop, entity] = after.entity.clone();
        parked.push(Parked {
            consumer: consumer.name.to_owned(),
            part: u32::from(after.part as u16),
            position: after.position as u64,
            group,
            rooftop,
            entity,
            error: row.try_get(5)?,
            parked_at: Some(time::to_wire(after.parked_at)),
            path: path.into(),
        });
        last = Some(after);
    }
    let next_page_token = match last.filter(|_| rows.len() > size as usize) {
        Some(after) => sealer.page_token(PURPOSE, &principal, &args, &after.pack()),
        None => String::new(),
    };
    Ok(ListParkedResponse { parked, next_page_token })
}

pub(super) async fn retry(
    cx: &Context,
    principal: Principal,
    request: RetryParkedRequest,
) -> Result<RetryParkedResponse, Failure> {
    let consumer = consumer(cx, &request.consumer)?;
    let within = principal.in_group(&format!("groups/{}", request.group))?;
    let part = u8::try_from(request.part)
        .map_err(|_| Failure::invalid("part", format!("must be 0 to 255, was {}", request.part)))?;
    let (entries, timers) = (consumer.sql.retry_parked.clone(), consumer.sql.retry_timer.clone());
    let (name, entity) = (consumer.name, request.entity.clone());
    let write = cx.platform.db.write(&within, move |tx| {
        Box::pin(async move {
            let mut asked = [0; 2];
            for (asked, sql) in asked.iter_mut().zip([entries, timers]) {
                let asking = sqlx::query(sql)
                    .bind(name)
                    .bind(i16::from(part))
                    .bind(&request.group)
                    .bind(&request.rooftop)
                    .bind(&request.entity);
                *asked = asking.execute(tx.conn()).await?.rows_affected();
            }
            Ok(asked)
        })
    });
    let [entries, timers] = write.await.map_err(|error: sqlx::Error| Failure::from(error))?;
    if entries + timers == 0 {
        return Err(Failure::not_found("parked entity", entity));
    }
    Ok(RetryParkedResponse { entries, timers })
}

fn consumer(cx: &Context, name: &str) -> Result<Arc<Consumer>, Failure> {
    cx.logs.consumer(name).ok_or_else(|| not_served(name))
}

struct Page {
    sql: sqlx::SqlStr,
    consumer: &'static str,
    group: Option<String>,
    after: After,
    size: u32,
}

impl Page {
    /// One row more than the page has, if there is one.
    fn read(self, tx: &mut Tx) -> BoxFuture<'_, Result<Vec<sqlx::postgres::PgRow>, sqlx::Error>> {
        Box::pin(async move {
            let [group, rooftop, entity] = self.after.entity;
            sqlx::query(self.sql)
                .bind(self.consumer)
                .bind(self.group)
                .bind(jiff_sqlx::Timestamp::from(self.after.parked_at))
                .bind(self.after.part)
                .bind(self.after.position)
                .bind(group)
                .bind(rooftop)
                .bind(entity)
                .bind(i64::from(self.size) + 1)
                .fetch_all(tx.conn())
                .await
        })
    }
}

/// Where a page ends: the order is (parked_at, part, position, group, rooftop, entity).
#[derive(Clone, Debug, PartialEq, Eq)]
struct After {
    parked_at: Timestamp,
    part: i16,
    position: i64,
    /// Group, rooftop, entity.
    entity: [String; 3],
}

impl After {
    fn pack(&self) -> Vec<u8> {
        let mut bytes = self.parked_at.as_microsecond().to_be_bytes().to_vec();
        bytes.extend(self.part.to_be_bytes());
        bytes.extend(self.position.to_be_bytes());
        for name in &self.entity {
            bytes.extend((name.len() as u64).to_be_bytes());
            bytes.extend(name.as_bytes());
        }
        bytes
    }

    fn unpack(bytes: &[u8]) -> Option<Self> {
        let (at, rest) = bytes.split_first_chunk::<8>()?;
        let (part, rest) = rest.split_first_chunk::<2>()?;
        let (position, mut rest) = rest.split_first_chunk::<8>()?;
        let mut entity = <[String; 3]>::default();
        for name in &mut entity {
            let (length, bytes) = rest.split_first_chunk::<8>()?;
            let (text, bytes) = bytes.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
            *name = String::from_utf8(text.to_vec()).ok()?;
            rest = bytes;
        }
        Some(Self {
            parked_at: Timestamp::from_microsecond(i64::from_be_bytes(*at)).ok()?,
            part: i16::from_be_bytes(*part),
            position: i64::from_be_bytes(*position),
            entity,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_end_of_a_page_survives_packing(
            at in 0i64..4_000_000_000_000_000, part in 0i16..256, position in any::<i64>(), entity in any::<[String; 3]>(),
        ) {
            let after = After { parked_at: Timestamp::from_microsecond(at).unwrap(), part, position, entity };
            prop_assert_eq!(After::unpack(&after.pack()), Some(after));
        }
    }
}
