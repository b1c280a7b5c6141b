//! Between what travels and what is decided on.

mod deal;
mod event;
mod watch;

pub use deal::{Facts, deal, deal_name, read_key, state};
pub use event::event;
pub use watch::watch;
