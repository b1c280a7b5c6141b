//! Days played live: whatever the permutation, repetition, and batches in which events arrive, the deal, its intervals
//! and founding sets, the flags, the acknowledgments, the decisions, and the alerts end the same.
//!
//! Events arrive at instants five minutes apart. What arrives at one instant comes in any order and in any batches, with
//! events of earlier instants among it again. Alarms fire between the instants. Alerts are decided once everything that
//! was recorded at an instant is known, as notification decides them; people act at the same moments of the day.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use throughline_process::{Bound, Deal, Definition, Event, Interval, Observed, Origin, flag::Severity, fold};

use super::*;

const DEAL: &str = "groups/summit/rooftops/RT001/deals/d1";
const MINUTES: i64 = 600;
/// Minutes between two instants of arrival.
const STEP: i64 = 5;
const TYPES: [&str; 10] = [
    "deal.opened",
    "deal.writeup.submitted",
    "deal.desk.started",
    "deal.agreed",
    "deal.fi.started",
    "deal.contract.signed",
    "deal.contract.submitted",
    "deal.contract.returned",
    "deal.delivered",
    "deal.reopened",
];

fn at(minute: i64) -> Timestamp {
    "2026-09-07T08:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

/// An event and the minute at which it arrives, a multiple of [`STEP`].
#[derive(Clone, Debug)]
struct Arrival {
    event: Event,
    minute: i64,
}

/// What happened, as one source reports it.
#[derive(Clone, Debug)]
struct Report {
    kind: usize,
    minute: i64,
    source: u8,
    /// Seconds that the source's clock is off.
    skew: i64,
    /// Minutes of the poll that bounds it; 0: exact.
    width: i64,
    /// Minutes until it arrives.
    late: i64,
    /// Whether it is corrected or withdrawn, and how many minutes later that arrives.
    fate: Option<(bool, i64)>,
}

fn reports() -> impl Strategy<Value = Vec<Report>> {
    let happened = (0..TYPES.len(), 0..MINUTES - 60, 1..8u8);
    let told = (-60i64..60, prop_oneof![3 => Just(0i64), 1 => 1..20i64], prop_oneof![3 => 0..6i64, 1 => 0..120i64]);
    let fate = proptest::option::weighted(0.2, (any::<bool>(), 0..90i64));
    let one = (happened, proptest::collection::vec((told, fate), 3)).prop_map(|((kind, minute, who), told)| {
        let of = |(source, ((skew, width, late), fate))| Report { kind, minute, source, skew, width, late, fate };
        let sources = (0..3u8).zip(told).filter(|(source, _)| who & (1 << source) != 0);
        sources.map(of).collect::<Vec<_>>()
    });
    proptest::collection::vec(one, 1..9).prop_map(|reports| reports.concat())
}

fn arrivals(reports: &[Report]) -> Vec<Arrival> {
    let up = |minute: i64| minute.div_euclid(STEP) * STEP + STEP;
    let mut arrivals = Vec::new();
    for (number, report) in reports.iter().enumerate() {
        let instant = at(report.minute) + SignedDuration::from_secs(report.skew);
        let time = Bound::between(instant, instant + SignedDuration::from_mins(report.width));
        let reason = format!("reason-{number}");
        let event = Event {
            id: format!("{number}"),
            source: format!("//s{}.example", report.source),
            event_type: TYPES[report.kind].to_owned(),
            subject: Some("D1".to_owned()),
            occurred_at: None,
            observed_at: None,
            recorded_at: time.latest,
            time,
            source_sequence: None,
            actor: None,
            role: None,
            trade: None,
            keys: BTreeMap::new(),
            data: [("reason".to_owned(), reason)].into(),
            replaces: None,
            withdraws: None,
            origin: Origin::Live,
        };
        let minute = up(report.minute + report.width + report.late + 1);
        if let Some((withdrawn, later)) = report.fate {
            let id = Some(event.id.clone());
            let (replaces, withdraws) = if withdrawn { (None, id) } else { (id, None) };
            let moved = Bound::exact(instant + SignedDuration::from_mins(3));
            let undoing = Event { id: format!("{number}-undo"), replaces, withdraws, time: moved, ..event.clone() };
            arrivals.push(Arrival { event: undoing, minute: up(minute + later) });
        }
        arrivals.push(Arrival { event, minute });
    }
    arrivals
}

/// How what arrives at one instant comes.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// All at once, in order.
    Whole,
    /// Shuffled by this seed, a few at a time, with repetitions.
    Scattered(u64),
}

/// A small generator: the property is about the order, not about its randomness.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit.max(1)
    }

    fn batches(&mut self, mut arrived: Vec<Event>, before: &[Event]) -> Vec<Vec<Event>> {
        for _ in 0..self.below(3) {
            if !before.is_empty() {
                arrived.push(before[self.below(before.len())].clone());
            }
            if !arrived.is_empty() {
                arrived.push(arrived[self.below(arrived.len())].clone());
            }
        }
        for place in (1..arrived.len()).rev() {
            arrived.swap(place, self.below(place + 1));
        }
        let mut batches = Vec::new();
        while !arrived.is_empty() {
            let rest = arrived.split_off((1 + self.below(3)).min(arrived.len()));
            batches.push(std::mem::replace(&mut arrived, rest));
        }
        batches
    }
}

/// Rules and notification, as far as one deal goes.
#[derive(Default)]
struct Floor {
    events: Vec<Event>,
    deal: Option<Deal>,
    flags: BTreeMap<String, Flag>,
    reviews: BTreeMap<String, Review>,
    next_change: Option<Timestamp>,
    decided: BTreeSet<(String, Severity)>,
    alerts: BTreeSet<(String, Severity, Timestamp)>,
}

impl Floor {
    fn hear(&mut self, batch: Vec<Event>, now: Timestamp) {
        self.events.extend(batch);
        let deal = fold(&Definition::retail_deal(), &self.events, &Observed::everything()).deal;
        self.deal = Some(deal);
        self.judge(now);
    }

    fn subject(&self) -> Option<Subject> {
        let deal = self.deal.as_ref()?;
        let exceptions = deal.exceptions.iter().map(|exception| Exception {
            id: exception.id.clone(),
            kind: exception.kind.clone(),
            detail: exception.detail.clone(),
            at: exception.at.map(|at| at.latest),
            founded_by: exception.founded_by.clone(),
            candidates: Vec::new(),
        });
        Some(Subject {
            name: DEAL.to_owned(),
            numbers: Vec::new(),
            intervals: deal.intervals.clone(),
            exceptions: exceptions.collect(),
            history_recorded_at: None,
        })
    }

    fn judge(&mut self, now: Timestamp) {
        let subject = self.subject();
        let flags = self.flags.values().cloned().collect();
        let judged = judge(subject.as_ref(), &Rulebook::default(), flags, &[], now, Origin::Live);
        self.next_change = judged.next_change;
        for change in judged.changes {
            self.flags.insert(change.flag.id.clone(), change.flag);
        }
        let reviews = self.reviews.values().cloned().collect();
        for change in review(subject.as_ref(), reviews, &[], now) {
            self.reviews.insert(change.review.id.clone(), change.review);
        }
    }

    /// Everything recorded by now is known: alerts are decided, one for each episode and step.
    fn alert(&mut self, now: Timestamp) {
        for flag in self.flags.values() {
            let root = flag.root.id.clone();
            let step = flag.content.severity;
            let due = !flag.retracted && flag.acknowledgement.is_none() && flag.alert_is_due(now);
            if due && self.decided.insert((root, step)) {
                self.alerts.insert((flag.id.clone(), step, now));
            }
        }
    }

    /// Alarms up to an instant.
    fn pass(&mut self, until: Timestamp) {
        while let Some(next) = self.next_change.filter(|next| *next <= until) {
            self.judge(next);
            self.alert(next);
        }
    }

    /// People take the first flag that stands and decide the first open review.
    fn act(&mut self, now: Timestamp) {
        let standing =
            |flag: &&mut Flag| !flag.retracted && flag.content.closed_at.is_none() && flag.acknowledgement.is_none();
        if let Some(flag) = self.flags.values_mut().find(standing)
            && let Ok(Some(taken)) = acknowledge(flag, "s7", "", now)
        {
            *flag = taken;
        }
        if let Some(open) = self.reviews.values_mut().find(|review| review.resolved.is_none())
            && let Ok(Some(decided)) = resolve(open, "s7", "seen", now)
        {
            *open = decided;
        }
    }

    fn end(self) -> End {
        let standing = self.flags.into_values().filter(|flag| !flag.retracted);
        let exceptions: BTreeSet<String> =
            self.deal.iter().flat_map(|deal| &deal.exceptions).map(|of| review_id(DEAL, &of.id)).collect();
        let decided = self.reviews.into_values().filter(|review| exceptions.contains(&review.id));
        End {
            intervals: self.deal.as_ref().map(|deal| deal.intervals.clone()).unwrap_or_default(),
            flags: standing.map(|flag| (flag.id.clone(), (flag.content, flag.acknowledgement))).collect(),
            decisions: decided.map(|review| (review.id.clone(), review.resolved)).collect(),
            alerts: self.alerts,
        }
    }
}

/// How a day ends.
#[derive(Debug, PartialEq)]
struct End {
    intervals: Vec<Interval>,
    flags: BTreeMap<String, (Content, Option<Acknowledgement>)>,
    decisions: BTreeMap<String, Option<Resolution>>,
    alerts: BTreeSet<(String, Severity, Timestamp)>,
}

fn play(arrivals: &[Arrival], acts: &BTreeSet<i64>, way: Way) -> End {
    let mut floor = Floor::default();
    let mut dice = Dice(if let Way::Scattered(seed) = way { seed } else { 0 });
    let last = arrivals.iter().map(|arrival| arrival.minute).max().unwrap_or(0).max(MINUTES);
    for minute in (0..=last + STEP).step_by(STEP as usize) {
        let now = at(minute);
        floor.pass(now);
        let arrived = arrivals.iter().filter(|arrival| arrival.minute == minute);
        let arrived: Vec<Event> = arrived.map(|arrival| arrival.event.clone()).collect();
        let batches = match way {
            _ if arrived.is_empty() => Vec::new(),
            Way::Whole => vec![arrived],
            Way::Scattered(_) => dice.batches(arrived, &floor.events.clone()),
        };
        for batch in batches {
            floor.hear(batch, now);
        }
        floor.alert(now);
        if acts.contains(&minute) {
            floor.act(now);
        }
    }
    floor.end()
}

proptest! {
    // 10,000 with PROPTEST_CASES: the seed of a failure is printed.
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_arrival_ends_the_day_alike(
        reports in reports(),
        acts in proptest::collection::btree_set((0..MINUTES / STEP).prop_map(|step| step * STEP), 0..6),
        seeds in proptest::array::uniform3(any::<u64>()),
    ) {
        let arrivals = arrivals(&reports);
        let whole = play(&arrivals, &acts, Way::Whole);
        for seed in seeds {
            let scattered = play(&arrivals, &acts, Way::Scattered(seed));
            prop_assert_eq!(&scattered, &whole, "seed {}", seed);
        }
    }
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200)
}
