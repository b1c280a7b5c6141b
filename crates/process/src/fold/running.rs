//! Running intervals: stages, handoffs, and cycles start, end, are overtaken, end with the deal, and go on when it is
//! reopened, all by the same rules.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::step::Step;
use crate::{
    definition::{IntervalDef, Repeat, TimedInterval, TypeId},
    event::Bound,
    interval::Founding,
};

/// How an interval ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Reported(TypeId),
    /// No source reported it; this later step shows it.
    Inferred(TypeId),
    WithDeal(TypeId),
}

/// What tells intervals of one name apart. A trade's key means something only within its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instance<'a> {
    pub value: &'a str,
    source: Option<&'a str>,
}

impl<'a> Instance<'a> {
    fn of(def: &IntervalDef, step: &Step<'a>) -> Option<Self> {
        let fact = def.keyed_by.as_deref()?;
        let source = (fact == "trade").then(|| step.source());
        step.fact(fact).map(|value| Self { value, source })
    }
}

/// Whether two may be about the same thing: nothing that both say contradicts it.
fn agree(a: Option<Instance<'_>>, b: Option<Instance<'_>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.value == b.value || a.source != b.source,
        _ => true,
    }
}

/// One interval.
#[derive(Clone, Debug)]
pub(super) struct Round<'a> {
    pub instance: Option<Instance<'a>>,
    /// From 0 within its instance.
    pub number: u32,
    pub start: Bound,
    pub actor: Option<&'a str>,
    pub end: Option<(Bound, End)>,
    /// When the deal ended while this was open, or the start of what began after it: it may go on, but the deal no
    /// longer waits for it.
    pub cut: Option<Bound>,
    /// Events of the steps that started it.
    pub founding: Founding<'a>,
    /// Digest of the interval that it continues after the deal was reopened.
    pub continues: Option<String>,
}

impl Round<'_> {
    /// What identifies it among the intervals of its kind and name.
    pub(super) fn digest(&self) -> String {
        self.founding.digest(self.continues.as_deref().as_slice())
    }
}

/// The intervals of one definition as the fold goes through the steps.
pub(super) struct Running<'d, 'a> {
    pub timed: &'d TimedInterval,
    pub rounds: Vec<Round<'a>>,
    /// Open rounds, oldest first.
    open: Vec<usize>,
    /// Rounds that the end of the deal closed and that a step, or reopening, may still take up.
    suspended: Vec<usize>,
    /// Endings that came before any beginning.
    early: Vec<(Option<Instance<'a>>, Bound, End)>,
    /// Rounds before this one are from before the deal was reopened.
    since_reopened: usize,
    deal_is_over: bool,
    numbers: BTreeMap<Option<&'a str>, u32>,
}

impl<'d, 'a> Running<'d, 'a> {
    pub(super) fn new(timed: &'d TimedInterval) -> Self {
        Self {
            timed,
            rounds: Vec::new(),
            open: Vec::new(),
            suspended: Vec::new(),
            early: Vec::new(),
            since_reopened: 0,
            deal_is_over: false,
            numbers: BTreeMap::new(),
        }
    }

    pub(super) fn begin(&mut self, step: &Step<'a>, skew: SignedDuration) {
        let instance = Instance::of(&self.timed.def, step);
        let open = self.open.iter().copied().find(|at| agree(self.rounds[*at].instance, instance));
        let mut end = None;
        match self.timed.def.repeat {
            Repeat::Next => {
                if let Some(at) = open {
                    self.close(at, step, End::Inferred(step.type_id));
                }
            }
            Repeat::Stay => {
                if let Some(at) = open {
                    return self.rounds[at].founding.add(step);
                }
            }
            Repeat::Each => {
                // clocks differ a little: an acceptance just before its offer is that offer's
                let close = |at: &Bound| step.at.latest.duration_since(at.latest) <= skew;
                let early = self.early.iter().position(|(about, at, _)| close(at) && agree(*about, instance));
                end = early.map(|at| self.early.remove(at).2);
            }
            Repeat::Once => {
                let mut rounds = self.rounds[self.since_reopened..].iter_mut();
                if let Some(round) = rounds.find(|round| agree(round.instance, instance)) {
                    return round.founding.add(step);
                }
                end = self.early.iter().find(|(about, ..)| agree(*about, instance)).map(|early| early.2);
            }
        }
        // what ended before it began has taken no time
        let end = end.map(|end| (step.at, end));
        self.push(instance, step, step.actor(), end, None);
    }

    fn push(
        &mut self,
        instance: Option<Instance<'a>>,
        step: &Step<'a>,
        actor: Option<&'a str>,
        end: Option<(Bound, End)>,
        continues: Option<String>,
    ) {
        let count = self.numbers.entry(instance.map(|instance| instance.value)).or_default();
        let number = *count;
        *count += 1;
        if end.is_none() {
            self.open.push(self.rounds.len());
        }
        let (start, founding) = (step.at, Founding::of(step));
        let cut = self.deal_is_over.then_some(start);
        self.rounds.push(Round { instance, number, start, actor, end, cut, founding, continues });
    }

    /// A step reports the end.
    pub(super) fn end(&mut self, step: &Step<'a>) {
        let instance = Instance::of(&self.timed.def, step);
        let about = |at: &usize| agree(self.rounds[*at].instance, instance);
        let found = self.open.iter().copied().find(about).or_else(|| self.suspended.iter().copied().find(about));
        match found {
            Some(at) => self.close(at, step, End::Reported(step.type_id)),
            None => self.remember(instance, step, End::Reported(step.type_id)),
        }
    }

    /// A step shows that every open round is over, though no source reported it.
    pub(super) fn overtake(&mut self, step: &Step<'a>) {
        let instance = Instance::of(&self.timed.def, step);
        let over: Vec<usize> =
            self.open.iter().copied().filter(|at| agree(self.rounds[*at].instance, instance)).collect();
        for at in over {
            self.close(at, step, End::Inferred(step.type_id));
        }
        if self.timed.def.repeat == Repeat::Once {
            self.remember(instance, step, End::Inferred(step.type_id));
        }
    }

    fn remember(&mut self, instance: Option<Instance<'a>>, step: &Step<'a>, end: End) {
        if matches!(self.timed.def.repeat, Repeat::Once | Repeat::Each) {
            self.early.push((instance, step.at, end));
        }
    }

    fn close(&mut self, at: usize, step: &Step<'a>, end: End) {
        let start = self.rounds[at].start;
        let bound = match end {
            // some time between the two
            End::Inferred(_) => Bound::between(start.earliest, step.at.latest),
            End::Reported(_) | End::WithDeal(_) => no_earlier(step.at, start),
        };
        self.rounds[at].end = Some((bound, end));
        self.open.retain(|open| *open != at);
        self.suspended.retain(|suspended| *suspended != at);
    }

    /// The deal is lost or unwound.
    pub(super) fn end_with_deal(&mut self, step: &Step<'a>) {
        if !self.timed.def.outlives_deal {
            self.deal_is_over = true;
            for at in std::mem::take(&mut self.open) {
                self.close(at, step, End::WithDeal(step.type_id));
                self.rounds[at].cut = self.rounds[at].cut.or(self.rounds[at].end.map(|(end, _)| end));
                self.suspended.push(at);
            }
        }
    }

    /// The deal goes on: so does what its end closed, as a round of its own.
    pub(super) fn reopen(&mut self, step: &Step<'a>) {
        if !self.timed.def.outlives_deal {
            self.since_reopened = self.rounds.len();
            self.early.clear();
            self.deal_is_over = false;
            for at in &self.open {
                self.rounds[*at].cut = None;
            }
            for at in std::mem::take(&mut self.suspended) {
                let Round { instance, actor, .. } = self.rounds[at];
                let continues = self.rounds[at].digest();
                self.push(instance, step, actor, None, Some(continues));
            }
        }
    }

    /// After the last step of a deal that is over: what began after its end ends as it began.
    pub(super) fn finish(&mut self, over_by: TypeId) {
        if !self.timed.def.outlives_deal {
            for at in std::mem::take(&mut self.open) {
                self.rounds[at].end = Some((self.rounds[at].start, End::WithDeal(over_by)));
            }
        }
    }
}

/// An end that comes after its start, as far as its bound allows.
fn no_earlier(end: Bound, start: Bound) -> Bound {
    if end.earliest >= start.earliest {
        return end;
    }
    Bound { earliest: start.earliest, latest: end.latest.max(start.earliest), quality: end.quality }
}
