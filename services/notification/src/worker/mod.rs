//! The follower of the flag log, the sender, and housekeeping.

mod decider;
mod housekeeping;
mod sender;
mod settle;
mod shares;
mod try_once;

pub use decider::Decider;
pub use housekeeping::keep_house;
pub use sender::Sender;
