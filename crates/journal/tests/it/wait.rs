use std::time::Duration;

use throughline_journal::wait_for;
use throughline_proto::log::v1::WaitForRequest;
use tokio::sync::Semaphore;
use tonic::Code;

use crate::world::{Reader, Sorter, client, count, database, letter, post, process, superuser};

const ENOUGH: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_waits_for_its_own_writes_through_every_log_in_between() {
    let database = database().await;
    let process = process(&database).await;
    Sorter::follow(&process);
    let spec =
        throughline_journal::FollowerSpec { consumer: "rules", log: "deal", ..crate::world::spec("rules", "deal") };
    let reader = std::sync::Arc::new(Reader::default());
    throughline_journal::Follower::new(&process.cx, spec, reader).spawn();
    let mut conn = superuser(&database).await;
    for round in 1..=20 {
        let token = post(&process, (0..10u16).map(|part| letter(part, "x")).collect()).await;
        wait_for(&process.cx, "rules", &token, ENOUGH).await.unwrap();
        assert_eq!(count(&mut conn, "reading.effect").await, round * 10);
    }
    // The answer of a service that keeps a log is a place in its own log.
    let token = post(&process, vec![letter(3, "x")]).await;
    let request = WaitForRequest { consumer: "deal-state".to_owned(), consistency_token: token, timeout: None };
    let translated = client(&process).wait_for(request).await.unwrap().into_inner().consistency_token;
    wait_for(&process.cx, "rules", &translated, ENOUGH).await.unwrap();
    wait_for(&process.cx, "deal-state", &translated, ENOUGH).await.unwrap();
    assert_eq!(count(&mut conn, "reading.effect").await, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_at_its_time_and_tokens_must_be_ours() {
    let database = database().await;
    let process = process(&database).await;
    let reader = Reader { gate: Semaphore::new(0), ..Reader::default() };
    let reader = reader.follow(&process);
    let token = post(&process, vec![letter(3, "x")]).await;
    wait_for(&process.cx, "reader", "", Duration::ZERO).await.unwrap();
    let late = wait_for(&process.cx, "reader", &token, Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(late.code(), Code::DeadlineExceeded);
    let forged = wait_for(&process.cx, "reader", "bm9uc2Vuc2U", ENOUGH).await.unwrap_err();
    assert_eq!((forged.code(), forged.reason_text()), (Code::InvalidArgument, "INVALID_TOKEN"));
    let unknown = wait_for(&process.cx, "nobody", &token, ENOUGH).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let astray = process.cx.logs.log("deal").unwrap().token(&[(3, 1)]);
    let astray = wait_for(&process.cx, "reader", &astray, ENOUGH).await.unwrap_err();
    assert_eq!(astray.code(), Code::InvalidArgument);
    reader.gate.add_permits(1_000);
    wait_for(&process.cx, "reader", &token, ENOUGH).await.unwrap();
}
