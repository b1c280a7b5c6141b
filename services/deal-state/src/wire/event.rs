//! Accepted events, as the fold takes them in.

use jiff::Timestamp;
use throughline_process::{Event, Origin};
use throughline_proto::{event::v1 as pb, time::from_wire};
use throughline_wire::read_bound;

/// What an accepted event cannot lack. Ingestion lets no such event pass, so this is a fault of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event has no usable {0}")]
pub struct Malformed(pub &'static str);

/// The event, to be kept as recorded then and come in so.
pub fn event(wire: pb::Event, recorded_at: Timestamp, origin: pb::Origin) -> Result<Event, Malformed> {
    let time = read_bound(wire.time.as_ref(), "event").map_err(|_| Malformed("time"))?;
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

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
