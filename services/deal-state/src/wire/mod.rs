//! Between what travels and what is decided on.

mod deal;
mod event;
mod work;

pub use deal::{Facts, deal, deal_name, quality, read_key, read_quality, state};
pub use event::event;
pub use work::{Listed, age, list, read_list, work_item};
