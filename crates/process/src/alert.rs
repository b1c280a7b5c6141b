//! Whether an alert is due: a matter of when something happened, never of how the events behind it arrived.

use jiff::{SignedDuration, Timestamp};

/// An alert about a crossing that is older than this is not due. Our estimate of how long a person can still act on one.
pub const FRESH_FOR: SignedDuration = SignedDuration::from_hours(2);

/// Why no alert is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotDue {
    /// The deal was imported as history at or after the crossing.
    Imported,
    /// The crossing lies more than [`FRESH_FOR`] back.
    TooOld,
}

/// Returns why no alert is due about a crossing (a flag opened or turned red), or none if one is due.
///
/// `history_recorded_at` is when the last event of the deal that came in as history was recorded. A crossing after it was
/// not known by then, so it is news. A crossing ahead of `now` is due: another clock may be a little ahead.
pub fn not_due(crossed_at: Timestamp, history_recorded_at: Option<Timestamp>, now: Timestamp) -> Option<NotDue> {
    if is_history(crossed_at, history_recorded_at) {
        Some(NotDue::Imported)
    } else if now.duration_since(crossed_at) > FRESH_FOR {
        Some(NotDue::TooOld)
    } else {
        None
    }
}

/// Whether an import of the deal as history already contained the crossing, so that no alert about it is ever due.
pub fn is_history(crossed_at: Timestamp, history_recorded_at: Option<Timestamp>) -> bool {
    history_recorded_at.is_some_and(|recorded_at| crossed_at <= recorded_at)
}
