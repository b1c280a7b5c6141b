//! Events that already are ours pass through, as far as the edge keeps them.
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{profile, read};

fn passed(event: &Value) -> Result<Value, String> {
    let mut read = read(&profile("canonical"), event.to_string().as_bytes());
    assert_eq!(read.len(), 1);
    read.remove(0).map(|events| Value::from(events[0].to_json()))
}

fn full() -> Value {
    json!({"specversion": "1.0", "id": "e-1", "source": "//dms.example/RT9", "type": "deal.stip.cleared", "subject": "D1",
           "rooftop": "RT9", "time": "2026-09-07T11:00:00.123456Z", "observedat": "2026-09-07T11:05:00Z", "sequence": "7",
           "data": {"actor": "s1", "role": "office", "trade": "T1", "replaces": "e-0", "withdraws": "e-00", "reason": "stip_missing",
                    "round": "2", "keys": {"visit": "V1", "dms_deal": "D1"}}})
}

fn with(changes: Value) -> Value {
    let mut event = full();
    for (name, value) in changes.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

#[test]
fn an_event_passes_as_it_was_written() {
    assert_eq!(passed(&full()).unwrap(), full());
    let bounds = json!({"time": null, "earliest": "2026-09-07T11:00:00Z", "latest": "2026-09-07T12:00:00Z", "timequality": "bounded"});
    let mut bounded = with(bounds);
    bounded.as_object_mut().unwrap().remove("time");
    assert_eq!(passed(&bounded).unwrap(), bounded);
    bounded["time"] = "2026-09-07T11:30:00Z".into();
    assert_eq!(passed(&bounded).unwrap(), bounded, "what the source claims within the bounds is kept");
    let number = passed(&with(json!({"sequence": 7}))).unwrap();
    assert_eq!(number, full());
}

#[test]
fn a_rooftop_is_filled_in_and_another_one_left_out() {
    for named in [Value::Null, "".into(), "S9".into()] {
        assert_eq!(passed(&with(json!({"rooftop": named}))).unwrap()["rooftop"], "RT9");
    }
    assert_eq!(passed(&with(json!({"rooftop": "RT1"}))).unwrap_err(), "it is of another rooftop");
}

#[test]
fn a_day_is_the_rooftops() {
    let day = passed(&with(json!({"time": "2026-09-07", "timequality": "date"}))).unwrap();
    assert_eq!(
        (&day["earliest"], &day["latest"]),
        (&"2026-09-07T04:00:00Z".into(), &"2026-09-08T03:59:59.999999Z".into())
    );
    assert_eq!(day["timequality"], "date");
}

#[test]
fn what_the_edge_drops_is_not_read() {
    let mut event = full();
    event["customer"] = "CANARY-NAME-1".into();
    event["data"]["name"] = json!({"first": ["CANARY"]});
    event["data"]["keys"]["licence"] = "CANARY".into();
    assert_eq!(passed(&event).unwrap(), full());
    event["data"] = "CANARY".into();
    assert_eq!(passed(&event).unwrap()["data"], json!({}));
}

#[test]
fn an_event_that_cannot_be_one_says_why() {
    for (changes, why) in [
        (json!({"id": null}), "id is empty, and tells rows apart"),
        (json!({"source": {}}), "source is empty, and tells rows apart"),
        (json!({"type": ""}), "no rule of the profile takes it"),
        (json!({"time": "CANARY"}), "time is no time of the profile's format"),
        (json!({"time": null}), "time is no time of the profile's format"),
        (json!({"timequality": "CANARY"}), "timequality is no time of the profile's format"),
        (json!({"observedat": "CANARY"}), "observedat is no time of the profile's format"),
        (json!({"earliest": "2026-09-08T00:00:00Z", "latest": "2026-09-07T00:00:00Z"}), "latest lies before earliest"),
    ] {
        assert_eq!(passed(&with(changes.clone())).unwrap_err(), why, "{changes}");
    }
    assert_eq!(read(&profile("canonical"), b"CANARY\n")[0].as_ref().unwrap_err(), "row 1: it is not a JSON object");
}

proptest! {
    /// What has passed once passes again unchanged, whatever its times.
    #[test]
    fn passing_twice_changes_nothing(
        time in proptest::option::of(0..2_000_000_000_i64), earliest in proptest::option::of(0..2_000_000_000_i64),
        latest in proptest::option::of(0..2_000_000_000_i64), quality in proptest::option::of("exact|bounded|date"),
    ) {
        let at = |at: Option<i64>| at.map(|at| jiff::Timestamp::from_second(at).unwrap().to_string());
        let sent = with(json!({"time": at(time), "earliest": at(earliest), "latest": at(latest), "timequality": quality}));
        if let Ok(once) = passed(&sent) {
            prop_assert_eq!(passed(&once).unwrap(), once);
        }
    }
}
