//! Sources: when each was last heard of, and whether it has fallen silent.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use throughline_platform::{Failure, Principal, principal::Scope};
use throughline_process::Health;
use throughline_proto::{
    ingestion::v1::{Feed, FeedHealth, ListFeedsRequest, ListFeedsResponse},
    time::{duration_to_wire, to_wire},
};

use super::{
    Ingestion,
    request::{Pages, Place},
};
use crate::store::feeds;

pub(super) async fn list(
    service: &Ingestion,
    principal: Principal,
    asked: ListFeedsRequest,
) -> Result<ListFeedsResponse, Failure> {
    principal.require(Scope::Read)?;
    let principal = principal.in_group(&asked.parent)?;
    let only = if asked.stale_only { "stale" } else { "" };
    let pages = Pages::new(&service.cx.sealer, "feeds", &principal, &[&asked.parent, only], asked.page_size, 100)?;
    let after = pages.open(&asked.page_token)?;
    let (group, rooftops, limit) = (principal.group.clone(), principal.rooftop_filter(), pages.limit());
    let now = service.cx.clock.now();
    let stale = asked.stale_only.then_some(now);
    let mut rows = service
        .cx
        .db
        .read(&principal, move |tx| {
            Box::pin(async move {
                let after = after.as_ref().map_or(("", ""), |place| (place.text(0), place.text(1)));
                feeds::page(tx, &group, after, rooftops.as_deref(), stale, limit).await
            })
        })
        .await?;
    let next_page_token =
        pages.cut(&mut rows, |row: &feeds::Standing| Place::new([row.rooftop.clone(), row.source.clone()]));
    Ok(ListFeedsResponse { feeds: rows.into_iter().map(|feed| render_feed(feed, now)).collect(), next_page_token })
}

fn render_feed(standing: feeds::Standing, now: Timestamp) -> Feed {
    let feeds::Standing { feed, judged, .. } = standing;
    let known = feed.last_arrival.is_some() && judged.expected.is_some();
    let (health, stale_since) = match Health::at(known, judged.stale_at, now) {
        Health::Fresh => (FeedHealth::Fresh, None),
        Health::Stale { since } => (FeedHealth::Stale, Some(since)),
        Health::Unknown => (FeedHealth::Unspecified, None),
    };
    Feed {
        rooftop: standing.rooftop,
        source: standing.source,
        last_recorded_at: standing.last_recorded_at.map(to_wire),
        last_occurred_at: standing.last_occurred_at.map(to_wire),
        accepted: standing.accepted,
        duplicates: standing.duplicates,
        lag: standing.lag_ms.map(|lag| duration_to_wire(Duration::from_millis(lag))),
        last_arrival_time: feed.last_arrival.map(to_wire),
        expected_interval: judged.expected.map(signed),
        health: health.into(),
        stale_since: stale_since.map(to_wire),
        clock_ahead_at_least: feed.clock_ahead(now).map(signed),
        clock_skew: feed.clock_skew(now).map(signed),
        failures: feed.failures,
        last_failure_time: feed.last_failure.map(to_wire),
    }
}

fn signed(duration: SignedDuration) -> prost_types::Duration {
    prost_types::Duration { seconds: duration.as_secs(), nanos: duration.subsec_nanos() }
}
