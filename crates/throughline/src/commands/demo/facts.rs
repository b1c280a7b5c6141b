//! Who waited how long for F&I, and when the suite said so.
use std::collections::HashMap;

use throughline_proto::{
    deal::v1::{IntervalKind, IntervalState, ListDealsRequest, deal_service_client::DealServiceClient},
    rule::v1::Flag,
    time::from_wire,
};

use super::minutes;
use crate::{Connection, commands::flags::deal};

/// The failure that everybody remembers.
pub const FAILURE_MINUTES: f64 = 90.0;

/// A customer who waited longer than anybody should.
pub struct LongWait {
    /// Minutes from agreeing until the suite recorded a flag of it; `None` if it never did.
    pub warned_after: Option<f64>,
}

/// Customers who waited 90 minutes or more for F&I.
///
/// # Errors
/// If the suite refuses.
pub async fn long_waits(connection: &Connection, flags: &[Flag]) -> anyhow::Result<Vec<LongWait>> {
    let mut warned = HashMap::new();
    for flag in flags.iter().filter(|flag| flag.measure == "handoff.fi") {
        if let (Some(deal), Some(at)) = (deal(flag), flag.recorded_at.as_ref().and_then(from_wire)) {
            let first = warned.entry(deal).or_insert(at);
            *first = at.min(*first);
        }
    }
    let mut client = DealServiceClient::new(connection.channel.clone());
    let mut waits = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListDealsRequest {
            parent: connection.parent.clone(),
            page_size: 200,
            page_token,
            ..ListDealsRequest::default()
        };
        let page = client.list_deals(request).await?.into_inner();
        for found in &page.deals {
            for handoff in found
                .intervals
                .iter()
                .filter(|interval| interval.kind() == IntervalKind::Handoff && interval.name == "fi")
                .filter(|handoff| handoff.state() == IntervalState::Ended)
            {
                let at = |time: &Option<throughline_proto::event::v1::TimeBound>| {
                    time.as_ref().and_then(|time| time.latest.as_ref()).and_then(from_wire)
                };
                let (Some(offered), Some(ended)) = (at(&handoff.start), at(&handoff.end)) else { continue };
                if minutes(offered, ended) >= FAILURE_MINUTES {
                    waits.push(LongWait {
                        warned_after: warned.get(found.name.as_str()).map(|at| minutes(offered, *at)),
                    });
                }
            }
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(waits);
        }
    }
}
