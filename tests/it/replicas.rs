//! Several processes of one service on one database: who sleeps through a lease writes nothing, who dies is replaced, and
//! word travels between them through Redis, also after it was away.
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;
use throughline_proto::{
    deal::v1::{DealKey, GetDealRequest, GetStateHashRequest, deal_service_client::DealServiceClient},
    event::v1::Origin,
    ingestion::v1::{AppendEventsRequest, Outcome, ingestion_service_client::IngestionServiceClient},
    log::v1::{WaitForRequest, log_service_client::LogServiceClient},
};
use throughline_testkit::{Scratch, eventually};
use tonic::{Code, Status, transport::Channel};

use crate::{
    books, events,
    fleet::{Fleet, Process},
    record::write_lines,
    suite::{Suite, add_rooftop, keyed, metric, signal},
};

/// A lease of these fleets; a replica that is not heard of for longer loses its parts.
const LEASE: &str = "2s";
/// Parts that a replica works on at once: of more that wait, some are the other's.
const AT_ONCE: i64 = 4;
/// How long parts may take to move, with a lease to run out and a busy machine.
const MOVED: Duration = Duration::from_secs(60);

/// Appends lines as history; returns the token that stands for them.
async fn append(channel: Channel, key: &str, lines: &[String]) -> String {
    let events = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let request = AppendEventsRequest {
        events: events.map(|event| events::cloud_event(&event)).collect(),
        origin: Origin::Backfill.into(),
        actor: String::new(),
    };
    let answer = IngestionServiceClient::new(channel).append_events(keyed(key, request)).await.unwrap().into_inner();
    let taken = |outcome| matches!(outcome, Outcome::Accepted | Outcome::Duplicate);
    assert!(answer.results.iter().all(|result| taken(result.outcome())), "{:?}", answer.results);
    answer.consistency_token
}

/// Waits until deal-state has folded everything that a token stands for.
async fn folded(process: &Process, key: &str, token: &str) {
    let request = WaitForRequest {
        consumer: "deal-state".to_owned(),
        consistency_token: token.to_owned(),
        timeout: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
    };
    LogServiceClient::new(process.channel().await).wait_for(keyed(key, request)).await.unwrap();
}

async fn state_hash(process: &Process, key: &str) -> String {
    let request = GetStateHashRequest { parent: "groups/main".to_owned(), at_least: String::new() };
    let answer = DealServiceClient::new(process.channel().await).get_state_hash(keyed(key, request)).await.unwrap();
    answer.into_inner().state_hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What one process that nobody disturbs makes of these lines.
async fn undisturbed(lines: &[String]) -> String {
    let scratch = Scratch::new();
    let suite = Suite::start(scratch.path(), &[]).await;
    let file = scratch.path().join("events.jsonl");
    write_lines(&file, lines);
    assert!(suite.run(&["import", "--create-rooftops", file.to_str().unwrap()]).await.status.success());
    let hash = suite.state_hash().await;
    assert!(suite.stop().await.success());
    hash
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_slept_through_its_lease_writes_nothing_stale() {
    let lines = events::simulated(11, 16);
    let fleet = Fleet::start().await;
    let ingestion = fleet.spawn("throughline-ingestion", "ingestion", &[]).await;
    let url = ingestion.url();
    let settings = [("THROUGHLINE_INGESTION_URL", url.as_str()), ("THROUGHLINE_LEASE", LEASE)];
    let first = fleet.spawn("throughline-deal-state", "first", &settings).await;
    let second = fleet.spawn("throughline-deal-state", "second", &settings).await;
    let key = fleet.group(&ingestion, "main").await;
    let (mut db, mut gate) = (fleet.database().await, fleet.database().await);
    for rooftop in events::rooftops(&lines) {
        add_rooftop(ingestion.channel().await, &key, &rooftop).await;
    }
    eventually(MOVED, async || books::owners(&mut db).await.len() == 2).await;

    // Each in turn falls asleep with batches in hand and in transactions, wakes up to find that another did them, and
    // takes its share again.
    let mut chunks = lines.chunks(lines.len().div_ceil(10));
    let mut next = async || append(ingestion.channel().await, &key, chunks.next().unwrap()).await;
    for (sleeper, awake) in [(&first, &second), (&second, &first), (&first, &second)] {
        let held = books::hold_deal_log(&mut gate).await;
        let token = next().await;
        eventually(MOVED, async || books::waiting_for_deal_log(&mut db).await > AT_ONCE).await;
        signal(sleeper.pid(), Signal::SIGSTOP);
        held.rollback().await.unwrap();
        eventually(MOVED, async || books::owners(&mut db).await.len() == 1).await;
        folded(awake, &key, &token).await;
        let token = next().await;
        folded(awake, &key, &token).await;
        signal(sleeper.pid(), Signal::SIGCONT);
        next().await;
        eventually(MOVED, async || books::owners(&mut db).await.len() == 2).await;
    }
    for process in [&first, &second] {
        let refused = metric(&process.http, "journal_lost_leases_total", &[r#"consumer="deal-state""#]).await;
        assert!(refused > 0.0, "it tried to write what it had in hand, and that was refused");
    }

    // One dies for good.
    first.kill().await;
    let token = next().await;
    folded(&second, &key, &token).await;
    eventually(MOVED, async || books::owners(&mut db).await.len() == 1).await;
    let leased = [r#"consumer="deal-state""#];
    eventually(MOVED, async || metric(&second.http, "journal_leased_parts", &leased).await == 256.0).await;

    assert_eq!(state_hash(&second, &key).await, undisturbed(&lines).await);
    books::assert_whole(&mut db, &books::LOGS[..2]).await;
    books::assert_revisions_rise(&mut db).await;
    assert_eq!(books::accepted(&mut db).await, events::identities(&lines));
}

/// With a poll that never comes, an event that another process took in is seen only by those whom Redis tells.
#[tokio::test(flavor = "multi_thread")]
async fn wake_ups_between_processes_come_back_with_redis() {
    let never = ("THROUGHLINE_POLL", "1h");
    let mut fleet = Fleet::start().await;
    let edge = fleet.spawn("throughline-ingestion", "edge", &[never]).await;
    let owner = fleet.spawn("throughline-ingestion", "owner", &[never]).await;
    let url = owner.url();
    let deals = fleet.spawn("throughline-deal-state", "deals", &[never, ("THROUGHLINE_INGESTION_URL", &url)]).await;
    let key = fleet.group(&edge, "main").await;
    add_rooftop(edge.channel().await, &key, "A1").await;

    // Whoever listens may still be about to: the first events may pass unheard, a later one brings them along.
    let mut events = 0;
    let mut seen_after_one_more = async || {
        events += 1;
        let time = format!("2026-09-05T15:{events:02}:00Z");
        let event = events::event("A1", &events.to_string(), "deal.opened", "D-1", &time).to_string();
        let token = append(edge.channel().await, &key, &[event]).await;
        deal(&deals, &key, token).await.map(|deal| assert_eq!(deal.event_count, events))
    };
    eventually(MOVED, async || seen_after_one_more().await).await;

    fleet.servers.redis.stop().await;
    let unheard = seen_after_one_more().await.unwrap_err();
    assert_eq!(unheard.code(), Code::DeadlineExceeded, "{unheard:?}");
    fleet.servers.redis.restart().await.unwrap();
    eventually(MOVED, async || seen_after_one_more().await).await;

    let mut db = fleet.database().await;
    books::assert_whole(&mut db, &books::LOGS[..2]).await;
}

/// Deal D-1 once it contains what the token stands for.
async fn deal(process: &Process, key: &str, at_least: String) -> Result<throughline_proto::deal::v1::Deal, Status> {
    let key_of_deal = DealKey { kind: String::new(), scope: String::new(), value: "D-1".to_owned() };
    let request = GetDealRequest {
        name: "groups/main/rooftops/A1/deals/-".to_owned(),
        key: Some(key_of_deal),
        at_least,
        known_at: None,
    };
    let answer = DealServiceClient::new(process.channel().await).get_deal(keyed(key, request)).await?;
    Ok(answer.into_inner())
}
