//! The finance log: a line a customer, to the minute, by hand.

use super::visit::Visit;
use super::{Store, table};

/// Share of the customers whom nobody wrote down.
const FORGOTTEN: f64 = 0.08;

pub(super) fn log(store: &Store<'_>, visits: &[Visit<'_>]) -> String {
    let mut rows = Vec::new();
    for visit in visits.iter().filter(|visit| visit.is_sold()) {
        let (Some(within), Some(signed)) = (visit.at("deal.fi.started"), visit.at("deal.contract.signed")) else {
            continue;
        };
        let (clock, numbers) = (&store.clock, &visit.numbers);
        // who stays beyond midnight wants it to be seen
        let forgotten = store.draw("finance", visit.number).chance(FORGOTTEN);
        if forgotten && clock.day(within) == clock.day(signed) {
            continue;
        }
        let whose = format!("{},{},{},{}", clock.day(within), store.rooftop, numbers.deal, numbers.stock);
        let by = visit.actor("deal.fi.started");
        rows.push((within, format!("{whose},{},{},{by}", clock.minute(within), clock.minute(signed))));
    }
    table("Date,Store,Deal,Stock,In,Out,F&I", rows)
}
