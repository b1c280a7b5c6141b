//! How systems write a time.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A store's wall clock.
pub(super) struct Clock(pub(super) TimeZone);

impl Clock {
    /// To the second, as people in the United States write it, without a zone: `09/07/2026 12:35:34 PM`.
    pub(super) fn second(&self, at: Timestamp) -> String {
        self.written("%m/%d/%Y %I:%M:%S %p", at)
    }

    /// To the minute, without the day: `12:35 PM`.
    pub(super) fn minute(&self, at: Timestamp) -> String {
        self.written("%I:%M %p", at)
    }

    /// The day as people write it: `09/07/2026`.
    pub(super) fn day(&self, at: Timestamp) -> String {
        self.written("%m/%d/%Y", at)
    }

    /// The day as programs write it: `2026-09-07`.
    pub(super) fn date(&self, at: Timestamp) -> String {
        self.written("%Y-%m-%d", at)
    }

    /// RFC 3339 with the store's offset, to the second.
    pub(super) fn with_offset(&self, at: Timestamp) -> String {
        self.written("%Y-%m-%dT%H:%M:%S%:z", at)
    }

    fn written(&self, format: &str, at: Timestamp) -> String {
        at.to_zoned_datetime(self.0.clone()).strftime(format).to_string()
    }
}

/// UTC, without saying so: `2026-09-07T16:35:34`.
pub(super) fn utc_unsaid(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// RFC 3339 in UTC, to the second.
pub(super) fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// So many minutes later, or earlier if there are fewer than none; times beyond the calendar stay at its edge.
pub(super) fn later(at: Timestamp, minutes: f64) -> Timestamp {
    let by = SignedDuration::from_millis(crate::week::minutes(minutes));
    at.saturating_add(by).unwrap_or(at)
}
