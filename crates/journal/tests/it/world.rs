//! A process in miniature on a database of its own, and a projection that can be told to fail.
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::future::BoxFuture;
use jiff::Timestamp;
use prost::Message;
use sqlx::PgConnection;
use throughline_journal::{
    Appended, ApplyError, Context, Due, EntityKey, Entry, Follower, FollowerSpec, Log, NewEntry, Pace, Projection,
    Timers,
    host::{self, Running, Service},
};
use throughline_platform::{
    Failure, Options, Slice,
    clock::{Clock, ManualHand},
    db::{Migrations, Role, Tx},
    jiff_sqlx::{self, ToSqlx},
    peers::{Peer, PeerChannel},
    trace::TraceContext,
};
use throughline_proto::{
    event::v1::{Event, Origin},
    log::v1::{EntryBody, entry_body::Body, log_service_client::LogServiceClient},
};
use throughline_testkit::Database;
use tokio::sync::Semaphore;

pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Permits of a gate that stands open; who holds them all has closed it.
pub(crate) const OPEN: u32 = 1_000;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("tests/it/migrations");
static MIGRATIONS: Migrations = Migrations { schema: "post", migrator: &MIGRATOR };
static POST: Service = Service { migrations: Some(&MIGRATIONS), start };

fn start(cx: &Context) -> BoxFuture<'_, Result<Slice, Failure>> {
    Box::pin(async move {
        Log::register(cx, "post", "event", None);
        Log::register(cx, "sorting", "deal", Some("deal-state"));
        Ok(Slice::new("post"))
    })
}

pub(crate) async fn database() -> Database {
    Database::from_template("journal", |url| async move {
        host::migrate(&Options::for_test(url, None), &[POST]).await.unwrap();
    })
    .await
}

pub(crate) async fn process(database: &Database) -> Running {
    process_with(database, None, |_| {}).await
}

pub(crate) async fn process_with(
    database: &Database,
    clock: Option<Clock>,
    change: impl FnOnce(&mut Options),
) -> Running {
    let mut options = Options::for_test(database.url(), None);
    change(&mut options);
    host::start_with(options, clock, &[POST]).await.unwrap()
}

/// A clock that stands at nine until its hand moves it.
pub(crate) fn clock_at_nine() -> (Clock, ManualHand) {
    Clock::manual("2026-01-10T09:00:00Z".parse().unwrap())
}

pub(crate) fn client(process: &Running) -> LogServiceClient<PeerChannel> {
    LogServiceClient::new(process.cx.platform.peers.channel(Peer::Ingestion))
}

pub(crate) fn event_log(process: &Running) -> Log {
    process.cx.logs.log("event").unwrap()
}

pub(crate) fn entry(part: u16, group: &str, rooftop: &str, entity: &str) -> NewEntry {
    let body = EntryBody { body: Some(Body::Event(Event { id: entity.to_owned(), ..Event::default() })) };
    NewEntry {
        part,
        group: group.to_owned(),
        rooftop: rooftop.to_owned(),
        entity: entity.to_owned(),
        origin: Origin::Live,
        actor: String::new(),
        trace: TraceContext::default(),
        body: body.encode_to_vec().into(),
    }
}

pub(crate) fn letter(part: u16, entity: &str) -> NewEntry {
    entry(part, "summit", "north", entity)
}

/// Appends in one commit and wakes; answers with a token.
pub(crate) async fn post(process: &Running, entries: Vec<NewEntry>) -> String {
    let log = event_log(process);
    let parts: Vec<u16> = entries.iter().map(|entry| entry.part).collect();
    let positions = append(process, &log, process.cx.platform.clock.now(), entries).await.unwrap();
    log.wake(parts.iter().copied());
    log.token(&parts.into_iter().zip(positions).collect::<Vec<_>>())
}

pub(crate) async fn append(
    process: &Running,
    log: &Log,
    clock: Timestamp,
    entries: Vec<NewEntry>,
) -> Result<Vec<u64>, Failure> {
    let appended = record(process, log, clock, entries).await?;
    Ok(appended.iter().map(|appended| appended.position).collect())
}

/// Appends in one commit.
pub(crate) async fn record(
    process: &Running,
    log: &Log,
    clock: Timestamp,
    entries: Vec<NewEntry>,
) -> Result<Vec<Appended>, Failure> {
    let log = log.clone();
    process
        .cx
        .platform
        .db
        .work(Role::Appender, move |tx| Box::pin(async move { log.append(tx, clock, entries).await }))
        .await
}

pub(crate) async fn superuser(database: &Database) -> PgConnection {
    throughline_testkit::connect(database.url()).await
}

/// (part, position) of every effect, in the order in which they were committed.
pub(crate) async fn effects(conn: &mut PgConnection) -> Vec<(i16, i64)> {
    sqlx::query_as("select part, pos from reading.effect order by at").fetch_all(conn).await.unwrap()
}

pub(crate) async fn count(conn: &mut PgConnection, table: &'static str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}"))).fetch_one(conn).await.unwrap()
}

/// Follows `event` (as `deal-state`) and passes each entry on into the log `deal`.
pub(crate) struct Sorter {
    pub(crate) log: Log,
    pub(crate) clock: Clock,
    pub(crate) gate: Arc<Semaphore>,
}

impl Sorter {
    pub(crate) fn follow(process: &Running) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(OPEN as usize));
        let cx = &process.cx;
        let sorter = Self { log: cx.logs.log("deal").unwrap(), clock: cx.platform.clock.clone(), gate: gate.clone() };
        let spec = FollowerSpec {
            schema: "sorting",
            consumer: "deal-state",
            log: "event",
            peer: Peer::Ingestion,
            pace: Pace { max_batch: 100, gather: Duration::ZERO },
        };
        Follower::new(cx, spec, Arc::new(sorter)).spawn();
        gate
    }
}

#[async_trait]
impl Projection for Sorter {
    type Effects = bool;

    fn consumer(&self) -> &'static str {
        "deal-state"
    }

    async fn apply(&self, tx: &mut Tx, _: u16, entries: &[Entry]) -> Result<bool, ApplyError> {
        let _open = self.gate.acquire().await.unwrap();
        let deals = entries.iter().map(|of| entry(of.part, &of.group, &of.rooftop, &of.entity)).collect();
        self.log.append(tx, self.clock.now(), deals).await?;
        Ok(true)
    }

    async fn committed(&self, part: u16, moved: bool) {
        if moved {
            self.log.wake([part]);
        }
    }
}

/// Writes down what it reads, sets an alarm for an entity whose name begins with `alarm`, and fails when it is told to.
pub(crate) struct Reader {
    pub(crate) poisonous: Mutex<HashSet<String>>,
    pub(crate) panicking: Mutex<HashSet<String>>,
    /// Entities whose alarms cannot fire.
    pub(crate) unfit: Mutex<HashSet<String>>,
    /// Entities whose alarms panic.
    pub(crate) startled: Mutex<HashSet<String>>,
    /// Entities whose alarms make the database refuse a value.
    pub(crate) refused: Mutex<HashSet<String>>,
    /// Alarms cannot even be listed.
    pub(crate) unlisted: AtomicBool,
    /// How often the database is still to be away when alarms fire.
    pub(crate) away_for_alarms: AtomicU32,
    /// Alarms in one page.
    pub(crate) page: usize,
    /// Firing them was tried so often.
    pub(crate) firings: AtomicU32,
    /// How often the database is still to be away.
    pub(crate) away: AtomicU32,
    pub(crate) gate: Semaphore,
    pub(crate) arrived: AtomicU32,
    /// How long after an entry was recorded its alarm is due.
    pub(crate) alarm_after: Duration,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            poisonous: Mutex::default(),
            panicking: Mutex::default(),
            unfit: Mutex::default(),
            startled: Mutex::default(),
            refused: Mutex::default(),
            unlisted: AtomicBool::new(false),
            away_for_alarms: AtomicU32::new(0),
            page: 64,
            firings: AtomicU32::new(0),
            away: AtomicU32::new(0),
            gate: Semaphore::new(OPEN as usize),
            arrived: AtomicU32::new(0),
            alarm_after: Duration::from_secs(600),
        }
    }
}

impl Reader {
    /// Follows the log "event" in this process.
    pub(crate) fn follow(self, process: &Running) -> Arc<Self> {
        self.follow_log(process, "reader", "event")
    }

    pub(crate) fn follow_log(self, process: &Running, consumer: &'static str, log: &'static str) -> Arc<Self> {
        let reader = Arc::new(self);
        Follower::new(&process.cx, spec(consumer, log), reader.clone()).spawn();
        reader
    }

    pub(crate) fn heal(&self) {
        self.poisonous.lock().unwrap().clear();
        self.panicking.lock().unwrap().clear();
        for alarms in [&self.unfit, &self.startled, &self.refused] {
            alarms.lock().unwrap().clear();
        }
    }
}

pub(crate) fn spec(consumer: &'static str, log: &'static str) -> FollowerSpec {
    FollowerSpec {
        schema: "reading",
        consumer,
        log,
        peer: Peer::Ingestion,
        pace: Pace { max_batch: 64, gather: Duration::ZERO },
    }
}

#[async_trait]
impl Projection for Reader {
    /// Entities of which an entry was applied.
    type Effects = Vec<EntityKey>;

    fn consumer(&self) -> &'static str {
        "reader"
    }

    async fn apply(&self, tx: &mut Tx, part: u16, entries: &[Entry]) -> Result<Vec<EntityKey>, ApplyError> {
        self.arrived.fetch_add(1, Ordering::SeqCst);
        let _open = self.gate.acquire().await.unwrap();
        if self.away.try_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(ApplyError::Transient(Failure::unavailable("the database", "it is away")));
        }
        for entry in entries {
            assert_eq!(entry.part, part);
            sqlx::query("insert into reading.effect (consumer, part, pos, entity) values ('reader', $1, $2, $3)")
                .bind(part as i16)
                .bind(entry.position as i64)
                .bind(&entry.entity)
                .execute(tx.conn())
                .await?;
            if self.poisonous.lock().unwrap().contains(&entry.entity) {
                return Err(ApplyError::Poison { entity: entry.entity.clone(), cause: "it is poisonous".to_owned() });
            }
            let panics = self.panicking.lock().unwrap().contains(&entry.entity);
            assert!(!panics, "told to panic");
            if entry.entity.starts_with("alarm") {
                let due = entry.recorded_at + self.alarm_after;
                sqlx::query(
                    "insert into reading.alarm (part, group_id, rooftop, entity, due) values ($1, $2, $3, $4, $5)",
                )
                .bind(part as i16)
                .bind(&entry.group)
                .bind(&entry.rooftop)
                .bind(&entry.entity)
                .bind(due.to_sqlx())
                .execute(tx.conn())
                .await?;
            }
        }
        let of = |entry: &Entry| EntityKey {
            group: entry.group.clone(),
            rooftop: entry.rooftop.clone(),
            entity: entry.entity.clone(),
        };
        Ok(entries.iter().map(of).collect())
    }

    async fn committed(&self, _: u16, _: Vec<EntityKey>) {}

    fn timers(&self, effects: &mut Vec<EntityKey>) -> Timers {
        Timers { settled: std::mem::take(effects), failed: Vec::new() }
    }

    async fn due(&self, tx: &mut Tx, parts: &[u16], until: Timestamp) -> Result<Vec<u16>, ApplyError> {
        let parts: Vec<i16> = parts.iter().map(|part| *part as i16).collect();
        let due: Vec<i16> = sqlx::query_scalar(
            "select distinct part from reading.alarm a where part = any($1) and due <= $2 and fired is null
             and not exists (select from reading.parked_timer p
                             where p.consumer = 'reader' and p.part = a.part and p.entity = a.entity)",
        )
        .bind(parts)
        .bind(until.to_sqlx())
        .fetch_all(tx.conn())
        .await?;
        Ok(due.into_iter().map(|part| part as u16).collect())
    }

    async fn list_due(&self, tx: &mut Tx, part: u16, rule_time: Timestamp) -> Result<Due, ApplyError> {
        if self.unlisted.load(Ordering::SeqCst) {
            return Err(ApplyError::Poison { entity: String::new(), cause: "the list is torn".to_owned() });
        }
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "select distinct group_id, rooftop, entity from reading.alarm a where part = $1 and due <= $2 and fired is null
             and not exists (select from reading.parked_timer p
                             where p.consumer = 'reader' and p.part = a.part and p.entity = a.entity)
             order by entity limit $3",
        )
        .bind(part as i16)
        .bind(rule_time.to_sqlx())
        .bind(self.page as i64)
        .fetch_all(tx.conn())
        .await?;
        let entities = rows.into_iter().map(|(group, rooftop, entity)| EntityKey { group, rooftop, entity });
        let entities: Vec<EntityKey> = entities.collect();
        Ok(Due { more: entities.len() == self.page, entities })
    }

    async fn fire(
        &self,
        tx: &mut Tx,
        part: u16,
        rule_time: Timestamp,
        entities: &[EntityKey],
    ) -> Result<Vec<EntityKey>, ApplyError> {
        self.firings.fetch_add(1, Ordering::SeqCst);
        let away = &self.away_for_alarms;
        if away.try_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(ApplyError::Transient(Failure::unavailable("the database", "it is away")));
        }
        for EntityKey { entity, .. } in entities {
            sqlx::query(
                "update reading.alarm set fired = $2 where part = $1 and entity = $3 and due <= $2 and fired is null",
            )
            .bind(part as i16)
            .bind(rule_time.to_sqlx())
            .bind(entity)
            .execute(tx.conn())
            .await?;
            if self.unfit.lock().unwrap().contains(entity) {
                return Err(ApplyError::Poison { entity: String::new(), cause: "it is unfit".to_owned() });
            }
            let panics = self.startled.lock().unwrap().contains(entity);
            assert!(!panics, "told to panic");
            let refused = self.refused.lock().unwrap().contains(entity);
            if refused {
                sqlx::query("select 1 / 0").execute(tx.conn()).await?;
            }
        }
        Ok(Vec::new())
    }
}

/// When the alarm fired, by rule time.
pub(crate) async fn fired(conn: &mut PgConnection) -> Option<Timestamp> {
    let fired: Option<Option<jiff_sqlx::Timestamp>> =
        sqlx::query_scalar("select fired from reading.alarm order by part limit 1").fetch_optional(conn).await.unwrap();
    fired.flatten().map(jiff_sqlx::Timestamp::to_jiff)
}
