//! The days after a delivery: jacket, contract, lender, money.

use crate::event::{Data, Role};
use crate::store::{Store, Visit};
use crate::week::{Millis, minutes};

/// Share of contracts that a lender sends back.
const RETURNED: f64 = 0.12;

/// Share of jackets that accounting sends back.
const JACKET_RETURNED: f64 = 0.05;

/// Share of delivery reports that the maker refuses.
const RDR_REJECTED: f64 = 0.03;

const CONTRACT_REASONS: [&str; 6] =
    ["missing_signature", "stip_missing", "terms_mismatch", "wrong_mileage", "wrong_vin", "verification_failed"];

impl Store<'_> {
    /// Everything that the office and the lender do with a delivered deal, told ahead: nothing in the store waits for it.
    pub(crate) fn file(&mut self, visit: usize) {
        let submitted = self.file_jacket(visit);
        self.report_delivery(visit);
        if self.visits[visit].customer.credit.is_none() {
            return self.tell_office(submitted, visit, "deal.funded");
        }
        self.collect_money(visit, submitted);
    }

    /// Returns when accounting has accepted the jacket.
    fn file_jacket(&mut self, visit: usize) -> Millis {
        // never on the evening of the sale: it is looked at the next time the office opens
        let overnight = self.now + minutes(9.0 * 60.0);
        let mut at = self.office_time(visit, overnight, 70.0);
        self.tell_office(at, visit, "deal.jacket.submitted");
        if self.visits[visit].draw.chance(JACKET_RETURNED) {
            at = self.office_time(visit, at, 60.0);
            self.tell_at(at, visit, "deal.jacket.returned", Data::because("jacket_incomplete"));
            at = self.office_time(visit, at, 240.0);
            self.tell_office(at, visit, "deal.jacket.submitted");
        }
        at = self.office_time(visit, at, 90.0);
        self.tell_office(at, visit, "deal.jacket.accepted");
        at
    }

    fn report_delivery(&mut self, visit: usize) {
        if self.visits[visit].customer.kind != "new" {
            return;
        }
        let mut at = self.office_time(visit, self.now, 60.0);
        self.tell_office(at, visit, "deal.rdr.transmitted");
        if self.visits[visit].draw.chance(RDR_REJECTED) {
            at = self.office_time(visit, at, 120.0);
            self.tell_at(at, visit, "deal.rdr.rejected", Data::because("wrong_vin"));
            at = self.office_time(visit, at, 180.0);
            self.tell_office(at, visit, "deal.rdr.transmitted");
        }
    }

    /// The contract in transit. Four to ten calendar days are healthy; a return costs some more.
    fn collect_money(&mut self, visit: usize, accepted: Millis) {
        let mut at = self.office_time(visit, accepted, 45.0);
        self.tell_office(at, visit, "deal.contract.submitted");
        at = self.office_time(visit, at, 240.0);
        self.tell_at(at, visit, "deal.contract.received", Data::of(Role::Lender));
        if has_stip(&self.visits[visit]) {
            at = self.office_time(visit, at, 180.0);
            self.tell_at(at, visit, "deal.stip.cleared", Data::of(Role::Lender));
        }
        if self.visits[visit].draw.chance(RETURNED) {
            let reason = self.visits[visit].draw.pick(&CONTRACT_REASONS);
            at = self.office_time(visit, at, 420.0);
            let data = Data { reason: Some(reason), ..Data::of(Role::Lender) };
            self.tell_at(at, visit, "deal.contract.returned", data);
            at = self.office_time(visit, at, 600.0);
            self.tell_office(at, visit, "deal.contract.submitted");
            at = self.office_time(visit, at, 240.0);
            self.tell_at(at, visit, "deal.contract.received", Data::of(Role::Lender));
        }
        at = self.office_time(visit, at, 1_300.0);
        self.tell_at(at, visit, "deal.funded", Data::of(Role::Lender));
    }

    pub(crate) fn tell_office(&mut self, at: Millis, visit: usize, kind: &'static str) {
        self.tell_at(at, visit, kind, Data::of(Role::Office));
    }

    /// When work of about so many office minutes is done that could be taken up at `from`.
    pub(crate) fn office_time(&mut self, visit: usize, from: Millis, mean: f64) -> Millis {
        let work = self.visits[visit].draw.lasting(mean, 0.5);
        self.week.office_time(from, work)
    }
}

fn has_stip(visit: &Visit) -> bool {
    visit.customer.credit.as_ref().is_some_and(|credit| credit.stip.is_some())
}
