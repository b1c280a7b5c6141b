//! No claim of completeness passes an entry that was recorded earlier, however long its commit takes.
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use throughline_journal::host::Running;
use throughline_platform::{Failure, clock::ManualHand, db::Role, jiff_sqlx};
use throughline_proto::{
    log::v1::{PartPosition, SubscribeRequest},
    time,
};
use throughline_testkit::eventually;

use crate::world::{
    Reader, SOON, client, clock_at_nine, count, database, event_log, letter, post, process_with, record, superuser,
};

/// A part to which nobody appends: its claims show that time passes.
const QUIET: u16 = 200;

/// What a subscriber was told of one part.
#[derive(Clone, Copy, Debug)]
struct Told {
    part: u16,
    /// Entries up to here were sent before.
    position: u64,
    until: Timestamp,
}

/// Subscribes to parts and writes down every claim; calls `on_quiet` for each of the quiet part.
async fn subscriber(process: &Running, parts: &[u16], told: Arc<Mutex<Vec<Told>>>, on_quiet: impl Fn()) {
    let after = parts.iter().map(|part| PartPosition { part: u32::from(*part), position: 0 }).collect();
    let request = SubscribeRequest { log: "event".to_owned(), after, consumer: "test".to_owned() };
    let mut stream = client(process).subscribe(request).await.unwrap().into_inner();
    let mut positions = [0; 256];
    while let Ok(Some(message)) = stream.message().await {
        for entry in message.entries {
            positions[entry.part as usize] = entry.position;
        }
        for complete in message.complete {
            let until = complete.until.as_ref().and_then(time::from_wire).unwrap();
            let (part, position) = (complete.part as u16, positions[complete.part as usize]);
            told.lock().unwrap().push(Told { part, position, until });
            if part == QUIET {
                on_quiet();
            }
        }
    }
}

fn last_claim(told: &Mutex<Vec<Told>>, part: u16) -> Option<Told> {
    told.lock().unwrap().iter().rev().find(|told| told.part == part).copied()
}

#[tokio::test(flavor = "multi_thread")]
async fn alarm_does_not_fire_while_an_append_recorded_before_it_waits_for_the_head() {
    let database = database().await;
    let (clock, hand) = clock_at_nine();
    let process = Arc::new(process_with(&database, Some(clock.clone()), |_| {}).await);
    Reader::default().follow(&process);
    post(&process, vec![letter(1, "alarm"), letter(7, "alarm"), letter(QUIET, "x")]).await;
    let mut conn = superuser(&database).await;
    eventually(SOON, async || count(&mut conn, "reading.alarm").await == 2).await;
    let told = Arc::<Mutex<Vec<Told>>>::default();
    let heard = tokio::spawn({
        let (process, told) = (process.clone(), told.clone());
        async move { subscriber(&process, &[1, QUIET], told, || ()).await }
    });

    let mut holder = superuser(&database).await;
    sqlx::query("begin").execute(&mut holder).await.unwrap();
    sqlx::query("select part from post.event_head where part = 1 for update").execute(&mut holder).await.unwrap();
    let waiting = tokio::spawn({
        let (process, now) = (process.clone(), clock.now());
        async move {
            let appended = record(&process, &event_log(&process), now, vec![letter(1, "x")]).await.unwrap();
            event_log(&process).wake([1]);
            appended[0]
        }
    });
    eventually(SOON, async || {
        count(
            &mut conn,
            "pg_stat_activity where wait_event_type = 'Lock' and query like '%pg_advisory_xact_lock_shared%'",
        )
        .await
            == 1
    })
    .await;

    // Everybody else's time goes on: a minute at a time, and each time all the way to whoever follows.
    for minute in 1..=30 {
        hand.advance(SignedDuration::from_mins(1));
        let now = clock.now();
        eventually(SOON, async || last_claim(&told, QUIET).is_some_and(|told| told.until >= now)).await;
        if minute == 20 {
            eventually(SOON, async || {
                count(&mut conn, "reading.alarm where part = 7 and fired is not null").await == 1
            })
            .await;
        }
    }
    assert_eq!(count(&mut conn, "reading.alarm where part = 1 and fired is not null").await, 0);
    let claimed = last_claim(&told, 1).map(|told| told.until);

    sqlx::query("commit").execute(&mut holder).await.unwrap();
    let appended = waiting.await.unwrap();
    assert!(claimed <= Some(appended.recorded_at), "{claimed:?} was claimed of what was recorded at {appended:?}");
    eventually(SOON, async || count(&mut conn, "reading.alarm where part = 1 and fired is not null").await == 1).await;
    assert_eq!(count(&mut conn, "reading.effect where part = 1").await, 2);
    heard.abort();
}

/// Numbers from a seed: the same each time it is given.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % bound
    }
}

const WRITERS: u64 = 8;
const ROUNDS: u64 = 25;

/// Appends now and then, and stalls before the append or before the commit by up to 30 s of the clock.
async fn writer(process: Arc<Running>, mut random: Random) {
    let clock = process.cx.platform.clock.clone();
    let log = event_log(&process);
    for _ in 0..ROUNDS {
        let parts: Vec<u16> = (0..=random.below(3)).map(|_| random.below(4) as u16).collect();
        let entries = parts.iter().map(|part| letter(*part, "x")).collect();
        let mut stall = || SignedDuration::from_millis(random.below(30_000) as i64);
        let (before_append, before_commit) = (stall(), stall());
        let (stalls_first, stalls_last, rolls_back) =
            (random.below(2) == 0, random.below(3) == 0, random.below(8) == 0);
        let (clock_of_append, log_of_append) = (clock.clone(), log.clone());
        let outcome = process.cx.platform.db.work(Role::Appender, move |tx| {
            Box::pin(async move {
                // What the caller believes to be the present when the head is finally its own.
                let now = clock_of_append.now();
                if stalls_first {
                    clock_of_append.sleep_until(now + before_append).await;
                }
                log_of_append.append(tx, now, entries).await?;
                if stalls_last {
                    clock_of_append.sleep_until(clock_of_append.now() + before_commit).await;
                }
                if rolls_back { Err(Failure::cancelled()) } else { Ok(()) }
            })
        });
        assert_eq!(outcome.await.is_err(), rolls_back);
        log.wake(parts);
    }
}

async fn advance_at_random(hand: &ManualHand, random: &Mutex<Random>) {
    hand.advance(SignedDuration::from_millis(random.lock().unwrap().below(5_000) as i64));
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_hold_however_long_commits_stall() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64
    });
    println!("SEED={seed}");
    let database = database().await;
    let (clock, hand) = clock_at_nine();
    let mut processes = Vec::new();
    for _ in 0..2 {
        let change = |options: &mut throughline_platform::Options| {
            (options.poll, options.lease) = (Duration::from_millis(20), Duration::from_secs(60));
            options.appender_connections = WRITERS as u32;
        };
        processes.push(Arc::new(process_with(&database, Some(clock.clone()), change).await));
    }
    post(&processes[0], vec![letter(QUIET, "x")]).await;

    let told = Arc::<Mutex<Vec<Told>>>::default();
    let random = Arc::new(Mutex::new(Random(seed)));
    let (said, moved) = tokio::sync::mpsc::unbounded_channel();
    let subscribers: Vec<_> = processes
        .iter()
        .map(|process| {
            let (process, told, said) = (process.clone(), told.clone(), said.clone());
            tokio::spawn(async move {
                subscriber(&process, &[0, 1, 2, 3, QUIET], told, move || said.send(()).unwrap_or_default()).await;
            })
        })
        .collect();
    // The clock moves whenever somebody was told how far it had come.
    let ticker = tokio::spawn({
        let (hand, random, mut moved) = (hand.clone(), random.clone(), moved);
        async move {
            while moved.recv().await.is_some() {
                advance_at_random(&hand, &random).await;
            }
        }
    });
    let running = Arc::new(AtomicUsize::new(WRITERS as usize));
    let writers: Vec<_> = (0..WRITERS)
        .map(|nth| {
            let (process, running) = (processes[nth as usize % 2].clone(), running.clone());
            let random = Random(seed.wrapping_add(nth.wrapping_mul(7919)));
            tokio::spawn(async move {
                writer(process, random).await;
                running.fetch_sub(1, Ordering::SeqCst);
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(running.load(Ordering::SeqCst), 0);
    // Once nothing is in flight, every part is complete up to the present.
    let now = clock.now();
    for part in [0, 1, 2, 3] {
        eventually(SOON, async || last_claim(&told, part).is_some_and(|told| told.until >= now)).await;
    }
    ticker.abort();
    subscribers.iter().for_each(|subscriber| subscriber.abort());

    let entries = recorded(&mut superuser(&database).await).await;
    for pair in entries.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        assert!(pair[0].2 <= pair[1].2, "seed {seed}: {pair:?} are not in order");
    }
    let told = told.lock().unwrap();
    let busy = told.iter().filter(|told| told.part != QUIET).count();
    assert!(busy > 50, "seed {seed}: only {busy} claims were seen");
    for told in told.iter() {
        let false_one = entries.iter().find(|(part, position, recorded_at)| {
            *part == told.part && *position > told.position && *recorded_at < told.until
        });
        assert_eq!(false_one, None, "seed {seed}: {told:?} was claimed");
    }
}

async fn recorded(conn: &mut PgConnection) -> Vec<(u16, u64, Timestamp)> {
    let rows: Vec<(i16, i64, jiff_sqlx::Timestamp)> =
        sqlx::query_as("select part, pos, recorded_at from post.event_log order by part, pos")
            .fetch_all(conn)
            .await
            .unwrap();
    rows.into_iter().map(|(part, position, at)| (part as u16, position as u64, at.to_jiff())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn append_that_crosses_a_month_while_it_waits_lands_in_the_month_in_which_it_is_recorded() {
    let database = database().await;
    let (clock, hand) = clock_at_nine();
    let process = process_with(&database, Some(clock.clone()), |_| {}).await;
    post(&process, vec![letter(1, "x")]).await;
    let before = clock.now();
    // Beyond what is made ahead of time.
    hand.set("2026-05-31T23:00:00Z".parse().unwrap());
    let mut conn = superuser(&database).await;
    let promised = "journal.promise where log = 'post.event' and until >= '2026-05-31T23:00:00Z'";
    eventually(SOON, async || count(&mut conn, promised).await == 1).await;
    let appended = record(&process, &event_log(&process), before, vec![letter(1, "x"), letter(2, "x")]).await.unwrap();
    assert_eq!(appended[0].recorded_at, clock.now());
    assert_eq!(count(&mut conn, "post.event_log_2026_05").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn append_refuses_a_transaction_whose_snapshot_may_be_older_than_the_promise() {
    let database = database().await;
    let (clock, _hand) = clock_at_nine();
    let process = process_with(&database, Some(clock.clone()), |_| {}).await;
    let (log, now) = (event_log(&process), clock.now());
    let refused: Result<(), Failure> = process
        .cx
        .platform
        .db
        .work(Role::Appender, move |tx| {
            Box::pin(async move {
                sqlx::query("set transaction isolation level repeatable read").execute(tx.conn()).await?;
                log.append(tx, now, vec![letter(1, "x")]).await.map(drop)
            })
        })
        .await;
    assert!(refused.is_err());
    assert_eq!(count(&mut superuser(&database).await, "post.event_log").await, 0);
}
