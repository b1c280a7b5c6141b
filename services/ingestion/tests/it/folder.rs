//! The watched folder: what is dropped is read once, whoever looks and whatever breaks, and its name goes nowhere.

use std::{
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use jiff::{SignedDuration, Timestamp};
use prost::Message as _;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use throughline_journal::host::{self, Running};
use throughline_platform::{Options, clock::Clock};
use throughline_proto::{
    event::v1::Origin,
    ingestion::v1::{ImportMetadata, ImportState, ListFeedsRequest},
    longrunning::{CancelOperationRequest, ListOperationsRequest},
};
use throughline_testkit::eventually;
use tokio::runtime::Runtime;

use crate::{
    canaries::assert_nowhere,
    imports::{by_id, long_table},
    kit::{NOW, Suite, at},
};

const SHIFTS: &str = "Store,Employee,Role,On\n";
const NORTH: &str = "summit/north/staff-shifts";
const SOON: Duration = Duration::from_secs(30);

/// A watched folder.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn options(&self, options: &mut Options) {
        options.drop_folder = Some(self.0.path().to_owned());
        options.drop_look = Duration::from_millis(20);
    }

    fn path(&self, place: &str, name: &str) -> PathBuf {
        self.0.path().join(place).join(name)
    }

    /// Drops a file as a whole.
    fn drop(&self, place: &str, name: &str, content: &[u8]) {
        self.begin(place, "whole.part", content);
        self.complete(place, "whole.part", name);
    }

    fn begin(&self, place: &str, name: &str, content: &[u8]) {
        fs::create_dir_all(self.0.path().join(place)).unwrap();
        fs::write(self.path(place, name), content).unwrap();
    }

    fn complete(&self, place: &str, from: &str, to: &str) {
        fs::rename(self.path(place, from), self.path(place, to)).unwrap();
    }

    /// Waits until a file has come to where it is moved to.
    async fn moved(&self, to: &str, place: &str, name: &str) {
        let from = self.path(place, name.trim_end_matches(".1"));
        let to = self.path(&format!("{to}/{place}"), name);
        // The name is there, empty, before the file is.
        eventually(SOON, async || {
            let (there, left) = (to.exists(), !from.exists());
            if there && left { Ok(()) } else { Err(format!("{}: there {there}, left {left}", to.display())) }
        })
        .await;
    }

    async fn failed(&self, place: &str, name: &str) -> String {
        self.moved(".failed", place, name).await;
        fs::read_to_string(self.path(&format!(".failed/{place}"), &format!("{name}.reason"))).unwrap()
    }

    /// A process of its own that looks at the folder, and may die with all its tasks at any moment.
    async fn process(&self, suite: &Suite, now: Timestamp) -> (Runtime, Running) {
        let mut options = Options::for_test(suite.database.url(), None);
        self.options(&mut options);
        let runtime = Runtime::new().unwrap();
        let started = runtime.spawn(async move {
            let (clock, _hand) = Clock::manual(now);
            host::start_with(options, Some(clock), &[throughline_ingestion::SERVICE]).await
        });
        let running = started.await.unwrap().unwrap();
        (runtime, running)
    }
}

fn shifts(count: u32) -> String {
    let rows = (0..count).map(|n| format!("north,p{n},lot,09/07/2026 06:00:00 AM\n"));
    format!("{SHIFTS}{}", rows.collect::<String>())
}

async fn imports(suite: &Suite, admin: &str) -> Vec<ImportMetadata> {
    let request =
        ListOperationsRequest { name: "groups/summit/rooftops/north".into(), ..ListOperationsRequest::default() };
    let listed = suite.operations(admin).list_operations(request).await.unwrap().into_inner().operations;
    let metadata = listed.into_iter().map(|operation| operation.metadata.unwrap());
    metadata.map(|metadata| ImportMetadata::decode(metadata.value.as_slice()).unwrap()).collect()
}

fn counted(running: &Running, outcome: &str) -> u64 {
    let metrics = running.cx.platform.metrics.encode();
    let name = format!("throughline_folder_files_total{{outcome=\"{outcome}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |count| count.parse().unwrap())
}

/// Holds whoever saves what an import came to, once 2,000 rows of it are durable.
struct Hold(PgConnection);

impl Hold {
    async fn new(suite: &Suite) -> Self {
        let mut db = throughline_testkit::connect(suite.database.url()).await;
        let made = "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 IF new.counts <> old.counts AND EXISTS (
                     SELECT FROM ingestion.dropped_file WHERE import_id = new.id AND rows_done >= 2000
                 ) THEN PERFORM pg_advisory_xact_lock_shared(42); END IF;
                 RETURN new;
             END $$;
             CREATE TRIGGER hold BEFORE UPDATE ON ingestion.import FOR EACH ROW EXECUTE FUNCTION public.hold();
             SELECT pg_advisory_lock(42)";
        sqlx::raw_sql(made).execute(&mut db).await.unwrap();
        Self(db)
    }

    async fn reached(&mut self) {
        let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        eventually(SOON, async || sqlx::query_scalar::<_, i64>(held).fetch_one(&mut self.0).await.unwrap() > 0).await;
    }

    async fn waiting(&mut self, sessions: i64) {
        let waiting = "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually(SOON, async || {
            sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut self.0).await.unwrap() >= sessions
        })
        .await;
    }

    /// Ends the sessions that are held, as the server does with those of a dead process.
    async fn bury(&mut self) {
        let buried = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42
             AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        sqlx::raw_sql(buried).execute(&mut self.0).await.unwrap();
    }

    async fn release(self) {
        self.0.close().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_dropped_is_imported_and_moved_away_and_the_same_again_is_not_read() {
    let folder = Folder::new();
    let suite = Suite::start_with(|options| folder.options(options)).await;
    let admin = suite.summit().await;
    folder.drop(NORTH, "a.csv", shifts(30).as_bytes());
    folder.moved(".done", NORTH, "a.csv").await;
    let listed = imports(&suite, &admin).await;
    let [import] = listed.as_slice() else { panic!("{listed:?}") };
    let counts = import.counts.clone().unwrap();
    assert_eq!((import.state(), import.profile.as_str()), (ImportState::Succeeded, "staff-shifts"));
    assert_eq!((counts.files, counts.files_failed, counts.rows_read, counts.accepted), (1, 0, 30, 30), "{counts:?}");
    assert_eq!(fs::read_to_string(folder.path(&format!(".done/{NORTH}"), "a.csv")).unwrap(), shifts(30));

    // Under another name, and under the same.
    folder.drop(NORTH, "b.csv", shifts(30).as_bytes());
    folder.moved(".done", NORTH, "b.csv").await;
    folder.drop(NORTH, "a.csv", shifts(30).as_bytes());
    folder.moved(".done", NORTH, "a.csv.1").await;
    eventually(SOON, async || counted(&suite.running, "repeated") == 2).await;
    assert_eq!((counted(&suite.running, "taken"), counted(&suite.running, "failed")), (1, 0));
    assert_eq!(imports(&suite, &admin).await.len(), 1);
    assert_eq!(suite.logged_events().await.len(), 30);
}

#[tokio::test]
async fn dropped_file_is_live_and_says_nothing_of_a_clock() {
    const VISITS: &str = "summit/north/crm-visits";
    let folder = Folder::new();
    let suite = Suite::start_with(|options| folder.options(options)).await;
    let admin = suite.summit().await;
    // Days old, with the times at which the vendor's system showed it.
    folder.drop(VISITS, "a.csv", long_table(1, 20).as_bytes());
    folder.moved(".done", VISITS, "a.csv").await;
    let origins = suite.event_origins().await;
    assert!(!origins.is_empty() && origins.iter().all(|origin| *origin == Origin::Live as i16), "{origins:?}");
    let request = ListFeedsRequest { parent: "groups/summit".to_owned(), ..ListFeedsRequest::default() };
    let feed = suite.events(&admin).list_feeds(request).await.unwrap().into_inner().feeds.remove(0);
    assert_eq!(
        (feed.last_arrival_time, feed.clock_skew, feed.clock_ahead_at_least),
        (feed.last_recorded_at, None, None)
    );
}

#[tokio::test]
async fn a_half_written_file_is_left_until_it_is_complete() {
    let folder = Folder::new();
    let suite = Suite::start_with(|options| folder.options(options)).await;
    suite.summit().await;
    for name in ["half.part", "half.tmp", ".half"] {
        folder.begin(NORTH, name, &shifts(10).as_bytes()[..100]);
    }
    // It is younger, and taken after whatever else there is.
    folder.drop(NORTH, "whole.csv", shifts(1).as_bytes());
    folder.moved(".done", NORTH, "whole.csv").await;
    assert_eq!(suite.logged_events().await.len(), 1);
    fs::write(folder.path(NORTH, "half.part"), shifts(10)).unwrap();
    folder.complete(NORTH, "half.part", "half.csv");
    folder.moved(".done", NORTH, "half.csv").await;
    assert_eq!(suite.logged_events().await.len(), 10);
    assert!(folder.path(NORTH, "half.tmp").exists() && folder.path(NORTH, ".half").exists());
}

#[tokio::test]
async fn a_crash_in_the_middle_loses_nothing_and_no_row_before_the_checkpoint_is_read_again() {
    let folder = Folder::new();
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let mut hold = Hold::new(&suite).await;
    folder.drop(NORTH, "a.csv", shifts(6_000).as_bytes());
    let (runtime, running) = folder.process(&suite, at(NOW)).await;
    hold.reached().await;
    runtime.shutdown_background();
    drop(running);
    hold.bury().await;
    hold.release().await;
    let rows_done = suite.count("SELECT rows_done FROM ingestion.dropped_file WHERE state = 1").await;
    assert!((2_000..3_000).contains(&rows_done), "{rows_done}");
    let logged = suite.logged_events().await.len() as i64;
    assert!(logged > rows_done, "events come before their checkpoint: {logged}");

    let (runtime, running) = folder.process(&suite, at(NOW) + SignedDuration::from_secs(31)).await;
    folder.moved(".done", NORTH, "a.csv").await;
    let listed = imports(&suite, &admin).await;
    let [import] = listed.as_slice() else { panic!("{listed:?}") };
    let counts = import.counts.clone().unwrap();
    // Each row once, and those behind the checkpoint that were committed before are duplicates.
    assert_eq!((import.state(), counts.files, counts.rows_read), (ImportState::Succeeded, 1, 6_000), "{counts:?}");
    assert_eq!(counts.duplicate as i64, logged - rows_done, "{counts:?}");
    assert_eq!(counts.accepted + counts.duplicate, 6_000, "{counts:?}");
    assert_eq!(suite.logged_events().await.len(), 6_000);
    assert_eq!(suite.count("SELECT epoch FROM ingestion.dropped_file").await, 2);
    drop(running);
    runtime.shutdown_background();
}

#[tokio::test]
async fn a_polled_table_goes_on_behind_a_crash_with_what_was_remembered_of_it() {
    const VISITS: &str = "summit/north/crm-visits";
    let (folder, undisturbed) = (Folder::new(), Folder::new());
    let (suite, whole) = (Suite::start().await, Suite::start_with(|options| undisturbed.options(options)).await);
    let admin = suite.summit().await;
    whole.summit().await;
    let table = long_table(5, 900);
    undisturbed.drop(VISITS, "a.csv", table.as_bytes());
    undisturbed.moved(".done", VISITS, "a.csv").await;

    let mut hold = Hold::new(&suite).await;
    folder.drop(VISITS, "a.csv", table.as_bytes());
    let (runtime, running) = folder.process(&suite, at(NOW)).await;
    hold.reached().await;
    runtime.shutdown_background();
    drop(running);
    hold.bury().await;
    hold.release().await;
    let (runtime, running) = folder.process(&suite, at(NOW) + SignedDuration::from_secs(31)).await;
    folder.moved(".done", VISITS, "a.csv").await;
    let counts = imports(&suite, &admin).await[0].counts.clone().unwrap();
    assert_eq!((counts.files, counts.rows_read, counts.quarantined), (1, 4_500, 0), "{counts:?}");
    assert!(counts.duplicate > 0, "{counts:?}");
    assert_eq!(by_id(suite.logged_events().await), by_id(whole.logged_events().await));
    drop(running);
    runtime.shutdown_background();
}

#[tokio::test]
async fn a_cancelled_operation_fails_its_file_and_the_same_content_goes_on_behind_what_was_done() {
    let folder = Folder::new();
    let suite = Suite::start_with(|options| folder.options(options)).await;
    let admin = suite.summit().await;
    let mut hold = Hold::new(&suite).await;
    folder.drop(NORTH, "a.csv", shifts(9_000).as_bytes());
    hold.reached().await;
    let request =
        ListOperationsRequest { name: "groups/summit/rooftops/north".into(), ..ListOperationsRequest::default() };
    let listed = suite.operations(&admin).list_operations(request).await.unwrap().into_inner().operations;
    let name = listed[0].name.clone();
    let mut operations = suite.operations(&admin);
    let (cancelled, ()) = tokio::join!(operations.cancel_operation(CancelOperationRequest { name }), async {
        // It comes behind what is being saved.
        hold.waiting(2).await;
        hold.release().await;
    });
    cancelled.unwrap();
    assert!(folder.failed(NORTH, "a.csv").await.contains("the import was cancelled"));
    folder.drop(NORTH, "b.csv", shifts(9_000).as_bytes());
    folder.moved(".done", NORTH, "b.csv").await;
    let rows: Vec<u64> =
        imports(&suite, &admin).await.into_iter().map(|import| import.counts.unwrap().rows_read).collect();
    assert!(rows.len() == 2 && rows.iter().sum::<u64>() == 9_000, "{rows:?}");
    assert_eq!(suite.logged_events().await.len(), 9_000);
}

#[tokio::test]
async fn a_crash_before_the_file_is_moved_leads_to_its_move() {
    let folder = Folder::new();
    let suite = Suite::start_with(|options| folder.options(options)).await;
    let admin = suite.summit().await;
    // As if it had not been moved: the content is done, and stands where it was dropped.
    folder.drop(NORTH, "a.csv", shifts(5).as_bytes());
    folder.moved(".done", NORTH, "a.csv").await;
    fs::rename(folder.path(&format!(".done/{NORTH}"), "a.csv"), folder.path(NORTH, "a.csv")).unwrap();
    folder.moved(".done", NORTH, "a.csv").await;
    assert_eq!(imports(&suite, &admin).await.len(), 1);
}

#[tokio::test]
async fn two_processes_never_read_one_file_at_once() {
    let folder = Folder::new();
    let suite = Suite::start_with(|options| folder.options(options)).await;
    let admin = suite.summit().await;
    let mut hold = Hold::new(&suite).await;
    folder.drop(NORTH, "a.csv", shifts(5_000).as_bytes());
    hold.reached().await;
    let (runtime, second) = folder.process(&suite, at(NOW)).await;
    // Younger than the other: whoever takes it has looked at that before.
    folder.drop(NORTH, "b.csv", shifts(3).as_bytes());
    folder.moved(".done", NORTH, "b.csv").await;
    assert_eq!(counted(&second, "taken"), 1);
    assert_eq!(suite.count("SELECT epoch FROM ingestion.dropped_file WHERE state = 1").await, 1);
    hold.release().await;
    folder.moved(".done", NORTH, "a.csv").await;
    assert_eq!(suite.count("SELECT max(epoch) FROM ingestion.dropped_file").await, 1);
    let rows: u64 = imports(&suite, &admin).await.into_iter().map(|import| import.counts.unwrap().rows_read).sum();
    assert_eq!((rows, suite.logged_events().await.len()), (5_003, 5_000));
    drop(second);
    runtime.shutdown_background();
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_read_again_when_it_is_complete() {
    let folder = Folder::new();
    let suite = Suite::start_with(|options| folder.options(options)).await;
    let admin = suite.summit().await;
    let mut hold = Hold::new(&suite).await;
    // More than what is on its way while one waits for the other.
    folder.drop(NORTH, "a.csv", shifts(60_000).as_bytes());
    hold.reached().await;
    let mut file = File::options().append(true).open(folder.path(NORTH, "a.csv")).unwrap();
    file.write_all(b"north,late,lot,09/07/2026 06:00:00 AM\n").unwrap();
    drop(file);
    hold.release().await;
    folder.moved(".done", NORTH, "a.csv").await;
    let mut states: Vec<ImportState> = imports(&suite, &admin).await.iter().map(ImportMetadata::state).collect();
    // Both began at one instant of the clock that stands still: their order says nothing.
    states.sort_unstable();
    let mut expected = [ImportState::Succeeded, ImportState::Cancelled];
    expected.sort_unstable();
    assert_eq!(states, expected);
    assert_eq!(suite.logged_events().await.len(), 60_001);
}

#[tokio::test]
async fn what_cannot_be_read_fails_with_the_reason_beside_it() {
    let folder = Folder::new();
    let suite = Suite::start_with(|options| folder.options(options)).await;
    let admin = suite.summit().await;
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(shifts(3_000).as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    folder.drop(NORTH, "cut.csv.gz", &packed[..packed.len() / 2]);
    let reason = folder.failed(NORTH, "cut.csv.gz").await;
    assert_eq!(reason, "it ends in the middle: copy it again, then import it once more\n");
    let counts = imports(&suite, &admin).await[0].counts.clone().unwrap();
    assert_eq!((counts.files, counts.files_failed), (1, 1));
    // Again: the same reason, and nothing read.
    folder.drop(NORTH, "again.csv.gz", &packed[..packed.len() / 2]);
    assert_eq!(folder.failed(NORTH, "again.csv.gz").await, reason);
    assert_eq!(imports(&suite, &admin).await.len(), 1);

    for (place, why) in [
        ("summit/atlantis/staff-shifts", "there is no rooftop"),
        ("nobody/north/staff-shifts", "there is no rooftop"),
        ("summit/north/tarot", "none of the profiles"),
        ("Not A Group/north/staff-shifts", "the folder is no DIR"),
    ] {
        folder.drop(place, "a.csv", shifts(1).as_bytes());
        let reason = folder.failed(place, "a.csv").await;
        assert!(reason.contains(why), "{place}: {reason}");
    }
    eventually(SOON, async || counted(&suite.running, "failed") == 5).await;
    assert_eq!(counted(&suite.running, "repeated"), 1);
    folder.drop(NORTH, "whole.csv.gz", &packed);
    folder.moved(".done", NORTH, "whole.csv.gz").await;
    assert_eq!(suite.logged_events().await.len(), 3_000);
}

#[tokio::test]
async fn the_name_of_a_file_is_neither_stored_nor_logged() {
    let folder = Folder::new();
    let suite = Suite::start().await;
    suite.summit().await;
    let log = folder.path("", "process.log");
    let mut process = Command::new(env!("CARGO_BIN_EXE_throughline-ingestion"))
        .args(["--postgres-url", suite.database.url(), "--service-key", "service-key-for-tests"])
        .args(["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log-filter", "trace", "--drop-look", "20ms"])
        .args(["--clock-start", NOW])
        .arg("--drop-folder")
        .arg(folder.0.path())
        .stdout(Stdio::null())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    folder.drop(NORTH, "CANARY Smith.csv", shifts(5).as_bytes());
    folder.moved(".done", NORTH, "CANARY Smith.csv").await;
    folder.drop(NORTH, "CANARY Smith again.csv", shifts(5).as_bytes());
    folder.moved(".done", NORTH, "CANARY Smith again.csv").await;
    folder.drop(NORTH, "CANARY Smith.gz", b"\x1f\x8b\x08");
    folder.failed(NORTH, "CANARY Smith.gz").await;
    folder.drop("CANARY Smith/north/staff-shifts", "CANARY.csv", b"x");
    folder.failed("CANARY Smith/north/staff-shifts", "CANARY.csv").await;
    process.kill().unwrap();
    process.wait().unwrap();
    let logged = fs::read_to_string(log).unwrap();
    assert!(logged.contains("a dropped file is read") && !logged.contains("CANARY"));
    assert_nowhere(&suite, &["CANARY"]).await;
}
