//! Imports that break off, are cancelled, taken over or left.

use super::*;

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
