//! `ListConsumers`: how far each consumer of this process is.
use std::{collections::HashMap, sync::Arc, time::Duration};

use throughline_platform::failure::Failure;
use throughline_proto::{
    log::v1::{
        Consumer as Listed, GetHeadsRequest, ListConsumersResponse, StoppedPart, log_service_client::LogServiceClient,
    },
    time,
};

use crate::{Context, consumer::Consumer};

const ASK_FOR: Duration = Duration::from_secs(2);

pub(super) async fn list(cx: &Context) -> Result<ListConsumersResponse, Failure> {
    let mut consumers = Vec::new();
    for consumer in cx.logs.consumers() {
        consumers.push(listed(cx, consumer).await?);
    }
    Ok(ListConsumersResponse { consumers })
}

async fn listed(cx: &Context, consumer: Arc<Consumer>) -> Result<Listed, Failure> {
    let cursors = consumer.cursors().await?;
    // Cursors first: heads that are read later never make it look further than it is.
    let heads: HashMap<u16, u64> = heads(cx, &consumer).await?.into_iter().collect();
    let parked = consumer.parked().await?;
    let behind = |position: u64, part| heads.get(&part).copied().unwrap_or_default().saturating_sub(position);
    let lag_entries = cursors.iter().map(|cursor| behind(cursor.position, cursor.part)).sum();
    let oldest = consumer.progress.borrow().oldest.filter(|_| lag_entries > 0);
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
