//! Between what travels and what is decided on.

mod deal;
mod event;

pub use deal::{Facts, deal, deal_name, read_key, state};
pub use event::event;
