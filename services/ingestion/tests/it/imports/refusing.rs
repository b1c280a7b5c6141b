//! What is refused, and to whom.

use super::*;

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
