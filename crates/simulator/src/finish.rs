//! After the handshake: credit, the F&I line and office, the car's get-ready beside them, and the delivery.

use crate::event::{Data, Role};
use crate::store::{DETAIL, FI, SALES, Step, Store};
use crate::truth::{Outcome, waited};
use crate::week::{Millis, minutes};

/// How long the salesperson takes to tell a customer that no lender will have them, in minutes.
const TELLS_DENIAL: f64 = 6.0;

impl Store<'_> {
    pub(crate) fn is_lost(&self, visit: usize) -> bool {
        self.visits[visit].outcome == Some(Outcome::Lost)
    }

    pub(crate) fn ask_credit(&mut self, visit: usize) {
        if self.is_lost(visit) {
            return;
        }
        let Some(credit) = &self.visits[visit].customer.credit else { return };
        let lenders = credit.lenders;
        let factor = if credit.automatic { 1.0 } else { self.rooftop.lender_factor() };
        let decides = (credit.decides as f64 * factor).round() as Millis;
        self.tell(visit, "deal.credit.submitted", Data { lenders: Some(lenders), ..Data::default() });
        self.after(decides, Step::Decides(visit));
    }

    pub(crate) fn decide_credit(&mut self, visit: usize) {
        if self.is_lost(visit) {
            return;
        }
        let Some(credit) = &self.visits[visit].customer.credit else { return };
        let (result, stip) = (credit.result, credit.stip);
        self.visits[visit].state.decided = true;
        self.tell(visit, "deal.credit.decisioned", Data { result: Some(result), ..Data::of(Role::Lender) });
        if self.visits[visit].customer.is_denied() {
            return self.after(minutes(TELLS_DENIAL), Step::IsDenied(visit));
        }
        if let Some(stip) = stip {
            self.tell(visit, "deal.stip.requested", Data::of(Role::Lender));
            self.after(stip, Step::BringsStip(visit));
        }
        self.join_fi_line(visit);
    }

    pub(crate) fn bring_stip(&mut self, visit: usize) {
        if !self.is_lost(visit) {
            self.tell(visit, "deal.stip.received", Data::default());
        }
    }

    /// Joins the line once the deal is agreed and, where it is financed, a lender has said yes.
    pub(crate) fn join_fi_line(&mut self, visit: usize) {
        let state = &self.visits[visit].state;
        let has_money = state.decided || self.visits[visit].customer.credit.is_none();
        if !state.agreed || !has_money || state.in_fi_line {
            return;
        }
        if self.dark {
            return self.lose(visit, "went_home");
        }
        self.visits[visit].state.in_fi_line = true;
        self.crews[FI].line.push_back(visit);
        self.dispatch(FI);
    }

    pub(crate) fn start_fi(&mut self, visit: usize, person: usize) {
        let since = self.visits[visit].since.agreed;
        self.visits[visit].waits.fi = waited(since, self.now);
        let data = self.by(FI, person);
        self.tell(visit, "deal.fi.started", data);
        self.after(self.visits[visit].customer.menu_after, Step::SeesMenu(visit, person));
    }

    pub(crate) fn show_menu(&mut self, visit: usize, person: usize) {
        let data = self.by(FI, person);
        self.tell(visit, "deal.menu.presented", data);
        self.after(self.visits[visit].customer.signs_after, Step::Signs(visit, person));
    }

    pub(crate) fn sign(&mut self, visit: usize, person: usize) {
        self.visits[visit].state.signed = true;
        self.visits[visit].since.signed = self.now;
        let by_fi = self.by(FI, person);
        self.tell(visit, "deal.contract.signed", by_fi.clone());
        let wraps_up = self.visits[visit].customer.wraps_up;
        self.tell_at(self.now + wraps_up, visit, "deal.fi.finished", by_fi);
        self.after(wraps_up, Step::WrapsUp(person));
        self.hand_over(visit);
    }

    pub(crate) fn start_get_ready(&mut self, visit: usize, person: usize) {
        let data = self.by(DETAIL, person);
        self.tell(visit, "deal.vehicle.get_ready_started", data);
        self.after(self.visits[visit].customer.get_ready, Step::IsReady(visit, person));
    }

    pub(crate) fn make_ready(&mut self, visit: usize, person: usize) {
        let data = self.by(DETAIL, person);
        self.tell(visit, "deal.vehicle.ready", data);
        self.visits[visit].state.ready = true;
        self.free(DETAIL, person);
        if !self.is_lost(visit) {
            self.hand_over(visit);
        }
    }

    /// Both the paper and the car are there: any salesperson may deliver.
    fn hand_over(&mut self, visit: usize) {
        if self.visits[visit].state.signed && self.visits[visit].state.ready {
            self.handovers.push_back(visit);
            self.dispatch(SALES);
        }
    }

    pub(crate) fn start_delivery(&mut self, visit: usize, person: usize) {
        let since = self.visits[visit].since.signed;
        self.visits[visit].waits.delivery = waited(since, self.now);
        let data = self.by(SALES, person);
        self.tell(visit, "deal.delivery.started", data);
        self.after(self.visits[visit].customer.handover, Step::Delivers(visit, person));
    }

    pub(crate) fn deliver(&mut self, visit: usize, person: usize) {
        let data = self.by(SALES, person);
        self.tell(visit, "deal.delivered", data);
        self.visits[visit].outcome = Some(Outcome::Delivered);
        self.inside.retain(|inside| *inside != visit);
        self.free(SALES, person);
        self.file(visit);
        if self.visits[visit].customer.trade {
            self.take_in_trade(visit);
        }
    }
}
