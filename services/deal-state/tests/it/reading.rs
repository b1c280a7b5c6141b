//! Deals by number, lists in pages, timelines.

use std::collections::BTreeSet;

use throughline_proto::{deal::v1 as pb, event::v1::TimeQuality};
use tonic::Code;
use tonic_types::StatusExt;

use crate::kit::{NORTH, SOUTH, Suite, event, exactly, says};

#[tokio::test]
async fn an_ambiguous_number_is_refused_with_the_candidates() {
    let suite = Suite::start().await;
    let token = suite
        .tell([
            says(NORTH, event("deal.opened", "S1", 0, &[("stock", "K1")])),
            says(NORTH, event("deal.opened", "S2", 0, &[("stock", "K1")])),
        ])
        .await;
    let request = |kind: &str| pb::GetDealRequest {
        name: "groups/summit/rooftops/north/deals/-".to_owned(),
        key: Some(pb::DealKey { kind: kind.to_owned(), value: "K1".to_owned(), ..Default::default() }),
        at_least: token.clone(),
        known_at: None,
    };
    let status = suite.get(request("")).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let violation = &status.get_details_bad_request().unwrap().field_violations[0];
    assert_eq!(violation.field, "key");
    for deal in suite.list("", "").await {
        assert!(violation.description.contains(&deal.name), "{violation:?}");
    }
    assert_eq!(suite.get(request("dms_deal")).await.unwrap_err().code(), Code::NotFound);
    let status = suite.get(request("colour")).await.unwrap_err();
    assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "key.kind");
}

#[tokio::test]
async fn what_is_malformed_or_unknown_gets_its_code() {
    let suite = Suite::start().await;
    let get = |name: &str| pb::GetDealRequest { name: name.to_owned(), ..Default::default() };
    for (name, code) in [
        ("groups/summit/rooftops/north/deals/00000000000000000000000000000000", Code::NotFound),
        ("groups/summit/rooftops/north/deals/what", Code::NotFound),
        ("groups/summit/rooftops/nowhere/deals/00000000000000000000000000000000", Code::NotFound),
        ("groups/summit/rooftops/north/deals/-", Code::InvalidArgument),
        ("groups/summit/rooftops/north", Code::InvalidArgument),
        ("nonsense", Code::InvalidArgument),
    ] {
        let status = suite.get(get(name)).await.unwrap_err();
        assert_eq!(status.code(), code, "{name}: {status:?}");
    }
    let list = pb::ListDealsRequest {
        parent: "groups/summit".to_owned(),
        filter: "state = SOLD".to_owned(),
        order_by: "colour".to_owned(),
        ..Default::default()
    };
    let status = suite.deals().list_deals(suite.asks(list)).await.unwrap_err();
    let fields: Vec<String> =
        status.get_details_bad_request().unwrap().field_violations.into_iter().map(|one| one.field).collect();
    assert_eq!(fields, ["filter", "order_by"], "all violations at once");
    let forged = pb::ListDealsRequest {
        parent: "groups/summit".to_owned(),
        page_token: "forged".to_owned(),
        ..Default::default()
    };
    assert_eq!(suite.deals().list_deals(suite.asks(forged)).await.unwrap_err().code(), Code::InvalidArgument);
    let token = pb::GetStateHashRequest { parent: "groups/summit".to_owned(), at_least: "forged".to_owned() };
    assert_eq!(suite.deals().get_state_hash(suite.asks(token)).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn pages_hold_every_deal_once_in_each_order() {
    let suite = Suite::start().await;
    // Ties in both orders: three deals a minute.
    let north = (0..25).map(|nth| says(NORTH, event("deal.opened", &format!("N{nth}"), nth / 3, &[])));
    let south = (0..25).map(|nth| says(SOUTH, event("deal.opened", &format!("S{nth}"), nth / 3, &[])));
    let token = suite.tell(north.chain(south)).await;
    for order in ["", "opened_at", "opened_at desc", "last_event_at", "last_event_at desc"] {
        let mut request = pb::ListDealsRequest {
            parent: "groups/summit".to_owned(),
            page_size: 7,
            order_by: order.to_owned(),
            at_least: token.clone(),
            ..Default::default()
        };
        let (mut names, mut times) = (BTreeSet::new(), Vec::new());
        loop {
            let page = suite.deals().list_deals(suite.asks(request.clone())).await.unwrap().into_inner();
            assert!(page.deals.len() <= 7);
            for deal in page.deals {
                times.push(deal.opened_at.unwrap().seconds);
                assert!(names.insert(deal.name), "twice in {order:?}");
            }
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(names.len(), 50, "{order:?}");
        let descending = order.is_empty() || order.ends_with("desc");
        assert!(times.is_sorted_by(|a, b| if descending { a >= b } else { a <= b }), "{order:?}: {times:?}");
    }
    // A token is held to the arguments that it was issued for.
    let first = pb::ListDealsRequest { parent: "groups/summit".to_owned(), page_size: 7, ..Default::default() };
    let page = suite.deals().list_deals(suite.asks(first.clone())).await.unwrap().into_inner();
    let other = pb::ListDealsRequest { filter: "rework > 0".to_owned(), page_token: page.next_page_token, ..first };
    assert_eq!(suite.deals().list_deals(suite.asks(other)).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_filter_leaves_what_passes_all_its_terms() {
    let suite = Suite::start().await;
    let token = suite
        .tell([
            says(NORTH, event("deal.opened", "S1", 0, &[("dms_deal", "D1"), ("stock", "K1")])),
            says(NORTH, event("deal.opened", "S2", 60, &[("stock", "K1")])),
            says(SOUTH, event("deal.opened", "S3", 0, &[])),
            says(SOUTH, event("deal.lost", "S3", 30, &[])),
            says(SOUTH, event("deal.opened", "S4", 0, &[])),
            says(SOUTH, event("deal.contract.submitted", "S4", 30, &[])),
            says(SOUTH, event("deal.contract.returned", "S4", 40, &[])),
        ])
        .await;
    let cases = [
        ("", 4),
        ("state = LOST", 1),
        ("state != LOST", 3),
        ("open = false", 1),
        ("open = true", 3),
        ("rework > 0", 1),
        ("key = K1", 2),
        ("key = K1 AND key = D1", 1),
        ("key = \"nothing\"", 0),
        ("opened_at >= \"2026-09-07T10:30:00Z\"", 1),
        ("opened_at < \"2026-09-07T10:30:00Z\" AND open = true", 2),
        ("last_event_at = \"2026-09-07T10:30:00Z\"", 1),
        ("state = LOST AND state = AGREED", 0),
    ];
    for (filter, deals) in cases {
        assert_eq!(suite.list(filter, &token).await.len(), deals, "{filter}");
    }
}

#[tokio::test]
async fn a_timeline_is_in_the_order_of_the_fold_with_source_and_quality() {
    let suite = Suite::start().await;
    let mut polled = event("deal.writeup.submitted", "S1", 20, &[]);
    let mut time = exactly(20);
    time.earliest = exactly(5).latest;
    time.quality = TimeQuality::Bounded.into();
    polled.time = Some(time);
    let mut entries = vec![
        says(NORTH, event("deal.agreed", "S1", 40, &[("visit", "V1")])),
        says(NORTH, polled),
        says(NORTH, event("deal.opened", "S1", 0, &[])),
    ];
    let mut dms = event("deal.delivered", "9", 90, &[("visit", "V1")]);
    dms.source = "dms".to_owned();
    entries.push(says(NORTH, dms));
    let token = suite.tell(entries).await;
    let deal = suite.deal(NORTH, "visit", "V1", &token).await;
    let mut request = pb::GetTimelineRequest { name: deal.name, page_size: 3, ..Default::default() };
    let first = suite.deals().get_timeline(suite.asks(request.clone())).await.unwrap().into_inner();
    request.page_token = first.next_page_token;
    let second = suite.deals().get_timeline(suite.asks(request)).await.unwrap().into_inner();
    assert!(second.next_page_token.is_empty());
    let items: Vec<_> = first.items.iter().chain(&second.items).map(|item| item.event.clone().unwrap()).collect();
    let types: Vec<&str> = items.iter().map(|event| event.r#type.as_str()).collect();
    assert_eq!(types, ["deal.opened", "deal.writeup.submitted", "deal.agreed", "deal.delivered"]);
    assert_eq!(items[1].time.as_ref().unwrap().quality(), TimeQuality::Bounded);
    assert_eq!(items[3].source, "dms");
}
