//! People: on shift when they serve, one customer at a time, and home in the end.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use throughline_simulator::{CloudEvent, Plan, simulate};

use crate::plans;

/// Event types with which the actor takes up a deal, and those with which they are done with it.
const TAKES_UP: &[&str] = &[
    "deal.opened",
    "trade.appraisal.started",
    "deal.desk.started",
    "deal.fi.started",
    "deal.vehicle.get_ready_started",
    "deal.delivery.started",
];
const IS_DONE: &[&str] = &[
    "deal.agreed",
    "trade.appraised",
    "deal.pencil.presented",
    "deal.fi.finished",
    "deal.vehicle.ready",
    "deal.delivered",
    "deal.lost",
];

#[derive(Default)]
struct Floor {
    on_shift: HashSet<String>,
    serves: HashMap<String, String>,
    turned_over: HashMap<String, String>,
}

impl Floor {
    fn see(&mut self, event: &CloudEvent) {
        let deal = event.subject.as_ref().map(ToString::to_string).unwrap_or_default();
        // who came to the table stays there until the customer has answered
        if matches!(event.kind, "deal.agreed" | "deal.lost" | "deal.writeup.submitted") {
            self.turned_over.remove(&deal);
        }
        let Some(actor) = event.data.actor.as_ref().map(ToString::to_string) else { return };
        match event.kind {
            "staff.on_shift" => assert!(self.on_shift.insert(actor), "twice on shift"),
            "staff.off_shift" => {
                assert!(!self.serves.contains_key(&actor), "{actor} leaves a customer");
                assert!(self.on_shift.remove(&actor), "off shift and never on");
            }
            "deal.manager_to.started" => {
                self.turned_over.insert(deal, actor);
            }
            kind if TAKES_UP.contains(&kind) => {
                assert!(self.on_shift.contains(&actor), "{actor} is off shift and takes up {deal}");
                assert!(!self.turned_over.values().any(|busy| *busy == actor), "{actor} is at another table");
                assert_eq!(self.serves.insert(actor, deal), None, "serves two at once: {event:?}");
            }
            kind if IS_DONE.contains(&kind) => {
                assert_eq!(self.serves.remove(&actor).as_ref(), Some(&deal), "{kind} by one who served another");
            }
            _ => {}
        }
    }
}

/// Watches all of the plan's events and returns the floor as it is in the end.
fn watch(plan: Plan) -> Floor {
    let mut floor = Floor::default();
    for simulated in simulate(&plans::in_order(plan)).unwrap() {
        floor.see(&simulated.event);
    }
    floor
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nobody_serves_two_customers_at_once_or_off_shift_and_all_go_home(plan in plans::any()) {
        let floor = watch(plan);
        prop_assert!(floor.serves.is_empty(), "{:?}", floor.serves);
        prop_assert!(floor.on_shift.is_empty(), "{:?}", floor.on_shift);
    }
}

#[test]
fn a_whole_month_of_saturdays_staff_is_consistent() {
    watch(Plan { days: 31, ..plans::saturday(11) });
}

#[test]
fn on_other_days_than_saturdays_fewer_people_work_and_on_sundays_none() {
    let plan = Plan { days: 3, ..plans::in_order(plans::saturday(2)) };
    let mut on: HashMap<i8, usize> = HashMap::new();
    for simulated in simulate(&plan).unwrap() {
        if simulated.event.kind == "staff.on_shift" && *simulated.event.rooftop == *"RT005" {
            *on.entry(simulated.event.time.in_tz("America/New_York").unwrap().day()).or_default() += 1;
        }
    }
    assert!(on[&5] > on[&7] && !on.contains_key(&6), "{on:?}");
}
