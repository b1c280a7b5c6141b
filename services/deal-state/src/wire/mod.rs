//! Between what travels and what is decided on.

mod deal;
mod durations;
mod event;
mod rooftop;
mod watch;
mod work;

pub use deal::{
    Facts, IDENTITY_AMBIGUOUS, bound, deal, deal_name, place_of, quality, read_key, read_quality, rooftop_of, state,
};
pub use durations::{time_deal, time_entry};
pub use event::{bound as read_bound, event};
pub use rooftop::schedule;
pub use watch::watch;
pub use work::{Listed, age, list, read_list, work_item};
