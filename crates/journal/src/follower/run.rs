//! The coordinator: owns what is known of the parts held, hands out work, and hears how it went.
mod reports;
mod rounds;

use std::{collections::BTreeMap, panic::AssertUnwindSafe, time::Duration};

use futures::{FutureExt, StreamExt};
use throughline_proto::log::v1::SubscribeResponse;
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::{
    Follower,
    batch::Fence,
    job::{Marked, Report},
    part::Part,
    stream::SILENT_FOR,
};
use crate::{Projection, haste::Haste};

/// Parts worked on at once; each is strictly serial.
const AT_ONCE: usize = 4;
/// Bytes of entries buffered at most, beyond the message that crosses the line.
const BUFFER: usize = 8 * 1024 * 1024;
const STEP: Duration = Duration::from_millis(50);
const LEASE_ROUND: Duration = Duration::from_secs(1);
const RETRY_ROUND: Duration = Duration::from_millis(500);
const MARK_ROUND: Duration = Duration::from_millis(500);
const LAG_ROUND: Duration = Duration::from_secs(5);
const REOPEN_AFTER: Duration = Duration::from_millis(200);
const REOPEN_AT_MOST: Duration = Duration::from_secs(2);

/// When a round is next due, and whether one is under way.
struct Round {
    every: Duration,
    next: Instant,
    running: bool,
    haste: Haste,
}

impl Round {
    fn every(every: Duration) -> Self {
        Self { every, next: Instant::now(), running: false, haste: Haste::every(every) }
    }

    /// Something has come that it would find: it begins as soon as it may.
    fn hasten(&mut self) {
        self.next = self.next.min(self.haste.earliest(Instant::now()));
    }

    fn begins(&mut self, now: Instant) -> bool {
        if self.running || self.next > now {
            return false;
        }
        self.running = true;
        self.haste.begun(now);
        self.next = now + self.every;
        true
    }
}

pub(super) struct Coordinator<P: Projection> {
    follower: Follower<P>,
    parts: BTreeMap<u16, Part>,
    /// Where the last round of dispatching ended, so that no part waits for ever.
    turn: u16,
    /// When the first part that gathers entries has done so; `None` as well while no more work can be handed out.
    gathers_until: Option<Instant>,
    buffered: usize,
    working: usize,
    share: usize,
    jobs: JoinSet<Option<Report>>,
    stream: Option<Streaming<SubscribeResponse>>,
    generation: u64,
    opening: bool,
    reopen: Option<Instant>,
    reopen_pause: Duration,
    last_heard: Instant,
    leases: Round,
    alarms: Round,
    retries: Round,
    marks: Round,
    /// The same for parts in which something has just happened.
    urgent_marks: Round,
    lag: Round,
    database_away: bool,
}

impl<P: Projection> Coordinator<P> {
    pub(super) fn new(follower: Follower<P>) -> Self {
        let options = follower.0.consumer.cx.options.clone();
        let lease_round = LEASE_ROUND.min(options.lease / 4);
        Self {
            follower,
            parts: BTreeMap::new(),
            turn: 0,
            gathers_until: None,
            buffered: 0,
            working: 0,
            share: 0,
            jobs: JoinSet::new(),
            stream: None,
            generation: 0,
            opening: false,
            reopen: None,
            reopen_pause: REOPEN_AFTER,
            last_heard: Instant::now(),
            leases: Round::every(lease_round),
            alarms: Round::every(options.poll),
            retries: Round::every(RETRY_ROUND),
            marks: Round::every(MARK_ROUND),
            urgent_marks: Round::every(options.poll),
            lag: Round::every(LAG_ROUND),
            database_away: false,
        }
    }

    pub(super) async fn run(mut self, shutdown: CancellationToken) {
        let prepared = async {
            while let Err(failure) = self.follower.prepare().await {
                tracing::warn!(consumer = self.name(), error = ?failure, "the cursors could not be prepared, trying again");
                tokio::time::sleep(LEASE_ROUND).await;
            }
        };
        if shutdown.run_until_cancelled(prepared).await.is_none() {
            return;
        }
        let mut step = tokio::time::interval(STEP);
        step.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let room = self.buffered < BUFFER;
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(ended) = self.jobs.join_next() => self.ended(ended),
                message = next(&mut self.stream), if room => self.heard(message),
                _ = step.tick() => self.stepped(),
                () = gathered(self.gathers_until) => {}
            }
            self.begin_hastened(Instant::now());
            self.dispatch();
        }
        self.leave().await;
    }

    fn name(&self) -> &'static str {
        self.follower.0.spec.consumer
    }

    /// Runs something beside the coordinator. A panic in it ends the follower, which is then begun again.
    fn spawn(&mut self, job: impl Future<Output = Report> + Send + 'static) {
        self.jobs.spawn(async move { AssertUnwindSafe(job).catch_unwind().await.ok() });
    }

    fn stepped(&mut self) {
        let now = Instant::now();
        if self.leases.begins(now) {
            self.begin_lease_round();
        }
        self.begin_hastened(now);
        if self.retries.begins(now) {
            self.begin_retry_round();
        }
        if self.marks.begins(now) {
            self.begin_mark_round(Marked::All);
        }
        if self.lag.begins(now) {
            let follower = self.follower.clone();
            self.spawn(async move { Report::Lag(follower.upstream_heads().await) });
        }
        let resumed = self.parts.values_mut().filter_map(|part| part.resumes(now).then_some(())).count();
        if resumed > 0 {
            self.reopen.get_or_insert(now);
        }
        // Silence counts only while we listen.
        if self.buffered >= BUFFER {
            self.last_heard = now;
        }
        if self.stream.is_some() && now.duration_since(self.last_heard) > SILENT_FOR {
            self.stream = None;
            self.reopen.get_or_insert(now);
        }
        if !self.opening && self.reopen.is_some_and(|at| at <= now) {
            self.begin_stream();
        }
    }

    /// Rounds on which people downstream wait: they begin as soon as there is something for them.
    fn begin_hastened(&mut self, now: Instant) {
        if self.alarms.begins(now) {
            self.begin_alarm_round(now);
        }
        if self.urgent_marks.begins(now) {
            self.begin_mark_round(Marked::Urgent);
        }
    }

    /// Hands out work, a part at a time, beginning after the part that came last.
    fn dispatch(&mut self) {
        self.gathers_until = None;
        if self.working >= AT_ONCE {
            return;
        }
        let (now, clock) = (Instant::now(), self.follower.0.consumer.cx.clock.now());
        let pace = self.follower.0.spec.pace;
        let order: Vec<u16> =
            self.parts.range(self.turn..).chain(self.parts.range(..self.turn)).map(|(number, _)| *number).collect();
        for number in order {
            if self.working >= AT_ONCE {
                break;
            }
            let Some(part) = self.parts.get_mut(&number) else { continue };
            let Some((work, taken)) = part.next(pace, clock, now) else { continue };
            part.busy = true;
            let fence = Fence { part: number, epoch: part.epoch, position: part.position };
            let aside = std::mem::take(&mut part.aside);
            self.buffered = self.buffered.saturating_sub(taken);
            self.working += 1;
            self.turn = number + 1;
            let follower = self.follower.clone();
            self.spawn(async move { Report::Worked(follower.work(fence, aside, work).await) });
        }
        // What is due already waits for something else: its turn, or the end of a rest.
        let gathering = self.parts.values().filter_map(|part| part.gathers_until(pace));
        self.gathers_until = gathering.filter(|until| *until > now).min();
    }

    /// Lets running work end (each piece is bounded by the statement timeout), then gives everything back.
    async fn leave(mut self) {
        self.stream = None;
        let lease = self.follower.0.consumer.cx.options.lease;
        let ended = async { while self.jobs.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(lease, ended).await;
        let parts = self.parts.keys().map(|part| *part as i16).collect();
        if let Err(failure) = self.follower.leave(parts).await {
            tracing::warn!(consumer = self.name(), error = ?failure, "the leases could not be given back: they run out by themselves");
        }
    }
}

async fn next(stream: &mut Option<Streaming<SubscribeResponse>>) -> Option<Result<SubscribeResponse, Status>> {
    match stream {
        Some(stream) => stream.next().await,
        None => std::future::pending().await,
    }
}

async fn gathered(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}
