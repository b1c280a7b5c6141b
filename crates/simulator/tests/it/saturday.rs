//! The demonstration's day: the trouble is real, and where there is none the store runs.

use std::collections::HashMap;

use jiff::civil::{Weekday, date};
use throughline_simulator::{Condition, Plan, busy_saturday, simulate, truth};

use crate::plans;

/// The F&I waits of each rooftop, sorted.
fn fi_waits(plan: &Plan) -> HashMap<String, Vec<f64>> {
    waits(plan, |waits| waits.fi)
}

fn waits(plan: &Plan, which: impl Fn(&throughline_simulator::Waits) -> Option<f64>) -> HashMap<String, Vec<f64>> {
    let mut all: HashMap<String, Vec<f64>> = HashMap::new();
    for deal in truth(plan).unwrap() {
        all.entry(deal.rooftop.to_string()).or_default().extend(which(&deal.waits));
    }
    all.values_mut().for_each(|waits| waits.sort_by(f64::total_cmp));
    all
}

fn p90(waits: &[f64]) -> f64 {
    waits[waits.len() * 9 / 10]
}

#[test]
fn with_a_manager_away_a_customer_waits_over_90_minutes_for_fi_whatever_the_seed() {
    for seed in 0..60 {
        let plan = busy_saturday(seed, 1, date(2026, 9, 1));
        let away =
            plan.rooftops[0].conditions.iter().any(|condition| matches!(condition, Condition::ManagerAway { .. }));
        let longest = fi_waits(&plan)["RT001"].last().copied().unwrap();
        assert!(away && longest > 90.0, "seed {seed}: {longest}");
    }
}

#[test]
fn the_same_day_with_both_managers_is_a_better_one() {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for seed in 0..20 {
        let mut plan = busy_saturday(seed, 1, date(2026, 9, 1));
        with.extend(fi_waits(&plan).remove("RT001").unwrap());
        plan.rooftops[0].conditions = vec![Condition::Normal];
        without.extend(fi_waits(&plan).remove("RT001").unwrap());
    }
    with.sort_by(f64::total_cmp);
    without.sort_by(f64::total_cmp);
    assert!(p90(&without) < 90.0 && p90(&with) > 1.5 * p90(&without), "{} {}", p90(&with), p90(&without));
}

#[test]
fn where_nothing_is_wrong_customers_mostly_wait_under_an_hour() {
    let mut healthy = Vec::new();
    for seed in 0..20 {
        let waits = fi_waits(&busy_saturday(seed, 7, date(2026, 9, 1)));
        for (rooftop, waits) in waits {
            if !["RT001", "RT002", "RT003"].contains(&rooftop.as_str()) {
                healthy.extend(waits);
            }
        }
    }
    healthy.sort_by(f64::total_cmp);
    assert!(p90(&healthy) < 60.0, "{}", p90(&healthy));
}

#[test]
fn a_slow_lender_holds_fi_up_and_missing_detailers_hold_deliveries_up() {
    let (mut lender, mut detail) = ((0.0, 0.0), (0.0, 0.0));
    for seed in 0..20 {
        let troubled = plans::saturday(seed);
        let mut mended = troubled.clone();
        for rooftop in &mut mended.rooftops[1..3] {
            rooftop.conditions = vec![Condition::Normal];
        }
        let sum = |waits: HashMap<String, Vec<f64>>, rooftop: &str| waits[rooftop].iter().sum::<f64>();
        lender.0 += sum(fi_waits(&troubled), "RT002");
        lender.1 += sum(fi_waits(&mended), "RT002");
        detail.0 += sum(waits(&troubled, |waits| waits.delivery), "RT003");
        detail.1 += sum(waits(&mended, |waits| waits.delivery), "RT003");
    }
    assert!(lender.0 > 1.5 * lender.1 && detail.0 > 2.0 * detail.1, "{lender:?} {detail:?}");
}

#[test]
fn the_day_is_a_saturday_in_each_stores_own_hours() {
    let plan = plans::in_order(plans::saturday(5));
    assert_eq!((plan.day, plan.day.weekday()), (date(2026, 9, 5), Weekday::Saturday));
    let opened = simulate(&plan).unwrap().into_iter().filter(|simulated| simulated.event.kind == "store.opened");
    let mut opened: Vec<String> =
        opened.map(|simulated| format!("{} {:.0}", simulated.event.rooftop, simulated.event.time)).collect();
    opened.sort();
    let expected = [
        "RT001 2026-09-05T13:00:00Z",
        "RT002 2026-09-05T14:00:00Z",
        "RT003 2026-09-05T15:00:00Z",
        "RT004 2026-09-05T16:00:00Z",
        "RT005 2026-09-05T13:00:00Z",
    ];
    assert_eq!(opened, expected);
}
