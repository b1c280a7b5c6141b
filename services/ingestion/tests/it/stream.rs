use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use throughline_proto::{
    cloudevents::CloudEvent,
    ingestion::v1::{Outcome, StreamEventsRequest, StreamEventsResponse},
};
use tonic::{Code, Status};

use crate::kit::{Suite, event, reason, with};

fn batch(sequence: u64, events: Vec<CloudEvent>) -> StreamEventsRequest {
    StreamEventsRequest { sequence, events, ..StreamEventsRequest::default() }
}

async fn send(
    suite: &Suite,
    token: &str,
    batches: Vec<StreamEventsRequest>,
) -> Vec<Result<StreamEventsResponse, Status>> {
    let answers = suite.events(token).stream_events(stream::iter(batches)).await.unwrap();
    answers.into_inner().collect().await
}

#[tokio::test]
async fn each_batch_is_acknowledged_in_order() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let batches = (0..40_u64).map(|n| {
        // Sizes vary, so that later ones would be done first if they could.
        let events = (0..1 + (40 - n) * 3).map(|k| event(&format!("{n}-{k}"))).collect();
        StreamEventsRequest { brief: true, ..batch(n, events) }
    });
    let answers = send(&suite, &admin, batches.collect()).await;
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.unwrap()).collect();
    for (n, answer) in (0..).zip(&answers) {
        assert_eq!((answer.sequence, u64::from(answer.accepted)), (n, 1 + (40 - n) * 3));
        assert!(answer.results.is_empty() && !answer.consistency_token.is_empty());
    }
    assert_eq!(answers.len(), 40);
}

#[tokio::test]
async fn brief_answers_tell_of_what_was_not_accepted() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let events = vec![event("e-1"), event("e-1"), with(event("e-2"), "time", "never"), event("e-3")];
    let answers = send(&suite, &admin, vec![StreamEventsRequest { brief: true, ..batch(7, events) }]).await;
    let answer = answers[0].as_ref().unwrap();
    assert_eq!((answer.accepted, answer.duplicates), (2, 1));
    let told: Vec<(&str, Outcome)> =
        answer.results.iter().map(|result| (result.id.as_str(), result.outcome())).collect();
    assert_eq!(told, [("e-1", Outcome::Duplicate), ("e-2", Outcome::Quarantined)]);
}

#[tokio::test]
async fn a_batch_that_is_wrong_as_a_whole_ends_the_stream_after_those_before_it() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let batches = vec![batch(1, vec![event("e-1")]), batch(2, vec![]), batch(3, vec![event("e-3")])];
    let answers = send(&suite, &admin, batches).await;
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0].as_ref().unwrap().accepted, 1);
    let status = answers[1].as_ref().unwrap_err();
    assert_eq!((status.code(), reason(status).as_str()), (Code::InvalidArgument, "INVALID_FIELD"));
    assert_eq!(suite.logged_events().await.len(), 1);
}

#[tokio::test]
async fn a_key_that_is_revoked_ends_its_stream() {
    use throughline_proto::tenant::v1::{GetCallerRequest, RevokeApiKeyRequest};
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let key = suite.key(&admin, &["ingest"], &[], &[]).await;
    let (batches, queued) = tokio::sync::mpsc::channel(1);
    let queued = tokio_stream::wrappers::ReceiverStream::new(queued);
    let mut answers = suite.events(&key).stream_events(queued).await.unwrap().into_inner();
    batches.send(batch(1, vec![event("e-1")])).await.unwrap();
    assert_eq!(answers.message().await.unwrap().unwrap().accepted, 1);
    let name = suite.directory(&key).get_caller(GetCallerRequest {}).await.unwrap().into_inner().api_key.unwrap().name;
    suite.directory(&admin).revoke_api_key(RevokeApiKeyRequest { name, actor: String::new() }).await.unwrap();
    batches.send(batch(2, vec![event("e-2")])).await.unwrap();
    assert_eq!(answers.message().await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_events_from_eight_senders_are_each_accepted_once() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    for rooftop in ["r1", "r2", "r3", "r4", "r5"] {
        suite.rooftop(&admin, "summit", rooftop).await;
    }
    let all: Vec<CloudEvent> = (0..1_200)
        .map(|n| with(event(&format!("e-{n}")), "rooftop", ["north", "r1", "r2", "r3", "r4", "r5"][n % 6]))
        .collect();
    let senders = (0..8_usize).map(|sender| {
        let (suite, admin, mut events) = (&suite, &admin, all.clone());
        async move {
            // Each in an order and in sizes of its own.
            events.rotate_left(sender * 150);
            if sender % 2 == 1 {
                events.reverse();
            }
            let batches = events.chunks(50 + sender * 20).zip(0..).map(|(chunk, n)| batch(n, chunk.to_vec()));
            send(suite, admin, batches.collect()).await
        }
    });
    let answers = futures::future::join_all(senders).await;
    let mut outcomes: BTreeMap<Outcome, usize> = BTreeMap::new();
    let mut accepted = Vec::new();
    for result in answers.into_iter().flatten().flat_map(|answer| answer.unwrap().results) {
        *outcomes.entry(result.outcome()).or_default() += 1;
        if result.outcome() == Outcome::Accepted {
            accepted.push(result.id);
        }
    }
    assert_eq!(outcomes, BTreeMap::from([(Outcome::Accepted, 1_200), (Outcome::Duplicate, 7 * 1_200)]));
    assert_eq!(accepted.into_iter().collect::<BTreeSet<_>>().len(), 1_200);

    let log = suite.log().await;
    assert_eq!(log.len(), 6);
    for entries in log.values() {
        let positions: Vec<i64> = entries.iter().map(|entry| entry.position).collect();
        assert_eq!(positions, (1..=201).collect::<Vec<i64>>());
    }
    assert_eq!(suite.count("SELECT sum(accepted)::bigint FROM ingestion.feed").await, 1_200);
    assert_eq!(suite.count("SELECT sum(duplicates)::bigint FROM ingestion.feed").await, 7 * 1_200);
}
