//! Waits by deal, in pages.
use std::collections::BTreeMap;

use jiff::SignedDuration;
use throughline_proto::{deal::v1::IntervalState, report::v1::ListDealWaitsRequest};
use tonic::Code;

use crate::{
    deals::{Told, exact, waited},
    kit::{NORTH, SOUTH, Suite, at},
};

#[tokio::test]
async fn waits_are_exact_and_named_by_handoff_and_round() {
    let suite = Suite::start().await;
    let start = at("2026-10-05T15:00:00.123456Z");
    let after = |micros: i64| exact(start + SignedDuration::from_micros(micros));
    let told = Told::new(NORTH, "d1", 1)
        .handoff("appraisal", 0, after(0), Some(after(90_000_001)))
        .handoff("desk", 0, after(0), Some(after(0)))
        .handoff("desk", 1, after(0), Some(after(30_000_000)))
        .handoff("desk", 2, after(0), Some(after(6_000_000)))
        .handoff("fi", 0, after(0), Some(after(1_557_000_000)))
        .handoff("jacket", 0, after(0), Some(after(1_000_000)))
        .handoff("delivery", 0, after(0), None);
    let void = Told::new(SOUTH, "d0", 1).handoff_in(IntervalState::Void, "fi", 0, after(0), Some(after(9)));
    let north = suite.tell(NORTH, [told.body()]).await;
    let south = suite.tell(SOUTH, [void.body()]).await;
    suite.waits(0, "", &south).await;

    let deals = suite.waits(0, "", &north).await.deals;
    let expected = [("appraisal", 90.000_001 / 60.0), ("desk0", 0.0), ("desk1", 0.5), ("desk2", 0.1), ("fi", 25.95)];
    assert_eq!(deals.len(), 2);
    assert_eq!(deals[0].deal, "groups/summit/rooftops/north/deals/d1");
    assert_eq!((deals[0].subject.as_str(), deals[0].rooftop.as_str()), ("S-d1", "north"));
    let waits: BTreeMap<_, _> = deals[0].waits_minutes.iter().collect();
    assert_eq!(waits.keys().map(|name| name.as_str()).collect::<Vec<_>>(), expected.map(|(name, _)| name));
    for (name, minutes) in expected {
        assert!((deals[0].waits_minutes[name] - minutes).abs() < 1e-9, "{name}: {waits:?}");
    }
    // a deal that waited for nothing is listed too
    assert_eq!((deals[1].subject.as_str(), deals[1].waits_minutes.len()), ("S-d0", 0));
}

#[tokio::test]
async fn pages_list_every_deal_once_in_order() {
    let suite = Suite::start().await;
    let start = at("2026-10-05T15:00:00Z");
    let mut tokens = Vec::new();
    for store in [SOUTH, NORTH] {
        let deals = (0..25).map(|number| waited(store, &format!("d{number:02}"), 1, start, number * 60));
        tokens.push(suite.tell(store, deals).await);
    }
    for token in &tokens {
        suite.waits(1, "", token).await;
    }
    let (mut seen, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = suite.waits(7, &token, "").await;
        assert!(page.deals.len() <= 7);
        pages += 1;
        seen.extend(page.deals.into_iter().map(|deal| (deal.rooftop, deal.subject, deal.waits_minutes["fi"])));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let of = |rooftop: &'static str| (0..25).map(move |n| (rooftop.to_owned(), format!("S-d{n:02}"), f64::from(n)));
    assert_eq!(seen, of("north").chain(of("south")).collect::<Vec<_>>());
    assert_eq!(pages, 8);

    let exactly = suite.waits(50, "", "").await;
    assert_eq!((exactly.deals.len(), exactly.next_page_token.as_str()), (50, ""));
}

#[tokio::test]
async fn a_page_token_is_held_to_its_arguments() {
    let suite = Suite::start().await;
    let start = at("2026-10-05T15:00:00Z");
    let token = suite.tell(NORTH, [waited(NORTH, "d1", 1, start, 1), waited(NORTH, "d2", 1, start, 1)]).await;
    let page_token = suite.waits(1, "", &token).await.next_page_token;
    let key = suite.reader().await;
    for (parent, page_token, page_size) in [
        ("groups/summit/rooftops/north", page_token.as_str(), 1),
        ("groups/summit", "nonsense", 1),
        ("groups/summit", page_token.as_str(), -1),
    ] {
        let request = ListDealWaitsRequest {
            parent: parent.to_owned(),
            page_size,
            page_token: page_token.to_owned(),
            at_least: String::new(),
        };
        assert_eq!(suite.waits_as(&key, request).await.unwrap_err().code(), Code::InvalidArgument, "{parent}");
    }
}

#[tokio::test]
async fn thousands_of_deals_are_a_few_pages() {
    let suite = Suite::start().await;
    let start = at("2026-10-05T15:00:00Z");
    let mut token = String::new();
    for run in 0..5 {
        let deals = (0..500).map(|number| waited(NORTH, &format!("d{:04}", run * 500 + number), 1, start, number));
        token = suite.tell(NORTH, deals).await;
    }
    let first = suite.waits(5_000, "", &token).await;
    assert_eq!(first.deals.len(), 1_000, "more than the most means the most");
    let second = suite.waits(1_000, &first.next_page_token, "").await;
    let third = suite.waits(1_000, &second.next_page_token, "").await;
    assert_eq!((second.deals.len(), third.deals.len(), third.next_page_token.as_str()), (1_000, 500, ""));
}
