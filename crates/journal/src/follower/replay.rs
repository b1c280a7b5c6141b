//! Reading a log again, up to positions that the caller names and no further: a projection that is rebuilt where nobody
//! serves it yet. The batches, the alarms and what is set aside are the follower's own; who holds what is not asked.
use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use throughline_platform::failure::{Code, Failure, Reason};
use throughline_proto::log::v1::{PartPosition, StoredEntry};
use tokio::time::timeout;
use tonic::Status;

use super::{
    Follower, FollowerSpec,
    aside::Aside,
    batch::Fence,
    job::{Alarms, Outcome},
    part::{Asked, Work},
    stream::{SILENT_FOR, too_old},
};
use crate::{Context, Projection, claim::Claim};

/// So often in a row it may get nowhere before it gives up.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// Reads a log into a projection on a database that this process alone writes. See [`Follower`] for the other kind.
pub struct Replay<P: Projection>(Follower<P>);

/// How far a part was read again.
#[derive(Debug)]
pub struct Replayed {
    part: u16,
    position: u64,
    aside: Aside,
}

impl Replayed {
    /// Last position whose effects are committed.
    pub fn position(&self) -> u64 {
        self.position
    }
}

impl<P: Projection> Replay<P> {
    /// On the database of `cx`, whose schemas are made and empty.
    pub async fn new(cx: &Context, spec: FollowerSpec, projection: Arc<P>) -> Result<Self, Failure> {
        let follower = Follower::new(cx, spec, projection);
        follower.prepare().await?;
        Ok(Self(follower))
    }

    /// A part, before its first entry.
    pub fn part(&self, part: u16) -> Replayed {
        Replayed { part, position: 0, aside: Aside::default() }
    }

    /// Refuses a log that no longer has the first entries of these parts.
    pub async fn require_whole(&self, parts: &[u16]) -> Result<(), Failure> {
        if parts.is_empty() {
            return Ok(());
        }
        let after = parts.iter().map(|part| PartPosition { part: u32::from(*part), position: 0 }).collect();
        let mut stream = self.0.open(after).await.map_err(|status| self.ended(status))?;
        match timeout(SILENT_FOR, stream.next()).await {
            Ok(Some(Err(status))) => Err(self.ended(status)),
            Ok(Some(Ok(_))) => Ok(()),
            Ok(None) | Err(_) => {
                Err(Failure::unavailable("the owner of the log", "the stream of entries said nothing"))
            }
        }
    }

    /// Applies everything up to `target`, then fires the alarms that are due. Entries are bounded in memory by a message
    /// of the stream.
    pub async fn run_to(&self, at: &mut Replayed, target: u64) -> Result<(), Failure> {
        let mut tries = 0;
        while at.position < target {
            let before = at.position;
            match self.read(at, target).await {
                Ok(()) => {}
                Err(failure) if failure.is_transient() && (at.position > before || tries < TRIES) => {
                    tries = if at.position > before { 0 } else { tries + 1 };
                    tracing::warn!(consumer = self.0.0.spec.consumer, part = at.part, error = ?failure, "reading a log again was interrupted, going on");
                    tokio::time::sleep(BETWEEN_TRIES).await;
                }
                Err(failure) => return Err(failure),
            }
        }
        self.settle(at).await
    }

    async fn read(&self, at: &mut Replayed, target: u64) -> Result<(), Failure> {
        let after = vec![PartPosition { part: u32::from(at.part), position: at.position }];
        let mut stream = self.0.open(after).await.map_err(|status| self.ended(status))?;
        while at.position < target {
            let message = match timeout(SILENT_FOR, stream.next()).await {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(status))) => return Err(self.ended(status)),
                Ok(None) => return Err(Failure::unavailable("the owner of the log", "the stream of entries ended")),
                Err(silent) => return Err(Failure::unavailable("the owner of the log", silent)),
            };
            let wanted = message.entries.into_iter().filter(|entry| entry.position <= target);
            let mut entries = wanted.peekable();
            while entries.peek().is_some() {
                let batch: Vec<StoredEntry> = entries.by_ref().take(self.0.0.spec.pace.max_batch).collect();
                self.apply(at, batch).await?;
            }
        }
        Ok(())
    }

    async fn apply(&self, at: &mut Replayed, batch: Vec<StoredEntry>) -> Result<(), Failure> {
        for (entry, expected) in batch.iter().zip(at.position + 1..) {
            if entry.position != expected {
                let (log, part) = (self.0.0.spec.log, at.part);
                let message = format!(
                    "position {expected} of part {part} is missing in log {log:?}: restore the log, then begin again"
                );
                return Err(Failure::precondition(message).with("log", log).with("part", part.to_string()));
            }
        }
        self.work(at, Work::Batch(batch)).await
    }

    /// Fires alarms until none is due, as the follower would once it has caught up.
    async fn settle(&self, at: &mut Replayed) -> Result<(), Failure> {
        loop {
            let now = Claim { step: 0, until: self.0.0.consumer.cx.clock.now() };
            for (_, _, alarms) in self.0.ask_due(vec![(at.part, now, Asked::default())]).await {
                match alarms {
                    Alarms::None => return Ok(()),
                    Alarms::Due => {}
                    Alarms::Away(failure) => return Err(failure),
                    Alarms::Broken(cause) => return Err(no_alarms(at.part, &cause)),
                }
            }
            self.work(at, Work::Tick(now)).await?;
        }
    }

    async fn work(&self, at: &mut Replayed, work: Work) -> Result<(), Failure> {
        // The cursor rows are as they were made: no other owner ever raises the epoch.
        let fence = Fence { part: at.part, epoch: 0, position: at.position };
        let worked = self.0.clone().work(fence, std::mem::take(&mut at.aside), work).await;
        (at.position, at.aside) = (worked.position, worked.aside);
        match worked.outcome {
            Outcome::Done | Outcome::Ticked(_) | Outcome::TickedInPart | Outcome::PutRight(_) => Ok(()),
            Outcome::Transient { failure, .. } => Err(failure),
            Outcome::TickFailed(cause) => Err(no_alarms(at.part, &cause)),
            Outcome::Lost => Err(Failure::internal(format!("somebody else has moved the cursor of part {}", at.part))),
        }
    }

    fn ended(&self, status: Status) -> Failure {
        let log = self.0.0.spec.log;
        match too_old(&status) {
            Some(part) => Failure::new(
                Code::OutOfRange,
                Reason::CursorTooOld,
                format!(
                    "log {log:?} no longer has the first entries of part {part}: what was disposed of cannot be rebuilt from it"
                ),
            )
            .with("log", log)
            .with("part", part.to_string()),
            None => Failure::from_peer("the owner of the log", status),
        }
    }
}

fn no_alarms(part: u16, cause: &str) -> Failure {
    Failure::internal(format!("the alarms of part {part} cannot be fired: {cause}"))
}
