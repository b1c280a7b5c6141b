//! Deals as the deal log carries them.

use throughline_proto as pb;
use throughline_wire::{read_event_refs, read_interval};

use super::{Unreadable, optional_instant};
use crate::domain::{Exception, Number, Subject};

/// A deal as far as judging it goes: intervals, numbers, and exceptions.
pub fn subject(deal: &pb::deal::v1::Deal) -> Result<Subject, Unreadable> {
    Ok(Subject {
        name: deal.name.clone(),
        numbers: deal.keys.iter().map(|key| Number { kind: key.kind.clone(), value: key.value.clone() }).collect(),
        intervals: deal.intervals.iter().map(read_interval).collect::<Result<_, _>>()?,
        exceptions: deal.exceptions.iter().map(exception).collect::<Result<_, _>>()?,
        history_recorded_at: optional_instant(deal.history_recorded_at.as_ref(), "history_recorded_at")?,
    })
}

fn exception(exception: &pb::deal::v1::DealException) -> Result<Exception, Unreadable> {
    Ok(Exception {
        id: exception.id.clone(),
        kind: exception.kind.clone(),
        detail: exception.detail.clone(),
        at: optional_instant(exception.at.as_ref(), &exception.id)?,
        founded_by: read_event_refs(&exception.founded_by),
        candidates: exception.candidates.iter().cloned().map(super::candidate).collect(),
    })
}
