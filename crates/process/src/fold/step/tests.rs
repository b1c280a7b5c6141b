use jiff::Timestamp;

use super::*;
use crate::{
    event::{Bound, Origin},
    fold::accept::accept,
    interval::Founding,
};

fn returned(source: &str, id: &str, minute: i64) -> Event {
    let at = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute);
    Event {
        id: id.to_owned(),
        source: source.to_owned(),
        event_type: "deal.contract.returned".to_owned(),
        subject: None,
        occurred_at: None,
        observed_at: None,
        recorded_at: at,
        time: Bound::exact(at),
        source_sequence: None,
        actor: None,
        role: None,
        trade: None,
        keys: Default::default(),
        data: Default::default(),
        replaces: None,
        withdraws: None,
        origin: Origin::Live,
    }
}

fn replacing(event: Event, id: &str) -> Event {
    Event { replaces: Some(id.to_owned()), ..event }
}

/// The founding set of each step, as `source/id`.
fn founding(events: &[Event]) -> Vec<Vec<String>> {
    let def = Definition::retail_deal();
    let refs = |step: &Step<'_>| {
        Founding::of(step).refs().iter().map(|event| format!("{}/{}", event.source, event.id)).collect()
    };
    steps(&def, &accept(&def, events)).iter().map(refs).collect()
}

#[test]
fn a_founding_set_holds_every_report_and_what_reports_replace() {
    let (a1, a2, b2) = (returned("a", "1", 0), returned("a", "2", 60), returned("b", "9", 60));
    assert_eq!(founding(&[a1.clone(), a2.clone()]), [["a/1"], ["a/2"]]);
    assert_eq!(founding(&[b2.clone(), a2.clone(), a1.clone()]), [vec!["a/1"], vec!["a/2", "b/9"]]);

    // a correction keeps the founding set of what it corrects, whether or not that has arrived
    let a3 = replacing(returned("a", "3", 61), "2");
    let a4 = replacing(returned("a", "4", 62), "3");
    assert_eq!(founding(&[a1.clone(), a3.clone(), b2.clone()]), [vec!["a/1"], vec!["a/2", "a/3", "b/9"]]);
    let all = [a4.clone(), a1.clone(), a3.clone(), b2.clone(), a2.clone()];
    assert_eq!(founding(&all), [vec!["a/1"], vec!["a/2", "a/3", "a/4", "b/9"]]);
    assert_eq!(founding(&[a4.clone(), a1.clone(), a2.clone()]), [vec!["a/1"], vec!["a/2"], vec!["a/3", "a/4"]]);
    // another source's ids are its own
    assert_eq!(founding(&[a2, replacing(b2, "2")]), [["a/2", "b/2", "b/9"]]);
}

#[test]
fn a_second_correction_does_not_bring_back_what_the_first_one_replaced() {
    let first = returned("a", "1", 0);
    let second = replacing(returned("a", "2", 60), "1");
    let third = replacing(returned("a", "3", 120), "2");
    assert_eq!(founding(&[first.clone(), second.clone(), third.clone()]), [["a/1", "a/2", "a/3"]]);

    let withdraws = |id: &str, target: &str| Event { withdraws: Some(target.to_owned()), ..returned("a", id, 200) };
    let all = [first.clone(), second.clone(), third, withdraws("4", "3")];
    assert_eq!(founding(&all), [["a/1", "a/2"]], "the first correction counts again");
    assert_eq!(founding(&[first, second, withdraws("4", "2")]), [["a/1"]], "what was corrected counts again");
}

#[test]
fn replacements_in_a_ring_end() {
    let ring = [replacing(returned("a", "1", 0), "2"), replacing(returned("a", "2", 60), "1")];
    assert_eq!(founding(&ring), [["a/1", "a/2"], ["a/1", "a/2"]]);
}
