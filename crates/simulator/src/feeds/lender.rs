//! The lender portal: contract statuses by application, in local time without a zone.

use super::visit::Visit;
use super::{Store, table};

const HEADER: &str = "Application,Dealer,Deal Number,VIN,Status,Status Date,Reason";

const STATUSES: [(&str, &str); 5] = [
    ("deal.contract.signed", "Signed"),
    ("deal.contract.submitted", "Contract Submitted"),
    ("deal.contract.received", "Contract Received"),
    ("deal.contract.returned", "Returned"),
    ("deal.funded", "Book/Funded"),
];

/// Share of the rows in which nobody wrote the deal's number.
const NUMBERLESS: f64 = 0.2;

/// Cash deals know no lender.
pub(super) fn statuses(store: &Store<'_>, visits: &[Visit<'_>]) -> String {
    let mut rows = Vec::new();
    for visit in visits.iter().filter(|visit| visit.is_sold() && visit.is_financed()) {
        let mut draw = store.draw("lender", visit.number);
        let numbers = &visit.numbers;
        for (kind, status) in STATUSES {
            for event in visit.every(kind) {
                let deal = if draw.chance(NUMBERLESS) { "" } else { &numbers.deal };
                let (date, reason) = (store.clock.second(event.time), event.data.reason.map_or("", said));
                let whose = format!("{},{},{deal},{}", numbers.application, store.rooftop, numbers.vin);
                rows.push((event.time, format!("{whose},{status},{date},{reason}")));
            }
        }
    }
    table(HEADER, rows)
}

/// A reason in the portal's words, as far as it has its own.
fn said(reason: &'static str) -> &'static str {
    match reason {
        "stip_missing" => "stip",
        "wrong_mileage" => "wrong mileage",
        "wrong_vin" => "wrong vin",
        other => other,
    }
}
