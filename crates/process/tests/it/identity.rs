//! Identity: what founds an interval or an exception names it, and neither other events nor arrival rename it.

use throughline_process::{Event, EventRef, Interval, IntervalKind, same_episode};

use crate::made::{With, event, folded};

const DMS: &str = "//dms.example/S1";

fn handoffs(events: &[Event], name: &str) -> Vec<Interval> {
    folded(events).intervals_of(IntervalKind::Handoff, name).cloned().collect()
}

fn reference(event: &Event) -> EventRef {
    EventRef { source: event.source.clone(), id: event.id.clone() }
}

#[test]
fn late_earlier_round_does_not_rename_later_round() {
    let second = [event("deal.writeup.submitted", "11:00")];
    let before = handoffs(&second, "desk");
    let first = [event("deal.writeup.submitted", "10:00"), event("deal.desk.started", "10:05")];
    let after = handoffs(&[&second[..], &first[..]].concat(), "desk");
    assert_eq!((before[0].round, after[1].round), (0, 1));
    assert_eq!(before[0].id, after[1].id);
    assert_ne!(before[0].id, after[0].id);
    assert_eq!(after[1].founded_by, [reference(&second[0])]);
}

#[test]
fn report_of_another_source_joins_the_founding_set() {
    let crm = event("deal.agreed", "10:00");
    let dms = event("deal.agreed", "10:00").of_source(DMS);
    let (alone, other) = (handoffs(std::slice::from_ref(&crm), "fi"), handoffs(std::slice::from_ref(&dms), "fi"));
    let both = handoffs(&[crm.clone(), dms.clone()], "fi");
    assert_eq!(both[0].founded_by, [reference(&crm), reference(&dms)]);
    assert!(same_episode(&alone[0].founded_by, &both[0].founded_by));
    assert!(same_episode(&other[0].founded_by, &both[0].founded_by));
    // the least event names it, so that a report which sorts behind it renames nothing
    assert_eq!(alone[0].id, both[0].id);
}

#[test]
fn correction_is_the_same_episode_and_withdrawal_with_a_new_event_is_not() {
    let agreed = event("deal.agreed", "10:00");
    let corrected = Event { replaces: Some(agreed.id.clone()), ..event("deal.agreed", "10:20") };
    let withdrawal = Event { withdraws: Some(agreed.id.clone()), ..event("deal.agreed", "10:25") };
    let again = event("deal.agreed", "15:00");

    let first = &handoffs(std::slice::from_ref(&agreed), "fi")[0];
    // also before the event that it replaces has arrived
    for known in [vec![agreed.clone(), corrected.clone()], vec![corrected]] {
        assert!(same_episode(&first.founded_by, &handoffs(&known, "fi")[0].founded_by));
    }
    let second = &handoffs(&[agreed, withdrawal, again], "fi")[0];
    assert!(!same_episode(&first.founded_by, &second.founded_by));
    assert_ne!(first.id, second.id);
}

#[test]
fn start_that_an_open_interval_absorbs_belongs_to_its_founding_set() {
    let late = event("deal.agreed", "09:50").of_source(DMS);
    let known = event("deal.agreed", "10:00");
    let alone = handoffs(std::slice::from_ref(&known), "fi");
    let both = handoffs(&[known.clone(), late.clone()], "fi");
    assert_eq!(both.len(), 1);
    assert_eq!(both[0].founded_by, [reference(&known), reference(&late)]);
    assert_eq!(alone[0].id, both[0].id);
}

#[test]
fn interval_that_goes_on_after_reopening_is_an_episode_of_its_own() {
    let given = [event("deal.agreed", "10:00"), event("deal.lost", "11:00"), event("deal.reopened", "12:00")];
    let [ended, goes_on] = &handoffs(&given, "fi")[..] else { panic!("two rounds") };
    assert!(!same_episode(&ended.founded_by, &goes_on.founded_by));
    assert_ne!(ended.id, goes_on.id);
    assert_eq!(goes_on.founded_by, [reference(&given[2])]);
}

#[test]
fn two_rounds_that_go_on_after_reopening_keep_apart() {
    let given = [
        event("trade.appraisal.requested", "10:00").trade("T1"),
        event("trade.appraisal.requested", "10:01").trade("T2"),
        event("deal.lost", "11:00"),
        event("deal.reopened", "12:00"),
    ];
    let rounds = handoffs(&given, "appraisal");
    assert_eq!(rounds.len(), 4);
    assert_eq!(rounds[2].founded_by, rounds[3].founded_by);
    assert_ne!(rounds[2].id, rounds[3].id);
}

#[test]
fn late_earlier_exception_does_not_rename_later_exception() {
    let later = event("deal.contract.returned", "15:00").data("reason", "missing_signature");
    let earlier = event("deal.contract.returned", "11:00").data("reason", "terms_mismatch");
    let before = folded(std::slice::from_ref(&later)).exceptions;
    let after = folded(&[later.clone(), earlier]).exceptions;
    assert_eq!(after.iter().map(|e| e.detail.as_str()).collect::<Vec<_>>(), ["terms_mismatch", "missing_signature"]);
    assert_eq!(before[0], after[1]);
    assert_eq!(after[1].founded_by, [reference(&later)]);
    assert_ne!(after[0].id, after[1].id);
}
