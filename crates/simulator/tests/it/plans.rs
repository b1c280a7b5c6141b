//! Plans for the tests, ordinary and hopeless.

use jiff::civil::{date, time};
use proptest::prelude::*;
use throughline_simulator::{Condition, Disorder, Plan, Role, RooftopPlan, busy_saturday};

pub fn saturday(seed: u64) -> Plan {
    busy_saturday(seed, 5, date(2026, 9, 1))
}

/// The same days with every event sent at the instant it happens.
pub fn in_order(plan: Plan) -> Plan {
    Plan { disorder: Disorder::default(), ..plan }
}

fn condition() -> impl Strategy<Value = Condition> {
    let role = prop::sample::select(vec![
        Role::Salesperson,
        Role::DeskManager,
        Role::FiManager,
        Role::Detailer,
        Role::Appraiser,
    ]);
    prop_oneof![
        (0.1..8.0).prop_map(|factor| Condition::SlowLender { factor }),
        (role, 8_i8..19, 1_i8..5).prop_map(|(role, from, hours)| Condition::ManagerAway {
            role,
            from: time(from, 15, 0, 0),
            to: time((from + hours).min(23), 30, 0, 0),
        }),
        (0..4_u32).prop_map(|missing| Condition::ShortDetail { missing }),
        Just(Condition::Normal),
    ]
}

/// Any plan, from stores where hardly anyone comes to such as one person of each role can never serve.
pub fn any() -> impl Strategy<Value = Plan> {
    let staff = (1..6_u32, 1..3_u32, 1..4_u32, 1..4_u32, 1..3_u32);
    let zones = prop::sample::select(vec!["America/New_York", "America/Los_Angeles", "Asia/Kolkata", "UTC"]);
    let rooftop = (zones, 0.5..25.0, staff, prop::collection::vec(condition(), 0..4));
    let rooftops = prop::collection::vec(rooftop, 1..4);
    (proptest::num::u64::ANY, rooftops, 1..28_i8, 1..5_u32).prop_map(|(seed, rooftops, day, days)| Plan {
        seed,
        rooftops: rooftops
            .into_iter()
            .enumerate()
            .map(|(number, (zone, ups_per_day, (sales, desk, fi, detail, appraisers), conditions))| RooftopPlan {
                id: format!("P{number}"),
                zone: zone.to_owned(),
                ups_per_day,
                sales,
                desk,
                fi,
                detail,
                appraisers,
                conditions,
            })
            .collect(),
        day: date(2026, 3, day),
        days,
        disorder: Disorder::default(),
    })
}
