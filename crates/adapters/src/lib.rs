//! Source profiles: how the rows of a vendor's file become canonical events. Pure: bytes go in, events and counts come out.
//!
//! A [`Profile`] names the columns that are read; a [`Rows`] reader takes those alone from the file, so that nothing else is
//! ever held; a [`Mapper`] makes events of each row and says in words what it made of those that gave none; its [`Memory`] outlives it.

mod canonical;
mod event;
mod mapper;
mod memory;
mod profile;
mod rows;
mod time;
mod unpack;

pub use event::{Event, Facts};
pub use mapper::{Mapped, Mapper, Unmapped};
pub use memory::{Changes, Given, MOST_POLLED, Memory, Polls, RowHash};
pub use profile::{BUILT_IN, Format, InvalidProfile, Profile, RooftopColumn, built_in};
pub use rows::{BoundedLines, Broken, Row, Rows, TooLong};
pub use time::{Moment, Quality};
pub use unpack::unpack;
