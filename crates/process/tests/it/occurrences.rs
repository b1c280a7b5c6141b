//! Occurrences of a step that several systems report are matched by time.

use throughline_process::{Bound, Deal, Event, IntervalKind, Quality, fold};

use crate::made::{With, at, between, bounded, def, event, folded};

/// Times of the occurrences that reports written as `source time` or `source earliest-latest` come to, in order; `day`
/// stands for the whole day.
fn returned(reports: &str) -> Vec<String> {
    let deal = folded(&parse("deal.contract.returned", reports));
    assert_eq!(deal.rework as usize, deal.exceptions.len());
    assert!(deal.exceptions.iter().all(|exception| exception.kind == "contract_returned"), "{:?}", deal.exceptions);
    deal.exceptions.iter().map(|exception| told(exception.at.unwrap())).collect()
}

fn parse(event_type: &str, reports: &str) -> Vec<Event> {
    let report = |(number, report): (usize, &str)| {
        let (source, time) = report.trim().split_once(' ').unwrap();
        let time = match time.split_once('-') {
            Some((earliest, latest)) => between(earliest, latest),
            None if time == "day" => Bound { quality: Quality::DateOnly, ..between("00:00", "23:59:59") },
            None => Bound::exact(at(time)),
        };
        Event { id: format!("{event_type} {number}"), ..bounded(event_type, time).of_source(source) }
    };
    reports.split(',').enumerate().map(report).collect()
}

fn told(at: Bound) -> String {
    let clock = |at: jiff::Timestamp| {
        let clock = at.strftime("%H:%M:%S").to_string();
        clock.strip_suffix(":00").unwrap_or(&clock).to_owned()
    };
    match at.quality {
        Quality::Exact => clock(at.latest),
        Quality::Bounded => format!("{}-{}", clock(at.earliest), clock(at.latest)),
        Quality::DateOnly => "day".to_owned(),
    }
}

#[test]
fn occurrences_across_sources_match_by_time() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("one source reports each on its own", "a 10:00, a 10:00, a 10:01", &["10:00", "10:00", "10:01"]),
        ("same instant", "a 10:00, b 10:00", &["10:00"]),
        ("the second source reports only the second one", "a 10:00, a 14:00, b 14:00", &["10:00", "14:00"]),
        (
            "a source starts in the middle of the deal",
            "a 09:00, a 10:00, a 11:00, a 12:00, b 11:00, b 12:00:30",
            &["09:00", "10:00", "11:00", "12:00"],
        ),
        (
            "each source misses another one",
            "a 10:00, a 11:00, b 10:00:20, b 12:00, c 11:00:10, c 12:00:50",
            &["10:00", "11:00", "12:00"],
        ),
        (
            "a source misses one in the middle",
            "a 10:00, a 11:00, a 12:00, b 10:00, b 12:00",
            &["10:00", "11:00", "12:00"],
        ),
        (
            "two sources poll",
            "a 10:00-10:15, a 12:00-12:15, b 10:10-10:40, b 12:10-12:40, b 15:10-15:40",
            &["10:00-10:15", "12:00-12:15", "15:10-15:40"],
        ),
        (
            "a poll that spans two takes part in one",
            "a 10:00, a 10:10, b 09:55-10:15, b 12:00-12:15",
            &["10:00", "10:10", "12:00-12:15"],
        ),
        ("a date beside an instant", "a 10:00, b day", &["10:00"]),
        ("a date beside two instants", "a 10:00, a 15:00, b day", &["10:00", "15:00"]),
        ("two dates beside one instant", "a 10:00, b day, b day", &["10:00", "day"]),
        ("two dates beside two instants of other sources", "a 10:00, c 15:00, b day, b day", &["10:00", "15:00"]),
        ("a date takes no report from an instant", "a 10:00, a 15:00, b 15:00, c day", &["10:00", "15:00"]),
        ("clocks differ by the skew", "a 10:00:00, b 10:02:00", &["10:00"]),
        ("clocks differ by more than the skew", "a 10:00:00, b 10:02:01", &["10:00", "10:02:01"]),
        ("bounds are apart by the skew", "a 10:00-10:15, b 10:17:00", &["10:17"]),
        ("bounds are apart by more than the skew", "a 10:00-10:15, b 10:17:01", &["10:00-10:15", "10:17:01"]),
        (
            "three clocks of which the outer two differ by more than the skew",
            "a 10:00:00, b 10:01:30, c 10:03:00",
            &["10:00", "10:03"],
        ),
        ("two that are closer than the skew", "a 10:00:00, a 10:01:00, b 10:00:00, b 10:01:00", &["10:00", "10:01"]),
        (
            "two that are closer than the skew, by another clock",
            "a 10:00:00, a 10:01:30, b 10:01:40, b 10:03:10",
            &["10:00", "10:01:30"],
        ),
        (
            "of two that are closer than the skew, the other source reports the second",
            "a 10:00:00, a 10:01:00, b 10:01:00-10:01:00",
            &["10:00", "10:01"],
        ),
    ];
    for (name, reports, expected) in cases {
        assert_eq!(returned(reports), *expected, "{name}");
    }
}

/// Which of two that are close together the other source means shows in what it adds.
#[test]
fn close_occurrences_match_the_closest_reports() {
    let actors = |second: &str| {
        let mut given = parse("deal.contract.returned", &format!("a 10:00:00, a 10:01:40, b {second}"));
        given[2] = given[2].clone().by("s1", "office");
        let deal = folded(&given);
        assert_eq!(deal.rework, 2);
        deal.milestones["deal.contract.returned"].actor.clone()
    };
    assert_eq!(actors("10:00:49").as_deref(), Some("s1"));
    assert_eq!(actors("10:00:51"), None);
    assert_eq!(actors("10:01:40"), None);
}

#[test]
fn a_missed_round_does_not_shift_the_rest() {
    let mut given = parse("deal.writeup.submitted", "crm 10:00, crm 11:00, crm 12:00, desk 11:00:10, desk 12:00:10");
    given.extend(parse("deal.desk.started", "crm 10:05, desk 11:07, desk 12:09"));
    let idle = |deal: &Deal| -> Vec<i128> {
        deal.intervals_of(IntervalKind::Handoff, "desk").map(|wait| wait.lasted().unwrap().0.as_mins().into()).collect()
    };
    assert_eq!(idle(&folded(&given)), [5, 7, 9]);
}

#[test]
fn what_sets_reports_apart_in_every_source_is_never_matched() {
    let step = |step: &str, source: &str| {
        bounded("trade.recon.step_entered", between("10:00", "10:05")).data("step", step).of_source(source)
    };
    let count = |deal: &Deal, event_type: &str| deal.milestones[event_type].count;
    assert_eq!(count(&folded(&[step("body", "a"), step("paint", "b")]), "trade.recon.step_entered"), 2);
    assert_eq!(count(&folded(&[step("body", "a"), step("body", "b")]), "trade.recon.step_entered"), 1);

    let assigned = |role, source| event("deal.assigned", "10:00").by("s1", role).of_source(source);
    let deal = folded(&[assigned("salesperson", "a"), assigned("fi_manager", "b"), assigned("fi_manager", "c")]);
    assert_eq!(count(&deal, "deal.assigned"), 2);
    assert_eq!(deal.assigned.len(), 2);

    // vendors' words differ, and so do their keys of one trade
    let given = [
        event("deal.contract.returned", "10:00").data("reason", "missing_signature").of_source("a"),
        event("deal.contract.returned", "10:00").data("reason", "SIG").of_source("b"),
        event("trade.appraised", "11:00").trade("T1").of_source("a"),
        event("trade.appraised", "11:00").trade("900").of_source("b"),
    ];
    let deal = folded(&given);
    assert_eq!((deal.rework, count(&deal, "trade.appraised")), (1, 1));
}

#[test]
fn rounds_with_a_missing_report_narrow_nothing_and_are_not_impossible() {
    // the submission between the two returns is missing, and the last one has no return yet
    let given = crate::made::events(
        "deal.contract.submitted 09:00\n deal.contract.returned 10:00\n deal.contract.returned 12:00
         deal.contract.submitted 13:00",
    );
    let kinds = |events: &[Event]| -> Vec<String> { folded(events).exceptions.into_iter().map(|e| e.kind).collect() };
    assert_eq!(kinds(&given), ["contract_returned", "contract_returned"]);

    // rounds reported in full still narrow bounds
    let mut given = crate::made::events("deal.contract.submitted 09:00\n deal.contract.returned 10:00");
    given.push(event("deal.contract.submitted", "12:00"));
    given.push(bounded("deal.contract.returned", between("11:00", "15:00")));
    assert_eq!(folded(&given).milestones["deal.contract.returned"].last, between("12:00", "15:00"));
}

#[test]
fn matching_of_2000_events_is_bounded() {
    let one = |number: usize| {
        // four clocks drift apart over one long clump, in which every report could be of several occurrences
        let time = at("00:00") + jiff::SignedDuration::from_millis((number / 4 * 61_000 + number % 4 * 13_007) as i64);
        let time = Bound {
            earliest: time,
            latest: time + jiff::SignedDuration::from_secs(number as i64 % 7 * 40),
            quality: Quality::Bounded,
        };
        let event = bounded("deal.contract.returned", time).of_source(["a", "b", "c", "d"][number % 4]);
        Event { id: number.to_string(), ..event }
    };
    let given: Vec<Event> = (0..2000).map(one).collect();
    let started = std::time::Instant::now();
    let deal = fold(&def(), &given, &throughline_process::Observed::everything()).deal;
    assert_eq!(deal.rework, 500);
    assert!(started.elapsed() < std::time::Duration::from_secs(2), "{:?}", started.elapsed());
}
