//! What a rooftop's system reports: canonical events in the shape of CloudEvents JSON lines.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

/// A key or an id that many events share: cloning it allocates nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl Deref for Name {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Who did it. The staff of a plan have the first five.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Salesperson,
    DeskManager,
    FiManager,
    Detailer,
    Appraiser,
    Lender,
    Office,
}

/// The facts of an event: the closed list that the edge lets through. What a type does not have is not written.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Data {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trade: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lenders: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<Car>,
}

/// The numbers of a car that is sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Car {
    pub stock: Name,
    pub vin: Name,
}

impl Data {
    pub(crate) fn by(actor: &Name, role: Role) -> Self {
        Self { actor: Some(actor.clone()), role: Some(role), ..Self::default() }
    }

    pub(crate) fn of(role: Role) -> Self {
        Self { role: Some(role), ..Self::default() }
    }

    pub(crate) fn because(reason: &'static str) -> Self {
        Self { reason: Some(reason), ..Self::default() }
    }
}

/// One event. Serialized it is one line of a canonical file, fields in the order of the CloudEvents specification.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CloudEvent {
    pub specversion: &'static str,
    /// A UUID that follows from the seed.
    pub id: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `//dms.example/<rooftop>`.
    pub source: Name,
    pub rooftop: Name,
    /// When it happened, in UTC, to the millisecond.
    #[serde(serialize_with = "to_the_millisecond")]
    pub time: Timestamp,
    /// The deal's key; none for events of staff and store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Name>,
    pub data: Data,
}

impl CloudEvent {
    /// The event as one line of JSON, without the line break.
    ///
    /// # Errors
    /// Only what `serde_json` gives; no event made here is known to fail.
    pub fn to_line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

fn to_the_millisecond<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.3}"))
}
