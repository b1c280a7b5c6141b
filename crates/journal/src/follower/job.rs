//! What the coordinator has done beside it, and what comes back.
use std::collections::HashSet;

use throughline_platform::failure::Failure;
use throughline_proto::log::v1::{StoredEntry, SubscribeResponse};
use tonic::{Status, Streaming};

use super::{lease::Leases, part::Asked};
use crate::{claim::Claim, entry::EntityKey};

/// The end of a job.
pub(super) enum Report {
    Worked(Worked),
    Leased(Result<Leases, Failure>),
    Opened {
        generation: u64,
        outcome: Result<Streaming<SubscribeResponse>, Status>,
    },
    /// Each part asked about, and whether it has an alarm due.
    Asked(Result<Vec<(u16, Asked, bool)>, Failure>),
    Retries(Result<Vec<(u16, EntityKey)>, Failure>),
    /// Parts with what downstream was told of them.
    Marked(Result<Vec<(u16, Claim)>, Failure>),
    Lag(Option<Vec<(u16, u64)>>),
}

/// What became of a part's piece of work.
pub(super) struct Worked {
    pub(super) part: u16,
    pub(super) epoch: i64,
    /// Last position committed.
    pub(super) position: u64,
    pub(super) parked: HashSet<EntityKey>,
    pub(super) outcome: Outcome,
}

pub(super) enum Outcome {
    Done,
    /// Alarms up to here were fired.
    Ticked(Claim),
    /// What was stored ahead of the clock follows it now.
    PutRight(Claim),
    /// Alarms cannot be fired: ask again later.
    TickFailed,
    /// Another owner holds the part.
    Lost,
    /// The database is away: what was not applied.
    Transient {
        failure: Failure,
        rest: Vec<StoredEntry>,
    },
}
