//! What entries of the flag log change for a watcher: pure.

use std::collections::HashSet;

use jiff::Timestamp;
use pb::{
    log::v1::{EntryBody, StoredEntry, entry_body::Body},
    rule::v1::{Removal, RemovalReason, WatchFlagsResponse},
};
use prost::Message;
use throughline_journal::live::Changes;
use throughline_platform::Failure;
use throughline_proto as pb;

/// Takes in entries up to the second change of a flag or review: a message holds at most one change of each, so that
/// every change is seen and their order is.
pub(super) fn changes(
    entries: &[StoredEntry],
    flags_only: bool,
    now: Timestamp,
) -> Result<Changes<WatchFlagsResponse>, Failure> {
    let mut message = WatchFlagsResponse::default();
    let mut changed = HashSet::new();
    let mut newest = None;
    let mut taken = 0;
    for entry in entries {
        let body = EntryBody::decode(entry.body.clone()).map_err(Failure::internal)?.body;
        let name = match &body {
            Some(Body::Flag(flag)) => &flag.name,
            Some(Body::FlagRetraction(retraction)) => &retraction.name,
            Some(Body::Review(review)) if !flags_only => &review.name,
            _ => {
                taken += 1;
                continue;
            }
        };
        if !changed.insert(name.clone()) {
            break;
        }
        taken += 1;
        newest = newest.max(entry.recorded_at.as_ref().and_then(pb::time::from_wire));
        match body {
            Some(Body::Flag(flag)) if flag.closed_at.is_none() => message.flags.push(flag),
            Some(Body::Flag(flag)) => message.removed_flags.push(removal(flag.name, RemovalReason::Closed)),
            Some(Body::FlagRetraction(flag)) => {
                message.removed_flags.push(removal(flag.name, RemovalReason::Retracted));
            }
            Some(Body::Review(review)) if review.resolved_at.is_none() => message.reviews.push(review),
            Some(Body::Review(review)) => {
                let vanished = review.resolved_by.is_empty();
                let reason = if vanished { RemovalReason::Vanished } else { RemovalReason::Resolved };
                message.removed_reviews.push(removal(review.name, reason));
            }
            _ => {}
        }
    }
    message.delay =
        newest.map(|newest| pb::time::duration_to_wire(now.duration_since(newest).try_into().unwrap_or_default()));
    Ok(Changes { taken, message: Some(message).filter(|_| !changed.is_empty()) })
}

fn removal(name: String, reason: RemovalReason) -> Removal {
    Removal { name, reason: reason.into() }
}
