//! What a deal has to do with other rooftops and deals: never a merge.

use throughline_proto::{deal::v1 as pb, event::v1::Event};

use crate::kit::{NORTH, RIVAL, SOUTH, Store, Suite, event, exactly, says, signed};

const VIN: &str = "1M8GDM9AXKP042788";

fn traded(event_type: &str, minute: i64) -> Event {
    Event { trade: VIN.to_owned(), ..event(event_type, "D1", minute, &[("dms_deal", "D1")]) }
}

fn transferred(to: &str) -> Event {
    Event { data: [("to_rooftop".to_owned(), to.to_owned())].into(), ..traded("trade.transferred", 60) }
}

fn told(deal: &pb::Deal) -> Vec<(&str, &str, &str)> {
    let number = |relation: &'_ pb::Relation| relation.deal.as_ref().and_then(|deal| deal.key.clone());
    let told = deal.relations.iter().map(|relation| {
        let deal = number(relation).map_or("", |key| if key.value == "D1" { "D1" } else { "D2" });
        (relation.kind.as_str(), relation.rooftop.as_str(), deal)
    });
    told.collect()
}

async fn sold(suite: &Suite, store: Store) -> String {
    suite.tell([says(store, event("deal.agreed", "D2", 90, &[("dms_deal", "D2"), ("vin", VIN)]))]).await
}

#[tokio::test]
async fn a_trade_that_went_to_another_rooftop_is_a_relation_of_both_deals() {
    let suite = Suite::start().await;
    let north = suite
        .tell([
            says(NORTH, traded("deal.delivered", 5)),
            says(NORTH, traded("trade.acquired", 6)),
            says(NORTH, transferred("south")),
        ])
        .await;
    sold(&suite, RIVAL).await;
    let south = sold(&suite, SOUTH).await;

    // Each rooftop has a part of its own, and a token is of those that were told.
    suite.deal(SOUTH, "dms_deal", "D2", &south).await;
    let from = suite.deal(NORTH, "dms_deal", "D1", &north).await;
    assert_eq!(told(&from), [("transferred_to", "south", ""), ("same_vehicle", "south", "D2")]);
    assert_eq!(from.relations[0].car.as_ref().map(|car| (car.kind.as_str(), car.value.as_str())), Some(("trade", VIN)));
    assert_eq!(from.relations[0].time, Some(exactly(60)));
    let to = suite.deal(SOUTH, "dms_deal", "D2", "").await;
    assert_eq!(told(&to), [("transferred_from", "north", "D1")]);
    assert_eq!((to.event_count, to.relations[0].time), (1, Some(exactly(60))), "no merge");
    assert_eq!(to.relations[0].car.as_ref().map(|car| car.kind.as_str()), Some("vin"));
    assert_eq!(suite.deal(NORTH, "trade", VIN, "").await.name, from.name);

    // Who may see one rooftop hears nothing of the other's deals.
    let key = suite.key("summit", &["north"], &["read"]).await;
    let request = pb::GetDealRequest { name: from.name.clone(), ..Default::default() };
    let seen = suite.deals().get_deal(signed(&key, request)).await.unwrap().into_inner();
    assert_eq!(told(&seen), [("transferred_to", "south", "")]);
    let stranger = suite.key("rival", &[], &["read"]).await;
    let request = pb::GetDealRequest {
        name: "groups/rival/rooftops/north/deals/-".to_owned(),
        key: Some(pb::DealKey { value: "D2".to_owned(), ..Default::default() }),
        ..Default::default()
    };
    let other = suite.deals().get_deal(signed(&stranger, request)).await.unwrap().into_inner();
    assert_eq!(told(&other), []);

    // What others know is no content of the deal, and not in its list.
    let listed = suite.list("", "").await;
    let of = |deal: &pb::Deal| listed.iter().find(|listed| listed.name == deal.name).unwrap().relations.len();
    assert_eq!([of(&from), of(&to)], [1, 0]);
}

#[tokio::test]
async fn a_transfer_that_never_was_is_no_relation() {
    let suite = Suite::start().await;
    let token = suite
        .tell([
            says(NORTH, traded("trade.acquired", 6)),
            says(NORTH, transferred("nowhere we know")),
            says(NORTH, Event { id: "again".to_owned(), ..transferred("south") }),
        ])
        .await;
    let deal = suite.deal(NORTH, "dms_deal", "D1", &token).await;
    assert_eq!(deal.relations.len(), 1, "a trade is at one place: {:?}", deal.relations);
    let withdrawn = |id: &str, withdraws: &str| Event {
        id: id.to_owned(),
        withdraws: withdraws.to_owned(),
        data: Default::default(),
        ..transferred("")
    };
    let first = transferred("").id;
    let token = suite.tell([says(NORTH, withdrawn("w1", &first)), says(NORTH, withdrawn("w2", "again"))]).await;
    let deal = suite.deal(NORTH, "dms_deal", "D1", &token).await;
    assert_eq!(told(&deal), []);
    assert!(
        deal.intervals.iter().any(|interval| interval.name == "recon" && interval.end.is_none()),
        "{:?}",
        deal.intervals
    );
}
