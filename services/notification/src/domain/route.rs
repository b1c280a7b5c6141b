//! Routes: which flags go where.

use super::{Flag, Severity};

/// Where a route leads, without the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    Log,
    Webhook,
}

impl ChannelKind {
    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Webhook => "webhook",
        }
    }
}

/// What decides whether a flag takes a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub group: String,
    pub id: String,
    /// Empty: all.
    pub rooftops: Vec<String>,
    /// Empty: all.
    pub measures: Vec<String>,
    pub min_severity: Severity,
    pub channel: ChannelKind,
}

impl Route {
    /// Whether a flag at this step is told of on this route.
    pub fn takes(&self, flag: &Flag, step: Severity) -> bool {
        let among = |list: &[String], value: &str| list.is_empty() || list.iter().any(|item| item == value);
        self.group == flag.group
            && step >= self.min_severity
            && among(&self.rooftops, &flag.rooftop)
            && among(&self.measures, &flag.measure)
    }
}
