//! Between what travels and what is decided on.

mod deal;
mod durations;
mod event;
mod rooftop;
mod watch;

pub use deal::{Facts, deal, deal_name, read_key, rooftop_of, state};
pub use durations::{time_deal, time_entry};
pub use event::event;
pub use rooftop::schedule;
pub use watch::watch;
