//! Flags: when they open, turn red and close, and when they never stood.

use std::collections::BTreeMap;

use jiff::Timestamp;
use throughline_process::{
    Calendar, Event, Evidence, Flags, Observed, Schedule,
    calendar::OpenHours,
    definition::{Clock, Target, Targets},
    flag::{FlagKind, Severity, flags},
    fold,
};

use crate::made::{With, at, between, bounded, def, event, events};

fn flagged(given: &[Event], now: Timestamp) -> Flags {
    flagged_by(given, &def().targets, &Schedule::default(), now)
}

fn flagged_by(given: &[Event], targets: &Targets, schedule: &Schedule, now: Timestamp) -> Flags {
    let deal = fold(&def(), given, &Observed::everything()).deal;
    flags(&deal.intervals, &def(), targets, schedule, &Evidence::default(), now)
}

/// Each flag as `kind/measure[instance].round severity opened-closed`.
fn told(flags: &Flags) -> Vec<String> {
    let clock = |at: Timestamp| at.strftime("%H:%M").to_string();
    let tell = |flag: &throughline_process::flag::FlagInterval| {
        let severity = if flag.severity == Severity::Red { "red" } else { "yellow" };
        let closed = flag.closed_at.map_or("..".to_owned(), clock);
        let fact = |name| flag.facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.as_str());
        let instance = fact("instance").map(|instance| format!("[{instance}]")).unwrap_or_default();
        let about = format!("{}/{}{instance}.{}", flag.kind.as_str(), flag.measure, fact("round").unwrap());
        format!("{about} {severity} {}-{closed}", clock(flag.opened_at))
    };
    flags.intervals.iter().map(tell).collect()
}

#[test]
fn a_flag_opens_at_yellow_turns_red_and_closes_with_what_it_is_about() {
    let waiting = events("deal.agreed 10:00");
    let id = "handoff_idle/handoff.fi.0";
    let cases = [
        ("10:14:59", vec![], Some("10:15")),
        ("10:15", vec![format!("{id} yellow 10:15-..")], Some("10:30")),
        ("10:29:59", vec![format!("{id} yellow 10:15-..")], Some("10:30")),
        ("10:30", vec![format!("{id} red 10:15-..")], None),
        ("16:00", vec![format!("{id} red 10:15-..")], None),
    ];
    for (now, expected, next) in cases {
        let flags = flagged(&waiting, at(now));
        assert_eq!(told(&flags), expected, "at {now}");
        assert_eq!(flags.next_change, next.map(at), "at {now}");
    }

    let taken = events("deal.agreed 10:00\n deal.fi.started 10:40");
    let flags = flagged(&taken, at("10:45"));
    assert_eq!(told(&flags), [format!("{id} red 10:15-10:40")]);
    assert_eq!(flags.standing().count(), 0);
    assert_eq!(flags.next_change, Some(at("11:40")), "when the F&I stage turns yellow");
    assert_eq!(
        told(&flagged(&events("deal.agreed 10:00\n deal.fi.started 10:15"), at("11:30"))),
        ["stage_over_target/stage.fi.0 yellow 11:15-.."]
    );
}

#[test]
fn each_kind_of_flag_has_its_case() {
    let cases = [
        ("deal.opened 09:00", "12:31", vec!["in_store_over_target/cycle.delivered.0 red 11:30-.."]),
        ("deal.opened 09:00", "12:29", vec!["in_store_over_target/cycle.delivered.0 yellow 11:30-.."]),
        ("trade.appraisal.requested 09:00", "09:25", vec!["stage_over_target/cycle.appraised.0 yellow 09:20-.."]),
        ("deal.writeup.submitted 09:00", "09:15", vec!["stage_over_target/cycle.pencil.0 yellow 09:10-.."]),
        ("deal.credit.submitted 09:00", "10:30", vec!["stage_over_target/stage.lender_decision.0 red 09:45-.."]),
        ("deal.contract.signed 09:00", "09:00", vec!["vehicle_not_ready/cycle.vehicle_ready.0 yellow 09:00-.."]),
        (
            "deal.contract.signed 09:00\n deal.vehicle.ready 09:40",
            "10:00",
            vec!["vehicle_not_ready/cycle.vehicle_ready.0 red 09:00-09:40"],
        ),
        ("deal.vehicle.ready 08:00\n deal.contract.signed 09:00", "10:00", vec![]),
        ("deal.contract.signed 09:00\n deal.vehicle.ready 09:00", "10:00", vec![]),
        ("deal.delivery.started 09:00", "09:50", vec!["stage_over_target/stage.delivery.0 yellow 09:40-.."]),
        ("deal.opened 09:00\n deal.lost 11:00", "23:00", vec![]),
        (
            "deal.opened 09:00\n deal.lost 12:00",
            "23:00",
            vec!["in_store_over_target/cycle.delivered.0 yellow 11:30-12:00"],
        ),
        // appraised after the customer had gone: nobody waited for it
        ("trade.appraisal.requested 09:00\n deal.lost 09:10\n trade.appraised 12:00", "13:00", vec![]),
    ];
    for (given, now, expected) in cases {
        assert_eq!(told(&flagged(&events(given), at(now))), expected, "{given} at {now}");
    }

    let days = |event_type: &str, days: i64, expected: &[&str]| {
        let later = at("09:00") + jiff::SignedDuration::from_hours(24 * days);
        assert_eq!(told(&flagged(&events(&format!("{event_type} 09:00")), later)), expected, "{event_type}");
    };
    days("deal.delivered", 4, &[]);
    days("deal.delivered", 6, &["delivered_not_funded/cycle.delivered_to_funded.0 yellow 09:00-.."]);
    days("trade.acquired", 8, &["trade_frontline_late/cycle.frontline.0 red 09:00-.."]);
}

#[test]
fn only_the_approval_step_of_reconditioning_has_a_target() {
    let entered = |step| event("trade.recon.step_entered", "09:00").data("step", step);
    assert_eq!(told(&flagged(&[entered("body")], at("18:00"))), [""; 0]);
    let expected = ["stage_over_target/stage.recon_step[approval].0 yellow 13:00-.."];
    assert_eq!(told(&flagged(&[entered("approval")], at("18:00"))), expected);
}

#[test]
fn the_target_of_an_instance_goes_before_the_general_one() {
    let mut targets = def().targets.clone();
    let general = Target {
        measure: "stage.recon_step".to_owned(),
        instance: None,
        flag: FlagKind::StageOverTarget,
        yellow_seconds: 60,
        red_seconds: None,
        clock: Clock::Wall,
    };
    targets.targets.push(general);
    let given = ["approval", "body"]
        .map(|step| Event { id: step.to_owned(), ..event("trade.recon.step_entered", "09:00").data("step", step) });
    let flags = flagged_by(&given, &targets, &Schedule::default(), at("10:00"));
    assert_eq!(told(&flags), ["stage_over_target/stage.recon_step[body].0 yellow 09:01-.."]);
}

#[test]
fn with_bounded_times_nothing_is_raised_that_may_not_be() {
    let flag = |start: (&str, &str), end: Option<(&str, &str)>| {
        let mut given = vec![bounded("deal.agreed", between(start.0, start.1))];
        given.extend(end.map(|end| bounded("deal.fi.started", between(end.0, end.1))));
        let flags = flagged(&given, at("11:00"));
        let idle = |flag: &String| flag.starts_with("handoff_idle");
        told(&flags).into_iter().find(idle).map(|flag| flag["handoff_idle/handoff.fi.0 ".len()..].to_owned())
    };
    assert_eq!(flag(("10:00", "10:10"), None).as_deref(), Some("red 10:25-.."), "counts from the latest start");
    assert_eq!(flag(("10:00", "10:10"), Some(("10:20", "10:40"))), None, "may have been taken in time");
    assert_eq!(flag(("10:00", "10:10"), Some(("10:30", "10:40"))).as_deref(), Some("yellow 10:25-10:30"));
}

#[test]
fn what_no_source_reports_is_never_flagged() {
    let given = events("deal.agreed 09:00\n deal.delivered 10:00");
    let deal = fold(&def(), &given, &Observed::of(["deal.vehicle.ready"])).deal;
    let later = at("10:00") + jiff::SignedDuration::from_hours(24 * 30);
    assert_eq!(
        told(&flags(&deal.intervals, &def(), &def().targets, &Schedule::default(), &Evidence::default(), later)),
        [""; 0]
    );
}

#[test]
fn a_target_may_run_in_open_hours() {
    let mut targets = def().targets.clone();
    for target in &mut targets.targets {
        target.clock = Clock::Open;
    }
    // 3 October 2026 is a Saturday
    let hours = vec![
        OpenHours { weekday: 6, opens: 9 * 60, closes: 18 * 60 },
        OpenHours { weekday: 1, opens: 9 * 60, closes: 18 * 60 },
    ];
    let schedule = Schedule::new(vec![Calendar::new(3, at("00:00"), "UTC", hours, []).unwrap()], []);
    let given = events("deal.agreed 17:50");
    assert_eq!(told(&flagged_by(&given, &targets, &schedule, at("23:00"))), [""; 0]);
    let monday: Timestamp = "2026-10-05T09:05:00Z".parse().unwrap();
    let flags = flagged_by(&given, &targets, &schedule, monday);
    assert_eq!(told(&flags), ["handoff_idle/handoff.fi.0 yellow 09:05-.."]);
    assert_eq!(flags.intervals[0].calendar_version, 3);
}

#[test]
fn a_handoff_runs_in_the_hours_of_who_is_to_accept_it_and_a_cycle_in_those_of_the_rooftop() {
    let mut targets = def().targets.clone();
    for target in &mut targets.targets {
        target.clock = Clock::Open;
    }
    let of = |version, opens| {
        let hours = (1..=7).map(|day| (day, opens, "23:00"));
        Calendar::parse(version, at("00:00"), "UTC", hours, []).unwrap()
    };
    let schedule = Schedule::new(vec![of(7, "08:00")], [("fi".to_owned(), vec![of(8, "12:00")])]);
    let given = events("deal.opened 06:00\n deal.agreed 07:00");
    let flags = flagged_by(&given, &targets, &schedule, at("12:20"));
    let expected = ["in_store_over_target/cycle.delivered.0 red 10:30-..", "handoff_idle/handoff.fi.0 yellow 12:15-.."];
    assert_eq!(told(&flags), expected);
    let versions: Vec<u64> = flags.intervals.iter().map(|flag| flag.calendar_version).collect();
    assert_eq!((versions, flags.next_change), (vec![7, 8], Some(at("12:30"))));
}

#[test]
fn what_is_never_open_long_enough_is_undecided() {
    let mut targets = def().targets.clone();
    for target in &mut targets.targets {
        target.clock = Clock::Open;
    }
    let minute = Calendar::parse(1, at("00:00"), "UTC", [(1, "09:00", "09:01")], []).unwrap();
    let schedule = Schedule::new(vec![minute], []);
    let undecided = |given: &str, schedule: &Schedule| {
        let flags = flagged_by(&events(given), &targets, schedule, at("23:00"));
        (flags.intervals.len(), flags.next_change, flags.undecided)
    };
    assert_eq!(undecided("deal.opened 10:00", &schedule), (0, None, true));
    assert_eq!(undecided("deal.opened 10:00\n deal.lost 11:00", &schedule), (0, None, false));
    assert!(!undecided("deal.opened 10:00", &Schedule::default()).2);
}

#[test]
fn a_flag_whose_end_is_bounded_says_until_when_it_may_have_stood() {
    let given = [event("deal.agreed", "10:00"), bounded("deal.fi.started", between("10:30", "10:40"))];
    let facts = |now| flagged(&given, at(now)).intervals[0].facts.clone();
    let ended = |now| facts(now).into_iter().find(|fact| fact.name == "ended_at_latest").map(|fact| fact.value);
    assert_eq!((ended("10:29"), ended("10:30").as_deref()), (None, Some("2026-10-03T10:40:00Z")));
}

#[test]
fn a_flag_explains_itself() {
    let flags = flagged(&events("deal.agreed 10:00"), at("11:00"));
    let flag = &flags.intervals[0];
    let facts: BTreeMap<&str, &str> = flag.facts.iter().map(|f| (f.name.as_str(), f.value.as_str())).collect();
    let expected = [
        ("started_at", "2026-10-03T10:00:00Z"),
        ("round", "0"),
        ("yellow_seconds", "900"),
        ("red_seconds", "1800"),
        ("clock", "wall"),
    ];
    assert_eq!(facts, BTreeMap::from(expected));
    assert_eq!(flag.measure, "handoff.fi");
    assert_eq!(flag.id, format!("handoff_idle/{}", flag.interval));
    assert_eq!((flag.department.as_str(), flag.red_at), ("fi", Some(at("10:30"))));
    assert_eq!((flag.targets_version.as_str(), flag.definition_version.as_str()), ("1", "retail-deal@1"));
}

#[test]
fn a_rooftop_overrides_targets() {
    let overrides = BTreeMap::from([("handoff.fi".to_owned(), (300, 60)), ("handoff.none".to_owned(), (1, 2))]);
    let targets = def().targets.overridden("1+S1.4", &overrides);
    let flags = flagged_by(&events("deal.agreed 10:00"), &targets, &Schedule::default(), at("10:05"));
    assert_eq!(told(&flags), ["handoff_idle/handoff.fi.0 red 10:05-.."]);
    assert_eq!(flags.intervals[0].targets_version, "1+S1.4");
}
