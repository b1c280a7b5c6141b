use std::sync::atomic::Ordering;

use throughline_platform::peers::Peer;
use throughline_proto::log::v1::{ListConsumersRequest, log_service_client::LogServiceClient};
use throughline_testkit::eventually;

use crate::world::{Reader, SOON, client, count, database, effects, letter, post, process, process_with, superuser};

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_has_its_effects_once_and_in_order() {
    let database = database().await;
    let process = process(&database).await;
    Reader::default().follow(&process);
    for round in 0..40u16 {
        post(&process, (0..50u16).map(|n| letter((round * 3 + n) % 40, "x")).collect()).await;
    }
    let mut conn = superuser(&database).await;
    eventually(SOON, async || count(&mut conn, "reading.effect").await >= 2_000).await;
    let effects = effects(&mut conn).await;
    assert_eq!(effects.len(), 2_000);
    for part in 0..40 {
        let positions: Vec<i64> = effects.iter().filter(|effect| effect.0 == part).map(|effect| effect.1).collect();
        assert_eq!(positions, (1..=positions.len() as i64).collect::<Vec<_>>(), "part {part}");
    }
    process.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_starts_again_goes_on_where_it_was() {
    let database = database().await;
    for round in 1..=3 {
        let process = process(&database).await;
        Reader::default().follow(&process);
        post(&process, (0..100u16).map(|n| letter(n % 9, "x")).collect()).await;
        let mut conn = superuser(&database).await;
        eventually(SOON, async || count(&mut conn, "reading.effect").await >= round * 100).await;
        process.stop().await.unwrap();
        assert_eq!(count(&mut conn, "reading.effect").await, round * 100);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_position_stops_its_part_alone_and_loudly() {
    let database = database().await;
    let process = process(&database).await;
    post(&process, (0..20u16).map(|n| letter(n % 2 + 1, "x")).collect()).await;
    let mut conn = superuser(&database).await;
    sqlx::query("delete from post.event_log where part = 1 and pos = 5").execute(&mut conn).await.unwrap();
    Reader::default().follow(&process);
    eventually(SOON, async || count(&mut conn, "reading.effect").await >= 14).await;

    post(&process, vec![letter(1, "x"), letter(2, "x")]).await;
    eventually(SOON, async || count(&mut conn, "reading.effect").await >= 15).await;
    let effects = effects(&mut conn).await;
    assert_eq!(effects.iter().filter(|effect| effect.0 == 1).map(|effect| effect.1).collect::<Vec<_>>(), [1, 2, 3, 4]);

    let listed = eventually(SOON, async || {
        let listed = client(&process).list_consumers(ListConsumersRequest {}).await.unwrap().into_inner();
        listed.consumers.into_iter().find(|consumer| consumer.stopped_parts == [1])
    })
    .await;
    assert_eq!((listed.consumer.as_str(), listed.log.as_str(), listed.lag_entries), ("reader", "event", 7));
    assert!(process.cx.platform.metrics.encode().contains("journal_stopped_parts{consumer=\"reader\"} 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_tail_stops_its_part_when_more_comes() {
    let database = database().await;
    let process = process(&database).await;
    post(&process, (0..5).map(|_| letter(1, "x")).collect()).await;
    let mut conn = superuser(&database).await;
    sqlx::query("delete from post.event_log where part = 1 and pos >= 4").execute(&mut conn).await.unwrap();
    Reader::default().follow(&process);
    eventually(SOON, async || count(&mut conn, "reading.effect").await >= 3).await;
    post(&process, vec![letter(1, "x")]).await;
    eventually(SOON, async || {
        process.cx.platform.metrics.encode().contains("journal_stopped_parts{consumer=\"reader\"} 1")
    })
    .await;
    assert_eq!(count(&mut conn, "reading.effect").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_survives_the_death_of_the_process_that_keeps_the_log() {
    let database = database().await;
    let keeper = process(&database).await;
    let address = keeper.grpc_addr;
    let reading =
        process_with(&database, None, |options| options.ingestion_url = Some(format!("http://{address}"))).await;
    let reader = Reader::default().follow(&reading);
    post(&keeper, vec![letter(1, "x")]).await;
    let mut conn = superuser(&database).await;
    eventually(SOON, async || count(&mut conn, "reading.effect").await == 1).await;
    keeper.stop().await.unwrap();

    let keeper = process_with(&database, None, |options| options.grpc = address).await;
    post(&keeper, vec![letter(1, "y")]).await;
    eventually(SOON, async || count(&mut conn, "reading.effect").await == 2).await;
    assert_eq!(reader.away.load(Ordering::SeqCst), 0);
    let mut peer = LogServiceClient::new(reading.cx.platform.peers.channel(Peer::Ingestion));
    assert!(peer.list_consumers(ListConsumersRequest {}).await.unwrap().into_inner().consumers.is_empty());
}
