use proptest::{collection::vec, option, prelude::*, sample::select};
use throughline_process::{Definition, Event, Origin, SignedDuration, fold};

use super::*;

fn at(minute: i64) -> Timestamp {
    "2026-09-07T10:00:00Z".parse::<Timestamp>().expect("an instant") + SignedDuration::from_mins(minute)
}

fn bounded(event_type: &str, time: Bound) -> Event {
    Event {
        id: format!("{event_type} {}", time.latest),
        source: "crm".to_owned(),
        event_type: event_type.to_owned(),
        subject: Some("D1".to_owned()),
        occurred_at: None,
        observed_at: None,
        recorded_at: time.latest,
        time,
        source_sequence: None,
        actor: None,
        role: None,
        trade: None,
        keys: Default::default(),
        data: Default::default(),
        replaces: None,
        withdraws: None,
        origin: Origin::Live,
    }
}

fn event(event_type: &str, minute: i64) -> Event {
    bounded(event_type, Bound::exact(at(minute)))
}

fn of_trade(event_type: &str, minute: i64, trade: &str) -> Event {
    let told = event(event_type, minute);
    Event { id: format!("{} {trade}", told.id), trade: Some(trade.to_owned()), ..told }
}

fn recon_step(event_type: &str, minute: i64, step: &str) -> Event {
    let told = event(event_type, minute);
    Event { id: format!("{} {step}", told.id), data: [("step".to_owned(), step.to_owned())].into(), ..told }
}

fn told(steps: &[(&str, i64)]) -> Vec<Event> {
    steps.iter().map(|(event_type, minute)| event(event_type, *minute)).collect()
}

fn items_under(events: &[Event], observed: &Observed) -> Vec<Item> {
    worklists(&fold(&Definition::retail_deal(), events, observed).deal, observed)
}

fn items(events: &[Event]) -> Vec<Item> {
    items_under(events, &Observed::everything())
}

/// List, trade, minute since when, whom it waits for.
type Row<'a> = (List, &'a str, i64, &'a str);

fn rows(items: &[Item]) -> Vec<Row<'_>> {
    fn row(item: &Item) -> Row<'_> {
        let minute = item.since.latest.duration_since(at(0)).as_mins();
        (item.list, item.instance.as_deref().unwrap_or_default(), minute, &item.department)
    }
    items.iter().map(row).collect()
}

use List::{ContractsInTransit, DealsLaying, DeliveredNotFunded, HolesInRecon, SoldNotDelivered, TradesNotFinalized};

#[test]
fn a_deal_enters_and_leaves_the_lists_as_it_goes() {
    let laying = |department| (DealsLaying, "", 40, department);
    let sold = |department| (SoldNotDelivered, "", 40, department);
    let unpaid = |department| (DeliveredNotFunded, "", 140, department);
    let transit = |department| (ContractsInTransit, "", 300, department);
    let course: [(&str, i64, Vec<Row<'_>>); 13] = [
        ("deal.opened", 0, vec![]),
        ("deal.desk.started", 20, vec![]),
        ("deal.agreed", 40, vec![laying("fi"), sold("fi")]),
        ("deal.fi.started", 60, vec![laying("fi"), sold("fi")]),
        ("deal.contract.signed", 100, vec![laying("fi"), sold("delivery")]),
        ("deal.delivery.started", 120, vec![laying("fi"), sold("delivery")]),
        ("deal.delivered", 140, vec![laying("fi"), unpaid("fi")]),
        ("deal.jacket.submitted", 160, vec![laying("accounting"), unpaid("accounting")]),
        ("deal.jacket.returned", 180, vec![laying("fi"), unpaid("fi")]),
        ("deal.jacket.submitted", 190, vec![laying("accounting"), unpaid("accounting")]),
        ("deal.jacket.accepted", 200, vec![unpaid("accounting")]),
        ("deal.contract.submitted", 300, vec![unpaid("lender"), transit("lender")]),
        ("deal.funded", 900, vec![]),
    ];
    let mut events = Vec::new();
    for (event_type, minute, stands) in course {
        events.push(event(event_type, minute));
        assert_eq!(rows(&items(&events)), stands, "after {event_type}");
    }
}

#[test]
fn a_contract_that_comes_back_is_not_in_transit_and_lies_until_it_is_out_again() {
    let mut events = told(&[
        ("deal.agreed", 0),
        ("deal.delivered", 10),
        ("deal.jacket.accepted", 20),
        ("deal.contract.submitted", 30),
        ("deal.contract.returned", 40),
    ]);
    let unpaid = |department| (DeliveredNotFunded, "", 10, department);
    assert_eq!(rows(&items(&events)), [(DealsLaying, "", 0, "fi"), unpaid("fi")]);
    events.push(event("deal.contract.submitted", 50));
    assert_eq!(rows(&items(&events)), [unpaid("lender"), (ContractsInTransit, "", 50, "lender")]);
    events.push(event("deal.contract.pending_docs", 60));
    assert_eq!(rows(&items(&events)), [unpaid("fi"), (ContractsInTransit, "", 50, "fi")]);
    // Signed anew: the jacket that accounting has is of the former contract.
    events.push(event("deal.contract.signed", 70));
    assert_eq!(rows(&items(&events))[0].0, DealsLaying);
}

#[test]
fn where_accounting_says_nothing_a_deal_lies_until_it_is_funded() {
    let mut events = told(&[("deal.agreed", 0), ("deal.delivered", 10), ("deal.contract.submitted", 30)]);
    let observed = Observed::of(["deal.agreed", "deal.delivered", "deal.contract.submitted", "deal.funded"]);
    let lists: Vec<List> = items_under(&events, &observed).iter().map(|item| item.list).collect();
    assert_eq!(lists, [DealsLaying, DeliveredNotFunded, ContractsInTransit]);
    assert!(items_under(&events, &observed).iter().all(|item| item.leaving_observed));
    let nobody = Observed::of(["deal.agreed", "deal.delivered", "deal.contract.submitted", "deal.contract.returned"]);
    let observed_of: Vec<bool> = items_under(&events, &nobody).iter().map(|item| item.leaving_observed).collect();
    assert_eq!(observed_of, [false, false, true], "the lender may return it; nobody says that money came");
    events.push(event("deal.funded", 90));
    assert_eq!(items_under(&events, &observed), []);
}

#[test]
fn funded_before_it_is_delivered_it_is_only_not_delivered() {
    let events = told(&[("deal.opened", 0), ("deal.contract.signed", 30), ("deal.funded", 60)]);
    let [item] = &items(&events)[..] else { panic!("{:?}", items(&events)) };
    assert_eq!((item.list, item.since), (SoldNotDelivered, Bound::between(at(0), at(30))), "nobody said when agreed");
}

#[test]
fn what_is_over_stands_nowhere_but_for_its_trades_and_a_reopened_deal_begins_anew() {
    let mut events =
        told(&[("deal.opened", 0), ("deal.agreed", 10), ("deal.delivered", 20), ("deal.jacket.accepted", 30)]);
    events.push(of_trade("trade.acquired", 25, "T1"));
    events.push(event("deal.unwound", 40));
    let trade = [(TradesNotFinalized, "T1", 25, "used_car"), (HolesInRecon, "T1", 25, "used_car")];
    assert_eq!(rows(&items(&events)), trade);
    events.push(event("deal.reopened", 50));
    assert_eq!(rows(&items(&events)), trade, "what was agreed before does not count");
    events.push(event("deal.agreed", 60));
    assert_eq!(rows(&items(&events))[..2], [(DealsLaying, "", 60, "fi"), (SoldNotDelivered, "", 60, "fi")]);
}

#[test]
fn each_trade_stands_until_it_is_finalized_and_in_a_hole_while_nobody_works_on_it() {
    let mut events = vec![of_trade("trade.acquired", 0, "T1")];
    let trade = |list, since| (list, "T1", since, "used_car");
    assert_eq!(rows(&items(&events)), [trade(TradesNotFinalized, 0), trade(HolesInRecon, 0)]);
    events.push(recon_step("trade.recon.step_entered", 10, "mechanical"));
    assert_eq!(rows(&items(&events)), [trade(TradesNotFinalized, 0)]);
    events.push(recon_step("trade.recon.step_left", 20, "mechanical"));
    assert_eq!(rows(&items(&events)), [trade(TradesNotFinalized, 0), trade(HolesInRecon, 20)]);

    // Beside another trade, nobody can say whose the steps are.
    events.push(of_trade("trade.acquired", 15, "T2"));
    let both = items(&events);
    let stands: Vec<(List, Option<&str>)> = both.iter().map(|item| (item.list, item.instance.as_deref())).collect();
    let of = |list| [(list, Some("T1")), (list, Some("T2"))];
    assert_eq!(stands, [of(TradesNotFinalized), of(HolesInRecon)].concat());
    assert_eq!([both[2].since, both[3].since], [Bound::between(at(0), at(20)), Bound::between(at(15), at(20))]);
    events.push(recon_step("trade.recon.step_entered", 30, "body"));
    assert_eq!(items(&events).len(), 2, "one of them is worked on, and nobody says which");

    events.push(of_trade("trade.frontline", 40, "T1"));
    events.push(of_trade("trade.wholesaled", 50, "T2"));
    assert_eq!(items(&events), []);
}

#[test]
fn a_trade_that_was_appraised_and_never_acquired_is_not_finalized_once_the_car_is_gone() {
    let mut events = vec![event("deal.agreed", 0), of_trade("trade.appraised", 10, "T1")];
    events.push(of_trade("trade.appraisal.requested", 1, "T1"));
    let trades = |events: &[Event]| -> Vec<(String, i64)> {
        let items = items(events).into_iter().filter(|item| item.list == TradesNotFinalized);
        items
            .map(|item| (item.instance.unwrap_or_default(), item.since.latest.duration_since(at(0)).as_mins()))
            .collect()
    };
    assert_eq!(trades(&events), []);
    events.push(event("deal.delivered", 20));
    assert_eq!(trades(&events), [("T1".to_owned(), 20)]);
    events.push(of_trade("trade.acquired", 30, "T1"));
    assert_eq!(trades(&events), [("T1".to_owned(), 30)], "one item a trade");
    events.push(of_trade("trade.frontline", 40, "T1"));
    assert_eq!(trades(&events), []);

    // Another system may call it by another key; a polled flag says of no trade which.
    let elsewhere = |acquired: Event| {
        let flag = event("trade.appraised", 10);
        [flag, event("deal.agreed", 0), event("deal.delivered", 20), acquired]
    };
    let acquired = Event { source: "recon".to_owned(), ..of_trade("trade.acquired", 30, "K9") };
    assert_eq!(trades(&elsewhere(acquired)), [("K9".to_owned(), 30)]);
    assert_eq!(trades(&elsewhere(event("deal.opened", 0))), [(String::new(), 20)]);
}

#[test]
fn a_bounded_time_stays_bounded() {
    let agreed = Bound::between(at(10), at(25));
    let events = [event("deal.opened", 0), bounded("deal.agreed", agreed)];
    assert!(items(&events).iter().all(|item| item.since == agreed));
}

#[test]
fn the_day_begins_at_local_midnight() {
    let zone = TimeZone::get("America/New_York").expect("a zone");
    assert_eq!(day_began(at(0), &zone), "2026-09-07T04:00:00Z".parse::<Timestamp>().expect("an instant"));
}

fn any_events() -> impl Strategy<Value = Vec<Event>> {
    let known: Vec<String> = Definition::retail_deal().events.iter().map(|event| event.event_type.clone()).collect();
    // Mostly what lists are about, so that deals get so far.
    let types = prop_oneof![
        2 => select(known),
        3 => select(&[AGREED, DELIVERED, CONTRACT_SUBMITTED, CONTRACT_RETURNED, JACKET_ACCEPTED, APPRAISED, ACQUIRED][..])
            .prop_map(str::to_owned),
    ];
    let name = |names: &'static [&'static str]| option::of(select(names).prop_map(str::to_owned));
    let event = (types, 0i64..240, 0i64..30, (0u32..30, select(&["a", "b"][..])), name(&["T1", "T2"]), name(&["body"]));
    let event = event.prop_map(|(event_type, minute, width, (id, source), trade, step)| Event {
        id: id.to_string(),
        source: source.to_owned(),
        trade,
        data: step.map(|step| ("step".to_owned(), step)).into_iter().collect(),
        ..bounded(&event_type, Bound::between(at(minute), at(minute + width / 10 * 10)))
    });
    vec(event, 0..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn lists_are_a_function_of_the_set_of_events(
        (events, again) in any_events().prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle()))
    ) {
        prop_assert_eq!(items(&events), items(&[again.as_slice(), events.as_slice()].concat()));
    }

    #[test]
    fn an_item_is_of_the_deals_time_and_the_only_one_of_its_kind(events in any_events()) {
        let deal = fold(&Definition::retail_deal(), &events, &Observed::everything()).deal;
        let items = worklists(&deal, &Observed::everything());
        for item in &items {
            let last = deal.last_event_at.expect("of some event").latest;
            prop_assert!(item.since.earliest <= item.since.latest && item.since.latest <= last, "{:?}", item);
            let outlives = matches!(item.list, TradesNotFinalized | HolesInRecon);
            prop_assert!(!deal.state.is_over() || outlives, "{:?}", item);
        }
        let mut kinds: Vec<_> = items.iter().map(|item| (item.list, item.instance.as_deref())).collect();
        kinds.dedup();
        prop_assert_eq!(kinds.len(), items.len());
        let on = |list| items.iter().any(|item| item.list == list);
        prop_assert_eq!(on(SoldNotDelivered), deal.state == DealState::Agreed);
        prop_assert_eq!(on(DeliveredNotFunded), deal.state == DealState::Delivered);
    }
}
