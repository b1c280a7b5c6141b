//! Deliveries, as callers read them.

use jiff::Timestamp;
use throughline_proto as pb;
use uuid::Uuid;

use super::flag_name;
use crate::domain::Severity;

pub use pb::notification::v1::DeliveryState;

/// A message and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub id: Uuid,
    pub route: String,
    pub rooftop: String,
    pub flag: String,
    pub step: Severity,
    pub state: DeliveryState,
    pub attempts: u32,
    pub last_result: String,
    pub decided_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// The wire form of a message's state.
pub fn render_delivery(group: &str, delivery: &Delivery) -> pb::notification::v1::Delivery {
    pb::notification::v1::Delivery {
        name: format!("groups/{group}/deliveries/{}", delivery.id),
        route: format!("groups/{group}/routes/{}", delivery.route),
        flag: flag_name(group, &delivery.rooftop, &delivery.flag),
        step: delivery.step.as_str().to_owned(),
        state: delivery.state.into(),
        attempts: delivery.attempts,
        last_result: delivery.last_result.clone(),
        create_time: Some(pb::time::to_wire(delivery.decided_at)),
        end_time: delivery.ended_at.map(pb::time::to_wire),
    }
}
