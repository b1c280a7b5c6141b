//! Reading one's own writes: waiting until a consumer covers what a token names, through as many logs as lie between.
use std::time::Duration;

use throughline_platform::{failure::Failure, peers::Peer};
use throughline_proto::{
    error::v1::Reason,
    log::v1::{WaitForRequest, log_service_client::LogServiceClient},
    time,
};
use tokio::time::Instant;

use crate::{Context, Positions, consumer::Consumer, token};

/// Waits until `consumer`, which this process serves, has committed the effects of everything that `at_least` names: a
/// token of the log that it follows, of its service's own log, or of a log further upstream. Empty waits for nothing.
///
/// DEADLINE_EXCEEDED if it has not come so far in time, INVALID_ARGUMENT for a token that was not issued here or names a
/// log that does not lead to the consumer.
pub async fn wait_for(cx: &Context, consumer: &str, at_least: &str, timeout: Duration) -> Result<(), Failure> {
    if at_least.is_empty() {
        return Ok(());
    }
    let by = Instant::now() + timeout;
    let consumer = cx.logs.consumer(consumer).ok_or_else(|| not_served(consumer))?;
    let (log, positions) = token::open_token(&cx.platform.sealer, at_least)?;
    if log == consumer.log {
        return consumer.caught_up(&positions, by).await;
    }
    if let Some(own) = cx.logs.log_of(consumer.schema).filter(|own| own.name() == log) {
        return reached(&own, &positions).await;
    }
    let translated = translate(cx, &consumer, at_least, by).await?;
    consumer.caught_up(&translated, by).await
}

pub(crate) fn not_served(consumer: &str) -> Failure {
    Failure::not_found("consumer", consumer)
}

/// What is in the log has had its effects: both are one commit. Only a token of another database's log is ahead of it.
async fn reached(own: &crate::Log, positions: &Positions) -> Result<(), Failure> {
    let heads = own.heads().await?;
    let short = positions
        .iter()
        .any(|(part, position)| position > heads.iter().find(|head| head.0 == part).map_or(0, |head| head.1));
    if short { Err(ahead(own.name())) } else { Ok(()) }
}

fn ahead(log: &str) -> Failure {
    Failure::new(
        tonic::Code::InvalidArgument,
        Reason::InvalidToken,
        format!("the consistency token lies beyond the end of log {log:?}"),
    )
    .with("log", log)
}

/// Asks the owner of the log that this consumer follows to wait first, and for the place in its own log by then.
async fn translate(cx: &Context, consumer: &Consumer, at_least: &str, by: Instant) -> Result<Positions, Failure> {
    let Some((writer, peer)) = writer_of(consumer.log) else {
        return Err(Failure::new(
            tonic::Code::InvalidArgument,
            Reason::InvalidToken,
            format!("the consistency token names a log that does not lead to consumer {:?}", consumer.name),
        )
        .with("consumer", consumer.name));
    };
    let left = by.saturating_duration_since(Instant::now());
    let mut request = tonic::Request::new(WaitForRequest {
        consumer: writer.to_owned(),
        consistency_token: at_least.to_owned(),
        timeout: Some(time::duration_to_wire(left)),
    });
    request.set_timeout(left + Duration::from_secs(1));
    let answer = LogServiceClient::new(cx.platform.peers.channel(peer))
        .wait_for(request)
        .await
        .map_err(|status| Failure::from_peer(writer, status))?;
    let (log, positions) = token::open_token(&cx.platform.sealer, &answer.into_inner().consistency_token)?;
    if log != consumer.log {
        return Err(Failure::internal(format!(
            "{writer} answered with a token of log {log:?}, not {:?}",
            consumer.log
        )));
    }
    Ok(positions)
}

/// The consumer from whose work a log comes, and who serves it. The event log comes from outside.
fn writer_of(log: &str) -> Option<(&'static str, Peer)> {
    match log {
        "deal" => Some(("deal-state", Peer::DealState)),
        "flag" => Some(("rules", Peer::Rules)),
        _ => None,
    }
}
