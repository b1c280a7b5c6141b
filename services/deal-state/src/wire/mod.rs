//! Between what travels and what is decided on.

mod deal;
mod durations;
mod event;
mod rooftop;
mod unknown;
mod watch;
mod work;

pub use deal::{Facts, IDENTITY_AMBIGUOUS, deal, deal_name, place_of, read_key, rooftop_of, state};
pub use durations::time_intervals;
pub use event::event;
pub use rooftop::schedule;
pub use unknown::mark_unknown;
pub use watch::watch;
pub use work::{Listed, age, list, read_list, work_item};
