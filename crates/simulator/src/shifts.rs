//! Doors, shifts, and people who are called away.

use jiff::civil::Weekday;

use crate::crew::Leaving;
use crate::event::Data;
use crate::store::{APPRAISERS, DESK, DETAIL, FI, SALES, Store};

impl Store<'_> {
    /// Who of a crew works on this day: all on a Saturday, two in three on other days, in turn.
    pub(crate) fn rostered(&self, crew: usize, day: usize) -> Vec<usize> {
        let mut people = self.crews[crew].people.len();
        if crew == DETAIL {
            people = people.saturating_sub(self.rooftop.detailers_missing() as usize).max(1);
        }
        if self.week.days[day].date.weekday() == Weekday::Saturday {
            return (0..people).collect();
        }
        let working = (people * 2).div_ceil(3);
        (0..working).map(|place| (day + place) % people).collect()
    }

    pub(crate) fn open(&mut self, day: usize) {
        (self.closed, self.dark) = (false, false);
        self.tell_store("store.opened", Data::default());
        for crew in 0..self.crews.len() {
            for person in self.rostered(crew, day) {
                self.come_back(crew, person);
            }
        }
    }

    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.tell_store("store.closed", Data::default());
        for crew in 0..self.crews.len() {
            for person in 0..self.crews[crew].people.len() {
                if self.crews[crew].people[person].leaving == Leaving::No {
                    self.leave_when(crew, person, Leaving::WhenDone);
                }
            }
        }
    }

    pub(crate) fn come_back(&mut self, crew: usize, person: usize) {
        let someone = &mut self.crews[crew].people[person];
        someone.leaving = Leaving::No;
        if !someone.on_shift {
            someone.on_shift = true;
            self.tell_store("staff.on_shift", self.by(crew, person));
            self.dispatch(crew);
        }
    }

    pub(crate) fn leave_when(&mut self, crew: usize, person: usize, leaving: Leaving) {
        self.crews[crew].people[person].leaving = leaving;
        if leaving == Leaving::WhenFree && self.crews[crew].is_free(person) {
            self.go_off(crew, person);
        }
    }

    fn go_off(&mut self, crew: usize, person: usize) {
        self.crews[crew].people[person].on_shift = false;
        self.tell_store("staff.off_shift", self.by(crew, person));
    }

    /// Someone has done with a customer, and takes the next in line or goes.
    pub(crate) fn free(&mut self, crew: usize, person: usize) {
        self.crews[crew].release(person, self.now);
        if self.crews[crew].people[person].leaving == Leaving::WhenFree {
            self.go_off(crew, person);
        }
        self.dispatch(crew);
    }

    pub(crate) fn dispatch(&mut self, crew: usize) {
        if crew == SALES {
            return self.dispatch_sales();
        }
        while let Some((visit, person)) = self.crews[crew].next() {
            match crew {
                DESK => self.start_desk(visit, person),
                FI => self.start_fi(visit, person),
                DETAIL => self.start_get_ready(visit, person),
                _ => self.start_appraisal(visit, person),
            }
        }
    }

    /// After closing, whoever no customer in the store can still need goes home.
    pub(crate) fn send_home(&mut self) {
        for crew in 0..self.crews.len() {
            if self.is_needed(crew) {
                continue;
            }
            for person in 0..self.crews[crew].people.len() {
                let free = self.crews[crew].is_free(person);
                if free && self.crews[crew].people[person].leaving == Leaving::WhenDone {
                    self.go_off(crew, person);
                }
            }
        }
    }

    fn is_needed(&self, crew: usize) -> bool {
        self.inside.iter().any(|visit| {
            let visit = &self.visits[*visit];
            match crew {
                SALES => true,
                DESK => !visit.state.agreed,
                FI => !visit.state.signed,
                DETAIL => !visit.state.ready,
                APPRAISERS => visit.customer.trade && !visit.state.appraised,
                _ => false,
            }
        })
    }

    /// Local midnight: who stands in a line goes home. Signed deals stay until their car is there.
    pub(crate) fn turn_lights_out(&mut self) {
        self.dark = true;
        for visit in self.inside.clone() {
            let state = &self.visits[visit].state;
            let waits_for_lender = state.agreed && !state.in_fi_line;
            let waits_for_appraiser = state.shown && !state.appraised;
            let stands_in_line = self.crews[SALES].drop_out(visit)
                || self.crews[DESK].drop_out(visit)
                || self.crews[FI].drop_out(visit)
                || (waits_for_appraiser && self.crews[APPRAISERS].drop_out(visit));
            if waits_for_lender || stands_in_line {
                self.lose(visit, "went_home");
            }
        }
    }
}
