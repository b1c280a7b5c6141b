//! What a report is made of: pure, synchronous and total.

mod batch;
mod deal;
mod interval;
mod open_hours;
mod question;
mod waits;

pub use batch::{Batch, Rooftop};
pub use deal::{Deal, DealKey, Kept, News, State, replace};
pub use interval::Versioned;
pub use open_hours::{MOST_TIMED, OpenHours, Percentiles};
pub use question::{Cut, MOST_ROWS, Question};
pub use waits::Waits;
