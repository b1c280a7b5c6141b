//! Between the wire and the domain. What is stored as a body is in wire form, too.

mod deal;
mod feed;
mod flag;
mod floor;
mod name;
mod review;
mod rooftop;
mod staff;

pub use deal::subject;
pub use feed::hear;
pub use flag::{flag, flag_entry, render_flag};
pub use floor::{floor_deal, leaves_floor_at, render_floor, zone};
pub use name::{DealName, flag_name, review_name};
pub use review::{candidate, render_review, review, review_entry};
pub use rooftop::rulebook;
pub use staff::{render_staff, staff, staff_event};

use jiff::Timestamp;
use throughline_proto as pb;
pub use throughline_wire::Unreadable;

fn instant(at: Option<&prost_types::Timestamp>, what: &str) -> Result<Timestamp, Unreadable> {
    at.and_then(pb::time::from_wire).ok_or_else(|| Unreadable::new(what))
}

fn optional_instant(at: Option<&prost_types::Timestamp>, what: &str) -> Result<Option<Timestamp>, Unreadable> {
    at.map(|at| pb::time::from_wire(at).ok_or_else(|| Unreadable::new(what))).transpose()
}

/// How an event came in; what says nothing counts as live.
pub fn origin(origin: i32) -> throughline_process::Origin {
    match pb::event::v1::Origin::try_from(origin) {
        Ok(pb::event::v1::Origin::Backfill) => throughline_process::Origin::Backfill,
        Ok(pb::event::v1::Origin::Replay) => throughline_process::Origin::Replay,
        _ => throughline_process::Origin::Live,
    }
}

/// The wire form of an origin.
pub fn render_origin(origin: throughline_process::Origin) -> pb::event::v1::Origin {
    match origin {
        throughline_process::Origin::Live => pb::event::v1::Origin::Live,
        throughline_process::Origin::Backfill => pb::event::v1::Origin::Backfill,
        throughline_process::Origin::Replay => pb::event::v1::Origin::Replay,
    }
}

/// Quoted tag of a revision.
pub fn etag(revision: u64) -> String {
    format!("\"{revision}\"")
}

fn revision(etag: &str) -> Result<u64, Unreadable> {
    etag.trim_matches('"').parse().map_err(|_| Unreadable::new("etag"))
}
