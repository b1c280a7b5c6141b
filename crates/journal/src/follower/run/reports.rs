//! What comes back: entries from the stream, and the ends of jobs.
use std::collections::HashSet;

use throughline_platform::failure::Failure;
use throughline_proto::{log::v1::SubscribeResponse, time};
use tokio::{task::JoinSet, time::Instant};
use tonic::Status;

use super::{Coordinator, REOPEN_AFTER, REOPEN_AT_MOST, Report};
use crate::{
    Projection,
    claim::Claim,
    follower::{
        job::{Alarms, Outcome, Worked},
        lease::Leases,
        part::{Asked, Part},
        stream::too_old,
    },
    metrics::OfPath,
};

impl<P: Projection> Coordinator<P> {
    pub(super) fn leased(&mut self, leases: Leases) {
        self.share = leases.share;
        let held: HashSet<u16> = leases.held.iter().map(|held| held.part).collect();
        let lost: Vec<u16> = self.parts.keys().filter(|part| !held.contains(part)).copied().collect();
        for part in lost {
            self.drop_part(part, "another owner holds it");
        }
        let mut aside = leases.aside;
        let mut new = false;
        for held in leases.held {
            match self.parts.get(&held.part) {
                Some(part) if part.epoch == held.epoch => continue,
                Some(_) => self.drop_part(held.part, "its lease was lost and won again"),
                None => {}
            }
            let aside = aside.remove(&held.part).unwrap_or_default();
            self.parts.insert(held.part, Part::new(held.epoch, held.position, aside));
            new = true;
        }
        if new {
            // A stream that is open, or being opened, was asked for other positions: what it says of a part that came back
            // runs ahead of the cursor.
            self.stream = None;
            self.generation += 1;
            self.reopen.get_or_insert(Instant::now());
        }
        self.count_parked();
        let metrics = self.follower.0.logs.metrics();
        metrics.leased.get_or_create(&self.follower.0.label()).set(self.parts.len() as i64);
    }

    pub(super) fn drop_part(&mut self, number: u16, why: &'static str) {
        if let Some(part) = self.parts.remove(&number) {
            tracing::info!(consumer = self.name(), part = number, why, "a part is no longer held");
            self.buffered = self.buffered.saturating_sub(part.buffered_weight());
        }
    }

    pub(super) fn heard(&mut self, message: Option<Result<SubscribeResponse, Status>>) {
        let now = Instant::now();
        self.last_heard = now;
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(status)) => return self.stream_ended(Some(&status)),
            None => return self.stream_ended(None),
        };
        self.reopen_pause = REOPEN_AFTER;
        if let Some(first) = message.entries.first() {
            let number = first.part as u16;
            if let Some(part) = self.parts.get_mut(&number) {
                match part.receive(message.entries) {
                    Ok(taken) => self.buffered += taken,
                    Err((taken, gap)) => {
                        self.buffered += taken;
                        let why = format!("position {} is missing: the next one is {}", gap.expected, gap.found);
                        self.stop_part(number, why);
                    }
                }
            }
        }
        if !message.complete.is_empty() {
            self.alarms.hasten();
        }
        for complete in message.complete {
            let until = complete.until.as_ref().and_then(time::from_wire);
            if let (Some(part), Some(until)) = (self.parts.get_mut(&(complete.part as u16)), until) {
                part.claim(Claim { step: complete.clock_step, until });
            }
        }
    }

    pub(super) fn stop_part(&mut self, number: u16, why: String) {
        tracing::error!(
            consumer = self.name(),
            part = number,
            why,
            "A POSITION OF THE LOG IS MISSING: this part stands still, the others go on; restore the entry or reset the cursor",
        );
        if let Some(part) = self.parts.get_mut(&number) {
            part.stop(why, Instant::now());
        }
        self.count_stopped();
    }

    pub(super) fn count_stopped(&self) {
        let (metrics, label) = (self.follower.0.logs.metrics(), self.follower.0.label());
        let stopped = self.parts.values().filter(|part| part.is_stopped()).count();
        metrics.stopped.get_or_create(&label).set(stopped as i64);
        let alarms = self.parts.values().filter(|part| part.alarms_are_stopped()).count();
        metrics.stopped_alarms.get_or_create(&label).set(alarms as i64);
    }

    /// Counts the entities that are set aside in the parts held here.
    pub(super) fn count_parked(&self) {
        let (consumer, metrics) = (self.name(), self.follower.0.logs.metrics());
        let (entries, timers) = self
            .parts
            .values()
            .map(|part| part.aside_counts)
            .fold((0, 0), |(entries, timers), of| (entries + of.entries, timers + of.timers));
        for (path, count) in [("entry", entries), ("timer", timers)] {
            metrics.parked_now.get_or_create(&OfPath { consumer, path }).set(count as i64);
        }
    }

    pub(super) fn stream_ended(&mut self, status: Option<&Status>) {
        self.stream = None;
        let now = Instant::now();
        if let Some(part) = status.and_then(too_old) {
            self.stop_part(part, "its cursor lies before what the log keeps: start from a snapshot".to_owned());
            self.reopen = Some(now);
            return;
        }
        if let Some(status) = status {
            tracing::warn!(consumer = self.name(), log = self.follower.0.spec.log, code = ?status.code(), "the stream of entries broke, opening it again");
        }
        self.reopen.get_or_insert(now + self.reopen_pause);
        self.reopen_pause = (self.reopen_pause * 2).min(REOPEN_AT_MOST);
    }

    pub(super) fn ended(&mut self, ended: Result<Option<Report>, tokio::task::JoinError>) {
        // A job that panicked may have left a part busy for ever: begin again from what the database says.
        let Ok(Some(report)) = ended else {
            tracing::error!(consumer = self.name(), "a job of the follower panicked: starting from the cursors again");
            return self.begin_again();
        };
        match report {
            Report::Worked(worked) => self.worked(worked),
            Report::Leased(outcome) => {
                self.leases.running = false;
                if let Some(leases) = self.told(outcome) {
                    self.leased(leases);
                }
            }
            Report::Opened { generation, outcome } => {
                self.opening = false;
                match outcome {
                    Ok(stream) if generation == self.generation => {
                        self.stream = Some(stream);
                        self.last_heard = Instant::now();
                    }
                    Ok(_) => {}
                    Err(status) => self.stream_ended(Some(&status)),
                }
            }
            Report::Asked(answers) => {
                self.alarms.running = false;
                self.asked(answers);
            }
            Report::Retries(outcome) => {
                self.retries.running = false;
                for (number, entity, timer) in self.told(outcome).unwrap_or_default() {
                    if let Some(part) = self.parts.get_mut(&number) {
                        part.retry(entity, timer);
                    }
                }
            }
            Report::Marked(which, outcome) => {
                self.round_of(which).running = false;
                for (number, until) in self.told(outcome).unwrap_or_default() {
                    if let Some(part) = self.parts.get_mut(&number) {
                        part.marked = part.marked.max(Some(until));
                    }
                }
            }
            Report::Lag(heads) => {
                self.lag.running = false;
                self.count_stopped();
                if let Some(heads) = heads {
                    let lag: u64 = heads
                        .iter()
                        .filter_map(|(number, head)| Some(head.saturating_sub(self.parts.get(number)?.position)))
                        .sum();
                    let metrics = self.follower.0.logs.metrics();
                    metrics.lag.get_or_create(&self.follower.0.label()).set(lag as i64);
                }
            }
        }
    }

    fn asked(&mut self, answers: Vec<(u16, Asked, Alarms)>) {
        let (mut away, now) = (None, Instant::now());
        for (number, asked, alarms) in answers {
            let Some(part) = self.parts.get_mut(&number) else { continue };
            match alarms {
                Alarms::None => part.answered(asked, false),
                Alarms::Due => part.answered(asked, true),
                Alarms::Away(failure) => {
                    part.alarms_failed(|| failure.to_string());
                    away = Some(failure);
                }
                Alarms::Broken(cause) => {
                    tracing::error!(
                        consumer = self.follower.0.spec.consumer,
                        part = number,
                        cause,
                        "the alarms of a part cannot be asked for: they rest, and its entries go on"
                    );
                    part.tick_failed(cause, now);
                }
            }
        }
        self.told(away.map_or(Ok(()), Err));
        self.count_stopped();
        self.hasten_marks();
    }

    /// Parts may have come further in which something happens.
    fn hasten_marks(&mut self) {
        if self.parts.values().any(Part::is_urgent) {
            self.urgent_marks.hasten();
        }
    }

    pub(super) fn begin_again(&mut self) {
        self.jobs.abort_all();
        self.jobs = JoinSet::new();
        self.parts.clear();
        (self.buffered, self.working, self.opening, self.stream) = (0, 0, false, None);
        for round in [
            &mut self.leases,
            &mut self.alarms,
            &mut self.retries,
            &mut self.marks,
            &mut self.urgent_marks,
            &mut self.lag,
        ] {
            round.running = false;
        }
    }

    /// Says once that the database is away, and once that it is back.
    pub(super) fn told<T>(&mut self, outcome: Result<T, Failure>) -> Option<T> {
        match outcome {
            Ok(value) => {
                if std::mem::take(&mut self.database_away) {
                    tracing::info!(consumer = self.name(), "the follower can work again");
                }
                Some(value)
            }
            Err(failure) => {
                if !std::mem::replace(&mut self.database_away, true) {
                    tracing::warn!(consumer = self.name(), error = ?failure, "the follower cannot work just now, trying again");
                }
                None
            }
        }
    }

    pub(super) fn worked(&mut self, worked: Worked) {
        self.working = self.working.saturating_sub(1);
        let Worked { part: number, epoch, position, aside, tick, outcome } = worked;
        let Some(part) = self.parts.get_mut(&number).filter(|part| part.epoch == epoch) else { return };
        part.busy = false;
        // What its effects are for may wait for word that nothing else came before them.
        let clock = self.follower.0.consumer.cx.clock.now();
        if position > part.position || matches!(outcome, Outcome::Ticked(_)) {
            part.stirred(clock);
        }
        let counts = aside.counts();
        let parked_otherwise = std::mem::replace(&mut part.aside_counts, counts) != counts;
        part.aside = aside;
        if !matches!(outcome, Outcome::Transient { .. }) || position > part.position {
            part.advance(position);
        }
        match outcome {
            Outcome::Done => {
                part.ask_again();
                self.told(Ok(()));
            }
            Outcome::Ticked(rule_time) => {
                part.ticked(rule_time);
                self.hasten_marks();
            }
            Outcome::TickedInPart => part.ticked_in_part(),
            Outcome::TickFailed(cause) => part.tick_failed(cause, Instant::now()),
            Outcome::PutRight(rule_time) => part.is_put_right(rule_time),
            Outcome::Lost => self.drop_part(number, "another owner committed to it"),
            Outcome::Transient { failure, rest } => {
                if tick {
                    part.alarms_failed(|| failure.to_string());
                }
                let (returned, dropped) = part.failed(rest, Instant::now());
                self.buffered = (self.buffered + returned).saturating_sub(dropped);
                self.follower.0.logs.metrics().retried.get_or_create(&self.follower.0.label()).inc();
                self.told::<()>(Err(failure));
            }
        }
        if parked_otherwise {
            self.count_parked();
        }
        if tick {
            self.count_stopped();
        }
    }
}
