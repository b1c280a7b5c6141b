//! What really happened to each deal, to hold reports against.

use serde::Serialize;

use crate::event::Name;
use crate::week::{Millis, in_minutes};

/// Minutes at the handoffs where nobody holds the deal. A wait that never ended is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Waits {
    /// Appraisal requested -> started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appraisal: Option<f64>,
    /// Write-up submitted -> desk started, first round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desk0: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desk1: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desk2: Option<f64>,
    /// Agreed -> in the F&I office; the lender's time counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fi: Option<f64>,
    /// Contract signed -> delivery started; the car's get-ready counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<f64>,
}

impl Waits {
    pub(crate) fn desk(&mut self, round: usize) -> &mut Option<f64> {
        match round {
            0 => &mut self.desk0,
            1 => &mut self.desk1,
            _ => &mut self.desk2,
        }
    }
}

pub(crate) fn waited(since: Millis, now: Millis) -> Option<f64> {
    Some(in_minutes(now - since))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Delivered,
    Lost,
}

/// One deal's waits and end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DealTruth {
    /// The subject of its events.
    pub deal: Name,
    pub rooftop: Name,
    pub waits: Waits,
    pub outcome: Outcome,
}
