//! Weeks of twelve stores, with repeated, late and disordered events, as a vendor would send them.

use std::{collections::BTreeMap, fs::File, io::Read};

use flate2::read::MultiGzDecoder;
use futures::{StreamExt, stream};
use serde_json::Value;
use throughline_proto::{
    cloudevents::{CloudEvent, cloud_event::Data},
    event::v1::Origin,
    ingestion::v1::{Outcome, StreamEventsRequest},
};

use crate::kit::{Suite, at, with};

fn cloud_event(line: &str) -> CloudEvent {
    let sent: Value = serde_json::from_str(line).unwrap();
    let text = |name: &str| sent[name].as_str().unwrap_or_default().to_owned();
    let event = CloudEvent {
        id: text("id"),
        source: text("source"),
        spec_version: text("specversion"),
        r#type: text("type"),
        data: Some(Data::TextData(sent["data"].to_string())),
        ..CloudEvent::default()
    };
    ["subject", "rooftop", "time"].into_iter().fold(event, |event, name| match sent[name].as_str() {
        Some(value) => with(event, name, value),
        None => event,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weeks_of_stores_are_taken_whole_and_a_second_time_not_at_all() {
    let Some(shared) = throughline_testkit::samples() else { return };
    let mut lines = String::new();
    for file in ["history.jsonl.gz", "test.jsonl.gz"] {
        let file = File::open(shared.join("samples/store-days").join(file)).unwrap();
        MultiGzDecoder::new(file).read_to_string(&mut lines).unwrap();
    }
    let events: Vec<CloudEvent> = lines.lines().map(cloud_event).collect();
    assert_eq!(events.len(), 82_307);

    let suite = Suite::start().await;
    suite.hand.set(at("2026-11-24T00:00:00Z"));
    let admin = suite.group("summit").await;
    for n in 1..=12 {
        suite.rooftop(&admin, "summit", &format!("RT{n:03}")).await;
    }
    for (round, expected) in [(81_541, 766), (0, 82_307)].into_iter().enumerate() {
        let origin = Origin::Backfill as i32;
        let batches: Vec<StreamEventsRequest> = events
            .chunks(2_000)
            .zip(0..)
            .map(|(events, sequence)| StreamEventsRequest { sequence, events: events.to_vec(), origin, brief: false })
            .collect();
        let answers = suite.events(&admin).stream_events(stream::iter(batches)).await.unwrap().into_inner();
        let answers: Vec<_> = answers.map(|answer| answer.unwrap()).collect().await;
        let mut outcomes: BTreeMap<Outcome, usize> = BTreeMap::new();
        for result in answers.iter().flat_map(|answer| &answer.results) {
            *outcomes.entry(result.outcome()).or_default() += 1;
            assert!(result.dropped_fields.is_empty(), "{result:?}");
        }
        let (accepted, duplicates) = expected;
        let mut wanted = BTreeMap::from([(Outcome::Accepted, accepted), (Outcome::Duplicate, duplicates)]);
        wanted.retain(|_, count| *count > 0);
        assert_eq!(outcomes, wanted, "round {round}");
    }
    // Twelve rooftops and every distinct event, without a gap.
    assert_eq!(suite.count("SELECT sum(pos)::bigint FROM ingestion.event_head").await, 81_541 + 12);
    assert_eq!(suite.count("SELECT count(*) FROM ingestion.event_log").await, 81_541 + 12);
}
