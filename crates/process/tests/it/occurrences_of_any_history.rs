//! What matching does with any history of occurrences, whatever part of it each source reports.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::SignedDuration;
use proptest::{collection::vec, prelude::*, sample::select};
use throughline_process::{Bound, Deal, Definition, Event, Observed, Quality, fold, state_hash};

use crate::made::{With, at, bounded, def};

const KINDS: [(&str, Option<&str>); 3] = [
    ("deal.contract.returned", None),
    ("trade.recon.step_entered", Some("body")),
    ("trade.recon.step_entered", Some("paint")),
];
const SOURCES: [&str; 4] = ["//crm.example/S1", "//dms.example/S1", "//lender.example/S1", "//recon.example/S1"];

/// The shipped definition with another skew of clocks.
fn with_skew(seconds: u32) -> Arc<Definition> {
    let mut document = def().document().clone();
    document.clock_skew_seconds = seconds;
    Arc::new(Definition::from_document(document).unwrap())
}

/// What a source makes of one occurrence: whether it reports it, how far its clock is ahead (share of the skew), and
/// where in its window of polling the occurrence lies (share of the window).
#[derive(Clone, Copy, Debug)]
struct Shown {
    reported: bool,
    ahead: f64,
    into: f64,
}

/// The true occurrences of one kind of step: how much longer than the least spacing each comes after the one before
/// it, and what each source makes of it.
type Truth = Vec<(u64, [Shown; 4])>;

#[derive(Clone, Debug)]
struct History {
    skew: u32,
    /// Window of polling of each source, in seconds; 0: it reports instants.
    windows: Vec<u32>,
    kinds: Vec<Truth>,
}

impl History {
    /// Occurrences are identifiable if those of one kind are more than this apart: twice the skew, because the clock of
    /// one source may be late for the first occurrence and that of another early for the second, and both their windows.
    /// At this distance two sources that report one occurrence each can report what one occurrence would have shown.
    fn ambiguous(&self) -> SignedDuration {
        let mut windows = self.windows.clone();
        windows.sort_unstable_by(|a, b| b.cmp(a));
        let two_widest: u32 = windows.iter().take(2).sum();
        SignedDuration::from_secs(i64::from(2 * self.skew) + i64::from(two_widest))
    }

    /// The events of one kind when its occurrences are `spacing` and a little more apart, and how many occurrences are
    /// reported at all.
    fn events(&self, kind: usize, spacing: SignedDuration) -> (Vec<Event>, usize) {
        let (event_type, step) = KINDS[kind];
        let (mut time, mut events, mut reported) = (at("00:00"), Vec::new(), 0);
        for (number, (more, shown)) in self.kinds[kind].iter().enumerate() {
            time += spacing + SignedDuration::from_nanos(*more as i64);
            reported += usize::from(shown.iter().zip(&self.windows).any(|(shown, _)| shown.reported));
            for (source, (shown, window)) in shown.iter().zip(&self.windows).enumerate() {
                if !shown.reported {
                    continue;
                }
                let claimed = time + SignedDuration::from_secs(i64::from(self.skew)).mul_f64(shown.ahead);
                let window = SignedDuration::from_secs(i64::from(*window));
                let earliest = claimed - window.mul_f64(shown.into);
                let quality = if window.is_zero() { Quality::Exact } else { Quality::Bounded };
                let mut event = bounded(event_type, Bound { earliest, latest: earliest + window, quality });
                event.id = format!("{kind} {number}");
                events.push(
                    step.into_iter().fold(event.of_source(SOURCES[source]), |event, step| event.data("step", step)),
                );
            }
        }
        (events, reported)
    }
}

fn shown() -> impl Strategy<Value = Shown> {
    let share = || prop_oneof![1 => Just(0.0), 1 => Just(1.0), 2 => 0.0..=1.0f64];
    (any::<bool>(), share(), share()).prop_map(|(reported, ahead, into)| Shown { reported, ahead, into })
}

fn histories() -> impl Strategy<Value = History> {
    let skew = select(vec![0, 30, 120]);
    let window = prop_oneof![3 => Just(0), 2 => 1..1800u32, 1 => Just(86_399)];
    // one nanosecond above the spacing that is ambiguous is enough
    let more = prop_oneof![1 => Just(1), 1 => 1..3_600_000_000_000u64];
    let truth = vec((more, [shown(), shown(), shown(), shown()]), 0..8);
    (skew, vec(window, 1..=4), vec(truth, KINDS.len())).prop_map(|(skew, windows, kinds)| History {
        skew,
        windows,
        kinds,
    })
}

fn count(deal: &Deal, event_type: &str) -> usize {
    deal.milestones.get(event_type).map_or(0, |occurrence| occurrence.count as usize)
}

/// A shuffle by a seed, and every third event again.
fn shuffled(mut events: Vec<Event>, mut seed: u64) -> Vec<Event> {
    events.extend(events.clone().into_iter().step_by(3));
    for at in (1..events.len()).rev() {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        events.swap(at, (seed >> 33) as usize % (at + 1));
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_reported_occurrence_counts_exactly_once(history in histories(), seed in any::<u64>()) {
        let def = with_skew(history.skew);
        let one_source = history.windows.len() == 1;
        let spacing = if one_source { SignedDuration::ZERO } else { history.ambiguous() };
        let (mut events, mut expected) = (Vec::new(), BTreeMap::new());
        for (kind, (event_type, _)) in KINDS.into_iter().enumerate() {
            let (reports, reported) = history.events(kind, spacing);
            events.extend(reports);
            *expected.entry(event_type).or_insert(0) += reported;
        }
        let deal = fold(&def, &shuffled(events, seed), &Observed::everything()).deal;
        for (event_type, expected) in expected {
            prop_assert_eq!(count(&deal, event_type), expected, "{}", event_type);
        }
        prop_assert_eq!(deal.rework as usize, count(&deal, "deal.contract.returned"));
    }

    #[test]
    fn a_source_with_wide_bounds_that_reports_nothing_new_adds_no_occurrence(history in histories(), seed in any::<u64>()) {
        // the last source gives days or less, of occurrences that an exact one reports too; however close they are
        let mut history = History { windows: vec![0, history.windows[0]], ..history };
        for (_, shown) in history.kinds.iter_mut().flatten() {
            shown[1].reported &= shown[0].reported;
        }
        let (events, reported) = history.events(0, SignedDuration::ZERO);
        let deal = fold(&with_skew(history.skew), &shuffled(events, seed), &Observed::everything()).deal;
        prop_assert_eq!(deal.rework as usize, reported);
    }

    #[test]
    fn without_spacing_counts_lie_between_what_one_source_and_all_report(
        history in histories(), spacing in 0..1000i64, names in Just(SOURCES.to_vec()).prop_shuffle(), seed in any::<u64>()
    ) {
        let def = with_skew(history.skew);
        let (events, reported) = history.events(0, SignedDuration::from_secs(spacing));
        let deal = fold(&def, &events, &Observed::everything()).deal;
        let again = fold(&def, &shuffled(events.clone(), seed), &Observed::everything()).deal;
        prop_assert_eq!(state_hash(&deal), state_hash(&again));

        // never more than were reported in truth, however close they are
        let found = deal.rework as usize;
        let by_source = |source: &str| events.iter().filter(|event| event.source == source).count();
        let most = SOURCES.into_iter().map(by_source).max().unwrap_or(0);
        prop_assert!(most <= found && found <= reported && reported <= events.len(), "{most} {found} {reported}");

        // which source is called what makes no difference
        let renamed = |event: &Event| {
            let at = SOURCES.iter().position(|source| *source == event.source).unwrap();
            event.clone().of_source(names[at])
        };
        let renamed: Vec<Event> = events.iter().map(renamed).collect();
        let other = fold(&def, &renamed, &Observed::everything()).deal;
        let times = |deal: &Deal| -> BTreeSet<_> {
            let bounds = deal.exceptions.iter().filter_map(|exception| exception.at);
            bounds.map(|at| (at.latest, at.earliest)).collect()
        };
        prop_assert_eq!(deal.rework, other.rework);
        prop_assert_eq!(times(&deal), times(&other));
    }
}
