//! Reconditioning: steps of the cars taken in trade, which it knows by their VIN alone.

use super::visit::Visit;
use super::{Store, table};

/// The used-car side's words for a step.
const STEPS: [(&str, &str); 9] = [
    ("check_in", "Check-in"),
    ("inspection", "Inspection"),
    ("estimate", "Estimate"),
    ("approval", "Approval"),
    ("parts", "Parts"),
    ("mechanical", "Mechanical"),
    ("body", "Body"),
    ("detail", "Detail"),
    ("photos", "Photos"),
];

/// A trade that was sold on at once has no step.
pub(super) fn steps(store: &Store<'_>, visits: &[Visit<'_>]) -> String {
    let mut rows = Vec::new();
    for visit in visits.iter().filter(|visit| visit.leaves_trade()) {
        let whose = format!("{},{}", visit.numbers.trade, store.rooftop);
        for (step, name) in STEPS {
            let of_step = |kind| visit.every(kind).find(|event| event.data.step == Some(step));
            let Some(entered) = of_step("trade.recon.step_entered") else { continue };
            let left = of_step("trade.recon.step_left").map(|event| store.clock.second(event.time)).unwrap_or_default();
            let row = format!("{whose},{name},{},{left}", store.clock.second(entered.time));
            rows.push(((visit.number, entered.time), row));
        }
        if let Some(shown) = visit.at("trade.frontline") {
            rows.push(((visit.number, shown), format!("{whose},Frontline,{},", store.clock.second(shown))));
        }
    }
    table("VIN,Store,Step,Entered,Left", rows)
}
