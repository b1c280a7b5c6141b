//! Between the wire and the domain.

mod deal;
mod parent;
mod report;
mod rooftop;

pub use deal::{news_of_deal, news_of_retraction};
pub use parent::Parent;
pub use report::{parse_question, render_measure, render_quality, render_waits};
pub use rooftop::{rooftop, schedule};

pub use throughline_wire::Unreadable;
