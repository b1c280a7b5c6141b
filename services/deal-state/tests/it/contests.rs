//! A car in two deals past agreement.

use throughline_journal::NewEntry;
use throughline_proto::{deal::v1 as pb, event::v1::Origin, log::v1::entry_body::Body, time::to_wire};

use crate::kit::{NORTH, RIVAL, Suite, at, event, says};

const VIN: (&str, &str) = ("vin", "1M8GDM9AXKP042788");

fn contests(deal: &pb::Deal) -> Vec<&str> {
    deal.exceptions.iter().filter(|told| told.kind == "vin_in_two_deals").map(|told| told.detail.as_str()).collect()
}

#[tokio::test]
async fn a_car_in_two_deals_is_an_exception_of_both_until_one_lets_it_go() {
    let suite = Suite::start().await;
    let agreed = |deal: &str, minute| says(NORTH, event("deal.agreed", deal, minute, &[("dms_deal", deal), VIN]));
    let token =
        suite.tell([agreed("D1", 0), says(RIVAL, event("deal.agreed", "D9", 2, &[("dms_deal", "D9"), VIN]))]).await;
    assert_eq!(
        contests(&suite.deal(NORTH, "dms_deal", "D1", &token).await),
        [""; 0],
        "another group's deal is none of its"
    );
    suite.hand.set(at(30));
    let token = suite.tell([agreed("D2", 5)]).await;
    let [one, other] =
        [suite.deal(NORTH, "dms_deal", "D1", &token).await, suite.deal(NORTH, "dms_deal", "D2", "").await];
    assert_eq!(contests(&one), ["vin 1M8GDM9AXKP042788 is sold in dms_deal D2 as well"]);
    assert_eq!(contests(&other), ["vin 1M8GDM9AXKP042788 is sold in dms_deal D1 as well"]);
    assert_eq!(one.exceptions[0].candidates[0].deal, other.name);
    assert_eq!(one.revision, 2);
    let told = suite.said(NORTH.part).await;
    let last = told.iter().rev().find_map(|(entity, body)| match body {
        Body::Deal(deal) if one.name.ends_with(entity) => Some(deal),
        _ => None,
    });
    assert_eq!(last.map(contests), Some(contests(&one)), "who follows hears of it");
    let known = |minute| pb::GetDealRequest {
        name: one.name.clone(),
        known_at: Some(to_wire(at(minute))),
        ..Default::default()
    };
    assert_eq!(contests(&suite.get(known(0)).await.unwrap()), [""; 0], "nobody knew of the other then");
    assert_eq!(contests(&suite.get(known(30)).await.unwrap()), contests(&one));
    suite.hand.set(at(90));

    // What happens to one afterwards changes nothing about it.
    let token = suite.tell([says(NORTH, event("deal.contract.signed", "D1", 50, &[]))]).await;
    assert_eq!(contests(&suite.deal(NORTH, "dms_deal", "D1", &token).await), contests(&one));

    let token = suite.tell([says(NORTH, event("deal.lost", "D2", 60, &[]))]).await;
    for deal in ["D1", "D2"] {
        assert_eq!(contests(&suite.deal(NORTH, "dms_deal", deal, &token).await), [""; 0]);
    }
    assert_eq!(contests(&suite.get(known(30)).await.unwrap()), contests(&one), "as it was known before");
    assert_eq!(suite.count("SELECT count(*) FROM deal_state.car_sold").await, 2, "that of each group that stands");
}

#[tokio::test]
async fn a_deal_that_is_taken_over_sells_nothing_any_more() {
    let suite = Suite::start().await;
    let token = suite
        .tell([says(NORTH, event("deal.agreed", "S1", 0, &[VIN])), says(NORTH, event("deal.agreed", "S2", 3, &[VIN]))])
        .await;
    assert_eq!(contests(&suite.deal(NORTH, "subject", "S1", &token).await).len(), 1);
    // Both are the deal of one visit.
    let token = suite
        .tell(["S1", "S2"].map(|subject| says(NORTH, event("deal.fi.started", subject, 9, &[("visit", "V1")]))))
        .await;
    assert_eq!(contests(&suite.deal(NORTH, "visit", "V1", &token).await), [""; 0]);
    assert_eq!(suite.count("SELECT count(*) FROM deal_state.car_sold").await, 1);
}

#[tokio::test]
async fn who_else_sells_a_car_is_told_on_behalf_of_nobody_of_another_group() {
    let suite = Suite::start().await;
    let agreed = |store, deal: &str, minute, vin| {
        says(store, event("deal.agreed", deal, minute, &[("dms_deal", deal), ("vin", vin)]))
    };
    let token = suite.tell([agreed(NORTH, "D1", 0, VIN.1)]).await;
    let one = suite.deal(NORTH, "dms_deal", "D1", &token).await;
    let ours = NewEntry { actor: "n-gm".to_owned(), origin: Origin::Replay, ..agreed(NORTH, "D2", 5, VIN.1) };
    let theirs = NewEntry { actor: "rival-gm".to_owned(), ..agreed(RIVAL, "D9", 6, "1HGCM82633A004352") };
    let token = suite.tell([ours, theirs]).await;
    let amended = suite.deal(NORTH, "dms_deal", "D1", &token).await;
    assert_eq!(contests(&amended).len(), 1);
    let sql = format!(
        "SELECT count(*) FROM deal_state.deal_log WHERE group_id = 'summit' AND actor = 'rival-gm' AND entity = '{}'",
        one.name.rsplit('/').next().unwrap()
    );
    assert_eq!(suite.count(sql.leak()).await, 0, "the other group's actor");
    assert_eq!(amended.origin(), one.origin(), "what another deal does makes no past of this one");
}
