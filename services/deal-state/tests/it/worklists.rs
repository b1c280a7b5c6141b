//! The lists that managers look at every day, as deals come onto them, change and leave.

use std::collections::BTreeSet;

use sqlx::Row;
use throughline_proto::{
    deal::v1::{self as pb, WorkList},
    event::v1::{DecisionKind, Event, TimeQuality},
    time::from_wire,
};
use throughline_testkit::{connect, eventually};
use tonic::Code;

use crate::{
    deciding::{decides, number},
    kit::{NORTH, RIVAL, SOON, SOUTH, Store, Suite, at, event, exactly, says, signed},
};

fn asks_for(list: WorkList, at_least: &str) -> pb::ListWorkRequest {
    pb::ListWorkRequest {
        parent: "groups/summit".to_owned(),
        list: list as i32,
        at_least: at_least.to_owned(),
        ..Default::default()
    }
}

async fn items(suite: &Suite, list: WorkList, at_least: &str) -> Vec<pb::WorkItem> {
    suite.deals().list_work(suite.asks(asks_for(list, at_least))).await.unwrap().into_inner().items
}

/// Deal and trade of what stands on a list, with the minute since when.
async fn stands(suite: &Suite, list: WorkList, at_least: &str) -> Vec<(String, String, i64)> {
    let items = items(suite, list, at_least).await.into_iter().map(|item| {
        let since = item.since.and_then(|since| since.latest).as_ref().and_then(from_wire).unwrap();
        let visit = item.keys.iter().find(|key| key.kind == "visit").map(|key| key.value.clone());
        (visit.unwrap_or_default(), item.instance, since.duration_since(at(0)).as_mins())
    });
    items.collect()
}

async fn counts(suite: &Suite, key: Option<&str>, at_least: &str) -> Vec<pb::WorkCount> {
    let request = pb::CountWorkRequest { parent: "groups/summit".to_owned(), at_least: at_least.to_owned() };
    let request = match key {
        Some(key) => signed(key, request),
        None => suite.asks(request),
    };
    suite.deals().count_work(request).await.unwrap().into_inner().counts
}

fn of_trade(event_type: &str, subject: &str, minute: i64, trade: &str) -> Event {
    Event { trade: trade.to_owned(), ..event(event_type, subject, minute, &[]) }
}

fn agreed(store: Store, visit: &str, minute: i64) -> throughline_journal::NewEntry {
    says(store, event("deal.agreed", visit, minute, &[("visit", visit)]))
}

/// Every row of the table, as text.
async fn rows(suite: &Suite) -> BTreeSet<String> {
    let mut connection = connect(suite.database.url()).await;
    let query = sqlx::query("SELECT w::text FROM deal_state.worklist w");
    query.fetch_all(&mut connection).await.unwrap().iter().map(|row| row.get::<String, _>(0)).collect()
}

#[tokio::test]
async fn a_deal_enters_and_leaves_lists_with_its_age_and_who_has_it() {
    let suite = Suite::start().await;
    let token = suite
        .tell([
            says(NORTH, event("deal.opened", "V1", 0, &[("visit", "V1")])),
            agreed(NORTH, "V1", 40),
            says(NORTH, event("deal.fi.started", "V1", 60, &[])),
        ])
        .await;
    suite.hand.set(at(100));
    let [item] = &items(&suite, WorkList::DealsLaying, &token).await[..] else { panic!("one") };
    assert_eq!((item.age_least.unwrap().seconds, item.age_most.unwrap().seconds), (3600, 3600));
    assert_eq!((item.state(), item.waiting_department.as_str()), (pb::DealState::Agreed, "fi"));
    assert_eq!(item.holders.as_ref().unwrap().paper.as_ref().unwrap().actor, "S1");
    assert_eq!(item.since, Some(exactly(40)));
    assert!(!item.untouched_today && item.leaving_unobserved, "nobody has ever said that accounting took a jacket");
    assert_eq!(stands(&suite, WorkList::SoldNotDelivered, "").await, [("V1".to_owned(), String::new(), 40)]);

    let token = suite.tell([says(NORTH, event("deal.delivered", "V1", 90, &[]))]).await;
    assert_eq!(stands(&suite, WorkList::SoldNotDelivered, &token).await, []);
    assert_eq!(stands(&suite, WorkList::DeliveredNotFunded, "").await, [("V1".to_owned(), String::new(), 90)]);
    let token = suite.tell([says(NORTH, event("deal.contract.submitted", "V1", 95, &[]))]).await;
    assert_eq!(stands(&suite, WorkList::ContractsInTransit, &token).await, [("V1".to_owned(), String::new(), 95)]);

    // Told late: what was agreed earlier has lain for longer.
    let earlier = Event { source: "dms".to_owned(), ..event("deal.agreed", "V1", 20, &[("visit", "V1")]) };
    let token = suite.tell([says(NORTH, earlier)]).await;
    assert_eq!(stands(&suite, WorkList::DealsLaying, &token).await, [("V1".to_owned(), String::new(), 20)]);
    let token = suite.tell([says(NORTH, event("deal.funded", "V1", 99, &[]))]).await;
    let counted: u64 = counts(&suite, None, &token).await.iter().map(|count| count.count).sum();
    assert_eq!(counted, 0);
    assert_eq!(rows(&suite).await, BTreeSet::new());
}

#[tokio::test]
async fn what_is_withdrawn_stands_on_no_list_and_trades_outlive_their_deal() {
    let suite = Suite::start().await;
    let token = suite
        .tell([agreed(NORTH, "V1", 0), agreed(NORTH, "V2", 1), says(NORTH, of_trade("trade.acquired", "V2", 2, "T1"))])
        .await;
    assert_eq!(stands(&suite, WorkList::DealsLaying, &token).await.len(), 2);
    let withdrawn = Event { withdraws: "deal.agreed/V1/0".to_owned(), ..event("deal.agreed", "V1", 9, &[]) };
    let token = suite.tell([says(NORTH, withdrawn), says(NORTH, event("deal.unwound", "V2", 10, &[]))]).await;
    assert_eq!(stands(&suite, WorkList::DealsLaying, &token).await, []);
    for list in [WorkList::TradesNotFinalized, WorkList::HolesInRecon] {
        assert_eq!(stands(&suite, list, "").await, [("V2".to_owned(), "T1".to_owned(), 2)], "{list:?}");
    }
    let token = suite.tell([says(NORTH, of_trade("trade.wholesaled", "V2", 20, "T1"))]).await;
    assert_eq!(stands(&suite, WorkList::TradesNotFinalized, &token).await, []);
    assert_eq!(rows(&suite).await, BTreeSet::new());
}

#[tokio::test]
async fn two_deals_that_become_one_stand_once_and_split_again_each_for_itself() {
    let suite = Suite::start().await;
    let token =
        suite.tell([agreed(NORTH, "V1", 0), says(NORTH, event("deal.agreed", "S2", 40, &[("dms_deal", "D1")]))]).await;
    assert_eq!(stands(&suite, WorkList::DealsLaying, &token).await.len(), 2);
    let apart = rows(&suite).await;
    let pair = (number("visit", "V1"), number("dms_deal", "D1"));
    let token = suite.tell([decides("x1", DecisionKind::Link, pair.clone(), "", 50)]).await;
    assert_eq!(stands(&suite, WorkList::DealsLaying, &token).await, [("V1".to_owned(), String::new(), 0)]);
    assert_eq!(rows(&suite).await.len(), 2, "deals laying, and sold not delivered");
    let token = suite.tell([decides("x2", DecisionKind::Withdrawal, pair, "x1", 60)]).await;
    assert_eq!(stands(&suite, WorkList::DealsLaying, &token).await.len(), 2);
    assert_eq!(rows(&suite).await, apart);

    // Merged by an event: the survivor takes the place.
    let token = suite.tell([says(NORTH, event("deal.fi.started", "V1", 70, &[("dms_deal", "D1")]))]).await;
    assert_eq!(stands(&suite, WorkList::DealsLaying, &token).await.len(), 1);
}

#[tokio::test]
async fn rows_are_what_folding_every_deal_anew_comes_to() {
    let suite = Suite::start().await;
    let course = [
        ("deal.agreed", 1),
        ("deal.delivered", 3),
        ("trade.acquired", 4),
        ("trade.appraised", 0),
        ("deal.jacket.accepted", 5),
        ("deal.contract.submitted", 6),
        ("trade.recon.step_entered", 5),
        ("deal.contract.returned", 7),
        ("trade.recon.step_left", 6),
        ("deal.funded", 9),
        ("deal.lost", 8),
    ];
    // Each deal gets so far, in an order of its own, a few events a batch; some share a number.
    for round in 0..course.len() {
        let deals = (0..40usize).filter(|deal| round < 1 + deal % course.len());
        let entries = deals.map(|deal| {
            let (event_type, minute) = course[(round * 7 + deal) % course.len()];
            let number = format!("D{}", deal / 3);
            let keys: &[(&str, &str)] = if deal % 5 == 0 && round == 2 { &[("dms_deal", &number)] } else { &[] };
            let subject = format!("V{deal}");
            let told = event(event_type, &subject, minute, keys);
            says(if deal % 2 == 0 { NORTH } else { SOUTH }, Event { trade: format!("T{}", deal % 2), ..told })
        });
        let token = suite.tell(entries).await;
        items(&suite, WorkList::DealsLaying, &token).await;
    }
    let idle = async || suite.count("SELECT count(*) FROM deal_state.refold").await == 0;
    eventually(SOON, idle).await;
    let kept = rows(&suite).await;
    assert!(kept.len() > 30, "{}", kept.len());
    let mut connection = connect(suite.database.url()).await;
    sqlx::query("DELETE FROM deal_state.worklist").execute(&mut connection).await.unwrap();
    // The second time, what stands there already stays as it is.
    for minute in [60, 120] {
        let every = "INSERT INTO deal_state.refold SELECT DISTINCT part, group_id, rooftop, '00000000-0000-0000-0000-000000000000'::uuid, true FROM deal_state.deal";
        sqlx::query(every).execute(&mut connection).await.unwrap();
        // A follower looks for sweeps as time goes by.
        suite.hand.set(at(minute));
        eventually(SOON, idle).await;
        assert_eq!(rows(&suite).await, kept);
    }
}

#[tokio::test]
async fn an_age_says_something_once_some_source_reports_the_end() {
    let suite = Suite::start().await;
    // All that the fold itself waits for is observed: only the hole is not.
    let token = suite
        .tell([
            says(NORTH, of_trade("trade.acquired", "V1", 0, "T1")),
            says(NORTH, of_trade("trade.acquired", "V2", 0, "T2")),
            says(NORTH, of_trade("trade.frontline", "V2", 3, "T2")),
            agreed(NORTH, "V3", 0),
        ])
        .await;
    let unobserved = async |list: WorkList, at_least: &str| {
        let item = items(&suite, list, at_least).await.pop();
        item.is_some_and(|item| item.leaving_unobserved)
    };
    assert!(unobserved(WorkList::HolesInRecon, &token).await && unobserved(WorkList::SoldNotDelivered, "").await);
    eventually(SOON, async || !unobserved(WorkList::TradesNotFinalized, "").await).await;
    suite
        .tell([
            says(NORTH, event("deal.delivered", "V4", 5, &[])),
            says(NORTH, event("trade.recon.step_entered", "V4", 9, &[])),
        ])
        .await;
    eventually(SOON, async || !unobserved(WorkList::SoldNotDelivered, "").await).await;
    eventually(SOON, async || !unobserved(WorkList::HolesInRecon, "").await).await;
}

#[tokio::test]
async fn pages_hold_every_item_once_the_oldest_first() {
    let suite = Suite::start().await;
    // Ties: several a minute, and two trades of one deal.
    let deals = (0..24).map(|nth| agreed(if nth % 2 == 0 { NORTH } else { SOUTH }, &format!("V{nth}"), nth / 4));
    let trades = (0..24).flat_map(|nth| {
        let store = if nth % 2 == 0 { NORTH } else { SOUTH };
        ["T1", "T2"].map(|trade| {
            let told = of_trade("trade.acquired", &format!("V{nth}"), 10 + nth / 4, trade);
            says(store, Event { id: format!("{}{trade}", told.id), ..told })
        })
    });
    let token = suite.tell(deals.chain(trades)).await;
    for (list, most) in [(WorkList::DealsLaying, 24), (WorkList::TradesNotFinalized, 48)] {
        let mut request = pb::ListWorkRequest { page_size: 5, ..asks_for(list, &token) };
        let (mut seen, mut times) = (BTreeSet::new(), Vec::new());
        loop {
            let page = suite.deals().list_work(suite.asks(request.clone())).await.unwrap().into_inner();
            assert!(page.items.len() <= 5);
            for item in page.items {
                times.push(item.since.and_then(|since| since.latest).unwrap().seconds);
                assert!(seen.insert((item.deal, item.instance)), "twice");
            }
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(seen.len(), most, "{list:?}");
        assert!(times.is_sorted(), "{times:?}");
    }
    let first = pb::ListWorkRequest { page_size: 5, ..asks_for(WorkList::DealsLaying, "") };
    let page = suite.deals().list_work(suite.asks(first)).await.unwrap().into_inner();
    let other = asks_for(WorkList::SoldNotDelivered, "");
    let other = pb::ListWorkRequest { page_token: page.next_page_token, ..other };
    let none = asks_for(WorkList::Unspecified, "");
    for wrong in [other, none] {
        assert_eq!(suite.deals().list_work(suite.asks(wrong)).await.unwrap_err().code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn lists_are_counted_rooftop_by_rooftop_with_the_oldest_and_what_nobody_touched_today() {
    let suite = Suite::start().await;
    let mut bounded = event("deal.agreed", "V2", 30, &[("visit", "V2")]);
    let time = pb_bound(20, 30);
    bounded.time = Some(time);
    let token = suite.tell([agreed(NORTH, "V1", 40), says(NORTH, bounded), agreed(SOUTH, "V3", 50)]).await;
    // Ten in the evening in New York, and a quarter past midnight there.
    for (now, untouched) in [(960, [0, 0]), (1095, [2, 1])] {
        suite.hand.set(at(now));
        let counts = counts(&suite, None, &token).await;
        assert_eq!(counts.len(), 12, "every list of every rooftop");
        let laying: Vec<&pb::WorkCount> = counts.iter().filter(|count| count.list() == WorkList::DealsLaying).collect();
        let [north, south] = laying[..] else { panic!("{laying:?}") };
        assert_eq!(
            [(north.rooftop.as_str(), north.count), (south.rooftop.as_str(), south.count)],
            [("north", 2), ("south", 1)]
        );
        assert_eq!([north.untouched_today, south.untouched_today], untouched);
        let minutes = |age: Option<prost_types::Duration>| age.map(|age| age.seconds / 60);
        assert_eq!((minutes(north.oldest_least), minutes(north.oldest_most)), (Some(now - 30), Some(now - 20)));
        let untouched_items = items(&suite, WorkList::DealsLaying, "").await;
        assert!(untouched_items.iter().all(|item| item.untouched_today == (untouched[0] > 0)));
        let empty = counts.iter().find(|count| count.list() == WorkList::HolesInRecon).unwrap();
        assert_eq!((empty.count, empty.oldest_least, empty.oldest_most), (0, None, None));
    }
    let south = pb::ListWorkRequest {
        parent: "groups/summit/rooftops/south".to_owned(),
        ..asks_for(WorkList::DealsLaying, "")
    };
    assert_eq!(suite.deals().list_work(suite.asks(south)).await.unwrap().into_inner().items.len(), 1);
}

fn pb_bound(earliest: i64, latest: i64) -> throughline_proto::event::v1::TimeBound {
    let mut time = exactly(latest);
    time.earliest = exactly(earliest).latest;
    time.quality = TimeQuality::Bounded.into();
    time
}

#[tokio::test]
async fn a_key_sees_the_lists_of_its_group_and_rooftops_and_no_persons() {
    let suite = Suite::start().await;
    let token = suite
        .tell([
            agreed(NORTH, "V1", 0),
            says(NORTH, event("deal.fi.started", "V1", 5, &[])),
            agreed(SOUTH, "V2", 1),
            agreed(RIVAL, "V3", 2),
        ])
        .await;
    let all = stands(&suite, WorkList::DealsLaying, &token).await;
    assert_eq!(all.iter().map(|item| item.0.as_str()).collect::<Vec<_>>(), ["V1", "V2"]);

    let key = suite.key("summit", &["north"], &["read"]).await;
    let own = suite.deals().list_work(signed(&key, asks_for(WorkList::DealsLaying, ""))).await.unwrap().into_inner();
    let [item] = &own.items[..] else { panic!("{own:?}") };
    assert!(item.deal.contains("/rooftops/north/"));
    assert!(!format!("{item:?}").contains("S1"), "{item:?}");
    assert!(counts(&suite, Some(&key), "").await.iter().all(|count| count.rooftop == "north"));
    let parent = "groups/summit/rooftops/south".to_owned();
    let south = pb::ListWorkRequest { parent: parent.clone(), ..asks_for(WorkList::DealsLaying, "") };
    let refused = suite.deals().list_work(signed(&key, south)).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let south = pb::CountWorkRequest { parent, ..Default::default() };
    assert_eq!(suite.deals().count_work(signed(&key, south)).await.unwrap_err().code(), Code::PermissionDenied);

    let stranger = suite.key("rival", &[], &["admin"]).await;
    let ours = suite.deals().list_work(signed(&stranger, asks_for(WorkList::DealsLaying, ""))).await.unwrap_err();
    assert_eq!(ours.code(), Code::PermissionDenied);
    let theirs = pb::ListWorkRequest { parent: "groups/rival".to_owned(), ..asks_for(WorkList::DealsLaying, "") };
    assert_eq!(suite.deals().list_work(signed(&stranger, theirs)).await.unwrap().into_inner().items.len(), 1);
}
