//! Seeds, lines, refusals, and events in bulk.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use throughline_simulator::{Condition, Disorder, Error, Plan, Role, simulate, volume};

use crate::plans;

fn lines(plan: &Plan) -> String {
    let lines = simulate(plan).unwrap().into_iter().map(|simulated| simulated.event.to_line().unwrap() + "\n");
    lines.collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let day = lines(&plans::saturday(42));
    assert_eq!(day, lines(&plans::saturday(42)));
    assert_ne!(day, lines(&Plan { seed: 43, ..plans::saturday(42) }));
}

#[test]
fn a_rooftops_day_does_not_hang_on_the_others() {
    let both = plans::in_order(plans::saturday(42));
    let alone = Plan { rooftops: vec![both.rooftops[3].clone()], ..both.clone() };
    let of_fourth: Vec<_> =
        simulate(&both).unwrap().into_iter().filter(|simulated| &*simulated.event.rooftop == "RT004").collect();
    assert_eq!(of_fourth, simulate(&alone).unwrap());
}

#[test]
fn a_line_is_a_canonical_cloud_event() {
    let day = lines(&plans::saturday(1));
    let facts = ["actor", "role", "trade", "kind", "round", "lenders", "result", "reason", "step"];
    for line in day.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let event = event.as_object().unwrap();
        let rooftop = event["rooftop"].as_str().unwrap();
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["source"], format!("//dms.example/{rooftop}"));
        assert_eq!(event["id"].as_str().unwrap().len(), 36);
        let time = event["time"].as_str().unwrap();
        assert!(time.len() == "2026-09-05T13:00:00.000Z".len() && time.ends_with('Z'), "{time}");
        let of_deal = !event["type"].as_str().unwrap().starts_with("st");
        assert_eq!(event.contains_key("subject"), of_deal, "{line}");
        assert!(event["data"].as_object().unwrap().keys().all(|fact| facts.contains(&fact.as_str())), "{line}");
    }
    let first = day.lines().next().unwrap();
    assert!(
        first.starts_with(r#"{"specversion":"1.0","id":""#) && first.contains(r#""type":"store.opened","source":"#),
        "{first}"
    );
}

#[test]
fn a_plan_that_cant_be_played_is_refused_by_name() {
    let refuse = |change: fn(&mut Plan)| {
        let mut plan = plans::saturday(1);
        change(&mut plan);
        simulate(&plan).unwrap_err().to_string()
    };
    assert_eq!(
        refuse(|plan| plan.rooftops[1].zone = "Mars/Olympus".to_owned()),
        "rooftop RT002: no time zone Mars/Olympus: give an IANA name such as America/New_York"
    );
    assert_eq!(
        refuse(|plan| plan.rooftops[0].fi = 0),
        "rooftop RT001: no F&I manager in the plan: give it at least one and at most 10000"
    );
    assert_eq!(
        refuse(|plan| plan.rooftops[0].ups_per_day = f64::NAN),
        "rooftop RT001: ups_per_day is NaN: give a number from 0 to 10000"
    );
    assert_eq!(refuse(|plan| plan.disorder.late_share = 1.5), "disorder: late_share is 1.5: give a share from 0 to 1");
    assert_eq!(
        refuse(|plan| plan.rooftops[1].id = "RT001".to_owned()),
        "rooftop RT001 is in the plan twice: give each an id of its own"
    );
    assert_eq!(refuse(|plan| plan.days = 0), "days is 0: give a number from 1 to 366");
    let noon = jiff::civil::time(12, 0, 0, 0);
    let mut plan = plans::saturday(1);
    plan.rooftops[0].conditions = vec![Condition::ManagerAway { role: Role::FiManager, from: noon, to: noon }];
    assert!(matches!(simulate(&plan), Err(Error::Away { .. })));
    let last = Plan { day: jiff::civil::Date::MAX, disorder: Disorder::default(), ..plans::saturday(1) };
    assert!(matches!(simulate(&last), Err(Error::Calendar { .. })));
}

#[test]
fn a_volume_is_as_long_as_asked_in_order_and_the_same_for_a_seed() {
    let events: Vec<_> = volume(9, 12, 5_000).collect();
    assert_eq!(events, volume(9, 12, 5_000).collect::<Vec<_>>());
    assert_ne!(events[0].id, volume(10, 12, 5_000).next().unwrap().id);
    assert!(events.is_sorted_by_key(|event| event.time));
    let ids: HashSet<_> = events.iter().map(|event| &event.id).collect();
    assert_eq!(ids.len(), events.len());
    let mut deals: HashMap<_, Vec<&str>> = HashMap::new();
    for event in &events {
        deals.entry(event.subject.clone().unwrap()).or_default().push(event.kind);
    }
    assert_eq!(deals.len(), 5_000);
    assert!(
        deals
            .values()
            .all(|kinds| kinds[0] == "deal.opened" && matches!(kinds[kinds.len() - 1], "deal.lost" | "deal.funded"))
    );
    let rooftops: HashSet<_> = events.iter().map(|event| event.rooftop.clone()).collect();
    assert_eq!(rooftops.len(), 12);
    let mean = events.len() as f64 / 5_000.0;
    assert!((11.0..13.0).contains(&mean), "{mean} events a deal");
}
