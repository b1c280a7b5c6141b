//! The numbers under which the systems know a visit, none of which any other system knows; and what gets confused.

use super::visit::Visit;
use super::{Store, table};
use crate::vin;

pub(super) struct Numbers {
    pub(super) visit: String,
    pub(super) lead: String,
    pub(super) deal: String,
    pub(super) application: String,
    pub(super) stock: String,
    pub(super) vin: String,
    /// Of the car that the customer came in.
    pub(super) trade: String,
}

/// Share of the customers that do not buy who looked at a car that somebody else bought; the first of them did.
const LOOKS_AT_ANOTHERS: f64 = 0.25;

impl Numbers {
    pub(super) fn new(store: &Store<'_>, visit: usize, kind: Option<&str>) -> Self {
        let mut draw = store.draw("numbers", visit);
        let lot = if kind == Some("used") { 'U' } else { 'S' };
        Self {
            visit: (510_000 + visit).to_string(),
            lead: (81_000 + visit).to_string(),
            deal: (36_000 + visit).to_string(),
            application: format!("LX{}", 6_000 + visit),
            // four digits in an order of their own; 37 and 9,000 have no factor in common, so that none comes twice
            stock: format!("{lot}{}", 1_000 + (visit * 37 + 411) % 9_000),
            vin: vin::vin(&mut draw, 100_000 + visit),
            trade: vin::vin(&mut draw, 500_000 + visit),
        }
    }
}

/// Stock numbers that leave doubt: one that was given to two cars sold on one day, and those of sold cars that others had
/// looked at.
pub(super) fn confuse(store: &Store<'_>, visits: &mut [Visit<'_>]) {
    let sold: Vec<usize> = visits.iter().filter(|visit| visit.is_sold()).map(|visit| visit.number).collect();
    let day = |visit: usize| visits[visit].at("deal.opened").map(|at| store.clock.date(at));
    if let Some(pair) = sold.windows(2).find(|pair| day(pair[0]) == day(pair[1])) {
        visits[pair[1]].numbers.stock = visits[pair[0]].numbers.stock.clone();
    }
    let lost: Vec<usize> = (0..visits.len()).filter(|visit| !sold.contains(visit)).collect();
    for (number, visit) in lost.into_iter().enumerate() {
        let mut draw = store.draw("looks", visit);
        let looks = draw.chance(LOOKS_AT_ANOTHERS) || number == 0;
        if looks && !sold.is_empty() {
            visits[visit].numbers.stock = visits[draw.pick(&sold)].numbers.stock.clone();
        }
    }
}

/// The numbers of each sold deal, a row each. An application without finance occurs in no feed.
pub(super) fn keys(visits: &[Visit<'_>]) -> String {
    let rows = visits.iter().filter(|visit| visit.is_sold()).map(|sold| {
        let Numbers { visit, lead, deal, application, stock, vin, trade } = &sold.numbers;
        let trade = if sold.leaves_trade() { trade } else { "" };
        (sold.number, format!("{visit},{lead},{deal},{application},{stock},{vin},{trade},{}", sold.deal))
    });
    table("visit,lead,deal_no,app,stock,vin,trade_vin,truth_deal", rows.collect())
}
