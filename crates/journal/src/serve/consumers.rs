//! `ListConsumers`: how far each consumer of this process is.
use std::{collections::HashMap, sync::Arc, time::Duration};

use sqlx::Row;
use throughline_platform::{db::Role, failure::Failure, jiff_sqlx};
use throughline_proto::{
    log::v1::{
        Consumer as Listed, GetHeadsRequest, ListConsumersResponse, LogClock, StoppedPart,
        log_service_client::LogServiceClient,
    },
    time,
};

use crate::{Context, Log, consumer::Consumer};

const ASK_FOR: Duration = Duration::from_secs(2);

pub(super) async fn list(cx: &Context) -> Result<ListConsumersResponse, Failure> {
    let mut consumers = Vec::new();
    for consumer in cx.logs.consumers() {
        consumers.push(listed(cx, consumer).await?);
    }
    let mut clocks = Vec::new();
    for log in cx.logs.logs() {
        clocks.push(clock(&log).await?);
    }
    Ok(ListConsumersResponse { consumers, clocks })
}

async fn clock(log: &Log) -> Result<LogClock, Failure> {
    let sql = log.sql().clock_steps.clone();
    let row = log
        .platform()
        .db
        .statement(Role::Worker, move |tx| Box::pin(async move { sqlx::query(sql).fetch_one(tx.conn()).await }))
        .await?;
    let instant = |column| {
        let at: Option<jiff_sqlx::Timestamp> = row.try_get(column)?;
        Ok::<_, sqlx::Error>(at.map(|at| time::to_wire(at.to_jiff())))
    };
    Ok(LogClock {
        log: log.name().to_owned(),
        clock_steps: row.try_get::<i64, _>(0)? as u64,
        last_stepped_from: instant(1)?,
        last_stepped_to: instant(2)?,
        ahead: Some(time::duration_to_wire(Duration::try_from(log.watched().ahead()).unwrap_or_default())),
    })
}

async fn listed(cx: &Context, consumer: Arc<Consumer>) -> Result<Listed, Failure> {
    let cursors = consumer.cursors().await?;
    // Cursors first: heads that are read later never make it look further than it is.
    let heads: HashMap<u16, u64> = heads(cx, &consumer).await?.into_iter().collect();
    let parked = consumer.parked().await?;
    let behind = |position: u64, part| heads.get(&part).copied().unwrap_or_default().saturating_sub(position);
    let lag_entries = cursors.iter().map(|cursor| behind(cursor.position, cursor.part)).sum();
    let progress = *consumer.progress.borrow();
    let oldest = progress.oldest.filter(|_| lag_entries > 0);
    let lag = oldest.and_then(|oldest| Duration::try_from(cx.platform.clock.now().duration_since(oldest)).ok());
    let stopped = cursors.iter().filter_map(|cursor| {
        let reason = cursor.stopped.clone()?;
        Some(StoppedPart { part: u32::from(cursor.part), reason })
    });
    Ok(Listed {
        consumer: consumer.name.to_owned(),
        log: consumer.log.to_owned(),
        lag_entries,
        lag_time: Some(time::duration_to_wire(lag.unwrap_or_default())),
        parts_leased: cursors.iter().filter(|cursor| cursor.leased).count() as u32,
        parked_entities: parked.entities,
        parked_entries: parked.entries,
        parked_timers: parked.timers,
        stopped: stopped.collect(),
        stopped_parts: cursors
            .iter()
            .filter(|cursor| cursor.stopped.is_some())
            .map(|cursor| u32::from(cursor.part))
            .collect(),
        clock_behind: Some(time::duration_to_wire(Duration::try_from(progress.behind).unwrap_or_default())),
    })
}

async fn heads(cx: &Context, consumer: &Consumer) -> Result<Vec<(u16, u64)>, Failure> {
    if let Some(log) = cx.logs.log(consumer.log) {
        return log.heads().await;
    }
    let mut request = tonic::Request::new(GetHeadsRequest { log: consumer.log.to_owned() });
    request.set_timeout(ASK_FOR);
    let answer = LogServiceClient::new(cx.platform.peers.channel(consumer.peer))
        .get_heads(request)
        .await
        .map_err(|status| Failure::from_peer("the owner of the log", status))?;
    Ok(answer.into_inner().heads.iter().map(|head| (head.part as u16, head.position)).collect())
}
