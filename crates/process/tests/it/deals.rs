//! Stages, holders, outcomes and exceptions of whole deals.

use std::collections::BTreeSet;

use throughline_process::{
    ClosedBy, Deal, Definition, Event, Interval, IntervalKind, IntervalState, MAX_EVENTS, Observed, combined_hash,
    deal::{DealState, Holder},
    fold, state_hash,
};

use crate::made::{With, at, def, event, events, folded, label};

const WHOLE: &str = "deal.opened 09:00
    deal.demo.started 09:20
    deal.writeup.submitted 10:00
    deal.desk.started 10:05
    deal.pencil.presented 10:15
    deal.agreed 10:30
    deal.credit.submitted 10:31
    deal.credit.decisioned 10:50
    deal.fi.started 11:00
    deal.vehicle.get_ready_started 11:05
    deal.menu.presented 11:20
    deal.vehicle.ready 11:45
    deal.contract.signed 12:00
    deal.delivery.started 12:10
    deal.delivered 12:45
    deal.jacket.submitted 13:00
    deal.jacket.accepted 14:00
    deal.contract.submitted 14:30
    deal.contract.received 14:40
    deal.funded 18:00";

fn stages(deal: &Deal) -> Vec<&Interval> {
    deal.intervals.iter().filter(|interval| interval.kind == IntervalKind::Stage).collect()
}

/// Each stage as `label from-to`; `..` while it is open, `~` before an end that no source reported.
fn spans(deal: &Deal) -> Vec<String> {
    let clock = |at: jiff::Timestamp| at.strftime("%H:%M").to_string();
    let tell = |stage: &Interval| {
        let mark = if stage.closed_by.as_ref().is_some_and(ClosedBy::is_inferred) { "~" } else { "" };
        let end = stage.end.map_or("..".to_owned(), |end| clock(end.latest));
        format!("{} {}-{mark}{end}", label(stage), clock(stage.start.latest))
    };
    stages(deal).into_iter().map(tell).collect()
}

#[test]
fn a_deal_runs_on_several_tracks_side_by_side() {
    let deal = folded(&events(WHOLE));
    assert_eq!(
        spans(&deal),
        [
            "discovery.0 09:00-09:20",
            "demo.0 09:20-10:00",
            "desk.0 10:05-10:15",
            "presenting.0 10:15-10:30",
            "lender_decision.0 10:31-10:50",
            "fi.0 11:00-12:00",
            "get_ready.0 11:05-11:45",
            "jacket_preparation.0 12:00-13:00",
            "delivery.0 12:10-12:45",
            "rdr.0 12:45-..",
            "jacket_review.0 14:00-14:30",
            "funding.0 14:30-18:00",
        ]
    );
    assert_eq!(deal.state, DealState::Funded);
    assert_eq!(deal.opened_at.unwrap().latest, at("09:00"));
    assert_eq!(deal.last_event_at.unwrap().latest, at("18:00"));
    assert_eq!((deal.event_count, deal.rounds, deal.rework), (20, 1, 0));
    assert_eq!(deal.milestones.len(), 20);
    assert_eq!(deal.exceptions, []);
    assert!(deal.intervals.iter().filter(|i| i.kind == IntervalKind::Handoff).all(|i| i.state == IntervalState::Ended));
}

#[test]
fn the_deal_stands_where_its_last_outcome_put_it() {
    let cases = [
        ("", DealState::InProgress),
        ("deal.opened 09:00", DealState::InProgress),
        ("deal.agreed 09:00", DealState::Agreed),
        ("deal.funded 09:00", DealState::Agreed),
        ("deal.delivered 09:00", DealState::Delivered),
        ("deal.delivered 09:00\n deal.funded 10:00", DealState::Funded),
        ("deal.funded 09:00\n deal.delivered 10:00", DealState::Funded),
        ("deal.agreed 09:00\n deal.lost 10:00", DealState::Lost),
        ("deal.lost 09:00\n deal.reopened 10:00", DealState::InProgress),
        ("deal.delivered 09:00\n deal.unwound 10:00", DealState::Unwound),
        ("deal.lost 09:00\n deal.reopened 10:00\n deal.agreed 11:00", DealState::Agreed),
    ];
    for (given, state) in cases {
        assert_eq!(folded(&events(given)).state, state, "{given}");
    }
}

#[test]
fn a_lost_deal_has_no_open_stage_and_reopening_goes_on_where_it_stood() {
    let lost = "deal.opened 09:00\n deal.agreed 10:00\n deal.fi.started 10:10\n deal.lost 10:30";
    let mut given = events(lost);
    given[3] = given[3].clone().data("reason", "payment");
    let deal = folded(&given);
    assert_eq!(spans(&deal), ["discovery.0 09:00-~10:00", "fi.0 10:10-10:30"]);
    assert_eq!(stages(&deal)[1].closed_by, Some(ClosedBy::DealEnded("deal.lost".to_owned())));
    assert_eq!(deal.lost_reason.as_deref(), Some("payment"));
    assert_eq!(deal.holders.customer, None);

    given.push(event("deal.reopened", "13:00"));
    let deal = folded(&given);
    assert_eq!(spans(&deal)[1..], ["fi.0 10:10-10:30", "fi.1 13:00-.."]);
    assert_eq!(deal.lost_reason, None);
}

#[test]
fn a_later_step_closes_earlier_ones_that_nobody_reported() {
    let deal =
        folded(&events("deal.opened 09:00\n deal.desk.started 10:00\n deal.agreed 11:00\n deal.delivered 15:00"));
    assert_eq!(spans(&deal), ["discovery.0 09:00-~10:00", "desk.0 10:00-~11:00", "rdr.0 15:00-.."]);
    let desk = stages(&deal)[1];
    assert_eq!(desk.end.unwrap().earliest, at("10:00"));
}

#[test]
fn reconditioning_steps_stand_side_by_side() {
    let step = |event_type, step, time| event(event_type, time).data("step", step);
    let deal = folded(&[
        step("trade.recon.step_entered", "body", "10:00"),
        step("trade.recon.step_entered", "photos", "10:05"),
        step("trade.recon.step_left", "body", "11:00"),
        step("trade.recon.step_entered", "body", "12:00"),
        event("trade.frontline", "15:00"),
    ]);
    assert_eq!(
        spans(&deal),
        ["recon_step[body].0 10:00-11:00", "recon_step[photos].0 10:05-~15:00", "recon_step[body].1 12:00-~15:00"]
    );
}

/// Who holds what after each step, as `customer car paper`; `-` is nobody, `?` presumed.
fn held(lines: &str, observed: &Observed) -> Vec<String> {
    let given = events(lines);
    let tell = |holder: &Option<Holder>| match holder {
        Some(holder) => format!("{}{}", holder.department, if holder.presumed { "?" } else { "" }),
        None => "-".to_owned(),
    };
    let after = |count: usize| {
        let holders = fold(&def(), &given[..count], observed).deal.holders;
        format!("{} {} {}", tell(&holders.customer), tell(&holders.car), tell(&holders.paper))
    };
    (1..=given.len()).map(after).collect()
}

#[test]
fn somebody_or_nobody_holds_the_customer_the_car_and_the_paper() {
    let expected = [
        "sales - -",
        "sales - -",
        "sales - -",
        "sales - desk",
        "sales - sales",
        "- - -",
        "- - -",
        "- - -",
        "fi - fi",
        "fi detail fi",
        "fi detail fi",
        "fi - fi",
        "- - fi",
        "delivery delivery fi",
        "- - fi",
        "- - -",
        "- - accounting",
        "- - -",
        "- - lender",
        "- - -",
    ];
    assert_eq!(held(WHOLE, &Observed::everything()), expected);
    let presumed = held("deal.agreed 09:00\n deal.jacket.submitted 10:00", &Observed::of(["deal.fi.started"]));
    assert_eq!(presumed, ["- - -", "- - accounting?"]);
}

#[test]
fn an_assignment_changes_who_holds() {
    let mut given = vec![
        event("deal.opened", "09:00").by("s1", "salesperson"),
        event("deal.assigned", "09:30").by("s2", "salesperson"),
    ];
    let holder = folded(&given).holders.customer.unwrap();
    assert_eq!((holder.actor.as_deref(), holder.since.latest), (Some("s2"), at("09:30")));

    given.push(event("deal.assigned", "09:40").by("f1", "fi_manager"));
    given.push(event("deal.fi.started", "10:00"));
    let deal = folded(&given);
    assert_eq!(deal.holders.customer.unwrap().actor.as_deref(), Some("f1"));
    assert_eq!(deal.assigned.len(), 2);
}

#[test]
fn what_needs_a_person_is_an_exception() {
    let kinds = |lines: &str| -> Vec<String> {
        let exceptions = folded(&events(lines)).exceptions;
        let ids: BTreeSet<&str> = exceptions.iter().map(|exception| exception.id.as_str()).collect();
        assert_eq!(ids.len(), exceptions.len(), "{exceptions:?}");
        exceptions.into_iter().map(|exception| exception.kind).collect()
    };
    assert_eq!(kinds("deal.opened 09:00\n deal.lost 10:00"), [""; 0]);
    assert_eq!(kinds("deal.agreed 09:00\n deal.lost 10:00"), ["backout"]);
    assert_eq!(kinds("deal.agreed 09:00\n deal.unwound 10:00"), ["unwind"]);
    assert_eq!(kinds("deal.rdr.rejected 09:00"), ["rdr_rejected"]);
    assert_eq!(
        kinds("deal.contract.returned 09:00\n deal.contract.returned 10:00"),
        ["contract_returned", "contract_returned"]
    );
    assert_eq!(kinds("deal.contract.signed 09:00\n deal.fi.started 10:00"), ["impossible_order"]);
    // within what clocks may disagree by
    assert_eq!(kinds("deal.contract.signed 09:00\n deal.menu.presented 09:01"), [""; 0]);

    let returned = folded(&[event("deal.contract.returned", "09:00").data("reason", "missing_signature")]);
    assert_eq!(returned.exceptions[0].detail, "missing_signature");
}

#[test]
fn rework_counts_returns_and_recontracts_once() {
    let rework = |lines: &str| folded(&events(lines)).rework;
    assert_eq!(rework("deal.contract.signed 09:00"), 0);
    assert_eq!(rework("deal.contract.returned 09:00"), 1);
    assert_eq!(rework("deal.contract.signed 09:00\n deal.contract.signed 15:00"), 1);
    assert_eq!(rework("deal.contract.signed 09:00\n deal.contract.returned 12:00\n deal.contract.signed 15:00"), 1);
}

#[test]
fn unknown_types_are_counted_and_never_lost() {
    let deal = folded(&events("deal.opened 09:00\n deal.tea.served 10:00\n deal.tea.served 11:00"));
    assert_eq!(deal.unknown_types.get("deal.tea.served"), Some(&2));
    assert_eq!(deal.event_count, 3);
    assert_eq!(deal.last_event_at.unwrap().latest, at("11:00"));
}

#[test]
fn replaced_and_withdrawn_events_do_not_count_and_undoing_that_brings_them_back() {
    let agreed = event("deal.agreed", "10:00");
    let later = Event { replaces: Some(agreed.id.clone()), ..event("deal.agreed", "10:20") };
    let withdrawal = Event { withdraws: Some(later.id.clone()), ..event("deal.agreed", "10:25") };
    let when = |events: &[Event]| folded(events).milestones.get("deal.agreed").map(|o| (o.first.latest, o.count));

    assert_eq!(when(&[agreed.clone(), later.clone()]), Some((at("10:20"), 1)));
    assert_eq!(when(&[later.clone(), agreed.clone()]), Some((at("10:20"), 1)));
    assert_eq!(when(&[later.clone(), agreed.clone(), withdrawal.clone()]), Some((at("10:00"), 1)));
    // another source's ids are its own
    let other = withdrawal.of_source("//dms.example/S1");
    assert_eq!(when(&[later, agreed.clone(), other]), Some((at("10:20"), 1)));

    let a = Event { id: "a".to_owned(), replaces: Some("b".to_owned()), ..agreed.clone() };
    let b = Event { id: "b".to_owned(), replaces: Some("a".to_owned()), ..agreed.clone() };
    let itself = Event { id: "c".to_owned(), replaces: Some("c".to_owned()), ..agreed };
    let deal = folded(&[a, b, itself]);
    assert_eq!(deal.milestones["deal.agreed"].count, 3);
    assert_eq!(deal.exceptions.len(), 2);
}

#[test]
fn one_id_with_two_contents_is_an_exception_and_the_same_one_counts_in_any_order() {
    let one = event("deal.agreed", "10:00").by("s1", "salesperson");
    let other = Event { actor: Some("s2".to_owned()), ..one.clone() };
    let again = Event { recorded_at: at("23:00"), observed_at: Some(at("22:00")), ..one.clone() };
    let deal = folded(&[one.clone(), other.clone(), again.clone(), other.clone()]);
    assert_eq!(deal, folded(&[other, one.clone(), again.clone()]));
    assert_eq!(deal.exceptions.iter().map(|e| e.kind.as_str()).collect::<Vec<_>>(), ["conflicting_event"]);
    assert_eq!(deal.event_count, 1);
    assert_eq!(folded(&[one, again]).exceptions, []);
}

#[test]
fn a_deal_holds_so_many_events_and_more_go_to_review() {
    let many: Vec<Event> = (0..MAX_EVENTS + 3)
        .map(|at| Event { id: format!("{at:05}"), ..event("deal.menu.presented", "10:00") })
        .collect();
    let deal = folded(&many);
    assert_eq!(deal.event_count as usize, MAX_EVENTS);
    assert_eq!(deal.milestones["deal.menu.presented"].count as usize, MAX_EVENTS);
    assert_eq!(deal.exceptions[0].kind, "too_many_events");
    let reversed: Vec<Event> = many.into_iter().rev().collect();
    assert_eq!(folded(&reversed), deal);
}

#[test]
fn the_state_hash_covers_content_and_nothing_else() {
    let given = events(WHOLE);
    let hash = |events: &[Event]| state_hash(&folded(events));
    let mut recorded = given.clone();
    recorded[3].recorded_at = at("23:00");
    recorded[3].origin = throughline_process::Origin::Replay;
    assert_eq!(hash(&recorded), hash(&given));
    assert_ne!(hash(&given[1..]), hash(&given));
    for at in 0..given.len() {
        let mut missing = given.clone();
        missing.remove(at);
        assert_ne!(hash(&missing), hash(&given), "without {}", given[at].event_type);
    }
    let unseen = fold(&def(), &given[..12], &Observed::of([""; 0])).deal;
    assert_eq!(state_hash(&unseen), hash(&given[..12]), "what is observed elsewhere is no content of the deal");

    let (a, b) = (hash(&given), hash(&given[1..]));
    assert_eq!(combined_hash([("a", a), ("b", b)]), combined_hash([("b", b), ("a", a)]));
    assert_ne!(combined_hash([("a", a), ("b", b)]), combined_hash([("a", b), ("b", a)]));
}

#[test]
fn the_engine_runs_other_processes_by_the_same_rules() {
    let loans = Definition::from_json(
        r#"{"id": "loans", "version": 1, "title": "Loan applications",
            "departments": [{"id": "front", "title": "Front"}, {"id": "back", "title": "Back"}],
            "tracks": [{"id": "application", "title": "Application"}],
            "events": [{"type": "a_submitted", "rank": 1}, {"type": "w_complete_start", "rank": 2},
                       {"type": "w_complete_end", "rank": 3}, {"type": "a_activated", "rank": 4, "outcome": "funded"}],
            "intervals": [
              {"kind": "stage", "name": "complete", "track": "application", "owner_department": "back",
               "start": ["w_complete_start"], "end": ["w_complete_end"]},
              {"kind": "handoff", "name": "completion", "offered_by_department": "front", "owner_department": "back",
               "start": ["a_submitted"], "end": ["w_complete_start"]}],
            "opened_by": "a_submitted", "targets": {"version": "1", "targets": []}}"#,
    )
    .unwrap();
    let given = events("a_submitted 09:00\n w_complete_start 09:30\n w_complete_end 10:00\n a_activated 11:00");
    let deal = fold(&loans, &given, &Observed::everything()).deal;
    assert_eq!(spans(&deal), ["complete.0 09:30-10:00"]);
    assert_eq!(
        deal.intervals.iter().find(|i| i.kind == IntervalKind::Handoff).unwrap().lasted().unwrap().0.as_mins(),
        30
    );
    assert_eq!((deal.state, deal.definition_version.as_str()), (DealState::Funded, "loans@1"));
}
