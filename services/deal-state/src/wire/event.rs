//! Accepted events, as the fold takes them in.

use jiff::Timestamp;
use throughline_process::{Bound, Event, Origin, Quality};
use throughline_proto::{event::v1 as pb, time::from_wire};

/// What an accepted event cannot lack. Ingestion lets no such event pass, so this is a fault of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event has no usable {0}")]
pub struct Malformed(pub &'static str);

/// The event, to be kept as recorded then and come in so.
pub fn event(wire: pb::Event, recorded_at: Timestamp, origin: pb::Origin) -> Result<Event, Malformed> {
    let time = wire.time.as_ref().and_then(bound).ok_or(Malformed("time"))?;
    Ok(Event {
        id: wire.id,
        source: wire.source,
        event_type: wire.r#type,
        subject: some(wire.subject),
        occurred_at: wire.occurred_at.as_ref().and_then(from_wire),
        observed_at: wire.observed_at.as_ref().and_then(from_wire),
        recorded_at,
        time,
        source_sequence: Some(wire.source_sequence).filter(|sequence| *sequence > 0),
        actor: some(wire.actor),
        role: some(wire.role),
        trade: some(wire.trade),
        keys: wire.keys,
        data: wire.data,
        replaces: some(wire.replaces),
        withdraws: some(wire.withdraws),
        origin: match origin {
            pb::Origin::Unspecified | pb::Origin::Live => Origin::Live,
            pb::Origin::Backfill => Origin::Backfill,
            pb::Origin::Replay => Origin::Replay,
        },
    })
}

/// A bound as it was once told; none if it is none.
pub fn bound(wire: &pb::TimeBound) -> Option<Bound> {
    let earliest = wire.earliest.as_ref().and_then(from_wire)?;
    let latest = wire.latest.as_ref().and_then(from_wire)?;
    let quality = match wire.quality() {
        pb::TimeQuality::Exact => Quality::Exact,
        pb::TimeQuality::DateOnly => Quality::DateOnly,
        pb::TimeQuality::Bounded | pb::TimeQuality::Unspecified => Quality::Bounded,
    };
    (earliest <= latest).then_some(Bound { earliest, latest, quality })
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
