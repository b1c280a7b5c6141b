//! Seeded days at car dealers' rooftops: who came, who waited for whom, and what the systems reported of it.
//!
//! A discrete-event simulation, pure and without a clock: the same [`Plan`] gives the same bytes. Customers draw their
//! whole visit (what they want, how long each step takes them) from a random stream of their own before they come in, so a
//! [`Condition`] changes only who waits for whom, and two plans that differ in one condition can be compared visit by visit.
//!
//! - [`simulate`]: the events as the edge would receive them, late and repeated ones included;
//! - [`truth`]: what every deal really waited, to hold a report against;
//! - [`busy_saturday`]: the plan of the demonstration, [`late_saturday`] that of sample feeds;
//! - [`feeds`]: the same days as the files that vendors' systems would hand over, with the truth beside them;
//! - [`volume`]: a cheap stream of any length for benchmarks, without queues.

mod crew;
mod customer;
mod desk;
mod disorder;
mod draw;
mod event;
mod feeds;
mod finish;
mod late;
mod office;
mod plan;
mod recon;
mod saturday;
mod shifts;
mod showroom;
mod store;
mod truth;
mod vin;
mod volume;
mod week;

pub use event::{CloudEvent, Data, Name, Role};
pub use feeds::{File, RooftopFeeds, feeds};
pub use late::late_saturday;
pub use plan::{Condition, Disorder, Error, Plan, RooftopPlan};
pub use saturday::busy_saturday;
pub use truth::{DealTruth, Outcome, Waits};
pub use volume::volume;

use jiff::Timestamp;

/// An event and the instant at which it would reach the edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulated {
    pub event: CloudEvent,
    /// The event's own time, or later where it was delayed; a repeated event occurs twice, the same to the byte.
    pub arrives_at: Timestamp,
}

/// Plays the plan and returns its events in order of arrival.
///
/// Deals run to their end, so events of paper and reconditioning lie days after the plan's last day.
///
/// # Errors
/// A plan that can't be played, with the rooftop and the value: an unknown zone, no staff in a role, a share outside 0 to 1,
/// two rooftops of one id, too many days or customers.
pub fn simulate(plan: &Plan) -> Result<Vec<Simulated>, Error> {
    let mut arrived = Vec::new();
    for (rooftop, told) in store::play(plan)? {
        arrived.extend(disorder::send(plan, &rooftop.id, told.events));
    }
    // stable, so that events of one instant stay in the order in which they happened
    arrived.sort_by_key(|simulated| (simulated.arrives_at, simulated.event.time));
    Ok(arrived)
}

/// What every deal of the plan really waited and how it ended, by rooftop and in order of arrival.
///
/// # Errors
/// As [`simulate`].
pub fn truth(plan: &Plan) -> Result<Vec<DealTruth>, Error> {
    Ok(store::play(plan)?.into_iter().flat_map(|(_, told)| told.deals).collect())
}
