//! From the lot to the write-up: the salesperson holds the customer, the appraiser the trade.

use crate::event::Data;
use crate::store::{APPRAISERS, SALES, Step, Store};
use crate::truth::{Outcome, waited};

impl Store<'_> {
    pub(crate) fn arrive(&mut self, visit: usize) {
        self.inside.push(visit);
        self.crews[SALES].line.push_back(visit);
        self.after(self.visits[visit].customer.patience, Step::GivesUp(visit));
        self.dispatch(SALES);
    }

    /// Nobody had time: they drive on, and no system ever knew of them.
    pub(crate) fn give_up(&mut self, visit: usize) {
        if self.crews[SALES].drop_out(visit) {
            self.inside.retain(|inside| *inside != visit);
        }
    }

    /// Salespeople deliver first, the customer's own one if free, and then greet.
    pub(crate) fn dispatch_sales(&mut self) {
        while let Some(anyone) = self.crews[SALES].free() {
            let Some(visit) = self.handovers.pop_front() else { break };
            let own = self.visits[visit].salesperson.filter(|person| self.crews[SALES].is_free(*person));
            let person = own.unwrap_or(anyone);
            self.crews[SALES].people[person].busy = true;
            self.start_delivery(visit, person);
        }
        while let Some((visit, person)) = self.crews[SALES].next() {
            self.greet(visit, person);
        }
    }

    fn greet(&mut self, visit: usize, person: usize) {
        self.visits[visit].salesperson = Some(person);
        let data = Data { kind: Some(self.visits[visit].customer.kind), ..self.by(SALES, person) };
        self.tell(visit, "deal.opened", data);
        self.after(self.visits[visit].customer.needs, Step::KnowsNeeds(visit));
    }

    pub(crate) fn know_needs(&mut self, visit: usize) {
        let by_sales = self.by_own_salesperson(visit);
        if self.visits[visit].customer.trade {
            self.visits[visit].since.requested = self.now;
            let data = Data { trade: Some(self.visits[visit].trade.clone()), ..by_sales.clone() };
            self.tell(visit, "trade.appraisal.requested", data);
            self.crews[APPRAISERS].line.push_back(visit);
        }
        if self.visits[visit].customer.drives {
            self.tell(visit, "deal.demo.started", by_sales);
        }
        self.after(self.visits[visit].customer.shown, Step::HasSeen(visit));
        self.dispatch(APPRAISERS);
    }

    pub(crate) fn start_appraisal(&mut self, visit: usize, person: usize) {
        let since = self.visits[visit].since.requested;
        self.visits[visit].waits.appraisal = waited(since, self.now);
        let data = Data { trade: Some(self.visits[visit].trade.clone()), ..self.by(APPRAISERS, person) };
        self.tell(visit, "trade.appraisal.started", data);
        self.after(self.visits[visit].customer.appraisal, Step::Appraises(visit, person));
    }

    pub(crate) fn appraise(&mut self, visit: usize, person: usize) {
        let data = Data { trade: Some(self.visits[visit].trade.clone()), ..self.by(APPRAISERS, person) };
        self.tell(visit, "trade.appraised", data);
        self.visits[visit].state.appraised = true;
        self.sit_down(visit);
        self.free(APPRAISERS, person);
    }

    pub(crate) fn have_seen(&mut self, visit: usize) {
        self.visits[visit].state.shown = true;
        if self.dark && self.crews[APPRAISERS].drop_out(visit) {
            return self.lose(visit, "went_home");
        }
        self.sit_down(visit);
    }

    /// The customer has seen the car and knows what the trade is worth: talk, or go.
    fn sit_down(&mut self, visit: usize) {
        let (customer, state) = (&self.visits[visit].customer, &self.visits[visit].state);
        if !state.shown || (customer.trade && !state.appraised) {
            return;
        }
        if self.dark {
            return self.lose(visit, "went_home");
        }
        let next = if customer.walks { Step::Walks(visit) } else { Step::WritesUp(visit) };
        self.after(self.visits[visit].customer.prepares, next);
    }

    /// The customer leaves without a car. Whoever is at work for them finishes; lines they stand in lose them.
    pub(crate) fn lose(&mut self, visit: usize, reason: &'static str) {
        let held = !self.visits[visit].state.agreed;
        let by = if held { self.by_own_salesperson(visit) } else { Data::default() };
        self.inside.retain(|inside| *inside != visit);
        for crew in &mut self.crews {
            crew.drop_out(visit);
        }
        let Some(person) = self.visits[visit].salesperson else { return };
        self.tell(visit, "deal.lost", Data { reason: Some(reason), ..by });
        self.visits[visit].outcome = Some(Outcome::Lost);
        if held {
            self.free(SALES, person);
        }
    }

    pub(crate) fn by_own_salesperson(&self, visit: usize) -> Data {
        self.visits[visit].salesperson.map(|person| self.by(SALES, person)).unwrap_or_default()
    }
}
