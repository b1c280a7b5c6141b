//! Steps: the times and the number of what a deal says happened, against what did.
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Deal, Step, Truth, share};

/// So many failures are kept for people to look at.
const MOST_FAILURES: usize = 10;
/// Part of the name of sources that write the finance log.
const FINANCE_LOG: &str = "finance-log";
const FINANCE_STEPS: [&str; 2] = ["deal.fi.started", "deal.contract.signed"];

/// Steps of the deals whose true deal is known by one of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// Events of timelines whose time is not exact, of types that the true deal has too.
    pub bounds_checked: u64,
    /// Of them, those with a true instant of the type in [earliest, latest].
    pub bounds_held: u64,
    /// The first of the others.
    pub bound_failures: Vec<BoundFailure>,
    /// Deals to which the finance log reports a step that the true deal has too.
    pub fi_checked: u64,
    /// Of them, those where every such step is true to the minute.
    pub fi_equal: u64,
    /// By type, how often deals count a step beyond how often it happened. Counted is the milestone of the type: the
    /// occurrences that are left when the deal has folded the events of all sources, so that one step which two
    /// sources report counts twice here only if the fold kept both. A type that never occurs in the rooftop's truth is
    /// not judged; one that occurs, but not in this deal, counts whole. A deal of several numbers is held against the
    /// truth of its best one.
    pub surplus: BTreeMap<String, u64>,
}

/// A bound that holds no true instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BoundFailure {
    /// Rooftop id.
    pub rooftop: String,
    /// The best number of the deal, as `kind:value`.
    pub deal: String,
    /// Event type.
    pub r#type: String,
    /// Who reported it.
    pub source: String,
    /// Earliest possible instant, as reported.
    pub earliest: Timestamp,
    /// Latest possible instant, as reported.
    pub latest: Timestamp,
    /// The true instant that lies nearest.
    pub nearest_truth: Timestamp,
}

impl Steps {
    pub fn of(rooftop: &str, truth: &Truth, deals: &[Deal]) -> Self {
        let mut steps = Self::default();
        for deal in deals {
            let Some(true_deal) = truth.of(deal) else { continue };
            steps.check_bounds(rooftop, truth, true_deal, deal);
            steps.check_finance_log(truth, true_deal, deal);
            steps.count_surplus(truth, true_deal, deal);
        }
        steps
    }

    pub fn add(&mut self, other: &Self) {
        self.bounds_checked += other.bounds_checked;
        self.bounds_held += other.bounds_held;
        self.bound_failures.extend(other.bound_failures.iter().cloned());
        self.bound_failures.truncate(MOST_FAILURES);
        self.fi_checked += other.fi_checked;
        self.fi_equal += other.fi_equal;
        for (event_type, count) in &other.surplus {
            *self.surplus.entry(event_type.clone()).or_default() += count;
        }
    }

    /// The share of the bounds checked that hold a true instant.
    pub fn bounds_hold(&self) -> Option<f64> {
        share(self.bounds_held, self.bounds_checked)
    }

    /// Steps counted beyond what happened, of all types.
    pub fn duplicate_occurrences(&self) -> u64 {
        self.surplus.values().sum()
    }

    fn check_bounds(&mut self, rooftop: &str, truth: &Truth, true_deal: &str, deal: &Deal) {
        for step in deal.timeline.iter().filter(|step| !step.exact) {
            let instants = truth.instants(true_deal, &step.event_type);
            let Some(nearest) = instants.iter().copied().min_by_key(|at| distance(step, *at)) else { continue };
            self.bounds_checked += 1;
            if distance(step, nearest).is_zero() {
                self.bounds_held += 1;
            } else if self.bound_failures.len() < MOST_FAILURES {
                let best = deal.numbers.first();
                self.bound_failures.push(BoundFailure {
                    rooftop: rooftop.to_owned(),
                    deal: best.map(|key| format!("{}:{}", key.kind.as_str(), key.value)).unwrap_or_default(),
                    r#type: step.event_type.clone(),
                    source: step.source.clone(),
                    earliest: step.earliest,
                    latest: step.latest,
                    nearest_truth: nearest,
                });
            }
        }
    }

    fn check_finance_log(&mut self, truth: &Truth, true_deal: &str, deal: &Deal) {
        let logged = |step: &&Step| {
            step.source.contains(FINANCE_LOG)
                && FINANCE_STEPS.contains(&step.event_type.as_str())
                && !truth.instants(true_deal, &step.event_type).is_empty()
        };
        let equal = |step: &Step| {
            let instants = truth.instants(true_deal, &step.event_type);
            instants.iter().any(|at| minute(*at) == minute(step.earliest))
        };
        let mut steps = deal.timeline.iter().filter(logged).peekable();
        if steps.peek().is_some() {
            self.fi_checked += 1;
            self.fi_equal += u64::from(steps.all(equal));
        }
    }

    fn count_surplus(&mut self, truth: &Truth, true_deal: &str, deal: &Deal) {
        for (event_type, counted) in deal.counted.iter().filter(|(event_type, _)| truth.types.contains(*event_type)) {
            let surplus = u64::from(*counted).saturating_sub(truth.instants(true_deal, event_type).len() as u64);
            if surplus > 0 {
                *self.surplus.entry(event_type.clone()).or_default() += surplus;
            }
        }
    }
}

/// How far an instant lies outside the bound of a step; zero inside.
fn distance(step: &Step, at: Timestamp) -> SignedDuration {
    step.earliest.duration_since(at).max(at.duration_since(step.latest)).max(SignedDuration::ZERO)
}

/// Zones differ from UTC by whole minutes, so that a minute of the wall clock is one of UTC.
fn minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Kind, Number},
        *,
    };

    fn at(text: &str) -> Timestamp {
        format!("2026-09-07T{text}Z").parse().unwrap()
    }

    fn step(event_type: &str, source: &str, earliest: &str, latest: &str) -> Step {
        let (earliest, latest) = (at(earliest), at(latest));
        Step {
            event_type: event_type.to_owned(),
            source: source.to_owned(),
            earliest,
            latest,
            exact: earliest == latest,
        }
    }

    fn deal(visit: &str, timeline: Vec<Step>, counted: &[(&str, u32)]) -> Deal {
        Deal {
            numbers: [Number::new(Kind::Visit, visit)].into(),
            timeline,
            counted: counted.iter().map(|(event_type, count)| ((*event_type).to_owned(), *count)).collect(),
            ..Deal::default()
        }
    }

    fn truth() -> Truth {
        let mut truth = Truth::default();
        truth.link(Number::new(Kind::Visit, "1"), "T1");
        truth.happened("T1", "deal.writeup.submitted", at("14:00:00"));
        truth.happened("T1", "deal.writeup.submitted", at("16:00:00"));
        truth.happened("T1", "deal.fi.started", at("17:10:42"));
        truth.happened("T1", "deal.contract.signed", at("18:00:10"));
        truth.happened("T2", "deal.contract.returned", at("18:00:00"));
        truth
    }

    #[test]
    fn a_bound_holds_if_any_true_instant_of_its_type_lies_in_it_ends_included() {
        let timeline = vec![
            step("deal.writeup.submitted", "crm", "16:00:00", "16:05:00"),
            step("deal.writeup.submitted", "crm", "13:55:00", "14:00:00"),
            step("deal.writeup.submitted", "crm", "15:00:00", "15:59:59"),
            step("deal.writeup.submitted", "crm", "12:00:00", "12:00:00"),
            step("deal.demo.started", "crm", "13:00:00", "13:05:00"),
        ];
        let steps = Steps::of("RT1", &truth(), &[deal("1", timeline, &[])]);
        assert_eq!((steps.bounds_checked, steps.bounds_held), (3, 2), "neither what is exact nor what truth lacks");
        let failure = &steps.bound_failures[0];
        assert_eq!((failure.deal.as_str(), failure.nearest_truth), ("visit:1", at("16:00:00")));
        assert_eq!(failure.rooftop, "RT1");
    }

    #[test]
    fn deals_whose_truth_is_unknown_are_not_judged() {
        let timeline = vec![step("deal.writeup.submitted", "crm", "01:00:00", "01:05:00")];
        let steps = Steps::of("RT1", &truth(), &[deal("9", timeline, &[("deal.fi.started", 3)])]);
        assert_eq!(steps, Steps::default());
        assert_eq!(steps.bounds_hold(), None);
    }

    #[test]
    fn the_finance_log_is_compared_to_the_minute_whole_deals_at_a_time() {
        let log = "//finance-log.vendor/RT1";
        let right = vec![
            step("deal.fi.started", log, "17:10:00", "17:10:59"),
            step("deal.contract.signed", log, "18:00:00", "18:00:59"),
            step("deal.fi.started", "crm", "12:00:00", "12:00:00"),
        ];
        let mut wrong = right.clone();
        wrong[1] = step("deal.contract.signed", log, "18:01:00", "18:01:59");
        let steps = |timeline| {
            let steps = Steps::of("RT1", &truth(), &[deal("1", timeline, &[])]);
            (steps.fi_checked, steps.fi_equal)
        };
        assert_eq!(steps(right), (1, 1));
        assert_eq!(steps(wrong), (1, 0));
        assert_eq!(steps(Vec::new()), (0, 0));
    }

    #[test]
    fn steps_beyond_what_happened_are_counted_by_type() {
        let counted = [
            ("deal.fi.started", 3),
            ("deal.writeup.submitted", 1),
            ("deal.contract.returned", 1),
            ("deal.demo.started", 2),
        ];
        let mut steps = Steps::of("RT1", &truth(), &[deal("1", Vec::new(), &counted)]);
        let expected = [("deal.fi.started".to_owned(), 2), ("deal.contract.returned".to_owned(), 1)].into();
        assert_eq!(steps.surplus, expected, "a demo is in no truth; too few is no surplus");
        steps.add(&steps.clone());
        assert_eq!(steps.duplicate_occurrences(), 6);
    }

    #[test]
    fn no_more_than_ten_failures_are_kept() {
        let timeline = vec![step("deal.writeup.submitted", "crm", "15:00:00", "15:59:59"); 8];
        let mut steps = Steps::of("RT1", &truth(), &[deal("1", timeline, &[])]);
        steps.add(&steps.clone());
        assert_eq!((steps.bound_failures.len(), steps.bounds_checked), (10, 16));
    }
}
