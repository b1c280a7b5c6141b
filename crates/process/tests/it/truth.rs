//! The waits of simulated store days, of which the truth is known.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader},
    path::PathBuf,
    time::Instant,
};

use flate2::read::GzDecoder;
use serde_json::Value;
use throughline_process::{Bound, Deal, Event, Interval, IntervalKind, Observed, Origin, Timestamp, fold, state_hash};

use crate::made::def;

fn samples() -> Option<PathBuf> {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let place = std::env::var("THROUGHLINE_SAMPLES").unwrap_or_else(|_| "../shared".to_owned());
    let days = workspace.join(place).join("samples/store-days");
    if !days.is_dir() {
        eprintln!("skipped: no samples");
        return None;
    }
    Some(days)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn parse(line: &str) -> Event {
    let json: Value = serde_json::from_str(line).unwrap();
    let time: Timestamp = json["time"].as_str().unwrap().parse().unwrap();
    let mut data: BTreeMap<String, String> =
        json["data"].as_object().unwrap().iter().filter_map(|(k, v)| Some((k.clone(), text(v)?))).collect();
    Event {
        id: text(&json["id"]).unwrap(),
        source: text(&json["source"]).unwrap(),
        event_type: text(&json["type"]).unwrap(),
        subject: text(&json["subject"]),
        occurred_at: Some(time),
        observed_at: None,
        recorded_at: time,
        time: Bound::exact(time),
        source_sequence: None,
        actor: data.remove("actor"),
        role: data.remove("role"),
        trade: data.remove("trade"),
        keys: BTreeMap::new(),
        data,
        replaces: None,
        withdraws: None,
        origin: Origin::Backfill,
    }
}

/// A shuffle that is the same each time.
fn shuffle(events: &mut [Event], mut seed: u64) {
    for at in (1..events.len()).rev() {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        events.swap(at, (seed >> 33) as usize % (at + 1));
    }
}

fn handoffs(deal: &Deal) -> impl Iterator<Item = &Interval> {
    deal.intervals.iter().filter(|interval| interval.kind == IntervalKind::Handoff)
}

/// Minutes that each handoff lay idle, named as the truth names them.
fn waits(deal: &Deal) -> BTreeMap<String, f64> {
    let idle = |handoff: &Interval| {
        let (least, most) = handoff.lasted()?;
        assert_eq!(least, most, "exact times give exact waits");
        let name = match handoff.name.as_str() {
            "desk" => format!("desk{}", handoff.round),
            name => name.to_owned(),
        };
        Some((name, least.as_secs_f64() / 60.0))
    };
    let waits = handoffs(deal).filter_map(idle);
    waits
        .filter(|(name, _)| ["appraisal", "fi", "delivery"].contains(&name.as_str()) || name.starts_with("desk"))
        .collect()
}

#[test]
fn every_wait_of_the_sample_store_days_is_the_true_one_in_whatever_order_events_come() {
    let Some(days) = samples() else { return };
    let mut deals: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    let mut seen = Observed::of::<String>([]);
    for file in ["history.jsonl.gz", "test.jsonl.gz"] {
        for line in BufReader::new(GzDecoder::new(File::open(days.join(file)).unwrap())).lines() {
            let event = parse(&line.unwrap());
            seen.insert(&event.event_type);
            if let Some(subject) = &event.subject {
                deals.entry(subject.clone()).or_default().push(event);
            }
        }
    }
    let truth: Vec<Value> =
        serde_json::from_reader(GzDecoder::new(File::open(days.join("truth.json.gz")).unwrap())).unwrap();
    assert_eq!(truth.len(), 2025);

    let (mut checked, mut folds, mut spent) = (0, 0, std::time::Duration::ZERO);
    for (at, true_deal) in truth.iter().enumerate() {
        let events = deals.get_mut(true_deal["deal"].as_str().unwrap()).unwrap();
        let in_order = state_hash(&fold(&def(), events, &seen).deal);
        shuffle(events, at as u64);
        let started = Instant::now();
        let deal = fold(&def(), events, &seen).deal;
        spent += started.elapsed();
        folds += 1;
        assert_eq!(state_hash(&deal), in_order);
        assert!(deal.exceptions.iter().all(|e| e.kind == "contract_returned"), "{:?}", deal.exceptions);
        assert!(deal.unknown_types.is_empty());

        let found = waits(&deal);
        let expected = true_deal["waits"].as_object().unwrap();
        assert_eq!(found.len(), expected.len(), "{true_deal}: {found:?}");
        for (name, minutes) in expected {
            let difference = (found[name] - minutes.as_f64().unwrap()).abs();
            assert!(difference <= 0.02, "{true_deal}: {name} is {} min", found[name]);
            checked += 1;
        }
        let outcome = true_deal["outcome"].as_str().unwrap();
        let state = deal.state.as_str();
        assert!(state == outcome || (outcome, state) == ("delivered", "funded"), "{true_deal}: {state}");
        for handoff in handoffs(&deal) {
            assert!(
                handoff.end.is_some() || ["jacket", "contract"].contains(&handoff.name.as_str()),
                "{true_deal}: {handoff:?}"
            );
        }
    }
    eprintln!("{checked} waits of {folds} deals, {:?} a fold", spent / folds);
}
