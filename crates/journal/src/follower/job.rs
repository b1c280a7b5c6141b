//! What the coordinator has done beside it, and what comes back.
use throughline_platform::failure::Failure;
use throughline_proto::log::v1::{StoredEntry, SubscribeResponse};
use tonic::{Status, Streaming};

use super::{aside::Aside, lease::Leases, part::Asked};
use crate::{EntityKey, claim::Claim};

/// The end of a job.
pub(super) enum Report {
    Worked(Worked),
    Leased(Result<Leases, Failure>),
    Opened {
        generation: u64,
        outcome: Result<Streaming<SubscribeResponse>, Status>,
    },
    /// Each part asked about, and what came of asking.
    Asked(Vec<(u16, Asked, Alarms)>),
    /// Each with whether its timer is to fire again, or its entries are to be applied.
    Retries(Result<Vec<(u16, EntityKey, bool)>, Failure>),
    /// Parts with what downstream was told of them.
    Marked(Marked, Result<Vec<(u16, Claim)>, Failure>),
    Lag(Option<Vec<(u16, u64)>>),
}

/// The parts whose watermarks a round writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marked {
    All,
    /// Those in which something has just happened.
    Urgent,
}

/// What became of a part's piece of work.
pub(super) struct Worked {
    pub(super) part: u16,
    pub(super) epoch: i64,
    /// Last position committed.
    pub(super) position: u64,
    pub(super) aside: Aside,
    /// It was to fire alarms.
    pub(super) tick: bool,
    pub(super) outcome: Outcome,
}

pub(super) enum Outcome {
    Done,
    /// Alarms up to here were fired.
    Ticked(Claim),
    /// What was stored ahead of the clock follows it now.
    PutRight(Claim),
    /// Some of the alarms up to the rule time were fired; others are due.
    TickedInPart,
    /// Alarms cannot be fired, whichever they are, and why: ask again later.
    TickFailed(String),
    /// Another owner holds the part.
    Lost,
    /// The database is away: what was not applied.
    Transient {
        failure: Failure,
        rest: Vec<StoredEntry>,
    },
}

/// What came of asking a part for alarms.
pub(super) enum Alarms {
    None,
    Due,
    /// The database is away.
    Away(Failure),
    /// They cannot be asked for, and a try later does not mend it.
    Broken(String),
}
