//! Between what travels and what is decided on.

mod deal;
mod durations;
mod event;
mod rooftop;
mod watch;
mod work;

pub use deal::{Facts, deal, deal_name, quality, read_key, read_quality, rooftop_of, state};
pub use durations::{time_deal, time_entry};
pub use event::event;
pub use rooftop::schedule;
pub use watch::watch;
pub use work::{Listed, age, list, read_list, work_item};
