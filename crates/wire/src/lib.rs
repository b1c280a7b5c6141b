//! Conversions between the published language (`throughline-proto`) and the types of the process engine
//! (`throughline-process`). One home: every service reads and renders these messages here.
//!
//! `render_…` makes a message; `read_…` takes one in and names what is missing or malformed.

mod bound;
mod interval;

pub use bound::{optional_bound, read_bound, read_instant, read_quality, render_bound, render_quality};
pub use interval::{
    read_event_refs, read_interval, read_kind, render_event_refs, render_interval, render_kind, render_state,
};

/// What a message lacks, and of which part; never carries content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is missing or malformed")]
pub struct Unreadable {
    what: String,
}

impl Unreadable {
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}
