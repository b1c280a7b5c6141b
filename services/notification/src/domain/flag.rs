//! Flags, as far as they matter for telling somebody.

use jiff::Timestamp;

/// How urgent. Each one that a flag reaches is a step of it, told of at most once a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Yellow,
    Red,
}

impl Severity {
    /// Its name in messages and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }
}

/// Whether a flag still deserves attention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub closed: bool,
    /// Somebody has it.
    pub acknowledged: bool,
    /// As is known now, it never stood.
    pub retracted: bool,
    /// When the last event of its deal that came in as history was recorded.
    pub history_recorded_at: Option<Timestamp>,
}

/// A flag as an entry tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    pub group: String,
    pub rooftop: String,
    pub id: String,
    /// Id of the flag that it was under another name of its deal: whoever was told of that knows of this.
    pub continues: Option<String>,
    /// Measure of the definition, such as `handoff.fi`.
    pub measure: String,
    /// The highest reached.
    pub severity: Severity,
    /// When yellow was crossed.
    pub opened_at: Timestamp,
    /// When red was crossed, if it was.
    pub red_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    pub acknowledged: bool,
    /// When the last event of its deal that came in as history was recorded: no message is sent for what was crossed until then.
    pub history_recorded_at: Option<Timestamp>,
    /// Counts up with each change.
    pub revision: u64,
}

impl Flag {
    pub fn standing(&self) -> Standing {
        Standing {
            closed: self.closed_at.is_some(),
            acknowledged: self.acknowledged,
            retracted: false,
            history_recorded_at: self.history_recorded_at,
        }
    }

    /// By what messages about it are known, whatever its deal was called when they were sent.
    pub fn known_as(&self) -> &str {
        self.continues.as_deref().unwrap_or(&self.id)
    }

    /// The step that it stands at, and since when.
    pub fn step(&self) -> (Severity, Timestamp) {
        match self.severity {
            Severity::Yellow => (Severity::Yellow, self.opened_at),
            Severity::Red => (Severity::Red, self.red_at.unwrap_or(self.opened_at)),
        }
    }
}
