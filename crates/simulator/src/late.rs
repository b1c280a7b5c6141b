//! The plan of sample feeds: a busy Saturday on which one store's F&I is not done at midnight.

use jiff::civil::{Date, time};
use jiff::tz::TimeZone;

use crate::event::{CloudEvent, Role};
use crate::plan::{Condition, Disorder, Plan, RooftopPlan};
use crate::saturday::busy_saturday;
use crate::store;

/// The rooftops of [`busy_saturday`] for so many days from that Saturday on. At the first one an F&I manager goes home at
/// two in the afternoon of each day and customers are as many as it takes for one to sign after midnight, which a finance
/// log writes as an out before the in.
pub fn late_saturday(seed: u64, rooftops: u32, date: Date, days: u32) -> Plan {
    let mut plan = Plan { days, disorder: Disorder::default(), ..busy_saturday(seed, rooftops, date) };
    let day = plan.day;
    if let Some(first) = plan.rooftops.first_mut() {
        stay_late(seed, day, first);
    }
    plan
}

/// Mean customers a day, as they are tried.
const UPS: [f64; 8] = [10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 22.0, 24.0];

/// Takes the fewest customers of whom one signs after midnight, or else as many as are tried.
fn stay_late(seed: u64, day: Date, rooftop: &mut RooftopPlan) {
    // until the doors are closed
    let away = Condition::ManagerAway { role: Role::FiManager, from: time(14, 0, 0, 0), to: time(23, 0, 0, 0) };
    rooftop.conditions = vec![away];
    for ups_per_day in UPS {
        rooftop.ups_per_day = ups_per_day;
        let tried = Plan { seed, rooftops: vec![rooftop.clone()], day, days: 1, disorder: Disorder::default() };
        // only a date beyond the calendar fails, and whoever plays the plan is told
        let (Ok(zone), Ok(played)) = (rooftop.time_zone(), store::play(&tried)) else { return };
        if played.iter().any(|(_, told)| signs_after_midnight(&zone, &told.events)) {
            return;
        }
    }
}

fn signs_after_midnight(zone: &TimeZone, events: &[CloudEvent]) -> bool {
    let date = |event: &CloudEvent| event.time.to_zoned_datetime(zone.clone()).date();
    let signed = events.iter().filter(|event| event.kind == "deal.contract.signed");
    // the whole of the plan is one business day
    signed.map(date).any(|day| events.first().map(date) != Some(day))
}
