//! Evidence: what silence of a source shows, and what it does not.

use throughline_process::{
    Absence, Evidence, Flags, Heard, IntervalKind, Judged, Observed, Schedule, SignedDuration, Timestamp,
    flag::{Severity, flags},
    fold,
};

use crate::made::{at, def, events};

const STARTED: &str = "deal.fi.started";

fn mins(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// A source that reports these types, is expected so often, and was heard at these times.
fn heard(types: &[&str], expected: Option<i64>, arrivals: &[&str]) -> Heard {
    let mut heard = Heard::default();
    for arrival in arrivals {
        let stale_at = expected.map(|minutes| at(arrival) + mins(4 * minutes));
        heard.hear(at(arrival), &Judged { expected: expected.map(mins), stale_at });
    }
    heard.reports = types.iter().map(|event_type| ((*event_type).to_owned(), at(arrivals[0]))).collect();
    heard
}

fn evidence(feeds: impl IntoIterator<Item = Heard>) -> Evidence {
    Evidence { feeds: feeds.into_iter().enumerate().map(|(at, heard)| (format!("s{at}"), heard)).collect() }
}

fn absence(evidence: &Evidence, now: &str) -> Absence {
    evidence.of_absence(&[STARTED.to_owned()], at(now))
}

#[test]
fn step_that_no_source_with_a_rhythm_reports_counts_as_absent() {
    assert_eq!(absence(&Evidence::default(), "12:00"), Absence::Certain);
    assert_eq!(absence(&evidence([heard(&["deal.opened"], Some(2), &["10:00"])]), "12:00"), Absence::Certain);
    assert_eq!(absence(&evidence([heard(&[STARTED], None, &["10:00"])]), "12:00"), Absence::Certain);
}

#[test]
fn frequent_source_shows_absence_until_its_last_arrival() {
    let known = evidence([heard(&[STARTED], Some(2), &["10:00", "10:03"])]);
    assert_eq!(absence(&known, "10:05"), Absence::Until(at("10:03")));
    assert_eq!(absence(&known, "10:11"), Absence::Unknown { since: at("10:03"), until: at("10:03") });
}

#[test]
fn rare_source_counts_as_heard_for_one_expected_interval() {
    let known = evidence([heard(&[STARTED], Some(20), &["10:00"])]);
    assert_eq!(absence(&known, "10:05"), Absence::Until(at("10:20")));
    assert_eq!(absence(&known, "12:00"), Absence::Unknown { since: at("10:00"), until: at("10:20") });
}

#[test]
fn step_is_unknown_only_when_every_source_that_reports_it_is_stale() {
    let (silent, live) = (heard(&[STARTED], Some(2), &["10:00"]), heard(&[STARTED], Some(2), &["11:00"]));
    let both = evidence([silent.clone(), live]);
    assert_eq!(absence(&both, "11:01"), Absence::Until(at("11:00")));
    let unrelated = heard(&["deal.opened"], Some(2), &["11:00"]);
    let unknown = Absence::Unknown { since: at("10:00"), until: at("10:00") };
    assert_eq!(absence(&evidence([silent, unrelated]), "11:01"), unknown);
}

#[test]
fn what_is_known_never_moves_back_when_the_rhythm_changes() {
    let mut source = heard(&[STARTED], Some(20), &["10:00"]);
    source.hear(at("10:01"), &Judged { expected: Some(mins(2)), stale_at: Some(at("10:16")) });
    assert_eq!(source.known_until, Some(at("10:20")));
}

#[test]
fn arrival_after_a_silence_says_what_it_was() {
    let source = heard(&[STARTED], Some(2), &["10:00", "12:00"]);
    let silence = source.last_silence.unwrap();
    assert_eq!((silence.heard_at, silence.stale_at, silence.ended_at), (at("10:00"), at("10:08"), at("12:00")));
    assert!(!source.is_stale(at("12:01")) && source.is_stale(at("12:08")));
}

/// Flags of a wait for F&I since 10:00 (yellow after 15 minutes, red after 30).
fn wait(lines: &str, evidence: &Evidence, now: Timestamp) -> Flags {
    let deal = fold(&def(), &events(lines), &Observed::everything()).deal;
    let wait: Vec<_> = deal.intervals_of(IntervalKind::Handoff, "fi").cloned().collect();
    flags(&wait, &def(), &def().targets, &Schedule::default(), evidence, now)
}

fn severities(flags: &Flags) -> Vec<Severity> {
    flags.intervals.iter().map(|flag| flag.severity).collect()
}

#[test]
fn crossing_during_a_silence_raises_nothing_until_the_source_returns() {
    let open = "deal.agreed 10:00";
    let silent = evidence([heard(&[STARTED], Some(2), &["10:00", "10:10"])]);
    for now in ["10:16", "10:40", "15:00"] {
        let flags = wait(open, &silent, at(now));
        assert_eq!((severities(&flags), flags.unconfirmed), (vec![], true), "{now}");
    }
    // still waiting when it returns
    let back = evidence([heard(&[STARTED], Some(2), &["10:00", "10:10", "15:01"])]);
    let flags = wait(open, &back, at("15:02"));
    assert_eq!((severities(&flags), flags.unconfirmed), (vec![Severity::Red], false));
    assert_eq!(flags.intervals[0].opened_at, at("10:15"));
    // it had ended meanwhile
    let flags = wait("deal.agreed 10:00\n deal.fi.started 10:12", &back, at("15:02"));
    assert_eq!(severities(&flags), []);
}

#[test]
fn flag_that_was_raised_before_a_silence_stands_and_does_not_turn_red() {
    let silent = evidence([heard(&[STARTED], Some(2), &["10:00", "10:16"])]);
    for now in ["10:17", "10:29", "10:31", "13:00"] {
        let flags = wait("deal.agreed 10:00", &silent, at(now));
        assert_eq!(severities(&flags), [Severity::Yellow], "{now}");
        assert_eq!(flags.unconfirmed, at(now) >= at("10:30"), "{now}");
    }
}
