//! Whatever dies in the middle of an import: nothing acknowledged is lost, nothing is applied twice, no log has a gap.
use std::{collections::BTreeSet, path::Path, time::Duration};

use nix::sys::signal::Signal;
use serde_json::json;
use throughline_testkit::{OwnServers, Scratch, connect, eventually};
use tokio::sync::OnceCell;

use crate::{
    books, events,
    record::write_lines,
    suite::{Suite, add_rooftop, finish, signal},
};

/// How long an import may take to be under way.
const UNDER_WAY: Duration = Duration::from_secs(120);
/// Lines of a batch in the streams of these tests: short, so that there is a middle.
const BATCH: usize = 50;

/// What an import ends in that nobody disturbs.
async fn undisturbed(lines: &[String]) -> String {
    let scratch = Scratch::new();
    let suite = Suite::start(scratch.path(), &[]).await;
    let file = scratch.path().join("events.jsonl");
    write_lines(&file, lines);
    import_all(&suite, &file, lines).await;
    let hash = suite.state_hash().await;
    assert!(suite.stop().await.success());
    hash
}

/// The same for a simulated Saturday, which several tests here import.
async fn saturday() -> (Vec<String>, String) {
    static HASH: OnceCell<String> = OnceCell::const_new();
    let lines = events::simulated(5, 3);
    let hash = HASH.get_or_init(|| undisturbed(&lines)).await.clone();
    (lines, hash)
}

/// Imports a file to its end, whatever of it was accepted before; returns how much.
async fn import_all(suite: &Suite, file: &Path, lines: &[String]) -> usize {
    let summary = suite.run(&["import", "--create-rooftops", file.to_str().unwrap()]).await.line();
    let count = |name: &str| summary[name].as_u64().unwrap() as usize;
    assert_eq!((count("read"), count("quarantined")), (lines.len(), 0), "{summary}");
    assert_eq!(count("accepted") + count("duplicate"), lines.len(), "{summary}");
    count("duplicate")
}

/// Adds the rooftops that lines name; one that is there already stays as it is.
async fn add_rooftops(suite: &Suite, lines: &[String]) {
    for rooftop in events::rooftops(lines) {
        add_rooftop(suite.channel().await, &suite.key(), &rooftop).await;
    }
}

/// Waits until the edge has accepted more than so many events in this life of the suite.
async fn accepted_more_than(suite: &Suite, events: usize) {
    eventually(UNDER_WAY, async || {
        let accepted = suite.metric("throughline_ingest_events_total", &["outcome=\"accepted\""]).await as usize;
        if accepted > events { Ok(()) } else { Err(format!("{accepted} accepted")) }
    })
    .await;
}

/// Nothing is missing and nothing is there twice, in the database itself.
async fn assert_books(postgres_url: &str, wanted: &BTreeSet<events::Identity>) {
    let mut db = connect(postgres_url).await;
    books::assert_whole(&mut db, &books::LOGS).await;
    let accepted = books::accepted(&mut db).await;
    let missing: Vec<_> = wanted.difference(&accepted).take(3).collect();
    assert!(missing.is_empty(), "accepted and gone: {missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suite_killed_in_the_middle_of_an_import_loses_nothing() {
    let lines = events::week();
    let all = events::identities(&lines);
    let scratch = Scratch::new();
    let file = scratch.path().join("events.jsonl");
    write_lines(&file, &lines);

    // The first life ends while the command imports.
    let suite = Suite::start(scratch.path(), &[]).await;
    let importing = suite.spawn(&["import", "--create-rooftops", file.to_str().unwrap()]);
    accepted_more_than(&suite, lines.len() / 8).await;
    suite.kill().await;
    let printed = finish(importing).await;
    assert_eq!(printed.status.code(), Some(1), "an import that was cut off says so: {printed:?}");
    assert_eq!(printed.stdout, "", "and sums nothing up");
    assert!(printed.stderr.lines().last().unwrap().starts_with("throughline: "), "{printed:?}");

    // The second one while we count what is acknowledged to us; what still comes on the wire after the kill counts too.
    let suite = Suite::start(scratch.path(), &[]).await;
    add_rooftops(&suite, &lines).await;
    let half = lines.len() / 2;
    let pid = suite.pid();
    let mut killed = false;
    let acknowledged = events::stream(suite.channel().await, &suite.key(), &lines, BATCH, async |durable| {
        if durable >= half && !std::mem::replace(&mut killed, true) {
            signal(pid, Signal::SIGKILL);
        }
    })
    .await;
    assert!(acknowledged >= half && acknowledged < lines.len(), "{acknowledged} of {}", lines.len());
    suite.kill().await;

    let suite = Suite::start(scratch.path(), &[]).await;
    assert_books(&suite.postgres_url(), &events::identities(&lines[..acknowledged])).await;
    let repeated = import_all(&suite, &file, &lines).await;
    assert!(repeated >= acknowledged, "{repeated} were known, {acknowledged} had been acknowledged");
    assert_eq!(suite.state_hash().await, undisturbed(&lines).await);
    assert_books(&suite.postgres_url(), &all).await;
    assert!(suite.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_killed_in_the_middle_ends_the_suite_and_loses_nothing() {
    let (lines, hash) = saturday().await;
    let scratch = Scratch::new();
    let file = scratch.path().join("events.jsonl");
    write_lines(&file, &lines);

    let mut suite = Suite::start(scratch.path(), &[]).await;
    add_rooftops(&suite, &lines).await;
    let data = scratch.path().join("postgres/data").canonicalize().unwrap();
    let mut killed = false;
    let acknowledged = events::stream(suite.channel().await, &suite.key(), &lines, BATCH, async |durable| {
        if durable >= lines.len() / 2 && !std::mem::replace(&mut killed, true) {
            kill_all_in(&data);
        }
    })
    .await;
    assert!(killed && acknowledged < lines.len(), "{acknowledged} of {}", lines.len());
    let ended = suite.ended().await;
    let log = suite.log();
    assert_eq!(ended.code(), Some(1), "{log}");
    assert!(log.lines().any(|line| line == "throughline: the private Postgres has ended"), "{log}");

    let suite = Suite::start(scratch.path(), &[]).await;
    assert_books(&suite.postgres_url(), &events::identities(&lines[..acknowledged])).await;
    assert!(import_all(&suite, &file, &lines).await >= acknowledged);
    assert_eq!(suite.state_hash().await, hash);
    assert_books(&suite.postgres_url(), &events::identities(&lines)).await;
    assert!(suite.stop().await.success());
}

/// SIGKILL for every process that stands in a folder, as a power cut would do it to a server.
fn kill_all_in(folder: &Path) {
    let mut killed = 0;
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let stands_there = std::fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == folder);
        let pid = process.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        if let Some(pid) = pid.filter(|_| stands_there) {
            // It may have followed its postmaster by itself.
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGKILL);
            killed += 1;
        }
    }
    assert!(killed > 0, "nobody stands in {}", folder.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_wiped_and_then_stopped_in_the_middle_costs_nothing() {
    let (lines, hash) = saturday().await;
    let mut servers = OwnServers::start().await;
    let postgres_url = servers.create_database("throughline").await;
    let data = servers.scratch().path().join("suite");
    std::fs::create_dir(&data).unwrap();
    let redis_url = servers.redis.url();
    let suite = Suite::start(&data, &["--postgres-url", &postgres_url, "--redis-url", &redis_url]).await;
    add_rooftops(&suite, &lines).await;

    let (third, mut wiped, mut stopped) = (lines.len() / 3, false, false);
    let acknowledged = events::stream(suite.channel().await, &suite.key(), &lines, BATCH, async |durable| {
        if durable >= third && !std::mem::replace(&mut wiped, true) {
            flush(&redis_url).await;
        }
        if durable >= 2 * third && !std::mem::replace(&mut stopped, true) {
            servers.redis.stop().await;
        }
    })
    .await;
    assert!(wiped && stopped);
    assert_eq!(acknowledged, lines.len(), "an import does not notice that redis is gone");
    assert_eq!(suite.state_hash().await, hash, "nor does anybody who reads");
    assert_books(&postgres_url, &events::identities(&lines)).await;

    // Back, and empty: the same suite goes on.
    servers.redis.restart().await.unwrap();
    let rooftop = events::rooftops(&lines).pop_first().unwrap();
    let late = events::event(&rooftop, "late", "deal.opened", "D-late", "2026-09-06T15:00:00Z");
    let answer = suite.post_events(&json!([late]), None).await;
    assert_eq!(answer["results"][0]["outcome"], "OUTCOME_ACCEPTED", "{answer}");
    assert_ne!(suite.state_hash().await, hash, "what came after redis was back is seen");
    assert!(suite.stop().await.success());
}

async fn flush(redis_url: &str) {
    let client = redis::Client::open(redis_url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd("FLUSHALL").exec_async(&mut connection).await.unwrap();
}
