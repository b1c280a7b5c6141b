//! What holds for any events at all.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use proptest::{collection::vec, option, prelude::*, sample::select};
use throughline_process::{
    Bound, Deal, Event, Evidence, Interval, MAX_EVENTS, Observed, Origin, Quality, Schedule, deal_id, flags, fold,
    state_hash,
};

use crate::made::{at, bounded, def, event};

fn types() -> impl Strategy<Value = String> {
    let known: Vec<String> = def().events.iter().map(|event| event.event_type.clone()).collect();
    prop_oneof![20 => select(known), 1 => "[a-z.]{0,12}", 1 => any::<String>()]
}

/// Mostly the minutes of one morning, so that ties are common; now and then the ends of time.
fn instants() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        30 => (0i64..240).prop_map(|minute| at("09:00") + SignedDuration::from_mins(minute)),
        1 => any::<i64>().prop_map(|second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX)),
        1 => Just(Timestamp::MIN),
    ]
}

fn times() -> impl Strategy<Value = Bound> {
    let quality = select(vec![Quality::Exact, Quality::Bounded, Quality::DateOnly]);
    prop_oneof![
        3 => instants().prop_map(Bound::exact),
        2 => (instants(), instants(), quality)
            .prop_map(|(earliest, latest, quality)| Bound { earliest, latest, quality }),
    ]
}

fn names(names: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    option::of(select(names).prop_map(str::to_owned))
}

fn any_events() -> impl Strategy<Value = Vec<Event>> {
    let identity = (0u32..30, select(&["a", "b", "c"][..]), option::of(0u64..4));
    let who = (names(&["p", "q"]), names(&["salesperson", "fi_manager"]), names(&["T1", "T2"]));
    let facts = (names(&["body", "approval"]), names(&["0", "1", "2"]), names(&["3", "4", "5"]));
    let event = (types(), times(), identity, who, facts).prop_map(|(event_type, time, identity, who, facts)| {
        let mut event = bounded(&event_type, time);
        event.id = identity.0.to_string();
        event.source = identity.1.to_owned();
        event.source_sequence = identity.2;
        (event.actor, event.role, event.trade) = who;
        event.data.extend(facts.0.map(|step| ("step".to_owned(), step)));
        event.keys.extend(facts.1.clone().map(|stock| ("stock".to_owned(), stock)));
        event.replaces = facts.1.filter(|id| *id == "1");
        event.withdraws = facts.2.filter(|id| *id == "4");
        event
    });
    vec(event, 0..40)
}

fn seen() -> impl Strategy<Value = Observed> {
    vec(types(), 0..20).prop_map(Observed::of)
}

fn deal_of(events: &[Event]) -> Deal {
    fold(&def(), events, &Observed::everything()).deal
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_order_and_any_repetition_make_the_same_deal(
        (events, again) in any_events().prop_flat_map(|events| {
            let last = events.len().max(1);
            let repeated = vec(0..last, 0..20);
            (Just(events), repeated).prop_flat_map(|(events, repeated)| {
                let mut again = events.clone();
                again.extend(repeated.into_iter().filter_map(|at| events.get(at).cloned()));
                for (at, event) in again.iter_mut().enumerate().skip(events.len()) {
                    event.recorded_at = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(at as i64);
                    event.origin = Origin::Replay;
                }
                (Just(events), Just(again).prop_shuffle())
            })
        })
    ) {
        let (once, many) = (deal_of(&events), deal_of(&again));
        prop_assert_eq!(state_hash(&once), state_hash(&many));
        prop_assert_eq!(&once, &many);
        let ids = |events: &[Event]| -> Vec<(String, String)> {
            let timeline = fold(&def(), events, &Observed::everything()).timeline;
            timeline.into_iter().map(|at| (events[at].source.clone(), events[at].id.clone())).collect()
        };
        prop_assert_eq!(ids(&events), ids(&again), "the order is total");
        prop_assert_eq!(deal_id("g", "r", &once.keys), deal_id("g", "r", &many.keys));
    }

    #[test]
    fn the_hash_does_not_depend_on_what_other_deals_show(events in any_events(), seen in seen()) {
        prop_assert_eq!(state_hash(&deal_of(&events)), state_hash(&fold(&def(), &events, &seen).deal));
    }

    #[test]
    fn every_interval_begins_before_it_ends_and_has_its_own_id(events in any_events(), seen in seen()) {
        let deal = fold(&def(), &events, &seen).deal;
        let mut ids = BTreeMap::new();
        for Interval { id, start, end, founded_by, .. } in &deal.intervals {
            prop_assert!(start.earliest <= start.latest, "{id}");
            prop_assert!(ids.insert(id.clone(), ()).is_none(), "{id} twice");
            prop_assert!(!founded_by.is_empty() && founded_by.is_sorted(), "{id}");
            if let Some(end) = end {
                prop_assert!(start.earliest <= end.earliest && end.earliest <= end.latest, "{id}: {start:?} {end:?}");
            }
        }
    }

    #[test]
    fn a_deal_that_is_over_has_nothing_open_that_ends_with_it(events in any_events()) {
        let deal = deal_of(&events);
        if deal.state.is_over() {
            let outlives = |interval: &Interval| {
                def().interval(interval.kind, &interval.name).is_some_and(|interval| interval.outlives_deal)
            };
            prop_assert!(deal.intervals.iter().all(|interval| interval.end.is_some() || outlives(interval)));
            prop_assert_eq!(deal.holders.customer, None);
        }
    }

    #[test]
    fn a_deal_survives_json(events in any_events()) {
        let deal = deal_of(&events);
        let again: Deal = serde_json::from_str(&serde_json::to_string(&deal).unwrap()).unwrap();
        prop_assert_eq!(deal, again);
    }

    #[test]
    fn flags_change_at_the_next_change_and_not_before(events in any_events(), now in instants()) {
        let deal = deal_of(&events);
        let flags_at = |now| flags(&deal.intervals, &def(), &def().targets, &Schedule::default(), &Evidence::default(), now);
        let flags = flags_at(now);
        for flag in &flags.intervals {
            prop_assert!(flag.opened_at <= now && flag.closed_at.is_none_or(|at| flag.opened_at < at && at <= now));
        }
        if let Some(next) = flags.next_change {
            prop_assert!(next > now);
            prop_assert_eq!(&flags_at(next - SignedDuration::from_nanos(1)).intervals, &flags.intervals);
            prop_assert_ne!(&flags_at(next).intervals, &flags.intervals);
        } else {
            prop_assert_eq!(&flags_at(Timestamp::MAX).intervals, &flags.intervals);
        }
    }
}

/// Time of a fold: the least of a few, for the machine has other things to do too.
fn time_of(events: &[Event]) -> Duration {
    let fold_once = || {
        let started = Instant::now();
        std::hint::black_box(deal_of(events));
        started.elapsed()
    };
    (0..7).map(|_| fold_once()).min().unwrap()
}

#[test]
fn a_fold_of_2000_events_is_bounded() {
    let known: Vec<String> = def().events.iter().map(|event| event.event_type.clone()).collect();
    let ordinary = |count: usize| -> Vec<Event> {
        let one = |at: usize| {
            let minute = SignedDuration::from_mins(at as i64 * 7 % 1000);
            let mut event = bounded(&known[at % known.len()], Bound::exact(at_nine() + minute));
            event.id = at.to_string();
            event.source = ["a", "b", "c"][at % 3].to_owned();
            event
        };
        (0..count).map(one).collect()
    };
    let (few, many) = (time_of(&ordinary(200)), time_of(&ordinary(MAX_EVENTS)));
    assert!(many < few * 60, "200 events take {few:?}, 2,000 {many:?}");

    // everything open, each of its own kind, and closed in the worst order
    let worst: Vec<Event> = (0..MAX_EVENTS)
        .map(|at| {
            let (event_type, trade) = match at < MAX_EVENTS / 2 {
                true => ("trade.appraisal.requested", at),
                false => ("trade.appraisal.started", MAX_EVENTS - 1 - at),
            };
            let mut event = event(event_type, "09:00");
            event.time = Bound::exact(at_nine() + SignedDuration::from_secs(at as i64));
            event.id = at.to_string();
            event.trade = Some(trade.to_string());
            event
        })
        .collect();
    let worst = time_of(&worst);
    assert!(worst < Duration::from_secs(2), "{worst:?}");
}

fn at_nine() -> Timestamp {
    at("09:00")
}
