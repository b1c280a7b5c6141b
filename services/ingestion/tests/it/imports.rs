//! Imports as operations: every row is accounted for, what was durable stays, and nobody else sees any of it.

use std::{io::Write as _, time::Duration};

use flate2::{Compression, write::GzEncoder};
use jiff::SignedDuration;
use prost::Message as _;
use sqlx::Row as _;
use throughline_journal::host;
use throughline_platform::{Options, clock::Clock};
use throughline_proto::{
    event::v1::Event,
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
async fn an_upload_that_breaks_off_is_begun_again_and_gives_the_same_events() {
    let (suite, whole) = (Suite::start().await, Suite::start().await);
    let (admin, other) = (suite.summit().await, whole.summit().await);
    let table = long_table(4, 900);
    let name = begin(&whole, &other, "crm-visits").await.name;
    let wanted = last(&upload(&whole, &other, &name, &[table.as_bytes()]).await);
    assert!(wanted.accepted > 3_000 && wanted.quarantined == 0, "{wanted:?}");

    let name = begin(&suite, &admin, "crm-visits").await.name;
    let (steps, mut answers) = open(&suite, &admin, &name).await;
    // Without its end, and half of it.
    for step in file(1, &table.as_bytes()[..table.len() / 2])
        .into_iter()
        .take_while(|step| !matches!(step.step, Some(Step::End(_))))
    {
        steps.send(step).await.unwrap();
    }
    let durable = answers.message().await.unwrap().unwrap().counts.unwrap();
    assert!(durable.accepted >= 1_000, "{durable:?}");
    let mut db = throughline_testkit::connect(suite.database.url()).await;
    // Both as they stand at one moment.
    sqlx::raw_sql(
        "BEGIN ISOLATION LEVEL REPEATABLE READ;
         CREATE TABLE old_table AS SELECT before_at, last_at FROM ingestion.polled_table;
         CREATE TABLE old_row AS SELECT * FROM ingestion.polled_row;
         COMMIT",
    )
    .execute(&mut db)
    .await
    .unwrap();
    let remembered = answers.message().await.unwrap().unwrap().counts.unwrap();
    assert!(remembered.accepted > durable.accepted, "{remembered:?}");
    drop((steps, answers));
    eventually(SOON, async || get(&suite, &admin, &name).await.1.state() == ImportState::Waiting).await;

    // What was durable is not remembered: a crash between the two.
    sqlx::raw_sql(
        "UPDATE ingestion.polled_table SET (before_at, last_at) = (SELECT before_at, last_at FROM old_table);
         DELETE FROM ingestion.polled_row;
         INSERT INTO ingestion.polled_row SELECT * FROM old_row",
    )
    .execute(&mut db)
    .await
    .unwrap();
    let counts = last(&upload(&suite, &admin, &name, &[table.as_bytes()]).await);
    adds_up(&counts);
    assert_eq!((counts.accepted, counts.quarantined), (wanted.accepted, 0), "{counts:?}");
    assert!(counts.duplicate > 0, "{counts:?}");
    assert_eq!(by_id(suite.logged_events().await), by_id(whole.logged_events().await));
}

#[tokio::test]
async fn a_cancelled_import_ends_its_upload_and_keeps_what_was_durable() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let name = begin(&suite, &admin, "crm-visits").await.name;
    let (steps, mut answers) = open(&suite, &admin, &name).await;
    for step in file(1, long_table(1, 1_200).as_bytes()) {
        steps.send(step).await.unwrap();
    }
    let mut durable = answers.message().await.unwrap().unwrap();
    while durable.files.is_empty() {
        durable = answers.message().await.unwrap().unwrap();
    }
    let refused = suite.operations(&admin).delete_operation(DeleteOperationRequest { name: name.clone() }).await;
    assert_eq!(refused.unwrap_err().code(), Code::FailedPrecondition);
    let mut operations = suite.operations(&admin);
    let wait = WaitOperationRequest { name: name.clone(), timeout: Some(duration_to_wire(SOON)) };
    // Whoever waits is told, and so is whoever uploads.
    let (waited, ended, cancelled) = tokio::join!(operations.wait_operation(wait), answers.message(), async {
        eventually(SOON, async || get(&suite, &admin, &name).await.1.state() == ImportState::Uploading).await;
        let mut operations = suite.operations(&admin);
        operations.cancel_operation(CancelOperationRequest { name: name.clone() }).await
    });
    cancelled.unwrap();
    let status = ended.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Cancelled, "CANCELLED"), "{status}");
    let operation = waited.unwrap().into_inner();
    let Some(operation::Result::Error(error)) = operation.result else { panic!() };
    assert_eq!((operation.done, error.code), (true, Code::Cancelled as i32));
    let (_, metadata) = get(&suite, &admin, &name).await;
    assert_eq!((metadata.state(), metadata.counts), (ImportState::Cancelled, durable.counts));
    assert!(suite.logged_events().await.len() >= 1_200);

    // Ended is ended.
    suite.operations(&admin).cancel_operation(CancelOperationRequest { name: name.clone() }).await.unwrap();
    let (_steps, mut answers) = open(&suite, &admin, &name).await;
    assert_eq!(answers.message().await.unwrap_err().code(), Code::Cancelled);
    suite.operations(&admin).delete_operation(DeleteOperationRequest { name: name.clone() }).await.unwrap();
    let gone = suite.operations(&admin).get_operation(GetOperationRequest { name }).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
}

#[tokio::test]
async fn a_second_upload_takes_over_and_another_import_of_the_table_waits() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let first = begin(&suite, &admin, "crm-visits").await.name;
    let second = begin(&suite, &admin, "crm-visits").await.name;
    let shifts = begin(&suite, &admin, "staff-shifts").await.name;
    let (former, mut of_former) = open(&suite, &admin, &first).await;
    eventually(SOON, async || get(&suite, &admin, &first).await.1.state() == ImportState::Uploading).await;

    let (_steps, mut answers) = open(&suite, &admin, &second).await;
    let refused = answers.message().await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains(&first), "{refused}");
    // What is not polled stands in nobody's way.
    upload(&suite, &admin, &shifts, &[SHIFTS.as_bytes()]).await;

    let (latter, mut of_latter) = open(&suite, &admin, &first).await;
    let status = tokio::time::timeout(SOON, of_former.message()).await.unwrap().unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "UPLOAD_TAKEN_OVER"), "{status}");
    drop(former);
    for step in file(1, long_table(1, 10).as_bytes()).into_iter().chain([step(Step::Finish(Finish {}))]) {
        latter.send(step).await.unwrap();
    }
    let mut done = false;
    while let Some(answer) = of_latter.message().await.unwrap() {
        done = answer.done;
    }
    assert!(done);
    let counts = last(&upload(&suite, &admin, &second, &[long_table(1, 10).as_bytes()]).await);
    assert_eq!((counts.accepted, counts.rows_dropped["nothing in it is new"]), (0, 10), "{counts:?}");
}

#[tokio::test]
async fn steps_that_make_no_sense_end_the_upload_and_not_the_import() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let name = begin(&suite, &admin, "staff-shifts").await.name;
    let start = || step(Step::Operation(name.clone()));
    let begin = |ordinal| step(Step::Begin(Begin { ordinal }));
    for (steps, field) in [
        (vec![begin(1)], "operation"),
        (vec![start(), begin(0)], "begin.ordinal"),
        (vec![start(), begin(1), begin(2)], "begin"),
        (vec![start(), step(Step::Chunk(vec![1]))], "chunk"),
        (vec![start(), begin(1), step(Step::Chunk(vec![1; (1 << 20) + 1]))], "chunk"),
        (vec![start(), step(Step::End(End::default()))], "end"),
        (vec![start(), begin(1), step(Step::Finish(Finish {}))], "finish"),
        (vec![start(), UploadImportRequest::default()], "step"),
        (vec![start(), start()], "operation"),
    ] {
        let answers = suite.imports(&admin).upload_import(futures::stream::iter(steps)).await.unwrap();
        let status = heard(answers.into_inner()).await.unwrap_err();
        let details = status.get_error_details();
        let fields: Vec<&str> =
            details.bad_request().unwrap().field_violations.iter().map(|wrong| wrong.field.as_str()).collect();
        assert_eq!((status.code(), fields), (Code::InvalidArgument, vec![field]));
    }
    let changed = [
        start(),
        begin(1),
        step(Step::Chunk(format!("{SHIFTS}{}nor", shift("e1", "09/07/2026 06:00:00 AM")).into_bytes())),
        step(Step::End(End { integrity: FileIntegrity::Changed.into() })),
        step(Step::Finish(Finish {})),
    ];
    let answers = suite.imports(&admin).upload_import(futures::stream::iter(changed)).await.unwrap();
    let answers = heard(answers.into_inner()).await.unwrap();
    let counts = last(&answers);
    // The half of a row is none.
    assert_eq!((counts.files_failed, counts.rows_read, counts.accepted), (1, 1, 1), "{counts:?}");
    assert!(format!("{answers:?}").contains("it was changed while it was read"));
}

#[tokio::test]
async fn a_profile_that_cannot_be_used_is_refused_with_everything_that_is_wrong() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let wrong =
        "{profile: X, version: 0, title: t, format: csv, source: here, zone: Mars/Olympus, row: [], events: []}";
    let refused = suite.imports(&admin).create_import(create(Mapping::ProfileYaml(wrong.into()))).await.unwrap_err();
    let details = refused.get_error_details();
    let violations = &details.bad_request().unwrap().field_violations;
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(violations.len() >= 6 && violations.iter().all(|one| one.field == "profile_yaml"), "{violations:?}");
    // A file of customers by mistake.
    let data = "name: [Jane CANARY, {tel: 555-0100}]\n- CANARY";
    let refused = suite.imports(&admin).create_import(create(Mapping::ProfileYaml(data.into()))).await.unwrap_err();
    assert!(!format!("{refused:?}").contains("CANARY"), "{refused:?}");

    let unknown = suite.imports(&admin).create_import(create(Mapping::Profile("tarot".into()))).await.unwrap_err();
    assert!(unknown.message().contains("crm-visits"), "{unknown}");
    let nowhere = CreateImportRequest {
        parent: "groups/summit/rooftops/atlantis".into(),
        ..create(Mapping::Profile("adf".into()))
    };
    assert_eq!(suite.imports(&admin).create_import(nowhere).await.unwrap_err().code(), Code::NotFound);

    let again = CreateImportRequest {
        request_id: "7f9c24e8-3b8a-4f0a-9f0a-2f6b7a1c0d11".into(),
        ..create(Mapping::Profile("adf".into()))
    };
    let one = suite.imports(&admin).create_import(again.clone()).await.unwrap().into_inner();
    assert_eq!(suite.imports(&admin).create_import(again).await.unwrap().into_inner(), one);
}

#[tokio::test]
async fn an_import_is_seen_and_touched_by_those_who_may() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    suite.rooftop(&admin, "summit", "south").await;
    let stranger = suite.group("other").await;
    let names = [begin(&suite, &admin, "adf").await.name, begin(&suite, &admin, "adf").await.name];
    let name = &names[0];

    let get = GetOperationRequest { name: name.clone() };
    let refused = suite.operations(&stranger).get_operation(get.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let guessed = GetOperationRequest { name: name.replace("summit", "other") };
    assert_eq!(suite.operations(&stranger).get_operation(guessed).await.unwrap_err().code(), Code::NotFound);
    let elsewhere = GetOperationRequest { name: name.replace("north", "south") };
    assert_eq!(suite.operations(&admin).get_operation(elsewhere).await.unwrap_err().code(), Code::NotFound);
    let (_steps, mut answers) = open(&suite, &stranger, name).await;
    assert_eq!(answers.message().await.unwrap_err().code(), Code::PermissionDenied);
    let cancel = CancelOperationRequest { name: name.clone() };
    assert_eq!(
        suite.operations(&stranger).cancel_operation(cancel.clone()).await.unwrap_err().code(),
        Code::PermissionDenied
    );

    let reader = suite.key(&admin, &["read"], &[], &[]).await;
    suite.operations(&reader).get_operation(get.clone()).await.unwrap();
    assert_eq!(suite.operations(&reader).cancel_operation(cancel).await.unwrap_err().code(), Code::PermissionDenied);
    let sender = suite.key(&admin, &["ingest"], &["south"], &[]).await;
    let refused = suite.imports(&sender).create_import(create(Mapping::Profile("adf".into()))).await.unwrap_err();
    assert_eq!(reason(&refused), "ROOFTOP_NOT_ALLOWED");
    let vendor = suite.key(&admin, &["ingest"], &[], &["//crm.vendor/*"]).await;
    let refused = suite.imports(&vendor).create_import(create(Mapping::Profile("adf".into()))).await.unwrap_err();
    assert_eq!(reason(&refused), "SOURCE_NOT_ALLOWED");
    assert_eq!(suite.operations(&vendor).get_operation(get).await.unwrap_err().code(), Code::PermissionDenied);

    for parent in ["groups/summit", "groups/summit/rooftops/north"] {
        let mut listed = Vec::new();
        let mut page = ListOperationsRequest { name: parent.into(), page_size: 1, ..ListOperationsRequest::default() };
        loop {
            let answer = suite.operations(&admin).list_operations(page.clone()).await.unwrap().into_inner();
            listed.extend(answer.operations.into_iter().map(|operation| operation.name));
            page.page_token = answer.next_page_token;
            if page.page_token.is_empty() {
                break;
            }
        }
        listed.sort();
        let mut wanted = names.to_vec();
        wanted.sort();
        assert_eq!(listed, wanted);
    }
    let none =
        ListOperationsRequest { name: "groups/summit/rooftops/south".into(), ..ListOperationsRequest::default() };
    assert!(suite.operations(&admin).list_operations(none).await.unwrap().into_inner().operations.is_empty());
}

#[tokio::test]
async fn an_import_that_nobody_goes_on_with_fails_and_is_forgotten_one_day() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let name = begin(&suite, &admin, "adf").await.name;
    // Housekeeping looks when a process starts.
    let later = async |hours: i64| {
        let now = at(NOW) + SignedDuration::from_hours(hours);
        let (clock, _hand) = Clock::manual(now);
        let options = Options::for_test(suite.database.url(), None);
        host::start_with(options, Some(clock), &[throughline_ingestion::SERVICE]).await.unwrap()
    };
    let _a_day = later(25).await;
    eventually(SOON, async || get(&suite, &admin, &name).await.1.state() == ImportState::Failed).await;
    let (operation, _) = get(&suite, &admin, &name).await;
    let Some(operation::Result::Error(error)) = operation.result else { panic!() };
    assert!(error.message.contains("24 hours"), "{error:?}");
    let _a_month = later(25 + 31 * 24).await;
    eventually(SOON, async || suite.count("SELECT count(*) FROM ingestion.import").await == 0).await;
}
