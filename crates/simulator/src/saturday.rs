//! The demonstration's plan: a Saturday on which three stores have trouble and the others do not.

use std::collections::HashMap;

use jiff::ToSpan;
use jiff::civil::{Date, Time, Weekday, time};

use crate::event::{Name, Role};
use crate::plan::{Condition, Disorder, Plan, RooftopPlan};
use crate::truth;

/// One busy Saturday, the first on or after `date`, of so many rooftops (`RT001` on) in four zones.
///
/// The first has one of two F&I managers away from noon, for just so long that a customer waits over 90 minutes for the other
/// and an hour less with both. The second has a slow lender, the third too few detailers; the rest have nothing wrong with
/// them. Some events come late, some twice.
pub fn busy_saturday(seed: u64, rooftops: u32, date: Date) -> Plan {
    let disorder = Disorder { late_share: 0.02, repeat_share: 0.01, max_late_minutes: 25 };
    let day = saturday(date);
    let mut plan = Plan { seed, rooftops: (1..=rooftops).map(rooftop).collect(), day, days: 1, disorder };
    if let Some(first) = plan.rooftops.first_mut() {
        send_manager_away(seed, day, first);
    }
    plan
}

fn saturday(date: Date) -> Date {
    let mut day = date;
    while day.weekday() != Weekday::Saturday {
        match day.checked_add(1.day()) {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    day
}

fn rooftop(number: u32) -> RooftopPlan {
    const ZONES: [&str; 4] = ["America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"];
    // customers a day, salespeople, desk, F&I, detailers, appraisers
    let (ups_per_day, sales, desk, fi, detail, appraisers) = match number {
        1 => (MANAGER_AWAY_UPS[0], 16, 2, 2, 3, 2),
        3 => (9.5, 14, 2, 3, 3, 2),
        number => [(5.0, 8, 1, 2, 2, 1), (7.0, 10, 2, 3, 2, 1), (9.0, 13, 2, 3, 3, 2)][number as usize % 3],
    };
    let condition = match number {
        2 => Condition::SlowLender { factor: 3.0 },
        3 => Condition::ShortDetail { missing: 2 },
        _ => Condition::Normal,
    };
    RooftopPlan {
        id: format!("RT{number:03}"),
        zone: ZONES[(number as usize - 1) % ZONES.len()].to_owned(),
        ups_per_day,
        sales,
        desk,
        fi,
        detail,
        appraisers,
        conditions: vec![condition],
    }
}

const AWAY_FROM: Time = time(12, 0, 0, 0);

/// When the manager comes back, in the order in which it is tried.
const BACK_AT: [i8; 6] = [14, 15, 16, 17, 18, 19];

/// Mean customers a day of the store with the manager away, as they are tried: a day of few buyers is made a busier one.
const MANAGER_AWAY_UPS: [f64; 8] = [10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0];

/// Minutes that somebody must wait for F&I, and how many of them because of the absence.
const WAITS: f64 = 100.0;
const BECAUSE_OF_IT: f64 = 60.0;

/// Beyond this longest wait, in minutes, a gentler day is looked for.
const BEARABLE: f64 = 180.0;

/// Takes the first day and absence that make somebody wait so long and nobody unbearably, or else the gentlest of them.
fn send_manager_away(seed: u64, day: Date, rooftop: &mut RooftopPlan) {
    let mut gentlest = f64::INFINITY;
    for ups_per_day in MANAGER_AWAY_UPS {
        let mut tried = RooftopPlan { ups_per_day, conditions: vec![Condition::Normal], ..rooftop.clone() };
        let usual = fi_waits(seed, day, &tried);
        for hour in BACK_AT {
            let to = time(hour, 0, 0, 0);
            tried.conditions = vec![Condition::ManagerAway { role: Role::FiManager, from: AWAY_FROM, to }];
            let waits = fi_waits(seed, day, &tried);
            let suffers = |(deal, wait): (&Name, &f64)| {
                *wait > WAITS && usual.get(deal).is_some_and(|usual| wait - usual > BECAUSE_OF_IT)
            };
            let longest = waits.values().copied().fold(0.0, f64::max);
            if waits.iter().any(suffers) && longest < gentlest {
                gentlest = longest;
                *rooftop = tried.clone();
            }
            if gentlest < BEARABLE {
                return;
            }
        }
    }
}

fn fi_waits(seed: u64, day: Date, rooftop: &RooftopPlan) -> HashMap<Name, f64> {
    let plan = Plan { seed, rooftops: vec![rooftop.clone()], day, days: 1, disorder: Disorder::default() };
    // only a date beyond the calendar fails, and simulate says so
    let deals = truth(&plan).unwrap_or_default();
    deals.into_iter().filter_map(|deal| Some((deal.deal, deal.waits.fi?))).collect()
}
