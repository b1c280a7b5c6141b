//! What time brings fails for one entity alone: its timer is parked where people see it, and everything else fires.
use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
};

use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use throughline_journal::host::Running;
use throughline_platform::clock::{Clock, ManualHand};
use throughline_proto::log::v1::{
    Consumer, ListConsumersRequest, ListParkedRequest, Parked, ParkedPath, RetryParkedRequest,
};
use throughline_testkit::{Database, eventually};

use crate::world::{Reader, SOON, client, count, database, entry, letter, post, process_with, superuser};

const ALARMS: usize = 40;

fn nine() -> Timestamp {
    "2026-01-10T09:00:00Z".parse().unwrap()
}

fn named(entities: &[&str]) -> HashSet<String> {
    entities.iter().map(|entity| (*entity).to_owned()).collect()
}

fn retry(entity: &str) -> RetryParkedRequest {
    RetryParkedRequest {
        consumer: "reader".to_owned(),
        part: 4,
        group: "summit".to_owned(),
        rooftop: "north".to_owned(),
        entity: entity.to_owned(),
    }
}

/// A process whose reader has set forty alarms in one part, none of them due.
struct Set {
    process: Running,
    hand: ManualHand,
    reader: Arc<Reader>,
    conn: PgConnection,
}

impl Set {
    async fn of(database: &Database, reader: Reader) -> Self {
        let (clock, hand) = Clock::manual(nine());
        let process = process_with(database, Some(clock), |_| {}).await;
        let reader = reader.follow(&process);
        post(&process, (0..ALARMS).map(|nth| letter(4, &format!("alarm-{nth:02}"))).collect()).await;
        let mut conn = superuser(database).await;
        eventually(SOON, async || count(&mut conn, "reading.alarm").await == ALARMS as i64).await;
        Self { process, hand, reader, conn }
    }

    fn pass(&self) {
        self.hand.advance(SignedDuration::from_mins(11));
    }

    async fn fired(&mut self, wanted: usize) {
        eventually(SOON, async || {
            let fired = count(&mut self.conn, "reading.alarm where fired is not null").await;
            if fired == wanted as i64 { Ok(()) } else { Err(format!("{fired} fired")) }
        })
        .await;
    }

    async fn parked(&self, wanted: usize) -> Vec<Parked> {
        eventually(SOON, async || {
            let request = ListParkedRequest { consumer: "reader".to_owned(), ..Default::default() };
            let parked = client(&self.process).list_parked(request).await.unwrap().into_inner().parked;
            if parked.len() == wanted { Ok(parked) } else { Err(format!("{parked:?}")) }
        })
        .await
    }

    async fn consumer(&self) -> Consumer {
        let listed = client(&self.process).list_consumers(ListConsumersRequest {}).await.unwrap().into_inner();
        listed.consumers.into_iter().find(|consumer| consumer.consumer == "reader").unwrap()
    }

    async fn counted(&self, series: &str) {
        eventually(SOON, async || {
            let metrics = self.process.cx.platform.metrics.encode();
            if metrics.contains(series) { Ok(()) } else { Err(metrics) }
        })
        .await;
    }
}

async fn parked_alone_and_retried(reader: Reader, bad: &str) {
    let database = database().await;
    let mut set = Set::of(&database, reader).await;
    set.pass();
    // The others fire at once, although all of them are due together.
    set.fired(ALARMS - 1).await;
    let parked = set.parked(1).await;
    let found = (parked[0].entity.as_str(), parked[0].path(), parked[0].position, parked[0].part);
    assert_eq!(found, (bad, ParkedPath::Timer, 0, 4));
    assert_eq!((parked[0].group.as_str(), parked[0].rooftop.as_str()), ("summit", "north"));
    assert!(!parked[0].error.is_empty());
    let consumer = set.consumer().await;
    assert_eq!((consumer.parked_timers, consumer.parked_entities, consumer.stopped.len()), (1, 0, 0));
    set.counted("journal_parked_entities{consumer=\"reader\",path=\"timer\"} 1").await;
    set.counted("journal_parked_timers_total{consumer=\"reader\"} 1").await;
    assert_eq!(count(&mut set.conn, "reading.parked_timer where tries = 3 and retry_at is null").await, 1);
    // The page, and per halving what fails and what does not, and the tries of the one.
    let firings = set.reader.firings.load(Ordering::SeqCst);
    assert!(firings <= 20, "{firings} firings for one failure among {ALARMS}");

    // It does not keep firing: what is due later fires, and what is parked is left alone.
    post(&set.process, vec![letter(4, "alarm-late")]).await;
    set.pass();
    set.fired(ALARMS).await;
    assert_eq!(set.reader.firings.load(Ordering::SeqCst), firings + 1);

    // Asked for too early, it stays parked.
    let asked = client(&set.process).retry_parked(retry(bad)).await.unwrap().into_inner();
    assert_eq!((asked.entries, asked.timers), (0, 1));
    eventually(SOON, async || count(&mut set.conn, "reading.parked_timer where tries = 4").await == 1).await;
    assert_eq!(count(&mut set.conn, "reading.parked_timer where retry_at is null").await, 1);

    set.reader.heal();
    client(&set.process).retry_parked(retry(bad)).await.unwrap();
    set.parked(0).await;
    set.fired(ALARMS + 1).await;
    set.counted("journal_parked_entities{consumer=\"reader\",path=\"timer\"} 0").await;
    let gone = client(&set.process).retry_parked(retry(bad)).await.unwrap_err();
    assert_eq!(gone.code(), tonic::Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn entity_whose_alarm_fails_is_parked_alone_and_fires_when_retried() {
    let reader = Reader::default();
    *reader.unfit.lock().unwrap() = named(&["alarm-07"]);
    parked_alone_and_retried(reader, "alarm-07").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entity_whose_alarm_panics_is_parked_alone_and_fires_when_retried() {
    let reader = Reader { page: 16, ..Reader::default() };
    *reader.startled.lock().unwrap() = named(&["alarm-39"]);
    parked_alone_and_retried(reader, "alarm-39").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entity_whose_alarm_the_database_refuses_is_parked_alone_and_fires_when_retried() {
    let reader = Reader::default();
    *reader.refused.lock().unwrap() = named(&["alarm-00"]);
    parked_alone_and_retried(reader, "alarm-00").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_an_entity_with_a_parked_timer_apply_and_heal_it() {
    let database = database().await;
    let reader = Reader::default();
    *reader.unfit.lock().unwrap() = named(&["alarm-07", "alarm-08"]);
    let mut set = Set::of(&database, reader).await;
    set.pass();
    set.parked(2).await;
    // The entity of that name in another rooftop is another entity.
    post(&set.process, vec![entry(4, "summit", "south", "alarm-08")]).await;
    eventually(SOON, async || count(&mut set.conn, "reading.effect").await == ALARMS as i64 + 1).await;
    set.parked(2).await;
    set.reader.heal();
    post(&set.process, vec![letter(4, "alarm-07")]).await;
    let parked = set.parked(1).await;
    assert_eq!(parked[0].entity, "alarm-08");
    set.fired(ALARMS - 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_failing_alarms_is_parked_and_the_others_fire() {
    let database = database().await;
    let reader = Reader { page: 16, ..Reader::default() };
    *reader.unfit.lock().unwrap() =
        (0..ALARMS).filter(|nth| nth % 4 != 3).map(|nth| format!("alarm-{nth:02}")).collect();
    let mut set = Set::of(&database, reader).await;
    set.pass();
    set.fired(ALARMS / 4).await;
    set.parked(ALARMS / 4 * 3).await;
    // Entries have gone on meanwhile, and go on.
    post(&set.process, vec![letter(4, "x")]).await;
    eventually(SOON, async || count(&mut set.conn, "reading.effect where entity = 'x'").await == 1).await;

    // Pages of the list hold each once, however many were parked in one instant.
    let mut seen = HashSet::new();
    let mut page_token = String::new();
    loop {
        let request = ListParkedRequest { consumer: "reader".to_owned(), page_size: 4, page_token };
        let page = client(&set.process).list_parked(request).await.unwrap().into_inner();
        assert!(page.parked.into_iter().all(|parked| seen.insert(parked.entity)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), ALARMS / 4 * 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn database_that_is_away_parks_no_timer() {
    let database = database().await;
    let reader = Reader::default();
    reader.away_for_alarms.store(6, Ordering::SeqCst);
    let mut set = Set::of(&database, reader).await;
    set.pass();
    set.fired(ALARMS).await;
    assert_eq!(set.reader.away_for_alarms.load(Ordering::SeqCst), 0);
    assert_eq!(count(&mut set.conn, "reading.parked_timer").await, 0);
    // It may have been said meanwhile that none fires; it is no longer.
    eventually(SOON, async || set.consumer().await.stopped.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn part_whose_alarms_cannot_be_listed_is_a_stopped_part_and_its_entries_go_on() {
    let database = database().await;
    let reader = Reader::default();
    reader.unlisted.store(true, Ordering::SeqCst);
    let mut set = Set::of(&database, reader).await;
    set.pass();
    let consumer = eventually(SOON, async || {
        let consumer = set.consumer().await;
        if consumer.stopped_parts == [4] { Ok(consumer) } else { Err(format!("{consumer:?}")) }
    })
    .await;
    let reason = &consumer.stopped[0].reason;
    assert!(
        consumer.stopped[0].part == 4 && reason.contains("alarms") && reason.contains("the list is torn"),
        "{reason}"
    );
    set.counted("journal_stopped_alarm_parts{consumer=\"reader\"} 1").await;
    set.counted("journal_stopped_parts{consumer=\"reader\"} 0").await;
    post(&set.process, vec![letter(4, "x")]).await;
    eventually(SOON, async || count(&mut set.conn, "reading.effect where entity = 'x'").await == 1).await;
    assert_eq!(count(&mut set.conn, "reading.alarm where fired is not null").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn parked_timers_are_remembered_by_the_next_owner() {
    let database = database().await;
    let reader = Reader::default();
    *reader.unfit.lock().unwrap() = named(&["alarm-07"]);
    let mut set = Set::of(&database, reader).await;
    set.pass();
    set.fired(ALARMS - 1).await;
    set.parked(1).await;
    set.process.stop().await.unwrap();

    let (clock, hand) = Clock::manual(nine());
    hand.advance(SignedDuration::from_hours(1));
    let process = process_with(&database, Some(clock), |_| {}).await;
    let reader = Reader::default().follow(&process);
    let mut next = Set { process, hand, reader, conn: set.conn };
    post(&next.process, vec![letter(4, "alarm-late")]).await;
    next.pass();
    next.fired(ALARMS).await;
    next.counted("journal_parked_entities{consumer=\"reader\",path=\"timer\"} 1").await;
    client(&next.process).retry_parked(retry("alarm-07")).await.unwrap();
    next.fired(ALARMS + 1).await;
    next.parked(0).await;
}
