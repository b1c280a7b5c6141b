//! Items of the review queue, as they are stored, logged and answered.

use throughline_proto as pb;
use throughline_wire::{read_event_refs, render_event_refs};

use super::{Unreadable, etag, instant, optional_instant, review_name, revision};
use crate::domain::{Candidate, Resolution, Review};

/// The wire form of an item.
pub fn render_review(review: &Review) -> pb::rule::v1::Review {
    let resolved = review.resolved.as_ref();
    pb::rule::v1::Review {
        name: review_name(&review.deal, &review.id),
        kind: review.kind.clone(),
        deal: review.deal.clone(),
        detail: review.detail.clone(),
        opened_at: Some(pb::time::to_wire(review.opened_at)),
        resolved_at: resolved.map(|resolution| pb::time::to_wire(resolution.at)),
        resolved_by: resolved.map(|resolution| resolution.by.clone()).unwrap_or_default(),
        resolution: resolved.map(|resolution| resolution.code.clone()).unwrap_or_default(),
        keys: review.keys.clone(),
        etag: etag(review.revision),
        candidates: review.candidates.iter().cloned().map(render_candidate).collect(),
        founded_by: render_event_refs(review.founded_by.iter().cloned()),
        decided_for: render_event_refs(
            resolved.into_iter().flat_map(|resolution| resolution.founded_by.iter().cloned()),
        ),
    }
}

/// An item as it was stored.
pub fn review(review: pb::rule::v1::Review) -> Result<Review, Unreadable> {
    let resolved_at = optional_instant(review.resolved_at.as_ref(), "resolved_at")?;
    Ok(Review {
        id: review.name.rsplit('/').next().unwrap_or_default().to_owned(),
        deal: review.deal,
        kind: review.kind,
        detail: review.detail,
        keys: review.keys,
        candidates: review.candidates.into_iter().map(candidate).collect(),
        founded_by: read_event_refs(&review.founded_by),
        opened_at: instant(review.opened_at.as_ref(), "opened_at")?,
        resolved: resolved_at.map(|at| Resolution {
            at,
            by: review.resolved_by,
            code: review.resolution,
            founded_by: read_event_refs(&review.decided_for),
        }),
        revision: revision(&review.etag)?,
    })
}

/// A deal to compare with, as deal-state names it.
pub fn candidate(found: pb::deal::v1::Candidate) -> Candidate {
    let key = found.key.unwrap_or_default();
    Candidate { deal: found.deal, key: (key.kind, key.scope, key.value) }
}

fn render_candidate(Candidate { deal, key: (kind, scope, value) }: Candidate) -> pb::deal::v1::Candidate {
    pb::deal::v1::Candidate { deal, key: Some(pb::deal::v1::DealKey { kind, scope, value }) }
}

/// What the flag log says of an item as it now stands.
pub fn review_entry(review: &Review) -> pb::log::v1::EntryBody {
    pb::log::v1::EntryBody { body: Some(pb::log::v1::entry_body::Body::Review(render_review(review))) }
}
