//! Whose routes and messages are seen by whom.

use pb::notification::v1::{
    DeleteRouteRequest, DeliveryState, ListDeliveriesRequest, ListDeliveriesResponse, ListRoutesRequest, Route,
};
use throughline_platform::{Principal, db::catalogue_check};
use throughline_proto as pb;
use throughline_testkit::eventually;
use tonic::{Code, Status};

use crate::{kit::*, receiver::Receiver};

fn routes(parent: &str) -> ListRoutesRequest {
    ListRoutesRequest { parent: parent.to_owned(), ..Default::default() }
}

fn deliveries(parent: &str) -> ListDeliveriesRequest {
    ListDeliveriesRequest { parent: parent.to_owned(), ..Default::default() }
}

async fn list(client: &mut Notifications, parent: &str) -> ListDeliveriesResponse {
    client.list_deliveries(deliveries(parent)).await.unwrap().into_inner()
}

#[tokio::test]
async fn another_group_sees_and_is_sent_nothing() {
    let (desk, ours, theirs) = (Desk::open().await, Receiver::start().await, Receiver::start().await);
    let mut stranger = desk.client_of(&desk.key("rival", &["admin"], &[]).await);
    let name = desk.route(to_webhook(&ours.url())).await.route.unwrap().name;
    let ask = pb::notification::v1::CreateRouteRequest {
        parent: "groups/rival".to_owned(),
        ..asked(to_webhook(&theirs.url()))
    };
    stranger.create_route(ask).await.unwrap();
    // The same flag id in both groups: two flags, two messages.
    desk.tell_all(vec![said(yellow("11", 0)), said(elsewhere(yellow("11", 0), "rival", "R9"))]).await;
    let (us, them) = (ours.have(1).await, theirs.have(1).await);
    assert_eq!(us[0].body["data"]["rooftop"], ROOFTOP);
    assert_eq!(them[0].body["data"]["rooftop"], "R9");
    assert_ne!(us[0].id, them[0].id);
    let seen = eventually(SOON, async || {
        let seen = list(&mut stranger, "groups/rival").await.deliveries;
        if seen.iter().all(|one| one.state() == DeliveryState::Delivered) { Ok(seen) } else { Err(format!("{seen:?}")) }
    });
    assert!(matches!(&seen.await[..], [one] if one.flag.starts_with("groups/rival/")));

    let code = |status: Status| status.code();
    let parent = format!("groups/{GROUP}");
    assert_eq!(code(stranger.list_routes(routes(&parent)).await.unwrap_err()), Code::PermissionDenied);
    assert_eq!(code(stranger.list_deliveries(deliveries(&parent)).await.unwrap_err()), Code::PermissionDenied);
    assert_eq!(code(stranger.create_route(asked(to_log())).await.unwrap_err()), Code::PermissionDenied);
    let delete = |name: &str| DeleteRouteRequest { name: name.to_owned(), actor: String::new() };
    assert_eq!(code(stranger.delete_route(delete(&name)).await.unwrap_err()), Code::PermissionDenied);
    let guessed = name.replace(GROUP, "rival");
    assert_eq!(code(stranger.delete_route(delete(&guessed)).await.unwrap_err()), Code::NotFound);
}

#[tokio::test]
async fn a_stranger_sees_no_row_of_any_table() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    let ask = asked(to_webhook(&receiver.url()));
    let request_id = "3f0e3a52-5d0e-4a53-9d9b-0c1b2f1d7a12".to_owned();
    desk.client().create_route(pb::notification::v1::CreateRouteRequest { request_id, ..ask }).await.unwrap();
    desk.tell_all(vec![said(yellow("11", 0)), said(pb::rule::v1::Flag { opened_at: None, ..yellow("12", 0) })]).await;
    desk.settled().await;
    let stranger = Principal { group: "stranger".to_owned(), ..Principal::service() };
    let sights = catalogue_check(&desk.running.cx.platform.db, &stranger).await.unwrap();
    let leaks: Vec<_> = sights.iter().filter_map(throughline_platform::db::Sight::leak).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
    let filled: Vec<_> = sights.iter().filter(|sight| sight.rows > 0).map(|sight| sight.table.as_str()).collect();
    for table in ["route", "route_secret", "flag", "delivery", "request", "parked"] {
        assert!(filled.contains(&format!("notification.{table}").as_str()), "{table} is empty: {filled:?}");
    }
}

#[tokio::test]
async fn a_key_of_some_rooftops_is_held_to_them() {
    let (desk, receiver) = (Desk::open().await, Receiver::start().await);
    let of = |rooftops: &[&str]| Route {
        rooftops: rooftops.iter().map(|id| (*id).to_owned()).collect(),
        ..to_webhook(&receiver.url())
    };
    let all = desk.route(of(&[])).await.route.unwrap().name;
    desk.route(of(&["RT002"])).await;
    desk.tell_all(vec![said(yellow("11", 0)), said(elsewhere(yellow("12", 0), GROUP, "RT002"))]).await;
    receiver.have(3).await;

    let parent = format!("groups/{GROUP}");
    let mut key = desk.client_of(&desk.key(GROUP, &["admin"], &["RT002"]).await);
    let seen = key.list_routes(routes(&parent)).await.unwrap().into_inner().routes;
    assert_eq!(seen.iter().map(|route| route.rooftops.clone()).collect::<Vec<_>>(), [["RT002"]]);
    let told = list(&mut key, &parent).await.deliveries;
    assert!(told.len() == 2 && told.iter().all(|one| one.flag.contains("/RT002/")), "{told:#?}");

    let code = |status: Status| status.code();
    for rooftops in [&[][..], &["RT001"], &["RT001", "RT002"]] {
        assert_eq!(
            code(key.create_route(asked(of(rooftops))).await.unwrap_err()),
            Code::PermissionDenied,
            "{rooftops:?}"
        );
    }
    key.create_route(asked(of(&["RT002"]))).await.unwrap();
    let delete = DeleteRouteRequest { name: all, actor: String::new() };
    assert_eq!(code(key.delete_route(delete).await.unwrap_err()), Code::PermissionDenied);
    let flag = ListDeliveriesRequest { flag: yellow("11", 0).name, ..deliveries(&parent) };
    assert_eq!(code(key.list_deliveries(flag).await.unwrap_err()), Code::PermissionDenied);
}

#[tokio::test]
async fn readers_list_and_administrators_write() {
    let desk = Desk::open().await;
    let name = desk.route(to_log()).await.route.unwrap().name;
    let mut reader = desk.client_of(&desk.key(GROUP, &["read"], &[]).await);
    let parent = format!("groups/{GROUP}");
    assert_eq!(reader.list_routes(routes(&parent)).await.unwrap().into_inner().routes.len(), 1);
    list(&mut reader, &parent).await;
    let code = |status: Status| status.code();
    assert_eq!(code(reader.create_route(asked(to_log())).await.unwrap_err()), Code::PermissionDenied);
    let delete = DeleteRouteRequest { name, actor: String::new() };
    assert_eq!(code(reader.delete_route(delete).await.unwrap_err()), Code::PermissionDenied);
    let mut writer = desk.client_of(&desk.key(GROUP, &["ingest"], &[]).await);
    assert_eq!(code(writer.list_routes(routes(&parent)).await.unwrap_err()), Code::PermissionDenied);
}
