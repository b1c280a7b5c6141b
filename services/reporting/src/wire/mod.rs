//! Between the wire and the domain.

mod deal;
mod parent;
mod report;
mod rooftop;

pub use deal::{news_of_deal, news_of_retraction};
pub use parent::Parent;
pub use report::{parse_question, render_measure, render_quality, render_waits};
pub use rooftop::{rooftop, schedule};

/// What an entry lacks, without any content of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is missing or malformed")]
pub struct Unreadable(String);

impl Unreadable {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}
