//! Routes and lists, as callers ask for them.

use pb::notification::v1::{CreateRouteRequest, DeleteRouteRequest, ListDeliveriesRequest, ListRoutesRequest, Route};
use sqlx::Row;
use throughline_proto as pb;
use throughline_testkit::connect;
use tonic::Code;
use tonic_types::StatusExt;

use crate::{kit::*, receiver::Receiver};

const REQUEST: &str = "3f0e3a52-5d0e-4a53-9d9b-0c1b2f1d7a11";

fn parent() -> String {
    format!("groups/{GROUP}")
}

#[tokio::test]
async fn a_repeated_request_answers_as_the_first_did() {
    let desk = Desk::open().await;
    let ask = |url| CreateRouteRequest { request_id: REQUEST.to_owned(), ..asked(to_webhook(url)) };
    let first = desk.client().create_route(ask("https://hooks.example.com/a")).await.unwrap().into_inner();
    let again = desk.client().create_route(ask("https://hooks.example.com/a")).await.unwrap().into_inner();
    assert_eq!(again, first);
    assert!(first.signing_secret.starts_with("whsec_"));
    let other = desk.client().create_route(ask("https://hooks.example.com/b")).await.unwrap_err();
    assert_eq!(other.get_details_error_info().unwrap().reason, "REQUEST_ID_REUSED");

    // The secret lies in one place, where no call from outside looks.
    let mut connection = connect(desk.database.url()).await;
    let remembered: Vec<u8> =
        sqlx::query("SELECT response FROM notification.request").fetch_one(&mut connection).await.unwrap().get(0);
    assert!(!String::from_utf8_lossy(&remembered).contains("whsec_"));
    sqlx::query("SET ROLE throughline_api").execute(&mut connection).await.unwrap();
    let peeked = sqlx::query("SELECT secret FROM notification.route_secret").fetch_all(&mut connection).await;
    assert!(peeked.unwrap_err().to_string().contains("permission denied"));

    let name = first.route.clone().unwrap().name;
    desk.client().delete_route(DeleteRouteRequest { name, actor: String::new() }).await.unwrap();
    let after = desk.client().create_route(ask("https://hooks.example.com/a")).await.unwrap().into_inner();
    assert_eq!((after.route, after.signing_secret.as_str()), (first.route, ""));
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let desk = Desk::open().await;
    let wrong =
        Route { rooftops: vec!["no rooftop".to_owned()], ..to_webhook("https://169.254.169.254/latest/meta-data") };
    let wrong = CreateRouteRequest { actor: "a\nb".to_owned(), ..asked(wrong) };
    let refused = desk.client().create_route(wrong).await.unwrap_err();
    let fields: Vec<_> = refused.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = fields.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(
        (refused.code(), fields),
        (Code::InvalidArgument, vec!["actor", "route.rooftops[0]", "route.webhook.url"])
    );
    let missing = CreateRouteRequest { route: None, ..asked(to_log()) };
    assert_eq!(desk.client().create_route(missing).await.unwrap_err().code(), Code::InvalidArgument);
    let unknown = DeleteRouteRequest { name: format!("groups/{GROUP}/routes/nothing"), actor: String::new() };
    assert_eq!(desk.client().delete_route(unknown).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn this_machine_is_not_called_where_that_is_switched_off() {
    let receiver = Receiver::start().await;
    let desk = Desk::open_with(|options| options.webhook_loopback = false).await;
    for url in [receiver.url(), "https://localhost/".to_owned(), "https://[::1]:1/".to_owned()] {
        let refused = desk.client().create_route(asked(to_webhook(&url))).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{url}");
    }

    // A route from before it was switched off is not called either.
    let open = Desk::open().await;
    open.route(to_webhook(&receiver.url())).await;
    let Desk { running, database, .. } = open;
    running.stop().await.unwrap();
    let closed = Desk::start(database, at(0), |options| options.webhook_loopback = false).await;
    closed.tell(said(yellow("11", 0))).await;
    let pending = closed.only(pb::notification::v1::DeliveryState::Pending, 1).await;
    assert_eq!((pending.last_result.as_str(), receiver.messages().len()), ("the address is not allowed", 0));
}

#[tokio::test]
async fn lists_come_in_pages() {
    let desk = Desk::open().await;
    for _ in 0..3 {
        desk.route(to_log()).await;
    }
    let mut routes = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListRoutesRequest { parent: parent(), page_size: 2, page_token };
        let page = desk.client().list_routes(request).await.unwrap().into_inner();
        routes.extend(page.routes.into_iter().map(|route| route.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(routes.len(), 3);

    desk.tell_all(vec![said(yellow("11", 0)), said(yellow("12", 0))]).await;
    let all = desk.settled().await;
    assert_eq!(all.len(), 6);
    let ask = |page_token: &str, flag: &str| ListDeliveriesRequest {
        parent: parent(),
        page_size: 4,
        page_token: page_token.to_owned(),
        flag: flag.to_owned(),
    };
    let first = desk.client().list_deliveries(ask("", "")).await.unwrap().into_inner();
    let second = desk.client().list_deliveries(ask(&first.next_page_token, "")).await.unwrap().into_inner();
    assert_eq!((&first.deliveries[..], &second.deliveries[..]), (&all[..4], &all[4..]));
    assert_eq!(second.next_page_token, "");

    let flag = yellow("12", 0).name;
    let of_flag = desk.client().list_deliveries(ask("", &flag)).await.unwrap().into_inner().deliveries;
    assert!(of_flag.len() == 3 && of_flag.iter().all(|one| one.flag == flag), "{of_flag:#?}");
    let stolen = desk.client().list_deliveries(ask(&first.next_page_token, &flag)).await.unwrap_err();
    assert_eq!(stolen.get_details_error_info().unwrap().reason, "INVALID_PAGE_TOKEN");
}
