//! What is kept of staff and store events does not depend on how they arrive.

use jiff::SignedDuration;
use proptest::{collection::vec, option, prelude::*, sample::select};
use throughline_process::{
    Bound, Event,
    floor::{MAX_MARKS, MAX_STAFF, MAX_UNDOINGS, StaffState},
};

use crate::made::{With, at, bounded};

fn kept<'e>(events: impl IntoIterator<Item = &'e Event>) -> StaffState {
    let mut state = StaffState::default();
    events.into_iter().for_each(|event| state.add(event));
    state
}

fn shift(event_type: &str, staff: usize, minute: i64) -> Event {
    let mut event = bounded(event_type, Bound::exact(at("00:00") + SignedDuration::from_mins(minute)));
    event.id = format!("{event_type} {staff} {minute}");
    event.by(&format!("s{staff}"), "salesperson")
}

/// Few sources, IDs, people, and minutes, so that ties, repetitions, and rings of undoing are common.
fn any_event() -> impl Strategy<Value = Event> {
    let types = select(vec!["staff.on_shift", "staff.off_shift", "store.opened", "store.closed", "feed.polled"]);
    let identity = (0u32..60, select(vec!["//a", "//b"]), option::of(0u64..3));
    let times = (0i64..300, 0i64..30);
    let who = (option::of(0u32..4), option::of(select(vec!["salesperson", "fi_manager"])));
    let undoes = (option::weighted(0.1, 0u32..60), option::weighted(0.1, 0u32..60));
    (types, identity, times, who, undoes).prop_map(|(event_type, identity, times, who, undoes)| {
        let minute = |minute| at("09:00") + SignedDuration::from_mins(minute);
        let mut event = bounded(event_type, Bound::between(minute(times.0), minute(times.0 + times.1)));
        (event.id, event.source, event.source_sequence) = (identity.0.to_string(), identity.1.to_owned(), identity.2);
        event.actor = who.0.map(|staff| format!("s{staff}"));
        event.role = who.1.map(str::to_owned);
        event.replaces = undoes.0.map(|id| id.to_string());
        event.withdraws = undoes.1.map(|id| id.to_string());
        event
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn permutation_and_repetition_of_events_keep_the_same_state(
        (events, shuffled) in vec(any_event(), 0..60).prop_flat_map(|events| {
            let repeated: Vec<Event> = events.iter().chain(events.iter().step_by(3)).cloned().collect();
            (Just(events), Just(repeated).prop_shuffle())
        }),
    ) {
        prop_assert_eq!(kept(&events), kept(&shuffled));
    }

    #[test]
    fn state_that_was_stored_between_events_is_the_same(
        events in vec(any_event(), 0..60),
        cut in 0usize..60,
    ) {
        let (first, rest) = events.split_at(cut.min(events.len()));
        let before = kept(first);
        let mut stored = StaffState::new(before.marks().cloned(), before.undoings().cloned());
        rest.iter().for_each(|event| stored.add(event));
        prop_assert_eq!(stored, kept(&events));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// More people than are kept, each with several reports at odd times.
    #[test]
    fn crowd_beyond_the_limit_keeps_the_same_state_in_any_order(
        (events, shuffled) in vec((0usize..MAX_STAFF + 60, 0i64..20_000, any::<bool>()), 1_200)
            .prop_map(|reports| {
                let event = |(staff, minute, on)| {
                    shift(if on { "staff.on_shift" } else { "staff.off_shift" }, staff, minute)
                };
                reports.into_iter().map(event).collect::<Vec<_>>()
            })
            .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
    ) {
        let state = kept(&events);
        prop_assert_eq!(&state, &kept(&shuffled));
        let people: std::collections::BTreeSet<_> = state.marks().filter_map(|mark| mark.staff.clone()).collect();
        prop_assert!(people.len() <= MAX_STAFF);
    }
}

#[test]
fn state_stays_within_its_bounds_and_keeps_what_is_latest() {
    let mut state = StaffState::default();
    for minute in 0..2_000i64 {
        let mut event = shift("staff.on_shift", usize::try_from(minute).unwrap() % 700, minute);
        event.replaces = Some(format!("gone {minute}"));
        state.add(&event);
    }
    for minute in 0..20 {
        state.add(&shift("staff.on_shift", 1_999 % 700, 3_000 + minute));
    }
    assert_eq!(state.undoings().count(), MAX_UNDOINGS);
    let people: std::collections::BTreeSet<_> = state.marks().filter_map(|mark| mark.staff.clone()).collect();
    assert_eq!(people.len(), MAX_STAFF);
    let last: Vec<_> = state.marks().filter(|mark| mark.staff.as_deref() == Some("s599")).collect();
    assert_eq!(last.len(), MAX_MARKS);
    assert_eq!(last[0].time.latest, at("00:00") + SignedDuration::from_mins(3_014));
}
