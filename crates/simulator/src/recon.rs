//! What becomes of a trade: reconditioned step by step to the front line, or sold on.

use crate::event::Data;
use crate::store::Store;
use crate::week::Millis;

/// Share of trades that the store does not keep.
const WHOLESALED: f64 = 0.25;

/// A step, how many office minutes it takes on average, and the share of cars that need it.
type ReconStep = (&'static str, f64, f64);

const BEFORE: [ReconStep; 4] =
    [("check_in", 90.0, 1.0), ("inspection", 300.0, 1.0), ("estimate", 150.0, 1.0), ("approval", 480.0, 1.0)];
const REPAIR: [ReconStep; 2] = [("parts", 600.0, 0.5), ("mechanical", 500.0, 0.9)];
/// Body work runs beside repair.
const BODY: [ReconStep; 1] = [("body", 700.0, 0.35)];
const AFTER: [ReconStep; 2] = [("detail", 240.0, 1.0), ("photos", 120.0, 1.0)];

impl Store<'_> {
    pub(crate) fn take_in_trade(&mut self, visit: usize) {
        self.tell_trade(self.now, visit, "trade.acquired", None);
        if self.visits[visit].draw.chance(WHOLESALED) {
            let sold = self.office_time(visit, self.now, 900.0);
            return self.tell_trade(sold, visit, "trade.wholesaled", None);
        }
        let approved = self.recondition(visit, self.now, &BEFORE);
        let repaired = self.recondition(visit, approved, &REPAIR);
        let painted = self.recondition(visit, approved, &BODY);
        let done = self.recondition(visit, repaired.max(painted), &AFTER);
        let shown = self.office_time(visit, done, 30.0);
        self.tell_trade(shown, visit, "trade.frontline", None);
    }

    /// Tells the steps one after the other and returns when the last is left. Between two a car waits for its place.
    fn recondition(&mut self, visit: usize, from: Millis, steps: &[ReconStep]) -> Millis {
        let mut at = from;
        for (step, work, share) in steps {
            if !self.visits[visit].draw.chance(*share) {
                continue;
            }
            at = self.office_time(visit, at, 60.0);
            self.tell_trade(at, visit, "trade.recon.step_entered", Some(step));
            at = self.office_time(visit, at, *work);
            self.tell_trade(at, visit, "trade.recon.step_left", Some(step));
        }
        at
    }

    fn tell_trade(&mut self, at: Millis, visit: usize, kind: &'static str, step: Option<&'static str>) {
        let trade = Some(self.visits[visit].trade.clone());
        self.tell_at(at, visit, kind, Data { trade, step, ..Data::default() });
    }
}
