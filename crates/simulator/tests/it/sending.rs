//! Disorder: late and repeated events, as many as were asked for and no worse.

use std::collections::HashMap;

use throughline_simulator::{Disorder, Plan, simulate};

use crate::plans;

#[test]
fn without_disorder_each_event_arrives_once_and_at_once() {
    let sent = simulate(&plans::in_order(plans::saturday(1))).unwrap();
    assert!(sent.iter().all(|simulated| simulated.arrives_at == simulated.event.time));
    let ids: std::collections::HashSet<_> = sent.iter().map(|simulated| &simulated.event.id).collect();
    assert_eq!(ids.len(), sent.len());
}

#[test]
fn late_and_repeated_events_keep_to_their_shares_and_to_the_longest_delay() {
    let disorder = Disorder { late_share: 0.1, repeat_share: 0.05, max_late_minutes: 30 };
    let plan = Plan { days: 14, disorder, ..plans::saturday(1) };
    let sent = simulate(&plan).unwrap();
    assert!(sent.is_sorted_by_key(|simulated| simulated.arrives_at));
    let mut copies: HashMap<&str, Vec<_>> = HashMap::new();
    for simulated in &sent {
        copies.entry(&simulated.event.id).or_default().push(simulated);
    }
    let (mut late, mut repeated) = (0.0, 0.0);
    for copies in copies.values() {
        let first = copies[0];
        assert!(copies.len() <= 2 && copies.iter().all(|copy| copy.event == first.event));
        let delays: Vec<i64> =
            copies.iter().map(|copy| copy.arrives_at.as_second() - copy.event.time.as_second()).collect();
        assert!(delays.iter().all(|delay| (0..=2 * 30 * 60 + 1).contains(delay)));
        late += f64::from(u8::from(first.arrives_at > first.event.time));
        repeated += f64::from(u8::from(copies.len() == 2));
    }
    let all = copies.len() as f64;
    assert!(
        (late / all - 0.1).abs() < 0.015 && (repeated / all - 0.05).abs() < 0.01,
        "{} {}",
        late / all,
        repeated / all
    );
    // all events of the undisturbed days are there
    assert_eq!(copies.len(), simulate(&plans::in_order(plan.clone())).unwrap().len());
}
