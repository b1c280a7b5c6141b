use throughline_journal::{NewEntry, host::Running};
use throughline_proto::log::v1::{FollowRequest, FollowResponse, log_service_client::LogServiceClient};
use throughline_testkit::{Database, eventually};
use tonic::{Code, Request, Streaming, metadata::MetadataValue, transport::Channel};
use tonic_types::StatusExt;

use crate::world::{SOON, client, database, entry, post, process, superuser};

/// A caller with a key of a group, held to some rooftops (none: all).
struct Caller {
    client: LogServiceClient<Channel>,
    token: MetadataValue<tonic::metadata::Ascii>,
    parent: String,
}

impl Caller {
    async fn of(process: &Running, database: &Database, group: &str, rooftops: &[&str]) -> Self {
        let mut conn = superuser(database).await;
        sqlx::query("insert into directory.dealer_group values ($1, $1, now()) on conflict do nothing")
            .bind(group)
            .execute(&mut conn)
            .await
            .unwrap();
        let key = format!("{group}{}", rooftops.len());
        sqlx::query(
            "insert into directory.api_key (key_id, group_id, hash, display_name, scopes, rooftops, sources, created_at)
             values ($1, $2, sha256('open-sesame'), 'test', '{read}', $3, '{}', now())",
        )
        .bind(&key)
        .bind(group)
        .bind(rooftops)
        .execute(&mut conn)
        .await
        .unwrap();
        let channel = Channel::from_shared(format!("http://{}", process.grpc_addr)).unwrap().connect_lazy();
        Self {
            client: LogServiceClient::new(channel),
            token: format!("Bearer tl_{key}_open-sesame").parse().unwrap(),
            parent: format!("groups/{group}"),
        }
    }

    async fn follow(&mut self, cursor: &str, rooftops: &[&str]) -> Result<Streaming<FollowResponse>, tonic::Status> {
        let mut request = Request::new(FollowRequest {
            log: "event".to_owned(),
            parent: self.parent.clone(),
            rooftops: rooftops.iter().map(|rooftop| (*rooftop).to_owned()).collect(),
            cursor: cursor.to_owned(),
        });
        request.metadata_mut().insert("authorization", self.token.clone());
        self.client.follow(request).await.map(tonic::Response::into_inner)
    }

    /// The next so many entities, and the cursor behind them.
    async fn read(&mut self, cursor: &str, rooftops: &[&str], entries: usize) -> (Vec<String>, String) {
        let mut stream = self.follow(cursor, rooftops).await.unwrap();
        let (mut read, mut cursor) = (Vec::new(), cursor.to_owned());
        while read.len() < entries {
            let message = tokio::time::timeout(SOON, stream.message()).await.unwrap().unwrap().unwrap();
            read.extend(message.entries.into_iter().map(|entry| entry.entity));
            cursor = message.cursor;
        }
        (read, cursor)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_follows_its_own_group_and_resumes_behind_what_it_read() {
    let database = database().await;
    let process = process(&database).await;
    post(&process, (0..50).map(|n| entry(5, "summit", "north", &format!("s{n}"))).collect()).await;
    post(&process, (0..50).map(|n| entry(5, "lakeside", "pier", &format!("l{n}"))).collect()).await;
    let mut summit = Caller::of(&process, &database, "summit", &[]).await;
    let mut lakeside = Caller::of(&process, &database, "lakeside", &[]).await;
    let mut stranger = Caller::of(&process, &database, "stranger", &[]).await;

    let (read, cursor) = summit.read("", &[], 50).await;
    assert_eq!(read, (0..50).map(|n| format!("s{n}")).collect::<Vec<_>>());
    assert_eq!(lakeside.read("", &[], 50).await.0[0], "l0");

    let mut nothing = stranger.follow("", &[]).await.unwrap();
    post(&process, vec![entry(5, "summit", "north", "later"), entry(6, "lakeside", "pier", "other")]).await;
    assert_eq!(summit.read(&cursor, &[], 1).await.0, ["later"]);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(500), nothing.message()).await.is_err());

    // A cursor is of use to nobody else, and not for other rooftops; a parent is checked before anything is read.
    for refused in [lakeside.follow(&cursor, &[]).await, summit.follow(&cursor, &["north"]).await] {
        let status = refused.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "INVALID_TOKEN");
    }
    stranger.parent = "groups/summit".to_owned();
    assert_eq!(stranger.follow("", &[]).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_of_several_parts_that_is_cut_short_loses_and_repeats_nothing() {
    let database = database().await;
    let process = process(&database).await;
    let mut entries = Vec::new();
    for number in 0..30 {
        for part in [3, 5, 9] {
            // Seven such bodies fill a read, so that each is cut within another part.
            let long = entry(part, "summit", "north", &"x".repeat(150_000));
            entries.push(NewEntry { entity: format!("{part}-{number}"), ..long });
            entries.push(entry(part, "lakeside", "pier", "other"));
        }
    }
    let mut expected: Vec<String> =
        entries.iter().filter(|entry| entry.group == "summit").map(|entry| entry.entity.clone()).collect();
    for some in entries.chunks(30) {
        post(&process, some.to_vec()).await;
    }
    let mut summit = Caller::of(&process, &database, "summit", &[]).await;
    let (read, cursor) = summit.read("", &[], expected.len()).await;
    for part in ["3-", "5-", "9-"] {
        let of_part = |entities: &[String]| -> Vec<String> {
            entities.iter().filter(|entity| entity.starts_with(part)).cloned().collect()
        };
        assert_eq!(of_part(&read), of_part(&expected), "in order within the part");
    }
    let mut read = read;
    read.sort_unstable();
    expected.sort_unstable();
    assert_eq!(read, expected);
    post(&process, vec![entry(5, "summit", "north", "later")]).await;
    assert_eq!(summit.read(&cursor, &[], 1).await.0, ["later"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_follows_the_rooftops_that_it_may_see() {
    let database = database().await;
    let process = process(&database).await;
    let rooftops = ["north", "south", "east"];
    post(&process, rooftops.iter().map(|rooftop| entry(5, "summit", rooftop, rooftop)).collect()).await;
    let mut held = Caller::of(&process, &database, "summit", &["north", "south"]).await;
    assert_eq!(held.read("", &[], 2).await.0, ["north", "south"]);
    assert_eq!(held.read("", &["south"], 1).await.0, ["south"]);
    assert_eq!(held.follow("", &["east"]).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn now_begins_at_the_present_heads() {
    let database = database().await;
    let process = process(&database).await;
    post(&process, vec![entry(5, "summit", "north", "before")]).await;
    let mut summit = Caller::of(&process, &database, "summit", &[]).await;
    let mut stream = summit.follow("now", &[]).await.unwrap();
    post(&process, vec![entry(5, "summit", "north", "after"), entry(9, "summit", "south", "elsewhere")]).await;
    let mut read = Vec::new();
    eventually(SOON, async || {
        read.extend(stream.message().await.unwrap().unwrap().entries.into_iter().map(|entry| entry.entity));
        read.len() == 2
    })
    .await;
    read.sort();
    assert_eq!(read, ["after", "elsewhere"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_services_subscribe() {
    use throughline_proto::log::v1::SubscribeRequest;
    let database = database().await;
    let process = process(&database).await;
    let mut summit = Caller::of(&process, &database, "summit", &[]).await;
    let mut request = Request::new(SubscribeRequest { log: "event".to_owned(), ..SubscribeRequest::default() });
    request.metadata_mut().insert("authorization", summit.token.clone());
    let refused = summit.client.subscribe(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(
        client(&process).subscribe(SubscribeRequest { log: "event".to_owned(), ..Default::default() }).await.is_ok()
    );
}
