//! Write-up, desk, pencil: the desk holds the deal, the salesperson the customer.

use crate::customer::{Round, Verdict};
use crate::event::Data;
use crate::store::{DESK, DETAIL, SALES, Step, Store};
use crate::truth::waited;

impl Store<'_> {
    pub(crate) fn write_up(&mut self, visit: usize) {
        if self.dark {
            return self.lose(visit, "went_home");
        }
        let round = self.visits[visit].round;
        self.visits[visit].since.submitted = self.now;
        let data = Data { round: Some(round), ..self.by_own_salesperson(visit) };
        self.tell(visit, "deal.writeup.submitted", data);
        if round == 0 && self.visits[visit].customer.credit.as_ref().is_some_and(|credit| credit.early) {
            self.apply_for_credit(visit);
        }
        self.crews[DESK].line.push_back(visit);
        self.dispatch(DESK);
    }

    pub(crate) fn start_desk(&mut self, visit: usize, person: usize) {
        let (round, since) = (self.visits[visit].round, self.visits[visit].since.submitted);
        *self.visits[visit].waits.desk(round) = waited(since, self.now);
        let data = Data { round: Some(round), ..self.by(DESK, person) };
        self.tell(visit, "deal.desk.started", data);
        self.after(self.this_round(visit).pencil, Step::Pencils(visit, person));
    }

    pub(crate) fn pencil(&mut self, visit: usize, person: usize) {
        let data = Data { round: Some(self.visits[visit].round), ..self.by(DESK, person) };
        self.tell(visit, "deal.pencil.presented", data);
        let (thinks, turn_over) = (self.this_round(visit).thinks, self.this_round(visit).turn_over);
        match turn_over {
            Some(goes_after) => {
                self.after(goes_after, Step::TurnsOver(visit, person));
                self.after(thinks, Step::Answers(visit, Some(person)));
            }
            None => {
                self.after(thinks, Step::Answers(visit, None));
                self.free(DESK, person);
            }
        }
    }

    pub(crate) fn turn_over(&mut self, visit: usize, person: usize) {
        let data = self.by(DESK, person);
        self.tell(visit, "deal.manager_to.started", data);
    }

    /// The customer's answer to the pencil, with the manager at the table if there was a turn-over.
    pub(crate) fn answer(&mut self, visit: usize, manager: Option<usize>) {
        match self.this_round(visit).verdict {
            Verdict::Agrees => self.agree(visit),
            Verdict::Leaves(reason) => self.lose(visit, reason),
            Verdict::Counters => {
                self.visits[visit].round += 1;
                self.write_up(visit);
            }
        }
        if let Some(manager) = manager {
            self.free(DESK, manager);
        }
    }

    fn agree(&mut self, visit: usize) {
        self.visits[visit].state.agreed = true;
        self.visits[visit].since.agreed = self.now;
        let data = self.by_own_salesperson(visit);
        self.tell(visit, "deal.agreed", data);
        if let Some(person) = self.visits[visit].salesperson {
            self.free(SALES, person);
        }
        self.apply_for_credit(visit);
        self.join_fi_line(visit);
        // no desk sends a car to be cleaned for a customer whom it expects the lenders to turn down
        if !self.visits[visit].customer.is_denied() && !self.is_lost(visit) {
            self.crews[DETAIL].line.push_back(visit);
            self.dispatch(DETAIL);
        }
    }

    /// The application goes out a few minutes from now, unless it already has.
    fn apply_for_credit(&mut self, visit: usize) {
        if self.visits[visit].state.asked_credit {
            return;
        }
        let Some(submits) = self.visits[visit].customer.credit.as_ref().map(|credit| credit.submits) else { return };
        self.visits[visit].state.asked_credit = true;
        self.after(submits, Step::AsksCredit(visit));
    }

    fn this_round(&self, visit: usize) -> &Round {
        &self.visits[visit].customer.rounds[self.visits[visit].round]
    }
}
