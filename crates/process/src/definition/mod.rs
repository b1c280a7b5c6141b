//! The process is data: a versioned definition, checked once and indexed for the fold.

mod check;
mod document;
mod index;

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock},
};

pub use document::*;

pub(crate) use index::{Effects, Index, TimedInterval, TypeId};

use crate::interval::IntervalKind;

const RETAIL_DEAL: &str = include_str!("retail-deal.json");

/// A checked process definition. It reads like its [`Document`].
#[derive(Clone, Debug)]
pub struct Definition {
    document: Document,
    name: String,
    index: Index,
}

/// Everything that is wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the definition has {} mistakes, first {}", violations.len(), Violation::first(violations))]
pub struct Error {
    /// Never empty.
    pub violations: Vec<Violation>,
}

/// One mistake and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Such as `stages[3].enter[0]`.
    pub path: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl Violation {
    fn first(violations: &[Self]) -> String {
        violations.first().map(Self::to_string).unwrap_or_default()
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.problem)
    }
}

impl Definition {
    /// The shipped default: a retail deal from the showroom to funded and to the used-car line.
    pub fn retail_deal() -> Arc<Self> {
        static SHIPPED: OnceLock<Arc<Definition>> = OnceLock::new();
        Arc::clone(SHIPPED.get_or_init(|| {
            Arc::new(Self::from_json(RETAIL_DEAL).expect("the shipped definition is valid, which a test holds"))
        }))
    }

    /// Reads and checks a definition; the error names every mistake at once.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let document: Document = serde_json::from_str(json).map_err(|error| Error {
            violations: vec![Violation {
                path: format!("line {} column {}", error.line(), error.column()),
                problem: error.to_string(),
            }],
        })?;
        Self::from_document(document)
    }

    /// Checks a definition; the error names every mistake at once.
    pub fn from_document(document: Document) -> Result<Self, Error> {
        let violations = check::violations(&document);
        if !violations.is_empty() {
            return Err(Error { violations });
        }
        let name = format!("{}@{}", document.id, document.version);
        let index = Index::of(&document);
        Ok(Self { document, name, index })
    }

    /// Its identifier with the version, such as `retail-deal@1`.
    pub fn version(&self) -> &str {
        &self.name
    }

    pub fn document(&self) -> &Document {
        &self.document
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.document).unwrap_or_default()
    }

    /// Rank of a type among events of one instant; unknown types come last.
    pub fn rank(&self, event_type: &str) -> u32 {
        self.index.type_id(event_type).map_or(u32::MAX, |id| self.index.effects(id).rank)
    }

    /// Whether the definition names this type.
    pub fn knows(&self, event_type: &str) -> bool {
        self.index.type_id(event_type).is_some()
    }

    /// The interval of a kind and name.
    pub fn interval(&self, kind: IntervalKind, name: &str) -> Option<&IntervalDef> {
        self.document.intervals.iter().find(|interval| interval.kind == kind && interval.name == name)
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }
}

impl Deref for Definition {
    type Target = Document;

    fn deref(&self) -> &Document {
        &self.document
    }
}
