use std::collections::HashMap;

use throughline_platform::{Principal, clock::Clock};
use throughline_proto::log::v1::{GetHeadsRequest, PartPosition, SubscribeRequest};
use throughline_testkit::{ends_within, eventually};
use tonic::Code;
use tonic_types::StatusExt;

use crate::world::{
    Reader, SOON, append, client, count, database, event_log, letter, post, process, process_with, superuser,
};

fn request(parts: &[(u32, u64)]) -> SubscribeRequest {
    SubscribeRequest {
        log: "event".to_owned(),
        after: parts.iter().map(|(part, position)| PartPosition { part: *part, position: *position }).collect(),
        consumer: "test".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_come_in_order_from_their_cursors_and_completeness_behind_them() {
    let database = database().await;
    let process = process(&database).await;
    post(&process, (0..3_000u16).map(|n| letter(n % 3, "x")).collect()).await;
    let mut stream = client(&process).subscribe(request(&[(0, 0), (1, 990)])).await.unwrap().into_inner();
    let mut last: HashMap<u32, u64> = HashMap::from([(0, 0), (1, 990)]);
    let mut complete = Vec::new();
    while complete.len() < 2 {
        let message = ends_within(SOON, stream.message()).await.unwrap().unwrap();
        assert!(message.entries.len() <= 1_000);
        for entry in message.entries {
            let last = last.get_mut(&entry.part).unwrap();
            assert_eq!(entry.position, *last + 1);
            *last = entry.position;
        }
        for part in message.complete {
            assert_eq!(last[&part.part], 1_000);
            complete.push(part.part);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_come_in_messages_of_about_a_megabyte() {
    let database = database().await;
    let process = process(&database).await;
    let mut entries = Vec::new();
    for _ in 0..40 {
        let mut large = letter(1, "x");
        large.body = vec![0; 200_000].into();
        entries.push(large);
    }
    post(&process, entries).await;
    let mut stream = client(&process).subscribe(request(&[(1, 0)])).await.unwrap().into_inner();
    let mut received = 0;
    while received < 40 {
        let message = ends_within(SOON, stream.message()).await.unwrap().unwrap();
        let bytes: usize = message.entries.iter().map(|entry| entry.body.len()).sum();
        assert!(bytes <= 1_400_000, "{bytes} bytes in a message");
        received += message.entries.len();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_before_what_is_kept_is_out_of_range_and_stops_its_part() {
    let database = database().await;
    let (clock, hand) = Clock::manual("2026-01-05T00:00:00Z".parse().unwrap());
    let process = process_with(&database, Some(clock.clone()), |_| {}).await;
    let log = event_log(&process);
    for month in ["2026-01-05T00:00:00Z", "2026-02-05T00:00:00Z", "2026-03-05T00:00:00Z"] {
        hand.set(month.parse().unwrap());
        append(&process, &log, clock.now(), vec![letter(1, "x"), letter(1, "x")]).await.unwrap();
    }
    let mut conn = superuser(&database).await;
    let dropped: i32 = sqlx::query_scalar("select journal.drop_months_before('post', 'event', '2026-03-01')")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!((dropped, count(&mut conn, "post.event_log").await), (2, 2));

    let refused = eventually(SOON, async || {
        let mut stream = client(&process).subscribe(request(&[(1, 3)])).await.unwrap().into_inner();
        stream.message().await.err().filter(|status| status.code() == Code::OutOfRange)
    })
    .await;
    let details = refused.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!((info.reason.as_str(), info.metadata["part"].as_str()), ("CURSOR_TOO_OLD", "1"));
    assert_eq!(info.metadata["first_position"], "5");
    let mut stream = client(&process).subscribe(request(&[(1, 4)])).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().entries[0].position, 5);

    Reader::default().follow(&process);
    post(&process, vec![letter(2, "x")]).await;
    eventually(SOON, async || count(&mut conn, "reading.effect").await == 1).await;
    eventually(SOON, async || count(&mut conn, "reading.cursor where stopped_why is not null").await == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_refused() {
    let database = database().await;
    let process = process(&database).await;
    let unknown = client(&process).get_heads(GetHeadsRequest { log: "diary".to_owned() }).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let beyond = client(&process).subscribe(request(&[(0, 0), (256, 0)])).await.unwrap_err();
    assert_eq!(beyond.code(), Code::InvalidArgument);
    assert_eq!(beyond.get_error_details().bad_request().unwrap().field_violations[0].field, "after[1]");
    // Only services subscribe; the check stands before everything else.
    assert!(Principal { service: false, ..Principal::service() }.require_service().is_err());
}
