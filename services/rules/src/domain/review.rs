//! The review queue: what a person must look at, and what changes about it when a deal changes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use throughline_process::{EventRef, same_episode};

use super::{Subject, review_id};

/// Resolution of an item that ended because its cause did.
const VANISHED: &str = "vanished";

/// Something about a deal that a person must look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Stable within the deal.
    pub id: String,
    /// Kind of DOMAIN's list, such as `contract_returned`.
    pub kind: String,
    pub detail: String,
    pub at: Option<Timestamp>,
    /// Events that it rests on, sorted; empty for what a deal has once.
    pub founded_by: Vec<EventRef>,
    pub candidates: Vec<Candidate>,
}

/// A deal that a person has to compare with another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// `groups/{group}/rooftops/{rooftop}/deals/{deal}`.
    pub deal: String,
    /// Kind, scope and value of the best number that it is known by.
    pub key: (String, String, String),
}

/// An item of the review queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    pub id: String,
    /// `groups/{group}/rooftops/{rooftop}/deals/{deal}`.
    pub deal: String,
    pub kind: String,
    pub detail: String,
    pub keys: Vec<String>,
    pub candidates: Vec<Candidate>,
    /// Events that it rests on, sorted; empty for what a deal has once.
    pub founded_by: Vec<EventRef>,
    pub opened_at: Timestamp,
    pub resolved: Option<Resolution>,
    /// Counts up with each change, from 1; the etag's content.
    pub revision: u64,
}

/// How an item ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    pub at: Timestamp,
    /// Staff id who decided; empty if its cause vanished.
    pub by: String,
    /// Reason code.
    pub code: String,
    /// What the exception rested on when a person decided: the decision stands while one of these events is left.
    pub founded_by: Vec<EventRef>,
}

impl Resolution {
    fn counts_for(&self, exception: &Exception) -> bool {
        self.founded_by.is_empty() && exception.founded_by.is_empty()
            || same_episode(&self.founded_by, &exception.founded_by)
    }

    /// Nobody decided: its cause is no more.
    pub fn is_vanished(&self) -> bool {
        self.by.is_empty()
    }
}

/// An item as it stands from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewChange {
    pub review: Review,
    /// Whether it was open before.
    pub was_open: bool,
}

/// Compares a deal's exceptions with the items known of it. No subject: the deal no longer stands under its name.
///
/// A decision follows its episode: it stands while the exception has one of the founding events that it was made for,
/// whatever has become of the IDs of deal and exception, also when that vanishes and comes back. It never counts for another.
pub fn review(subject: Option<&Subject>, stored: Vec<Review>, former: &[Review], now: Timestamp) -> Vec<ReviewChange> {
    let mut known: BTreeMap<String, Review> = stored.into_iter().map(|review| (review.id.clone(), review)).collect();
    let mut changes = Vec::new();
    if let Some(subject) = subject {
        let found = subject.exceptions.iter().map(|exception| {
            let id = review_id(&subject.name, &exception.id);
            let own = known.remove(&id);
            (id, own, exception)
        });
        for (id, own, exception) in found.collect::<Vec<_>>() {
            let was_open = own.as_ref().is_some_and(|review| review.resolved.is_none());
            let decided = own.as_ref().and_then(decided_of).filter(|decision| decision.counts_for(exception));
            let decided = decided.or_else(|| decided_elsewhere(exception, known.values(), former));
            let review = Review {
                deal: subject.name.clone(),
                kind: exception.kind.clone(),
                detail: exception.detail.clone(),
                keys: subject.keys(),
                candidates: exception.candidates.clone(),
                founded_by: exception.founded_by.clone(),
                opened_at: exception.at.or(own.as_ref().map(|review| review.opened_at)).unwrap_or(now),
                resolved: decided,
                revision: own.as_ref().map_or(0, |review| review.revision),
                id,
            };
            if own.as_ref() != Some(&review) {
                changes.push(ReviewChange { review: Review { revision: review.revision + 1, ..review }, was_open });
            }
        }
    }
    let open = known.into_values().filter(|review| review.resolved.is_none());
    changes.extend(open.map(|review| ReviewChange { review: vanish(review, now), was_open: true }));
    changes
}

/// The decision about an item; that it vanished is none.
fn decided_of(review: &Review) -> Option<Resolution> {
    review.resolved.clone().filter(|resolution| !resolution.is_vanished())
}

/// The decision about the same exception under another ID, of this deal or of one that it takes over; the earliest.
fn decided_elsewhere<'r>(
    exception: &Exception,
    known: impl Iterator<Item = &'r Review>,
    former: &'r [Review],
) -> Option<Resolution> {
    // What a deal has once goes by its name.
    let may_be = |review: &&Review| {
        review.kind == exception.kind
            && (!exception.founded_by.is_empty() || review.id == review_id(&review.deal, &exception.id))
    };
    let decisions = known.chain(former).filter(may_be).filter_map(decided_of);
    decisions
        .filter(|decision| decision.counts_for(exception))
        .min_by_key(|decision| (decision.at, decision.by.clone()))
}

fn vanish(review: Review, now: Timestamp) -> Review {
    let resolved = Some(Resolution { at: now, by: String::new(), code: VANISHED.to_owned(), founded_by: Vec::new() });
    Review { resolved, revision: review.revision + 1, ..review }
}

/// The item as it stands once somebody decided; none if that very decision stands already.
pub fn resolve(review: &Review, actor: &str, code: &str, now: Timestamp) -> Result<Option<Review>, AlreadyResolved> {
    match &review.resolved {
        None => {
            let founded_by = review.founded_by.clone();
            let resolved = Some(Resolution { at: now, by: actor.to_owned(), code: code.to_owned(), founded_by });
            Ok(Some(Review { resolved, revision: review.revision + 1, ..review.clone() }))
        }
        Some(resolution) if resolution.by == actor && resolution.code == code => Ok(None),
        Some(resolution) => Err(AlreadyResolved { code: resolution.code.clone(), at: resolution.at }),
    }
}

/// A decision is not overwritten by another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the review was resolved as {code:?} at {at}: there is nothing to decide any more")]
pub struct AlreadyResolved {
    pub code: String,
    pub at: Timestamp,
}
