//! By what the sources of a rooftop are judged, as the directory says it.

use jiff::SignedDuration;
use throughline_process::Watch;
use throughline_proto::tenant::v1 as tenant;

use super::schedule;

/// Ingestion has checked what it says; hours that could not be read would mean always open.
pub fn watch(rooftop: &tenant::Rooftop) -> Watch {
    let calendars = schedule(rooftop).map(|schedule| schedule.rooftop().clone()).unwrap_or_default();
    let declared = rooftop.feeds.iter().filter_map(|feed| {
        let interval = feed.interval.as_ref()?;
        Some((feed.source.clone(), SignedDuration::new(interval.seconds, interval.nanos)))
    });
    Watch { calendars, declared: declared.collect() }
}
