//! Times that are known only within bounds, and steps that several systems report.

use throughline_process::{Bound, IntervalKind, Quality};

use crate::made::{With, at, between, bounded, event, events, folded};

const OTHER: &str = "//dms.example/S1";

#[test]
fn of_two_tellings_of_a_step_the_narrowest_time_wins() {
    let polled = bounded("deal.fi.started", between("10:00", "10:05"));
    let logged = event("deal.fi.started", "10:03").of_source(OTHER).by("f1", "fi_manager");
    let deal = folded(&[event("deal.agreed", "09:50"), polled, logged]);
    let started = &deal.milestones["deal.fi.started"];
    assert_eq!((started.count, started.first), (1, Bound::exact(at("10:03"))));
    assert_eq!(started.actor.as_deref(), Some("f1"));
    assert_eq!(deal.event_count, 3);
}

#[test]
fn a_wider_telling_adds_what_the_narrowest_does_not_say() {
    let polled = bounded("deal.fi.started", between("10:00", "10:05")).by("f1", "fi_manager");
    let deal = folded(&[polled, event("deal.fi.started", "10:03").of_source(OTHER)]);
    assert_eq!(deal.milestones["deal.fi.started"].actor.as_deref(), Some("f1"));
}

#[test]
fn the_order_of_the_definition_narrows_bounds() {
    let day = |event_type| {
        let time = Bound { quality: Quality::DateOnly, ..between("00:00", "23:59:59") };
        bounded(event_type, time).of_source(OTHER)
    };
    let mut given = events("deal.contract.signed 12:00");
    given.extend([day("deal.fi.started"), day("deal.delivered")]);
    let deal = folded(&given);
    let fi = deal.milestones["deal.fi.started"].first;
    assert_eq!((fi.earliest, fi.latest, fi.quality), (at("00:00"), at("12:00"), Quality::Bounded));
    let delivered = deal.milestones["deal.delivered"].first;
    assert_eq!((delivered.earliest, delivered.latest), (at("12:00"), at("23:59:59")));
    assert_eq!(deal.exceptions, []);
    // and so the stage that the day-only event entered is closed by the one that left it
    let stage = deal.intervals_of(IntervalKind::Stage, "fi").next().unwrap();
    assert_eq!(stage.end.unwrap().latest, at("12:00"));
}

#[test]
fn a_bounded_offer_is_before_its_acceptance() {
    let deal = folded(&[bounded("deal.agreed", between("10:00", "10:10")), event("deal.fi.started", "10:04")]);
    let (least, most) = deal.intervals_of(IntervalKind::Handoff, "fi").next().unwrap().lasted().unwrap();
    assert_eq!((least.as_mins(), most.as_mins()), (0, 4));
}

#[test]
fn steps_of_different_kinds_of_work_are_never_one_step() {
    let entered = |step: &str, source: &str| {
        bounded("trade.recon.step_entered", between("10:00", "10:05")).data("step", step).of_source(source)
    };
    assert_eq!(folded(&[entered("body", "a"), entered("paint", "b")]).intervals.len(), 2);
    assert_eq!(folded(&[entered("body", "a"), entered("body", "b")]).intervals.len(), 1);
}

#[test]
fn bounds_that_come_in_the_wrong_order_are_put_right() {
    let time = Bound { earliest: at("11:00"), latest: at("10:00"), quality: Quality::Bounded };
    let deal = folded(&[bounded("deal.opened", time)]);
    assert_eq!(deal.opened_at.unwrap(), between("10:00", "11:00"));
}
