//! Keys that turn out to be of one deal.

use throughline_proto::{deal::v1 as pb, event::v1::Event, log::v1::entry_body::Body};
use throughline_testkit::connect;

use crate::kit::{NORTH, SOUTH, Suite, event, says};

#[tokio::test]
async fn two_deals_become_one_and_the_former_id_names_the_survivor() {
    let suite = Suite::start().await;
    let token = suite
        .tell([
            says(NORTH, event("deal.opened", "S1", 0, &[("visit", "V1")])),
            says(NORTH, event("deal.agreed", "D", 40, &[("dms_deal", "D100"), ("stock", "K1")])),
        ])
        .await;
    let visit = suite.deal(NORTH, "visit", "V1", &token).await;
    let dms = suite.deal(NORTH, "dms_deal", "D100", "").await;
    assert_ne!(visit.name, dms.name);

    let token = suite.tell([says(NORTH, event("deal.desk.started", "S1", 30, &[("dms_deal", "D100")]))]).await;
    let joined = suite.deal(NORTH, "dms_deal", "D100", &token).await;
    assert_eq!(joined.name, visit.name, "the best key names it");
    assert_eq!(joined.event_count, 3);
    assert_eq!(joined.revision, 2);
    let former = dms.name.rsplit('/').next().unwrap();
    assert!(joined.former_ids.iter().any(|id| id == former), "{:?}", joined.former_ids);

    let by_former = pb::GetDealRequest { name: dms.name.clone(), ..Default::default() };
    assert_eq!(suite.get(by_former).await.unwrap(), joined);
    assert_eq!(suite.deal(NORTH, "stock", "K1", "").await, joined, "numbers move with it");
    assert_eq!(suite.list("", "").await.len(), 1);

    let said = suite.said(NORTH.part).await;
    let [.., (survivor, Body::Deal(_)), (entity, Body::DealRetraction(retraction))] = said.as_slice() else {
        panic!("the survivor first, then whose place it took: {said:#?}");
    };
    assert_eq!((survivor.as_str(), entity.as_str()), (visit.name.rsplit('/').next().unwrap(), former));
    assert_eq!((retraction.name.as_str(), retraction.survivor.as_str()), (dms.name.as_str(), visit.name.as_str()));
    assert_eq!(retraction.revision, 2);

    let mut connection = connect(suite.database.url()).await;
    let anchors: i64 = sqlx::query_scalar("SELECT count(DISTINCT anchor) FROM deal_state.fold_input")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(anchors, 2, "no event moves");
}

#[tokio::test]
async fn a_better_key_gives_another_id_and_the_old_one_still_resolves() {
    let suite = Suite::start().await;
    let token = suite.tell([says(NORTH, event("deal.opened", "S1", 0, &[]))]).await;
    let before = suite.deal(NORTH, "subject", "S1", &token).await;
    let token = suite.tell([says(NORTH, event("deal.agreed", "S1", 9, &[("visit", "V1")]))]).await;
    let after = suite.deal(NORTH, "subject", "S1", &token).await;
    assert_ne!(before.name, after.name);
    assert_eq!(after.revision, 2, "revisions count on");
    let request = pb::GetDealRequest { name: before.name, ..Default::default() };
    assert_eq!(suite.get(request).await.unwrap().name, after.name);
}

#[tokio::test]
async fn a_car_in_two_deals_joins_nothing() {
    let suite = Suite::start().await;
    let token = suite
        .tell([
            says(NORTH, event("deal.opened", "S1", 0, &[("stock", "K1"), ("vin", "X")])),
            says(NORTH, event("deal.opened", "S2", 0, &[("stock", "K1"), ("vin", "X")])),
        ])
        .await;
    assert_eq!(suite.list("key = K1", &token).await.len(), 2);
}

#[tokio::test]
async fn the_same_number_at_another_rooftop_is_another_deal() {
    let suite = Suite::start().await;
    let token = suite
        .tell([
            says(NORTH, event("deal.opened", "S1", 0, &[("dms_deal", "D1")])),
            says(SOUTH, event("deal.opened", "S1", 0, &[("dms_deal", "D1")])),
        ])
        .await;
    let north = suite.deal(NORTH, "dms_deal", "D1", &token).await;
    let south = suite.deal(SOUTH, "dms_deal", "D1", &token).await;
    assert_ne!(north.name, south.name);
    assert_eq!(north.event_count + south.event_count, 2);
}

#[tokio::test]
async fn a_sale_joins_a_visit_and_a_deal_and_doubt_takes_them_apart_again() {
    let suite = Suite::start().await;
    let sale = ("sale", "K1/2026d250");
    let token = suite
        .tell([
            says(NORTH, event("deal.agreed", "V1", 0, &[("visit", "V1"), sale])),
            says(NORTH, event("deal.funded", "D1", 90, &[("dms_deal", "D1")])),
            says(NORTH, event("deal.agreed", "D1", 5, &[("dms_deal", "D1"), sale])),
        ])
        .await;
    let joined = suite.deal(NORTH, "dms_deal", "D1", &token).await;
    assert_eq!(suite.deal(NORTH, "visit", "V1", "").await, joined);
    assert_eq!((joined.event_count, joined.exceptions.len()), (3, 0));

    // Another visit that ended with the same sale: nobody can say whose deal it was.
    let token = suite.tell([says(NORTH, event("deal.agreed", "V2", 8, &[("visit", "V2"), sale]))]).await;
    let [one, other, deal] = [
        suite.deal(NORTH, "visit", "V1", &token).await,
        suite.deal(NORTH, "visit", "V2", "").await,
        suite.deal(NORTH, "dms_deal", "D1", "").await,
    ];
    assert_eq!(one.name, joined.name, "the best key keeps the id");
    assert_eq!([one.event_count, other.event_count, deal.event_count], [1, 1, 2]);
    assert!(deal.revision > joined.revision, "above whatever was said under its id before");
    assert!(deal.recorded_at.is_some());
    for (of, named) in
        [(&one, "visit V2, dms_deal D1"), (&other, "visit V1, dms_deal D1"), (&deal, "visit V1, visit V2")]
    {
        let [exception] = of.exceptions.as_slice() else { panic!("{:?}", of.exceptions) };
        assert_eq!(exception.kind, "identity_ambiguous");
        assert_eq!(exception.detail, format!("the same sale or trade is told of by {named}"));
    }

    // The visit says the deal's number: that is no guess any more.
    let token = suite.tell([says(NORTH, event("deal.desk.started", "V2", 7, &[("dms_deal", "D1")]))]).await;
    let known = suite.deal(NORTH, "dms_deal", "D1", &token).await;
    assert_eq!(known.name, other.name);
    assert_eq!(known.event_count, 4);
    assert_eq!(suite.list("", "").await.len(), 2);

    let said = suite.said(NORTH.part).await;
    let mut last = std::collections::HashMap::new();
    for (entity, body) in &said {
        let revision = match body {
            Body::Deal(deal) => deal.revision,
            Body::DealRetraction(retraction) => retraction.revision,
            _ => continue,
        };
        assert!(last.insert(entity.clone(), revision).is_none_or(|before| before < revision), "{entity}: {said:#?}");
    }
}

#[tokio::test]
async fn what_happens_to_a_trade_is_of_the_deal_that_took_it() {
    const VIN: &str = "1LSY73652TF301852";
    let traded = |event: Event| Event { trade: VIN.to_owned(), ..event };
    let recon = |event_type: &str, minute: i64| {
        let told = Event { source: "recon".to_owned(), ..event(event_type, "", minute, &[]) };
        says(NORTH, traded(Event { data: [("step".to_owned(), "detail".to_owned())].into(), ..told }))
    };
    let suite = Suite::start().await;
    let token = suite
        .tell([
            recon("trade.recon.step_entered", 300),
            // Shown by somebody who went away again.
            says(NORTH, traded(event("trade.appraised", "S1", 5, &[("visit", "V1")]))),
        ])
        .await;
    assert_eq!(suite.list("", &token).await.len(), 1, "a car of which no deal has told shows nowhere");
    let away = suite.deal(NORTH, "visit", "V1", "").await;
    assert_eq!((away.event_count, suite.deal(NORTH, "trade", VIN, "").await.name), (1, away.name.clone()));

    let token = suite
        .tell([
            says(NORTH, traded(event("deal.agreed", "D1", 50, &[("dms_deal", "D1")]))),
            recon("trade.recon.step_left", 400),
        ])
        .await;
    let deal = suite.deal(NORTH, "dms_deal", "D1", &token).await;
    assert_eq!(deal.event_count, 3);
    assert!(deal.keys.iter().any(|key| key.kind == "trade" && key.value == VIN), "{:?}", deal.keys);
    let link = deal.links.iter().find(|link| link.rule == "same_trade").unwrap();
    assert_eq!((link.confidence(), link.reason.as_str()), (pb::Confidence::Inferred, VIN));
    assert_eq!(suite.deal(NORTH, "visit", "V1", "").await.event_count, 1);
    let said = suite.said(NORTH.part).await;
    assert!(
        !said.iter().any(|(_, body)| matches!(body, Body::DealRetraction(_))),
        "what was not shown is not taken back"
    );

    // Two deals of the DMS say that they took it: which one is for a person to say.
    let token = suite.tell([says(NORTH, traded(event("deal.agreed", "D2", 60, &[("dms_deal", "D2")])))]).await;
    let [one, other] =
        [suite.deal(NORTH, "dms_deal", "D1", &token).await, suite.deal(NORTH, "dms_deal", "D2", "").await];
    assert_eq!([one.event_count, other.event_count], [1, 1]);
    for deal in [one, other] {
        assert_eq!(deal.exceptions.len(), 1, "{:?}", deal.exceptions);
        assert_eq!(deal.exceptions[0].kind, "identity_ambiguous");
    }
}

#[tokio::test]
async fn a_trade_that_no_deal_took_stands_on_no_list() {
    const VIN: &str = "1LSY73652TF301852";
    let suite = Suite::start().await;
    let acquired = Event { trade: VIN.to_owned(), ..event("trade.acquired", "", 5, &[]) };
    let token = suite.tell([says(NORTH, acquired)]).await;
    assert!(suite.list("", &token).await.is_empty());
    assert_eq!(suite.count("SELECT count(*) FROM deal_state.worklist").await, 0);
    let took = Event { trade: VIN.to_owned(), ..event("deal.delivered", "D1", 3, &[("dms_deal", "D1")]) };
    let token = suite.tell([says(NORTH, took)]).await;
    assert_eq!(suite.deal(NORTH, "dms_deal", "D1", &token).await.event_count, 2);
    assert!(suite.count("SELECT count(*) FROM deal_state.worklist").await > 0);
}
