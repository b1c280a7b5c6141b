//! What a follower knows of one part that it holds. No input or output: facts go in, the next piece of work comes out.
use std::{collections::VecDeque, time::Duration};

use jiff::{SignedDuration, Timestamp};
use throughline_proto::{log::v1::StoredEntry, time};
use tokio::time::Instant;

use super::{
    Pace,
    aside::{Aside, Counts},
};
use crate::{EntityKey, claim::Claim};

/// What an entry weighs in the buffer beside its body, bytes.
const ENTRY_OVERHEAD: usize = 200;
const FIRST_REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(2);
/// After so many failures in a row the part gives its buffer back, so that it keeps no other part waiting.
const PATIENCE: u32 = 5;
/// How long alarms that cannot be fired are left alone.
const ALARMS_REST: Duration = Duration::from_secs(30);
/// After an effect of a part, downstream waits for word of it for so long: what follows from the effect comes within it.
const STIRS_FOR: SignedDuration = SignedDuration::from_secs(1);
/// How long a stopped part waits before it looks whether somebody has put things right.
const STOPPED_FOR: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Part {
    pub(super) epoch: i64,
    /// Last position whose effects are committed.
    pub(super) position: u64,
    buffered_to: u64,
    buffer: VecDeque<StoredEntry>,
    /// Lent to whatever works on the part.
    pub(super) aside: Aside,
    /// How much was set aside when it last came back.
    pub(super) aside_counts: Counts,
    /// Each with whether its timer is to fire again, or its entries are to be applied.
    retries: VecDeque<(EntityKey, bool)>,
    claims: VecDeque<(u64, Claim)>,
    /// Everything recorded before it has been applied.
    complete: Option<Claim>,
    asked: Asked,
    tick_wanted: bool,
    alarms_rest_until: Option<Instant>,
    /// How often in a row alarms could not be asked for or fired because the database was away.
    alarm_failures: u32,
    /// Why no alarm of the part can fire.
    alarms_stopped: Option<String>,
    /// The clock step in which what is stored of the part was put right; none yet by this owner.
    right_in: Option<u64>,
    /// Alarms up to here have been fired: what downstream may be told.
    pub(super) fired: Option<Claim>,
    pub(super) marked: Option<Claim>,
    /// Downstream waits for word until this instant: something has just happened in the part.
    stirs_until: Option<Timestamp>,
    pub(super) busy: bool,
    pub(super) leaving: bool,
    failures: u32,
    rest_until: Option<Instant>,
    /// When the last batch was handed out.
    began: Option<Instant>,
    standing: Standing,
    /// Why it takes no entries.
    stopped: Option<String>,
    /// Batches committed, so that alarms are asked for again after each.
    batches: u64,
    /// What the cursor row is to say about standing still, if it must be changed.
    pub(super) note: Option<Option<String>>,
}

/// For which rule time, and after how many batches, alarms were last asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    until: Option<Claim>,
    batches: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Running,
    /// Takes no entries until it subscribes again at this time; `stopped` is what somebody must look at.
    Waiting {
        until: Instant,
        stopped: bool,
    },
}

#[derive(Debug, PartialEq)]
pub(super) enum Work {
    Retry(EntityKey),
    Refire(EntityKey, Claim),
    /// What is stored may lie ahead of the clock.
    PutRight(Claim),
    Tick(Claim),
    Batch(Vec<StoredEntry>),
}

/// Positions that must follow each other did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) expected: u64,
    pub(super) found: u64,
}

pub(super) fn weight(entry: &StoredEntry) -> usize {
    ENTRY_OVERHEAD + entry.body.len()
}

impl Part {
    pub(super) fn new(epoch: i64, position: u64, aside: Aside) -> Self {
        Self {
            epoch,
            position,
            buffered_to: position,
            buffer: VecDeque::new(),
            aside_counts: aside.counts(),
            aside,
            retries: VecDeque::new(),
            claims: VecDeque::new(),
            complete: None,
            asked: Asked::default(),
            tick_wanted: false,
            alarms_rest_until: None,
            alarm_failures: 0,
            alarms_stopped: None,
            right_in: None,
            fired: None,
            marked: None,
            stirs_until: None,
            busy: false,
            leaving: false,
            failures: 0,
            rest_until: None,
            began: None,
            standing: Standing::Running,
            stopped: None,
            batches: 0,
            note: None,
        }
    }

    /// Where to subscribe from, if it takes entries now.
    pub(super) fn subscribe_after(&self) -> Option<u64> {
        (self.standing == Standing::Running).then_some(self.buffered_to)
    }

    /// Takes entries into the buffer and says what they weigh. Those that came before are dropped.
    pub(super) fn receive(&mut self, entries: impl IntoIterator<Item = StoredEntry>) -> Result<usize, (usize, Gap)> {
        let mut taken = 0;
        if self.standing != Standing::Running {
            return Ok(taken);
        }
        for entry in entries {
            if entry.position <= self.buffered_to {
                continue;
            }
            if entry.position != self.buffered_to + 1 {
                return Err((taken, Gap { expected: self.buffered_to + 1, found: entry.position }));
            }
            self.buffered_to = entry.position;
            taken += weight(&entry);
            self.buffer.push_back(entry);
        }
        Ok(taken)
    }

    /// The log says that everything recorded before an instant has been sent by now.
    pub(super) fn claim(&mut self, until: Claim) {
        if self.standing != Standing::Running {
            return;
        }
        // What was claimed in an earlier clock step may never come true.
        self.claims.retain(|claim| claim.1.step >= until.step);
        let coarse = self.claims.len() >= 8;
        match self.claims.back_mut() {
            // the same entries, complete up to a later instant
            Some(last) if last.0 == self.buffered_to => last.1 = last.1.max(until),
            // far behind: coarser steps will do
            Some(last) if coarse => *last = (self.buffered_to, last.1.max(until)),
            _ => self.claims.push_back((self.buffered_to, until)),
        }
        self.settle_claims();
    }

    fn settle_claims(&mut self) {
        while let Some((position, until)) = self.claims.front().copied() {
            if position > self.position {
                break;
            }
            self.complete = self.complete.max(Some(until));
            self.claims.pop_front();
        }
    }

    /// The effects of everything up to `position` are committed.
    pub(super) fn advance(&mut self, position: u64) {
        if position > self.position {
            self.position = position;
            self.batches += 1;
        }
        self.failures = 0;
        self.rest_until = None;
        self.settle_claims();
    }

    /// A batch came back in part: its rest goes to the front again. Says what is dropped from the buffer if patience ends.
    pub(super) fn failed(&mut self, rest: Vec<StoredEntry>, now: Instant) -> (usize, usize) {
        let returned = rest.iter().map(weight).sum();
        for entry in rest.into_iter().rev() {
            self.buffer.push_front(entry);
        }
        // Alarms that were about to be fired are asked for anew.
        self.asked = Asked::default();
        self.failures += 1;
        let pause = (FIRST_REST * 2u32.saturating_pow(self.failures.min(10) - 1)).min(LONGEST_REST);
        self.rest_until = Some(now + pause);
        if !self.failures.is_multiple_of(PATIENCE) || self.is_stopped() {
            return (returned, 0);
        }
        self.standing = Standing::Waiting { until: now + pause, stopped: false };
        self.claims.clear();
        (returned, self.buffer.drain(..).map(|entry| weight(&entry)).sum())
    }

    /// Stands still after what is buffered, until somebody has put things right.
    pub(super) fn stop(&mut self, why: String, now: Instant) {
        self.standing = Standing::Waiting { until: now + STOPPED_FOR, stopped: true };
        self.claims.clear();
        self.stopped = Some(why);
        self.note_why();
    }

    /// Has the cursor row say why entries or alarms stand still, or that they do not.
    fn note_why(&mut self) {
        let alarms =
            self.alarms_stopped.as_ref().map(|why| format!("its alarms cannot fire, its entries go on: {why}"));
        self.note = Some(self.stopped.clone().or(alarms));
    }

    pub(super) fn is_stopped(&self) -> bool {
        matches!(self.standing, Standing::Waiting { stopped: true, .. })
    }

    pub(super) fn alarms_are_stopped(&self) -> bool {
        self.alarms_stopped.is_some()
    }

    /// Whether it must be subscribed again now; true once.
    pub(super) fn resumes(&mut self, now: Instant) -> bool {
        match self.standing {
            Standing::Waiting { until, stopped } if until <= now && !self.busy && self.buffer.is_empty() => {
                self.buffered_to = self.position;
                self.standing = Standing::Running;
                if stopped {
                    self.stopped = None;
                    self.note_why();
                }
                true
            }
            _ => false,
        }
    }

    /// Rule time: how far it may be judged that nothing happened.
    pub(super) fn rule_time(&self, clock: Timestamp) -> Option<Claim> {
        let Claim { step, until } = self.complete?;
        let until = self.next_recorded_at().map_or(until, |next| until.min(next));
        Some(Claim { step, until: until.min(clock) })
    }

    pub(super) fn next_recorded_at(&self) -> Option<Timestamp> {
        self.buffer.front()?.recorded_at.as_ref().and_then(time::from_wire)
    }

    /// The rule time for which to ask for alarms, if it has moved or something was applied since.
    pub(super) fn to_ask(&self, clock: Timestamp, now: Instant) -> Option<(Claim, Asked)> {
        if self.tick_wanted
            || self.leaving
            || !self.is_right()
            || self.alarms_rest_until.is_some_and(|until| until > now)
        {
            return None;
        }
        let until = self.rule_time(clock)?;
        let asked = Asked { until: Some(until), batches: self.batches };
        (asked.until > self.asked.until || (asked.until == self.asked.until && asked.batches != self.asked.batches))
            .then_some((until, asked))
    }

    /// The answer: whether an alarm is due.
    pub(super) fn answered(&mut self, asked: Asked, due: bool) {
        self.asked = asked;
        self.tick_wanted = due;
        if !due {
            self.fired = self.fired.max(asked.until);
            self.alarms_fire();
        }
    }

    /// It has just had an effect.
    pub(super) fn stirred(&mut self, clock: Timestamp) {
        self.stirs_until = clock.checked_add(STIRS_FOR).ok();
    }

    /// Whether downstream waits to hear how far it has come.
    pub(super) fn is_urgent(&self) -> bool {
        let told = self.marked.map(|marked| marked.until);
        self.fired > self.marked && self.stirs_until.is_some_and(|until| told.is_none_or(|told| told < until))
    }

    /// Its alarms up to here have been fired; firing may have set others.
    pub(super) fn ticked(&mut self, rule_time: Claim) {
        self.fired = self.fired.max(Some(rule_time));
        self.ticked_in_part();
    }

    /// Some of its alarms have been fired, and others are due: entries go first.
    pub(super) fn ticked_in_part(&mut self) {
        self.asked = Asked::default();
        self.failures = 0;
        self.alarms_fire();
    }

    /// What was done may have let alarms fire that rested: they are asked for although neither time nor entries came.
    pub(super) fn ask_again(&mut self) {
        self.asked = Asked::default();
    }

    /// Whether what is stored was put right in the clock step of what is claimed.
    fn is_right(&self) -> bool {
        self.complete.is_none_or(|complete| self.right_in == Some(complete.step))
    }

    /// What was stored ahead of the clock follows it since this rule time; alarms are asked for anew.
    pub(super) fn is_put_right(&mut self, rule_time: Claim) {
        self.right_in = Some(rule_time.step);
        self.asked = Asked::default();
        self.failures = 0;
    }

    /// How far what is claimed runs ahead of the clock.
    pub(super) fn claimed_ahead(&self, clock: Timestamp) -> Option<SignedDuration> {
        self.complete.map(|complete| complete.until.duration_since(clock))
    }

    fn alarms_fire(&mut self) {
        self.alarm_failures = 0;
        if self.alarms_stopped.take().is_some() {
            self.note_why();
        }
    }

    /// Its alarms cannot be fired, whichever they are: entries go on, and alarms rest for a while.
    pub(super) fn tick_failed(&mut self, why: String, now: Instant) {
        self.asked = Asked::default();
        self.alarms_rest_until = Some(now + ALARMS_REST);
        self.alarms_stopped = Some(why);
        self.note_why();
    }

    /// The database was away when alarms were asked for or fired.
    pub(super) fn alarms_failed(&mut self, why: impl FnOnce() -> String) {
        self.alarm_failures = self.alarm_failures.saturating_add(1);
        if self.alarm_failures >= PATIENCE && self.alarms_stopped.is_none() {
            self.alarms_stopped = Some(why());
            self.note_why();
        }
    }

    /// Somebody asked for a parked entity to be tried again: its entries, or its timer. A timer waits for its entity's
    /// entries: what is known of the entity without them is old.
    pub(super) fn retry(&mut self, entity: EntityKey, timer: bool) {
        let parked = match timer {
            true => self.aside.timers.contains(&entity) && !self.aside.entries.contains(&entity),
            false => self.aside.entries.contains(&entity),
        };
        let retry = (entity, timer);
        if parked && !self.retries.contains(&retry) {
            self.retries.push_back(retry);
        }
    }

    /// The next piece of work, and the weight that leaves the buffer.
    pub(super) fn next(&mut self, pace: Pace, clock: Timestamp, now: Instant) -> Option<(Work, usize)> {
        if self.busy || self.leaving || self.rest_until.is_some_and(|until| until > now) {
            return None;
        }
        self.rest_until = None;
        while let Some((entity, timer)) = self.retries.pop_front() {
            if !timer {
                return Some((Work::Retry(entity), 0));
            }
            // Before anything is known to be complete it is dropped: whoever asked stays asked for.
            if let Some(rule_time) = self.rule_time(clock) {
                return Some((Work::Refire(entity, rule_time), 0));
            }
        }
        if !self.is_right()
            && self.alarms_rest_until.is_none_or(|until| until <= now)
            && let Some(rule_time) = self.rule_time(clock)
        {
            self.tick_wanted = false;
            return Some((Work::PutRight(rule_time), 0));
        }
        if std::mem::take(&mut self.tick_wanted)
            && let Some(rule_time) = self.rule_time(clock)
        {
            return Some((Work::Tick(rule_time), 0));
        }
        if self.buffer.is_empty() || self.gathers_until(pace).is_some_and(|until| until > now) {
            return None;
        }
        self.began = Some(now);
        let batch: Vec<_> = self.buffer.drain(..self.buffer.len().min(pace.max_batch)).collect();
        let taken = batch.iter().map(weight).sum();
        Some((Work::Batch(batch), taken))
    }

    /// Until when entries that are here wait for others to join them.
    pub(super) fn gathers_until(&self, pace: Pace) -> Option<Instant> {
        let waiting = !self.busy && !self.leaving && (1..pace.max_batch).contains(&self.buffer.len());
        self.began.filter(|_| waiting).map(|began| began + pace.gather)
    }

    pub(super) fn buffered_weight(&self) -> usize {
        self.buffer.iter().map(weight).sum()
    }
}

#[cfg(test)]
mod tests;
