//! What became of an event, as it is answered.

use serde_json::{Value, json};
use throughline_proto::ingestion::v1::EventResult;

use crate::intake::{Answer, Settled};

/// For gRPC.
pub(crate) fn render(settled: Settled) -> EventResult {
    EventResult {
        id: settled.id,
        outcome: settled.outcome as i32,
        status: settled.why.map(|why| why.to_rpc_status()),
        dropped_fields: settled.dropped_fields,
    }
}

/// For HTTP: `AppendEventsResponse` in protobuf's JSON mapping.
pub(crate) fn render_json(answer: &Answer) -> Value {
    let results: Vec<Value> = answer.events.iter().map(settled_json).collect();
    json!({ "results": results, "consistencyToken": answer.consistency_token })
}

fn settled_json(settled: &Settled) -> Value {
    let mut result = json!({ "id": settled.id, "outcome": settled.outcome.as_str_name() });
    if let Some(why) = &settled.why {
        result["status"] = json!({
            "code": why.code() as i32,
            "message": why.message(),
            "details": why.json_details(None),
        });
    }
    if !settled.dropped_fields.is_empty() {
        result["droppedFields"] = settled.dropped_fields.clone().into();
    }
    result
}
