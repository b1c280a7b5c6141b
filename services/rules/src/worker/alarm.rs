//! What happens when an alarm rings.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use prost::Message;
use throughline_platform::trace::{self, TraceContext};
use throughline_proto as pb;

use super::judge::{Case, Told};
use crate::store::{DealKey, DueDeal};

/// An alarm later than this after its deal's last entry has a trace of its own.
const SAME_TRACE: SignedDuration = SignedDuration::from_mins(10);

/// What is to be judged, or why the deal cannot be read.
pub(super) fn ring(key: DealKey, deal: DueDeal, rule_time: Timestamp) -> Result<Case, String> {
    let body = Bytes::from(deal.body);
    let unreadable = |why: &dyn std::fmt::Display| format!("a kept deal cannot be read: {why}");
    let read = pb::deal::v1::Deal::decode(body.clone()).map_err(|why| unreadable(&why))?;
    let told = Told::of(&read, body).map_err(|why| unreadable(&why))?;
    let trace = trace_of_alarm(&deal.trace, rule_time.duration_since(deal.recorded_at));
    Ok(Case {
        key,
        told: Some(told),
        takes_over: Vec::new(),
        now: rule_time,
        origin: deal.origin,
        recorded_at: deal.recorded_at,
        trace,
    })
}

/// Soon after the deal's last entry an alarm belongs to its trace; later it begins one of its own, with a link.
fn trace_of_alarm(last: &TraceContext, later: SignedDuration) -> TraceContext {
    if later <= SAME_TRACE {
        return trace::context_of(&trace::child_span(last, "rules.alarm"), last);
    }
    let span = trace::root_span("rules.alarm");
    trace::link(&span, last);
    trace::context_of(&span, &TraceContext::default())
}
