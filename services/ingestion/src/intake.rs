//! The way of events: parse, place, commit, answer. Everything that comes in takes it: calls, streams, HTTP, replays.

mod call;

use std::{sync::Arc, time::Duration};

use throughline_journal::{Lanes, Log};
use throughline_platform::{Failure, Principal, Reason, clock::Clock, trace};
use throughline_proto::{event::v1::Origin, ingestion::v1::Outcome};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

pub(crate) use self::call::Prepared;
use crate::{
    commit::{Ledger, Receipt, Submission},
    count::Counts,
    domain::event::{Parsed, Sent, parse},
    known::Memory,
    refusal::{may_bring, unreadable},
};

/// Events of one call.
pub(crate) const MOST_EVENTS: usize = 5_000;
/// Events read between two moments at which other work of the thread gets its turn: about a millisecond's.
const AT_A_STRETCH: usize = 128;
/// Events of all calls that may be read and not yet committed: some 150 MB.
pub(crate) const ROOM: usize = 131_072;

/// What a lane does with a call when it has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Refuse it at once: the caller is told when to come back.
    Refuse,
    /// Wait: the sender is held back by flow control.
    Wait,
}

/// Takes events in.
#[derive(Clone)]
pub(crate) struct Intake {
    pub(crate) clock: Clock,
    pub(crate) memory: Memory,
    pub(crate) lanes: Lanes<Ledger>,
    /// For so many events that are read and not yet committed, of all calls together.
    pub(crate) room: Arc<Semaphore>,
    pub(crate) log: Log,
    pub(crate) counts: Counts,
}

/// How a call's events come in.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    pub(crate) origin: Origin,
    pub(crate) actor: String,
    /// They lay in a file: when their system showed them says nothing of its clock.
    pub(crate) from_file: bool,
}

/// An event of a call: as sent, or as it rested in quarantine under an id.
#[expect(clippy::large_enum_variant, reason = "made and read one at a time; a box for each would cost more")]
pub(crate) enum Incoming<'a> {
    Sent {
        id: &'a str,
        event: Sent<'a>,
    },
    Rested {
        id: Uuid,
        event: Box<Parsed>,
    },
    /// Not even an event.
    Unreadable,
}

/// What became of an event.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    /// As sent.
    pub(crate) id: String,
    pub(crate) outcome: Outcome,
    /// Why it was kept apart or refused.
    pub(crate) why: Option<Failure>,
    pub(crate) dropped_fields: Vec<String>,
}

/// What became of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// In the order of the call.
    pub(crate) events: Vec<Settled>,
    pub(crate) accepted: u32,
    pub(crate) duplicates: u32,
    pub(crate) consistency_token: String,
}

/// The number of events of a call, checked.
pub(crate) fn check_count(events: usize) -> Result<(), Failure> {
    match events {
        0 => Err(Failure::invalid("events", "is empty: send 1 to 5000 events")),
        1..=MOST_EVENTS => Ok(()),
        _ => Err(Failure::invalid("events", format!("has {events} entries: send 1 to {MOST_EVENTS}"))),
    }
}

impl Intake {
    /// Reads and places events. Never fails because of what an event says.
    pub(crate) async fn prepare<'a>(
        &self,
        principal: &Principal,
        manner: &Manner,
        patience: Patience,
        events: impl ExactSizeIterator<Item = Incoming<'a>> + Send,
    ) -> Result<Prepared, Failure> {
        if principal.group.is_empty() {
            let message = "events belong to the group of a key, and the service key has none: use a key of the group";
            return Err(Failure::permission(Reason::MethodNotAllowed, message));
        }
        let room = self.room(events.len(), patience).await?;
        let now = self.clock.now();
        let mut rooftops = self.memory.recall(principal).await?;
        let mut looked = false;
        let trace = trace::current();
        let mut call = Prepared {
            events: Vec::with_capacity(events.len()),
            room,
            lanes: std::iter::repeat_with(|| Submission {
                group: principal.group.clone(),
                origin: manner.origin,
                actor: manner.actor.clone(),
                from_file: manner.from_file,
                trace: trace.clone(),
                ..Submission::default()
            })
            .take(self.lanes.count())
            .collect(),
        };
        let mut dropped = 0_u64;
        for (at, incoming) in events.enumerate() {
            if at % AT_A_STRETCH == AT_A_STRETCH - 1 {
                tokio::task::yield_now().await;
            }
            let (id, rested, mut parsed) = match incoming {
                Incoming::Sent { id, event } => (shortened(id), None, parse(&event, now)),
                Incoming::Rested { id, event } => (String::new(), Some(id), *event),
                Incoming::Unreadable => {
                    call.refuse(String::new(), Vec::new(), unreadable(at));
                    continue;
                }
            };
            let names = {
                let told = parsed.take_dropped();
                dropped += u64::from(told.count());
                told.into_names()
            };
            if !looked && !parsed.rooftop().is_empty() && rooftops.find(parsed.rooftop()).is_none() {
                // It may have been added since, here or by another process.
                rooftops = self.memory.look(principal).await?;
                looked = true;
            }
            match may_bring(principal, &parsed, &rooftops) {
                Err(refusal) => call.refuse(id, names, refusal),
                Ok(()) => call.place(id, names, rested, parsed, &rooftops, at),
            }
        }
        self.counts.dropped(dropped);
        Ok(call)
    }

    /// Commits what was prepared: durable when it returns.
    pub(crate) async fn settle(&self, call: Prepared, patience: Patience) -> Result<Answer, Failure> {
        let Prepared { events, lanes, room } = call;
        let commits = lanes.into_iter().enumerate().map(|(lane, submission)| async move {
            let weight = submission.weight();
            if weight == 0 {
                return Ok(Receipt::default());
            }
            match patience {
                Patience::Refuse => self.lanes.submit(lane as u16, weight, submission).await,
                Patience::Wait => self.lanes.submit_patiently(lane as u16, weight, submission).await,
            }
        });
        let receipts = futures::future::join_all(commits).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        drop(room);
        let mut answer = Answer { consistency_token: self.token(&receipts).await?, ..Answer::default() };
        answer.events = events.into_iter().map(|pending| pending.settled(&receipts)).collect();
        self.count(&mut answer);
        Ok(answer)
    }

    async fn room(&self, events: usize, patience: Patience) -> Result<OwnedSemaphorePermit, Failure> {
        let events = u32::try_from(events).unwrap_or(u32::MAX).min(ROOM as u32);
        let room = self.room.clone();
        match patience {
            Patience::Refuse => room.try_acquire_many_owned(events).ok(),
            Patience::Wait => room.acquire_many_owned(events).await.ok(),
        }
        .ok_or_else(|| Failure::overloaded("the room for events that are read", Duration::from_millis(500)))
    }

    /// A token for all events that are in the log now, those of this call and those that it repeats.
    async fn token(&self, receipts: &[Receipt]) -> Result<String, Failure> {
        let mut positions: Vec<(u16, u64)> =
            receipts.iter().flat_map(|receipt| receipt.positions.iter().copied()).collect();
        if receipts.iter().any(|receipt| !receipt.repeated.is_empty()) {
            let heads = self.log.heads().await?;
            let repeated = |part: &u16| receipts.iter().any(|receipt| receipt.repeated.contains(part));
            positions.extend(heads.into_iter().filter(|(part, _)| repeated(part)));
        }
        Ok(self.log.token(&positions))
    }

    fn count(&self, answer: &mut Answer) {
        let (mut quarantined, mut refused) = (0, 0);
        for event in &answer.events {
            match event.outcome {
                Outcome::Accepted => answer.accepted += 1,
                Outcome::Duplicate => answer.duplicates += 1,
                Outcome::Quarantined => {
                    quarantined += 1;
                    if let Some(why) = &event.why {
                        self.counts.quarantined(why.reason());
                    }
                }
                Outcome::Refused | Outcome::Unspecified => refused += 1,
            }
        }
        self.counts.settled(Outcome::Accepted, answer.accepted.into());
        self.counts.settled(Outcome::Duplicate, answer.duplicates.into());
        self.counts.settled(Outcome::Quarantined, quarantined);
        self.counts.settled(Outcome::Refused, refused);
    }
}

/// The id for the answer: as sent, up to what an id may be long.
fn shortened(id: &str) -> String {
    match id.char_indices().nth(128) {
        None => id.to_owned(),
        Some((end, _)) => id[..end].to_owned(),
    }
}
