//! Imports as operations: every row is accounted for, what was durable stays, and nobody else sees any of it.

mod ending;
mod refusing;

use std::{io::Write as _, time::Duration};

use flate2::{Compression, write::GzEncoder};
use jiff::SignedDuration;
use prost::Message as _;
use sqlx::Row as _;
use throughline_journal::host;
use throughline_platform::{Options, clock::Clock};
use throughline_proto::{
    event::v1::{Event, Origin},
    ingestion::v1::{
        CreateImportRequest, FileIntegrity, ImportCounts, ImportMetadata, ImportState, ImportSummary,
        UploadImportRequest, UploadImportResponse,
        create_import_request::Mapping,
        upload_import_request::{Begin, End, Finish, Step},
    },
    longrunning::{
        CancelOperationRequest, DeleteOperationRequest, GetOperationRequest, ListOperationsRequest, Operation,
        WaitOperationRequest, operation,
    },
    time::duration_to_wire,
};
use throughline_testkit::eventually;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

use crate::kit::{NOW, Suite, at, reason};

const SHIFTS: &str = "Store,Employee,Role,On\n";
const VISITS: &str = "PolledUTC,VisitID,DealerID,StartUTCDate,EndUTCDate,StockNumber,SalesRepID,WriteUp,Desking,EndReason,DemoTestDrive,TradeAppraisal,FinanceTurnOver,ManagerTurnOver\n";
/// Long enough for whatever is looked at every few seconds.
const SOON: Duration = Duration::from_secs(20);

fn create(mapping: Mapping) -> CreateImportRequest {
    CreateImportRequest {
        parent: "groups/summit/rooftops/north".into(),
        mapping: Some(mapping),
        ..CreateImportRequest::default()
    }
}

async fn begin(suite: &Suite, token: &str, profile: &str) -> Operation {
    suite.imports(token).create_import(create(Mapping::Profile(profile.into()))).await.unwrap().into_inner()
}

fn step(step: Step) -> UploadImportRequest {
    UploadImportRequest { step: Some(step) }
}

/// The steps of a file, a few bytes at a time.
fn file(ordinal: u32, content: &[u8]) -> Vec<UploadImportRequest> {
    let chunks = content.chunks(10_000).map(|chunk| step(Step::Chunk(chunk.to_vec())));
    let end = step(Step::End(End { integrity: FileIntegrity::Unspecified.into() }));
    std::iter::once(step(Step::Begin(Begin { ordinal }))).chain(chunks).chain([end]).collect()
}

/// Uploads whole files and finishes.
async fn upload(suite: &Suite, token: &str, operation: &str, files: &[&[u8]]) -> Vec<UploadImportResponse> {
    let mut steps = vec![step(Step::Operation(operation.to_owned()))];
    steps.extend(files.iter().zip(1..).flat_map(|(content, ordinal)| file(ordinal, content)));
    steps.push(step(Step::Finish(Finish {})));
    let answers = suite.imports(token).upload_import(futures::stream::iter(steps)).await.unwrap();
    heard(answers.into_inner()).await.unwrap()
}

async fn heard(mut answers: Streaming<UploadImportResponse>) -> Result<Vec<UploadImportResponse>, Status> {
    let mut heard = Vec::new();
    while let Some(answer) = answers.message().await? {
        heard.push(answer);
    }
    Ok(heard)
}

/// An upload that is held open: steps go in by hand.
async fn open(
    suite: &Suite,
    token: &str,
    operation: &str,
) -> (mpsc::Sender<UploadImportRequest>, Streaming<UploadImportResponse>) {
    let (steps, taken) = mpsc::channel(64);
    steps.send(step(Step::Operation(operation.to_owned()))).await.unwrap();
    let answers = suite.imports(token).upload_import(ReceiverStream::new(taken)).await.unwrap();
    (steps, answers.into_inner())
}

async fn get(suite: &Suite, token: &str, name: &str) -> (Operation, ImportMetadata) {
    let request = GetOperationRequest { name: name.to_owned() };
    let operation = suite.operations(token).get_operation(request).await.unwrap().into_inner();
    let metadata = operation.metadata.as_ref().unwrap();
    assert_eq!(metadata.type_url, "type.googleapis.com/throughline.ingestion.v1.ImportMetadata");
    let metadata = ImportMetadata::decode(metadata.value.as_slice()).unwrap();
    (operation, metadata)
}

fn last(answers: &[UploadImportResponse]) -> ImportCounts {
    let last = answers.last().unwrap();
    assert!(last.done);
    last.counts.clone().unwrap()
}

fn adds_up(counts: &ImportCounts) {
    let sum = |reasons: &std::collections::BTreeMap<String, u64>| reasons.values().sum::<u64>();
    assert_eq!(counts.rows_read, counts.rows_kept + sum(&counts.rows_dropped) + sum(&counts.rows_broken), "{counts:?}");
    assert_eq!(counts.events, counts.accepted + counts.duplicate + counts.quarantined, "{counts:?}");
    assert_eq!(counts.quarantined, sum(&counts.quarantined_reasons), "{counts:?}");
}

fn shift(employee: &str, on: &str) -> String {
    format!("north,{employee},lot,{on}\n")
}

#[tokio::test]
async fn every_file_row_and_event_is_accounted_for() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let name = begin(&suite, &admin, "staff-shifts").await.name;
    let (_, metadata) = get(&suite, &admin, &name).await;
    assert_eq!(
        (metadata.state(), metadata.profile.as_str(), metadata.version),
        (ImportState::Waiting, "staff-shifts", 1)
    );

    let sound = "09/07/2026 06:00:00 AM";
    let one = [
        SHIFTS.to_owned(),
        shift("e1", sound),
        shift("", sound),
        "CANARY-ROW\n".to_owned(),
        shift("e1", sound),
        shift("e2", "09/07/2056 06:00:00 AM"),
    ]
    .concat();
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    write!(packed, "{SHIFTS}{}", (0..3_000).map(|n| shift(&format!("p{n}"), sound)).collect::<String>()).unwrap();
    let packed = packed.finish().unwrap();
    let cut = &packed[..packed.len() / 2];
    let other = b"Name,Telephone\nCANARY,555-0100\n";
    let files: [&[u8]; 4] = [one.as_bytes(), cut, other, &packed];
    let answers = upload(&suite, &admin, &name, &files).await;

    let counts = last(&answers);
    adds_up(&counts);
    assert_eq!((counts.files, counts.files_failed), (4, 2));
    assert_eq!(counts.bytes, files.iter().map(|file| file.len() as u64).sum::<u64>());
    assert_eq!((counts.rows_dropped.values().sum::<u64>(), counts.rows_broken.values().sum::<u64>()), (1, 1));
    assert_eq!(counts.quarantined_reasons.into_iter().collect::<Vec<_>>(), [("TIME_IN_FUTURE".to_owned(), 1)]);
    // All of the packed file, whether they came with the half of it or the whole.
    assert_eq!(counts.accepted, 1 + 3_000);
    let ends: Vec<(u32, &str)> =
        answers.iter().flat_map(|answer| &answer.files).map(|end| (end.ordinal, end.failure.as_str())).collect();
    assert_eq!(ends[0], (1, ""));
    assert_eq!(ends[1], (2, "it ends in the middle: copy it again, then import it once more"));
    assert!(ends[2].1.ends_with("is it a file of profile staff-shifts?"), "{ends:?}");
    assert_eq!((ends[3], ends.len()), ((4, ""), 4));
    let broken: Vec<_> = answers.iter().flat_map(|answer| &answer.broken_rows).map(|row| (row.file, row.row)).collect();
    assert_eq!(broken, [(1, 3)]);
    assert_eq!(answers.iter().map(|answer| answer.set_apart.len()).sum::<usize>(), 1);
    assert!(!format!("{answers:?}").contains("CANARY"));
    // A thousand at a time.
    assert!(answers.len() >= 4, "{}", answers.len());

    let (operation, metadata) = get(&suite, &admin, &name).await;
    assert_eq!((operation.done, metadata.state(), metadata.current_file), (true, ImportState::Succeeded, 4));
    let Some(operation::Result::Response(response)) = operation.result else { panic!() };
    assert_eq!(response.type_url, "type.googleapis.com/throughline.ingestion.v1.ImportSummary");
    let summary = ImportSummary::decode(response.value.as_slice()).unwrap();
    assert_eq!(summary.counts, metadata.counts);
    assert_eq!(suite.logged_events().await.len(), 3_001);
    let mut db = throughline_testkit::connect(suite.database.url()).await;
    let kept: String =
        sqlx::query("SELECT string_agg(i::text || encode(counts, 'escape'), ' ') FROM ingestion.import i")
            .fetch_one(&mut db)
            .await
            .unwrap()
            .get(0);
    assert!(kept.contains("staff-shifts") && !kept.contains("CANARY") && !kept.contains("555-0100"), "{kept}");
}

#[tokio::test]
async fn small_files_are_committed_together() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let name = begin(&suite, &admin, "staff-shifts").await.name;
    let files: Vec<String> =
        (0..300).map(|n| format!("{SHIFTS}{}", shift(&format!("e{n}"), "09/07/2026 06:00:00 AM"))).collect();
    let files: Vec<&[u8]> = files.iter().map(String::as_bytes).collect();
    let answers = upload(&suite, &admin, &name, &files).await;
    let counts = last(&answers);
    assert_eq!((counts.files, counts.files_failed, counts.accepted), (300, 0, 300));
    let ended: Vec<u32> = answers.iter().flat_map(|answer| &answer.files).map(|file| file.ordinal).collect();
    assert_eq!(ended, (1..=300).collect::<Vec<_>>());
    assert!(answers.iter().all(|answer| answer.files.len() <= 50) && answers.len() < 150, "{}", answers.len());
}

/// Visits as they were polled at a minute: each with its number and how many flags are set.
fn polled(minute: u32, visits: &[(u32, usize)]) -> String {
    let row = |(id, flags): &(u32, usize)| {
        let flag = |nth| u8::from(nth < *flags);
        format!(
            "2026-09-07T10:{minute:02}:00Z,V{id},north,2026-09-07T10:00:00,,N{id},s1,{},{},,{},0,0,{}\n",
            flag(1),
            flag(2),
            flag(0),
            flag(3)
        )
    };
    visits.iter().map(row).collect()
}

#[tokio::test]
async fn a_polled_table_goes_on_where_the_import_before_ended() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let first = format!("{VISITS}{}{}", polled(5, &[(1, 1)]), polled(10, &[(2, 0)]));
    let more = format!("{first}{}", polled(15, &[(1, 2), (2, 0)]));
    let name = begin(&suite, &admin, "crm-visits").await.name;
    let counts = last(&upload(&suite, &admin, &name, &[first.as_bytes()]).await);
    assert_eq!((counts.accepted, counts.quarantined), (3, 0), "{counts:?}");

    let name = begin(&suite, &admin, "crm-visits").await.name;
    let counts = last(&upload(&suite, &admin, &name, &[more.as_bytes()]).await);
    adds_up(&counts);
    assert_eq!((counts.accepted, counts.duplicate, counts.quarantined), (1, 0, 0), "{counts:?}");
    assert_eq!(counts.rows_dropped.into_iter().collect::<Vec<_>>(), [("nothing in it is new".to_owned(), 3)]);
    let events = suite.logged_events().await;
    let writeup = events.iter().find(|event| event.r#type == "deal.writeup.submitted").unwrap();
    let time = writeup.time.as_ref().unwrap();
    let instant =
        |at: &Option<prost_types::Timestamp>| throughline_proto::time::from_wire(at.as_ref().unwrap()).unwrap();
    // Between the last poll of the first import and the one that shows it.
    assert_eq!(instant(&time.earliest), at("2026-09-07T10:10:00Z"));
    assert_eq!(instant(&time.latest), at("2026-09-07T10:15:00Z"));
    assert_eq!(suite.count("SELECT count(*) FROM ingestion.quarantine").await, 0);
    assert_eq!(suite.count("SELECT count(*) FROM ingestion.polled_row").await, 2);
}

/// A long table: so many polls of so many visits, whose flags come one by one.
pub fn long_table(polls: u32, visits: u32) -> String {
    let table = (0..polls).map(|poll| {
        let rows: Vec<(u32, usize)> =
            (0..visits).map(|visit| (visit, (poll as usize + visit as usize % 3).min(4))).collect();
        polled(poll + 1, &rows)
    });
    format!("{VISITS}{}", table.collect::<String>())
}

pub fn by_id(mut events: Vec<Event>) -> Vec<Event> {
    events.sort_by(|one, other| one.id.cmp(&other.id));
    events
}

#[tokio::test]
async fn import_is_history_unless_its_creator_says_that_it_is_live() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let table = |employee: &str| format!("{SHIFTS}north,{employee},lot,09/07/2026 06:00:00 AM\n");
    for (live, employee, origin) in [(false, "p1", Origin::Backfill), (true, "p2", Origin::Live)] {
        let request = CreateImportRequest { live, ..create(Mapping::Profile("staff-shifts".into())) };
        let operation = suite.imports(&admin).create_import(request).await.unwrap().into_inner();
        let answers = upload(&suite, &admin, &operation.name, &[table(employee).as_bytes()]).await;
        assert_eq!(last(&answers).accepted, 1);
        let origins = suite.event_origins().await;
        assert_eq!(origins.iter().filter(|one| **one == origin as i16).count(), 1, "{origins:?}");
    }
    assert_eq!(suite.event_origins().await.len(), 2);
}
