use throughline_proto::{
    log::v1::entry_body::Body,
    tenant::v1::{
        Calendar, CreateGroupRequest, CreateRooftopRequest, GetRooftopRequest, ListRooftopsRequest, OpenHours, Rooftop,
        UpdateRooftopRequest,
    },
};
use tonic::{Code, Status};

use crate::kit::{Suite, create, event, reason, with};

const FIRST: &str = "6d5e7a0c-f7c1-4920-a6be-baa7aa5ac917";
const SECOND: &str = "0c1eec94-c236-43b8-8dc0-9d18dc6c4225";

fn utc() -> Rooftop {
    Rooftop { zone: "UTC".into(), ..Rooftop::default() }
}

fn told(status: &Status) -> String {
    format!("{:?} {}: {}", status.code(), reason(status), status.message())
}

#[tokio::test]
async fn rooftops_go_where_there_are_fewest() {
    let suite = Suite::start().await;
    let admin = suite.group("summit").await;
    let mut parts = Vec::new();
    for n in 0..3 {
        parts.push(suite.rooftop(&admin, "summit", &format!("r{n}")).await.part);
    }
    let other = suite.group("other").await;
    parts.push(suite.rooftop(&other, "other", "r0").await.part);
    assert_eq!(parts, [0, 1, 2, 3]);
    let added = futures::future::join_all((10..20).map(|n| {
        let (suite, admin) = (&suite, &admin);
        async move { suite.rooftop(admin, "summit", &format!("r{n}")).await.part }
    }))
    .await;
    let mut added: Vec<u32> = added;
    added.sort_unstable();
    assert_eq!(added, (4..14).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_repeated_request_answers_as_the_first_did() {
    let suite = Suite::start().await;
    let admin = suite.group("summit").await;
    let request = |id: &str| CreateRooftopRequest { request_id: FIRST.into(), ..create("summit", id, utc()) };
    let first = suite.directory(&admin).create_rooftop(request("north")).await.unwrap().into_inner();
    let second = suite.directory(&admin).create_rooftop(request("north")).await.unwrap().into_inner();
    assert_eq!(first, second);
    let status = suite.directory(&admin).create_rooftop(request("south")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
    assert_eq!(suite.log().await[&0].len(), 1);
}

#[tokio::test]
async fn an_id_is_taken_once_and_the_same_content_is_no_conflict() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let same = Rooftop { zone: "America/New_York".into(), ..Rooftop::default() };
    let again = suite.directory(&admin).create_rooftop(create("summit", "north", same)).await.unwrap().into_inner();
    assert_eq!(again.part, 0);
    let status = suite.directory(&admin).create_rooftop(create("summit", "north", utc())).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "ALREADY_EXISTS"));
    assert_eq!(suite.log().await[&0].len(), 1);
}

#[tokio::test]
async fn a_change_names_what_it_saw_and_is_told_to_followers() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let name = "groups/summit/rooftops/north".to_owned();
    let north = suite.directory(&admin).get_rooftop(GetRooftopRequest { name }).await.unwrap().into_inner();
    assert_eq!((north.etag.as_str(), north.definition_version.as_str()), ("\"r1\"", "retail-deal@1"));
    let hours = vec![OpenHours { weekday: 1, opens: "09:00".into(), closes: "20:00".into() }];
    let wanted = Rooftop {
        calendar: Some(Calendar { hours, ..Calendar::default() }),
        vendor_codes: vec!["N-1".into()],
        zone: "Mars/Olympus".into(),
        ..north.clone()
    };
    let mask =
        |paths: &[&str]| Some(prost_types::FieldMask { paths: paths.iter().map(|path| (*path).into()).collect() });
    let update = |rooftop: &Rooftop, paths: &[&str], request_id: &str| UpdateRooftopRequest {
        rooftop: Some(rooftop.clone()),
        update_mask: mask(paths),
        request_id: request_id.into(),
        actor: "n-gm".into(),
    };
    let mut directory = suite.directory(&admin);
    let changed =
        directory.update_rooftop(update(&wanted, &["calendar", "vendor_codes"], SECOND)).await.unwrap().into_inner();
    assert_eq!(
        (changed.etag.as_str(), changed.part, changed.zone.as_str()),
        ("\"r2\"", north.part, "America/New_York")
    );
    assert_eq!(changed.calendar.as_ref().unwrap().version, 1);
    let repeated =
        directory.update_rooftop(update(&wanted, &["calendar", "vendor_codes"], SECOND)).await.unwrap().into_inner();
    assert_eq!(repeated, changed);

    let refusals = [
        directory.update_rooftop(update(&north, &["display_name"], "")).await.unwrap_err(),
        directory.update_rooftop(update(&changed, &["part"], "")).await.unwrap_err(),
        directory
            .update_rooftop(update(&Rooftop { etag: String::new(), ..wanted.clone() }, &["zone"], ""))
            .await
            .unwrap_err(),
        directory
            .update_rooftop(update(&Rooftop { name: "groups/summit/rooftops/south".into(), ..wanted.clone() }, &[], ""))
            .await
            .unwrap_err(),
    ];
    insta::assert_snapshot!(refusals.iter().map(told).collect::<Vec<_>>().join("\n"), @r#"
    Aborted ETAG_MISMATCH: "groups/summit/rooftops/north" was changed by another: read it, merge and try again
    InvalidArgument INVALID_FIELD: update_mask: "part" can't be changed: name some of display_name, zone, vendor_codes, calendar, calendars, department_calendars, targets, definition_json, departments, feeds, or *
    InvalidArgument INVALID_FIELD: rooftop.zone: is no name of the iana time zone database, such as America/New_York
    NotFound NOT_FOUND: there is no rooftop "groups/summit/rooftops/south"
    "#);

    // Nothing new: no entry.
    let same = directory.update_rooftop(update(&changed, &["*"], "")).await.unwrap().into_inner();
    assert_eq!(same, changed);
    let log = suite.log().await;
    let said: Vec<&Rooftop> = log[&0]
        .iter()
        .map(|entry| match &entry.body {
            Body::Rooftop(rooftop) => rooftop,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(said, [&north, &changed]);
    assert_eq!(log[&0][1].actor, "n-gm");
    let answer = suite.append(&admin, vec![with(event("e-1"), "rooftop", "N-1")]).await;
    assert_eq!(answer.results[0].outcome, 1);
}

#[tokio::test]
async fn one_code_means_one_rooftop() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let coded = |code: &str| Rooftop { vendor_codes: vec![code.into()], ..utc() };
    let mut directory = suite.directory(&admin);
    directory.create_rooftop(create("summit", "south", coded("S-1"))).await.unwrap();
    for code in ["S-1", "north"] {
        let status = directory.create_rooftop(create("summit", "west", coded(code))).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    }
    // What was refused left nothing behind.
    let west = directory.create_rooftop(create("summit", "west", coded("W-1"))).await.unwrap().into_inner();
    assert_eq!(west.part, 2);
}

#[tokio::test]
async fn lists_show_what_the_key_may_see() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    for id in ["east", "south", "west"] {
        suite.rooftop(&admin, "summit", id).await;
    }
    let list = async |token: &str, page_size: i32, page_token: &str| {
        let request = ListRooftopsRequest { parent: "groups/summit".into(), page_size, page_token: page_token.into() };
        let page = suite.directory(token).list_rooftops(request).await.unwrap().into_inner();
        let names: Vec<String> = page.rooftops.into_iter().map(|rooftop| rooftop.name).collect();
        (names.join(" ").replace("groups/summit/rooftops/", ""), page.next_page_token)
    };
    let (names, next) = list(&admin, 3, "").await;
    assert_eq!(names, "east north south");
    assert_eq!(list(&admin, 3, &next).await, ("west".to_owned(), String::new()));
    let narrow = suite.key(&admin, &["read"], &["south"], &[]).await;
    assert_eq!(list(&narrow, 0, "").await.0, "south");
    let hidden = GetRooftopRequest { name: "groups/summit/rooftops/north".into() };
    let status = suite.directory(&narrow).get_rooftop(hidden).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "ROOFTOP_NOT_ALLOWED"));
    let missing = GetRooftopRequest { name: "groups/summit/rooftops/nowhere".into() };
    assert_eq!(suite.directory(&admin).get_rooftop(missing).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_group_is_made_once_and_by_the_services_alone() {
    let suite = Suite::start().await;
    let admin = suite.group("summit").await;
    assert!(!admin.is_empty());
    assert!(suite.group("summit").await.is_empty());
    let request = CreateGroupRequest { group_id: "mine".into(), ..Default::default() };
    assert_eq!(suite.directory(&admin).create_group(request).await.unwrap_err().code(), Code::PermissionDenied);
    let request = CreateGroupRequest { group_id: "Not Mine".into(), ..Default::default() };
    assert_eq!(suite.internal().create_group(request).await.unwrap_err().code(), Code::InvalidArgument);
    // The services may add to any group there is.
    assert_eq!(suite.internal().create_rooftop(create("summit", "north", utc())).await.unwrap().into_inner().part, 0);
    assert_eq!(
        suite.internal().create_rooftop(create("nobody", "north", utc())).await.unwrap_err().code(),
        Code::NotFound
    );
}
