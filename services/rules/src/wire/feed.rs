//! Sources, as the deal log carries them.

use jiff::{SignedDuration, Timestamp};
use throughline_process::{Heard, Judged};
use throughline_proto::{self as pb, time::from_wire};

use super::{Unreadable, instant, optional_instant};

/// deal-state tells of a source at most so often: what it was last heard of may lie this far behind.
const TOLD_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// Takes in what the deal log says of a source.
pub fn hear(heard: &mut Heard, feed: &pb::deal::v1::FeedState) -> Result<(), Unreadable> {
    let expected = feed.expected_interval.as_ref().map(|of| SignedDuration::new(of.seconds, of.nanos));
    let later = |at: Timestamp| at.checked_add(TOLD_EVERY).unwrap_or(at);
    let stale_at = optional_instant(feed.stale_at.as_ref(), "stale_at")?.map(later);
    heard.hear(instant(feed.last_arrival_at.as_ref(), "last_arrival_at")?, &Judged { expected, stale_at });
    let day = |step: &pb::deal::v1::ReportedStep| {
        Some((step.event_type.clone(), step.last_reported_at.as_ref().and_then(from_wire)?))
    };
    heard.reports = feed.reports.iter().filter_map(day).collect();
    Ok(())
}
