//! The only place that names the database.

mod cars;
mod expiry;
mod feeds;
mod load;
mod read;
pub mod rows;
mod save;
mod sweep;
mod watch;
mod work;

use jiff::Timestamp;
use throughline_platform::jiff_sqlx;

pub use cars::{knowing_car, same_vehicle, selling};
pub use expiry::{OBSERVED, expire, expiring, parts_expiring};
pub use feeds::{
    KnownFeed, SourceColumns, SourceRow, feeds_known, feeds_of_rooftop, put_feeds_right, sources, stale_feeds,
};
pub use load::deals_before;
pub use load::{
    Before, RooftopRow, StoredInput, inputs, inputs_until, linked, linked_to_deals, observed_until, rooftops,
};
pub use read::{
    BoardRooftop, DealRow, Found, Wanted, board, board_aged, board_rooftops, by_id, by_number, having, list, schedules,
    state_hashes, timeline,
};
pub use save::{DealColumns, Saving};
pub use sweep::{ROOFTOP, begin_refolds, deals_to_refold, due, next_refold, refold_done, refold_moved};
pub use watch::{watched_observed, watched_rooftops};
pub use work::{CountRow, Place, WorkRow, count_work, list_work};

pub use sqlx::Error;

/// What Postgres makes of an instant: it keeps microseconds.
fn at(instant: Timestamp) -> jiff_sqlx::Timestamp {
    jiff_sqlx::Timestamp::from(instant)
}

fn small(part: u16) -> i16 {
    // Parts are 0 to 255.
    part as i16
}
