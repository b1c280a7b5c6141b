//! Instants and bounds.

use jiff::Timestamp;
use throughline_process::{Bound, Quality};
use throughline_proto::{
    event::v1 as pb,
    time::{from_wire, to_wire},
};

use crate::Unreadable;

/// The instant; `of` names the part of the message that needs it.
pub fn read_instant(at: Option<&prost_types::Timestamp>, of: &str) -> Result<Timestamp, Unreadable> {
    at.and_then(from_wire).ok_or_else(|| Unreadable::new(format!("time of {of}")))
}

/// The bound, its ends in order; `of` names the part of the message that needs it.
pub fn read_bound(bound: Option<&pb::TimeBound>, of: &str) -> Result<Bound, Unreadable> {
    let bound = bound.ok_or_else(|| Unreadable::new(format!("time of {of}")))?;
    let (earliest, latest) = (read_instant(bound.earliest.as_ref(), of)?, read_instant(bound.latest.as_ref(), of)?);
    match earliest <= latest {
        true => Ok(Bound { earliest, latest, quality: read_quality(bound.quality) }),
        false => Err(Unreadable::new(format!("time of {of}"))),
    }
}

/// The bound if there is one.
pub fn optional_bound(bound: Option<&pb::TimeBound>, of: &str) -> Result<Option<Bound>, Unreadable> {
    bound.map(|bound| read_bound(Some(bound), of)).transpose()
}

/// The bound as a message.
pub fn render_bound(bound: Bound) -> pb::TimeBound {
    pb::TimeBound {
        earliest: Some(to_wire(bound.earliest)),
        latest: Some(to_wire(bound.latest)),
        quality: render_quality(bound.quality) as i32,
    }
}

/// The quality by its number; an unknown one claims nothing more than bounds.
pub fn read_quality(number: i32) -> Quality {
    match pb::TimeQuality::try_from(number) {
        Ok(pb::TimeQuality::Exact) => Quality::Exact,
        Ok(pb::TimeQuality::DateOnly) => Quality::DateOnly,
        Ok(pb::TimeQuality::Bounded | pb::TimeQuality::Unspecified) | Err(_) => Quality::Bounded,
    }
}

/// The quality as an enum of the wire.
pub fn render_quality(quality: Quality) -> pb::TimeQuality {
    match quality {
        Quality::Exact => pb::TimeQuality::Exact,
        Quality::Bounded => pb::TimeQuality::Bounded,
        Quality::DateOnly => pb::TimeQuality::DateOnly,
    }
}
