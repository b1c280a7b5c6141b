//! Handoffs: what is idle, since when, and what is not.

use throughline_process::{ClosedBy, Deal, Interval, IntervalKind, IntervalState, Observed, fold};

use crate::made::{With, at, def, event, events, folded, label};

/// Each handoff as `label state idle-minutes`.
fn told(deal: &Deal) -> Vec<String> {
    let tell = |handoff: &Interval| {
        let idle = match handoff.lasted() {
            Some((least, most)) if least == most => format!(" {}", least.as_mins()),
            Some((least, most)) => format!(" {}-{}", least.as_mins(), most.as_mins()),
            None => String::new(),
        };
        format!("{} {}{idle}", label(handoff), handoff.state.as_str())
    };
    deal.intervals.iter().filter(|interval| interval.kind == IntervalKind::Handoff).map(tell).collect()
}

#[test]
fn the_time_between_an_offer_and_its_acceptance_is_idle() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("offered and accepted", "deal.agreed 10:00\n deal.fi.started 10:31", &["fi.0 ended 31"]),
        ("offered and not accepted", "deal.agreed 10:00", &["fi.0 open"]),
        ("accepted in the instant of the offer", "deal.fi.started 10:00\n deal.agreed 10:00", &["fi.0 ended 0"]),
        (
            "rounds pair the k-th with the k-th",
            "deal.writeup.submitted 10:00\n deal.desk.started 10:05\n deal.pencil.presented 10:20
             deal.writeup.submitted 10:30\n deal.desk.started 10:42",
            &["desk.0 ended 5", "desk.1 ended 12"],
        ),
        (
            "a later step shows that an unreported acceptance has been",
            "deal.agreed 10:00\n deal.menu.presented 10:50",
            &["fi.0 ended 0-50"],
        ),
        (
            "an unreported round doesn't shift those after it",
            "deal.writeup.submitted 10:00\n deal.pencil.presented 10:20
             deal.writeup.submitted 10:30\n deal.desk.started 10:42",
            &["desk.0 ended 0-20", "desk.1 ended 12"],
        ),
        (
            "agreed again while F&I is awaited",
            "deal.agreed 10:00\n deal.agreed 10:10\n deal.fi.started 10:31",
            &["fi.0 ended 31"],
        ),
        ("agreed only after F&I began took no time", "deal.fi.started 10:00\n deal.agreed 11:00", &["fi.0 ended 0"]),
        (
            "a recontract offers no second delivery",
            "deal.contract.signed 10:00\n deal.delivery.started 10:10\n deal.delivered 10:40\n deal.contract.signed 15:00",
            &["delivery.0 ended 10"],
        ),
        ("a lost deal voids what is pending", "deal.agreed 10:00\n deal.lost 10:20", &["fi.0 void"]),
        (
            "what is accepted after the deal was lost was accepted",
            "trade.appraisal.requested 10:00\n deal.lost 10:20\n trade.appraisal.started 10:32",
            &["appraisal.0 ended 32"],
        ),
        (
            "reopening offers again",
            "deal.agreed 10:00\n deal.lost 10:20\n deal.reopened 12:00\n deal.fi.started 12:07",
            &["fi.0 void", "fi.1 ended 7"],
        ),
        (
            "reopening allows a handoff once more",
            "deal.agreed 10:00\n deal.fi.started 10:05\n deal.lost 10:20
             deal.reopened 12:00\n deal.agreed 12:10\n deal.fi.started 12:30",
            &["fi.0 ended 5", "fi.1 ended 20"],
        ),
        (
            "the clock of another system runs a little ahead",
            "deal.desk.started 10:00:00\n deal.writeup.submitted 10:01:30",
            &["desk.0 ended 0"],
        ),
        (
            "a desk that started long before belongs to another write-up",
            "deal.desk.started 10:00\n deal.writeup.submitted 10:30",
            &["desk.0 open"],
        ),
        ("no trade, no check-in", "deal.delivered 10:00", &[]),
        (
            "a trade waits for its check-in from the delivery on",
            "trade.acquired 09:00\n deal.delivered 10:00\n trade.recon.step_entered 12:00",
            &["recon.0 ended 120"],
        ),
        (
            "each submission to the lender is a round",
            "deal.contract.submitted 10:00\n deal.contract.received 10:10\n deal.contract.returned 11:00
             deal.contract.submitted 12:00\n deal.funded 15:00",
            &["contract.0 ended 10", "contract.1 ended 0-180"],
        ),
    ];
    for (name, given, expected) in cases {
        assert_eq!(told(&folded(&events(given))), *expected, "{name}");
    }
}

#[test]
fn a_step_that_no_source_has_ever_reported_is_not_observed_and_never_idle() {
    let given = events("deal.contract.signed 10:00\n deal.jacket.submitted 11:00");
    let seen = |types: &[&str]| fold(&def(), &given, &Observed::of(types.iter().copied())).deal;

    assert_eq!(told(&seen(&[])), ["delivery.0 not_observed", "jacket.0 not_observed"]);
    assert_eq!(told(&seen(&["deal.jacket.accepted"])), ["delivery.0 not_observed", "jacket.0 open"]);

    // a step of the deal itself is observed, whoever keeps the list
    let given = events("deal.jacket.submitted 11:00\n deal.jacket.accepted 11:30");
    assert_eq!(told(&fold(&def(), &given, &Observed::of([""; 0])).deal), ["jacket.0 ended 30"]);
}

#[test]
fn a_later_step_ends_what_is_not_observed_without_calling_it_accepted() {
    let given = events("deal.contract.signed 09:00\n deal.jacket.submitted 10:00\n deal.contract.submitted 11:00");
    let deal = fold(&def(), &given, &Observed::of(["deal.delivery.started"])).deal;
    let jacket = deal.intervals_of(IntervalKind::Handoff, "jacket").next().unwrap();
    assert_eq!(jacket.state, IntervalState::NotObserved);
    assert_eq!(jacket.end.unwrap().latest, at("11:00"));
    assert_eq!(jacket.closed_by, Some(ClosedBy::Inferred("deal.contract.submitted".to_owned())));
    assert_eq!(jacket.lasted(), None);
}

#[test]
fn two_trades_are_appraised_side_by_side() {
    let given = [
        event("trade.appraisal.requested", "10:00").trade("T1"),
        event("trade.appraisal.requested", "10:01").trade("T2"),
        event("trade.appraisal.started", "10:05").trade("T2"),
        event("trade.appraised", "10:15").trade("T2"),
        event("trade.appraisal.started", "10:20").trade("T1"),
    ];
    assert_eq!(told(&folded(&given)), ["appraisal[T1].0 ended 20", "appraisal[T2].0 ended 4"]);
}

#[test]
fn a_trades_key_means_nothing_in_another_source() {
    let given = [
        event("trade.appraisal.requested", "10:00").trade("T1"),
        event("trade.appraisal.started", "10:05").trade("900").of_source("//appraisals.example/S1"),
    ];
    assert_eq!(told(&folded(&given)), ["appraisal[T1].0 ended 5"]);
}
