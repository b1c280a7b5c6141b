//! A deal's events: causes before effects, one end, and waits that are as true as the simulator says.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;
use throughline_simulator::{CloudEvent, Outcome, Plan, Waits, simulate, truth};

use crate::plans;

/// An effect and what must have happened before it, in the same deal.
const CAUSES: &[(&str, &str)] = &[
    ("trade.appraisal.requested", "deal.opened"),
    ("trade.appraisal.started", "trade.appraisal.requested"),
    ("trade.appraised", "trade.appraisal.started"),
    ("deal.demo.started", "deal.opened"),
    ("deal.writeup.submitted", "deal.opened"),
    ("deal.desk.started", "deal.writeup.submitted"),
    ("deal.pencil.presented", "deal.desk.started"),
    ("deal.manager_to.started", "deal.pencil.presented"),
    ("deal.agreed", "deal.pencil.presented"),
    ("deal.credit.submitted", "deal.writeup.submitted"),
    ("deal.credit.decisioned", "deal.credit.submitted"),
    ("deal.stip.requested", "deal.credit.decisioned"),
    ("deal.stip.received", "deal.stip.requested"),
    ("deal.stip.cleared", "deal.stip.received"),
    ("deal.fi.started", "deal.agreed"),
    ("deal.menu.presented", "deal.fi.started"),
    ("deal.contract.signed", "deal.menu.presented"),
    ("deal.fi.finished", "deal.contract.signed"),
    ("deal.vehicle.get_ready_started", "deal.agreed"),
    ("deal.vehicle.ready", "deal.vehicle.get_ready_started"),
    ("deal.delivery.started", "deal.contract.signed"),
    ("deal.delivery.started", "deal.vehicle.ready"),
    ("deal.delivered", "deal.delivery.started"),
    ("deal.jacket.submitted", "deal.delivered"),
    ("deal.jacket.returned", "deal.jacket.submitted"),
    ("deal.jacket.accepted", "deal.jacket.submitted"),
    ("deal.contract.submitted", "deal.jacket.accepted"),
    ("deal.contract.received", "deal.contract.submitted"),
    ("deal.contract.returned", "deal.contract.received"),
    ("deal.funded", "deal.jacket.accepted"),
    ("deal.rdr.transmitted", "deal.delivered"),
    ("deal.rdr.rejected", "deal.rdr.transmitted"),
    ("deal.lost", "deal.opened"),
    ("trade.acquired", "deal.delivered"),
    ("trade.recon.step_entered", "trade.acquired"),
    ("trade.recon.step_left", "trade.recon.step_entered"),
    ("trade.frontline", "trade.recon.step_left"),
    ("trade.wholesaled", "trade.acquired"),
];

/// Each deal's events by time, without repetitions.
fn deals(plan: &Plan) -> BTreeMap<String, Vec<CloudEvent>> {
    let mut deals: BTreeMap<String, Vec<CloudEvent>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for simulated in simulate(plan).unwrap() {
        let event = simulated.event;
        let Some(deal) = event.subject.clone() else { continue };
        if seen.insert(event.id.clone()) {
            deals.entry(deal.to_string()).or_default().push(event);
        }
    }
    for events in deals.values_mut() {
        events.sort_by_key(|event| event.time);
    }
    deals
}

fn minutes(from: &CloudEvent, to: &CloudEvent) -> f64 {
    (to.time.as_millisecond() - from.time.as_millisecond()) as f64 / 60_000.0
}

/// The waits as an outsider would reckon them.
fn reckon(events: &[CloudEvent]) -> Waits {
    let nth = |kind: &str, nth: usize| events.iter().filter(|event| event.kind == kind).nth(nth);
    let wait = |from, to, round| Some(minutes(nth(from, round)?, nth(to, round)?));
    let desk = |round| wait("deal.writeup.submitted", "deal.desk.started", round);
    Waits {
        appraisal: wait("trade.appraisal.requested", "trade.appraisal.started", 0),
        desk0: desk(0),
        desk1: desk(1),
        desk2: desk(2),
        fi: wait("deal.agreed", "deal.fi.started", 0),
        delivery: wait("deal.contract.signed", "deal.delivery.started", 0),
    }
}

fn causes_come_first(events: &[CloudEvent]) {
    let mut happened = HashSet::new();
    for event in events {
        let known = event.kind == "deal.opened" || CAUSES.iter().any(|(effect, _)| *effect == event.kind);
        assert!(known, "no cause is named for {}", event.kind);
        for (_, cause) in CAUSES.iter().filter(|(effect, _)| *effect == event.kind) {
            assert!(happened.contains(cause), "{} before {cause} in {:?}", event.kind, event.subject);
        }
        happened.insert(event.kind);
    }
}

fn ends_once(events: &[CloudEvent]) -> Outcome {
    let count = |kind| events.iter().filter(|event| event.kind == kind).count();
    assert_eq!((count("deal.opened"), count("deal.delivered") + count("deal.lost")), (1, 1), "{events:?}");
    // what is delivered is paid for in the end
    assert_eq!(count("deal.funded"), count("deal.delivered"));
    if count("deal.lost") == 1 { Outcome::Lost } else { Outcome::Delivered }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_deal_runs_in_order_to_one_end_and_waits_as_the_truth_says(plan in plans::any()) {
        let deals = deals(&plan);
        let truth = truth(&plan).unwrap();
        prop_assert_eq!(truth.len(), deals.len());
        for told in truth {
            let events = &deals[told.deal.as_str()];
            causes_come_first(events);
            prop_assert_eq!(ends_once(events), told.outcome);
            prop_assert_eq!(reckon(events), told.waits);
            prop_assert!(events.iter().all(|event| event.rooftop == told.rooftop));
        }
    }
}

#[test]
fn late_and_repeated_events_leave_the_truth_alone() {
    let plan = plans::saturday(3);
    let deals = deals(&plan);
    let truth = truth(&plan).unwrap();
    assert_eq!(truth, throughline_simulator::truth(&plans::in_order(plan)).unwrap());
    assert!(truth.len() > 80, "{} deals", truth.len());
    for told in truth {
        assert_eq!(reckon(&deals[told.deal.as_str()]), told.waits, "{}", told.deal);
    }
}

#[test]
fn contracts_come_back_at_times_with_a_reason_and_go_out_again() {
    let plan = Plan { days: 40, ..plans::saturday(1) };
    let deals = deals(&plan);
    let returned: Vec<_> =
        deals.values().filter(|events| events.iter().any(|event| event.kind == "deal.contract.returned")).collect();
    let submitted =
        deals.values().filter(|events| events.iter().any(|event| event.kind == "deal.contract.submitted")).count();
    let share = returned.len() as f64 / submitted as f64;
    assert!((0.06..0.2).contains(&share), "{share}");
    for events in returned {
        let at = events.iter().position(|event| event.kind == "deal.contract.returned").unwrap();
        assert!(events[at].data.reason.is_some());
        assert!(events[at..].iter().any(|event| event.kind == "deal.contract.submitted"));
    }
}
