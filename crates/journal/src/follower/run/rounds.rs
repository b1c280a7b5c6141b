//! What is begun again and again: leases, the stream, alarms, retries, word to downstream.
use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};
use throughline_proto::log::v1::PartPosition;
use tokio::time::Instant;

use super::{Coordinator, Report, Round};
use crate::{
    Projection,
    follower::{job::Marked, lease::Told, part::Part},
};

impl<P: Projection> Coordinator<P> {
    pub(super) fn begin_stream(&mut self) {
        self.reopen = None;
        self.stream = None;
        let after: Vec<PartPosition> = self
            .parts
            .iter()
            .filter(|(_, part)| !part.leaving)
            .filter_map(|(number, part)| {
                part.subscribe_after().map(|position| PartPosition { part: u32::from(*number), position })
            })
            .collect();
        if after.is_empty() {
            return;
        }
        self.opening = true;
        self.generation += 1;
        let (follower, generation) = (self.follower.clone(), self.generation);
        self.spawn(async move { Report::Opened { generation, outcome: follower.open(after).await } });
    }

    pub(super) fn begin_lease_round(&mut self) {
        let mut told = Told::default();
        // The fair share shrank: idle parts leave first, busy ones when they are done.
        let excess = self.parts.len().saturating_sub(self.share.max(1));
        if self.share > 0 && excess > 0 {
            let staying = self.parts.values().filter(|part| !part.leaving).count();
            let more = staying.saturating_sub(self.share);
            // Rooftops fill the low parts first. What leaves is spread over all of them, so that the new owner gets its
            // share of the work and not only of the empty parts.
            let mut spread: Vec<_> = self.parts.iter_mut().filter(|(_, part)| !part.leaving).collect();
            spread.sort_by_key(|(number, _)| Reverse((**number as u8).reverse_bits()));
            for (_, part) in spread.into_iter().take(more) {
                part.leaving = true;
            }
        }
        let gone: Vec<u16> =
            self.parts.iter().filter(|(_, part)| part.leaving && !part.busy).map(|(number, _)| *number).collect();
        for number in gone {
            if let Some(part) = self.parts.remove(&number) {
                self.buffered = self.buffered.saturating_sub(part.buffered_weight());
                told.given_back.push(number as i16);
            }
        }
        for (number, part) in &mut self.parts {
            if let Some(note) = part.note.take() {
                told.notes.push((*number, part.epoch, note));
            }
        }
        let follower = self.follower.clone();
        self.spawn(async move { Report::Leased(follower.lease_round(told).await) });
    }

    pub(super) fn begin_alarm_round(&mut self, now: Instant) {
        let clock = self.follower.0.consumer.cx.clock.now();
        let asked: Vec<_> = self
            .parts
            .iter()
            .filter_map(|(number, part)| part.to_ask(clock, now).map(|(until, asked)| (*number, until, asked)))
            .collect();
        let oldest = self.parts.values().filter_map(Part::next_recorded_at).min();
        let behind = self.clock_behind(clock);
        self.follower.0.consumer.progress.send_if_modified(|progress| {
            (progress.oldest, progress.behind) = (oldest, behind);
            false
        });
        if asked.is_empty() {
            self.alarms.running = false;
            return;
        }
        let follower = self.follower.clone();
        self.spawn(async move { Report::Asked(follower.ask_due(asked).await) });
    }

    /// How far this process's clock is behind the log, beyond the tolerance; logs once that it is.
    fn clock_behind(&self, clock: Timestamp) -> SignedDuration {
        let consumer = &self.follower.0.consumer;
        let tolerance = consumer.cx.clock.tolerance();
        let behind = self.parts.values().filter_map(|part| part.claimed_ahead(clock)).max();
        let behind = behind.filter(|by| *by > tolerance).unwrap_or_default();
        let before = consumer.progress.borrow().behind;
        if before.is_zero() != behind.is_zero() {
            let gauge = self.follower.0.logs.metrics().clock_behind.get_or_create(&self.follower.0.label()).clone();
            gauge.set(behind.as_secs());
            if behind.is_zero() {
                tracing::warn!(
                    consumer = self.name(),
                    "this process's clock is no longer behind the log that it follows"
                );
            } else {
                tracing::error!(
                    consumer = self.name(),
                    log = self.follower.0.spec.log,
                    seconds = behind.as_secs(),
                    "THIS PROCESS'S CLOCK IS BEHIND the log that it follows: alarms are late; put the clock right",
                );
            }
        }
        behind
    }

    pub(super) fn begin_retry_round(&mut self) {
        let parts: Vec<i16> = self
            .parts
            .iter()
            .filter(|(_, part)| !part.busy && !part.aside.is_empty())
            .map(|(number, _)| *number as i16)
            .collect();
        if parts.is_empty() {
            self.retries.running = false;
            return;
        }
        let follower = self.follower.clone();
        self.spawn(async move { Report::Retries(follower.asked_retries(parts).await) });
    }

    /// Writes watermarks. Most parts move with the clock alone, and every half second is enough; downstream waits for those
    /// in which something has just happened.
    pub(super) fn begin_mark_round(&mut self, which: Marked) {
        let told = self.follower.0.logs.downstream_of(self.name()).is_some();
        let marks: Vec<_> = self
            .parts
            .iter()
            .filter(|(_, part)| told && if which == Marked::All { part.fired > part.marked } else { part.is_urgent() })
            .filter_map(|(number, part)| part.fired.map(|until| (*number, until)))
            .collect();
        if marks.is_empty() {
            self.round_of(which).running = false;
            return;
        }
        let follower = self.follower.clone();
        self.spawn(async move { Report::Marked(which, follower.mark(marks).await) });
    }

    pub(super) fn round_of(&mut self, which: Marked) -> &mut Round {
        match which {
            Marked::All => &mut self.marks,
            Marked::Urgent => &mut self.urgent_marks,
        }
    }
}
