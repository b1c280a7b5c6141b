//! What a deal is, decided from its events: pure, synchronous and total.
//!
//! A [`Definition`] says how a process runs (tracks, intervals, targets); [`fold`] turns the set of a deal's
//! accepted [`Event`]s into a [`Deal`]; [`flag::flags`] says which parts of it deserve attention at an instant;
//! [`floor::floor`] says how a rooftop stands. Nothing here reads a clock, a file or a socket, so the same code runs live,
//! in replay and in a backtest.

pub mod alert;
pub mod calendar;
pub mod deal;
pub mod definition;
pub mod event;
pub mod evidence;
pub mod feed;
pub mod flag;
pub mod floor;
pub mod fold;
pub mod hash;
pub mod interval;
pub mod key;
pub mod quantile;
mod undo;
pub mod vin;

pub use calendar::{Calendar, Calendars, Durations, Schedule};
pub use deal::Deal;
pub use definition::Definition;
pub use event::{Bound, Event, EventTime, Origin, PEOPLE, Quality};
pub use evidence::{Absence, Evidence, Heard, Silence};
pub use feed::{Feed, Health, Judged, News, Watch, health};
pub use flag::{Flags, flags};
pub use fold::{Folded, MAX_EVENTS, Observed, fold};
pub use hash::{combined_hash, state_hash};
pub use interval::{ClosedBy, EventRef, Interval, IntervalKind, IntervalState, same_episode};
pub use jiff::{SignedDuration, Timestamp};
pub use key::{Key, KeyKind, deal_id, keys_of};
pub use vin::{CheckDigit, check_digit};
