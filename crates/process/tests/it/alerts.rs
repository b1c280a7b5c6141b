//! When an alert is due.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use throughline_process::alert::{FRESH_FOR, NotDue, is_history, not_due};

fn second(second: i64) -> Timestamp {
    "2026-09-07T13:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

#[test]
fn alert_is_due_for_two_hours_and_not_a_moment_longer() {
    let check = |now: Timestamp| not_due(second(0), None, now);
    assert_eq!(check(second(7_200)), None);
    assert_eq!(check(second(7_200) + SignedDuration::from_micros(1)), Some(NotDue::TooOld));
    // Another clock may be a little ahead.
    assert_eq!(check(second(-60)), None);
}

#[test]
fn import_silences_what_was_crossed_until_it_was_recorded() {
    let check = |crossed_at| not_due(second(crossed_at), Some(second(0)), second(60));
    assert_eq!([check(-1), check(0)], [Some(NotDue::Imported); 2]);
    assert_eq!(check(1), None);
}

proptest! {
    #[test]
    fn alert_is_due_exactly_for_fresh_crossings_after_the_last_import(
        crossed in -20_000i64..20_000, history in prop::option::of(-20_000i64..20_000), now in -20_000i64..20_000,
    ) {
        let (at, history, now) = (second(crossed), history.map(second), second(now));
        let due = not_due(at, history, now).is_none();
        prop_assert_eq!(due, history.is_none_or(|history| history < at) && now <= at + FRESH_FOR);
        prop_assert_eq!(is_history(at, history), not_due(at, history, now) == Some(NotDue::Imported));
        // Once no alert is due, time alone never makes one due, and nor does another import.
        let later = now + SignedDuration::from_secs(1);
        prop_assert!(due || not_due(at, history, later).is_some());
        prop_assert!(due || not_due(at, history.max(Some(later)), now).is_some());
    }
}
