use jiff::tz::TimeZone;
use proptest::prelude::*;
use prost::Message;
use throughline_proto::log::v1::{EntryBody, entry_body::Body};

use super::*;
use crate::{
    domain::event::{self, Parsed},
    wire::json::{Entry, parse, split_one},
};

const NOW: &str = "2026-09-07T12:00:00Z";

fn read(json: &str) -> Parsed {
    match parse(split_one(json.as_bytes()).unwrap()[0]) {
        Entry::Event(event) => event::parse(&event.sent(), NOW.parse().unwrap()),
        Entry::NoObject => panic!("no object"),
    }
}

fn canonical(parsed: Parsed) -> Event {
    match parsed {
        Parsed::Sound(draft) => {
            let bound = draft.times.when.bound(&TimeZone::UTC).unwrap();
            render(draft, bound)
        }
        Parsed::Spoiled(draft, _) => render_rest(draft),
    }
}

const FULL: &str = r#"{"id":"e-1","source":"//dms.example/RT001","type":"deal.fi.started","subject":"D1","rooftop":"RT001",
    "sequence":"7","time":"2026-09-07","timequality":"date","observedat":"2026-09-07T11:00:00Z",
    "data":{"actor":"RT001-fi0","role":"fi_manager","trade":"T1","round":1,"kind":"new","replaces":"e-0",
            "keys":{"visit":"700001","stock":"N2432"}}}"#;

#[test]
fn the_encoding_is_that_of_an_entry_body() {
    let event = canonical(read(FULL));
    let encoded = encode(&event);
    assert_eq!(Event::decode(encoded.event()).unwrap(), event);
    assert_eq!(EntryBody::decode(encoded.body).unwrap().body, Some(Body::Event(event)));
}

#[test]
fn what_rests_in_quarantine_wakes_as_it_was() {
    let Parsed::Sound(draft) = read(FULL) else { panic!("spoiled") };
    let times = draft.times;
    let rest = draft.with(Some(times));
    assert_eq!(parse_rest(render_rest(rest.clone()), "RT001".into()), rest);
}

/// What a vendor must never get past the edge, in forms that people write.
fn canary() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Z][a-z]{2,8} [A-Z][a-z]{2,8}",
        "[a-z]{2,8}@[a-z]{2,8}\\.(com|invalid)",
        "\\([2-9][0-9]{2}\\) [0-9]{3}-[0-9]{4}",
        "[2-9][0-9]{2}[-. ][0-9]{3}[-. ][0-9]{4}",
        "\\+1[2-9][0-9]{9}",
        "[0-9]{3}-[0-9]{4}",
        "[0-9]{3}-[0-9]{2}-[0-9]{4}",
        "4[0-9]{3} [0-9]{4} [0-9]{4} [0-9]{4}",
        "19[0-9]{2}-[01][0-9]-[0-3][0-9]",
        "[0-9]{1,4} [A-Z][a-z]{3,8} (St|Ave)\\.",
    ]
}

const PLACES: [&str; 15] = [
    "id",
    "source",
    "type",
    "subject",
    "rooftop",
    "sequence",
    "time",
    "earliest",
    "latest",
    "observedat",
    "timequality",
    "traceparent",
    "customer",
    "data_base64",
    "dataschema",
];
const DATA: [&str; 15] = [
    "actor",
    "role",
    "trade",
    "round",
    "lenders",
    "kind",
    "reason",
    "result",
    "step",
    "to_rooftop",
    "replaces",
    "withdraws",
    "customerName",
    "ssn",
    "notes",
];
const KEY_NAMES: [&str; 8] = ["visit", "dms_deal", "application", "stock", "vin", "lead", "sale", "license"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_canary_gets_past_the_edge(
        canary in canary(),
        attribute in proptest::option::of(0..PLACES.len()),
        data in proptest::option::of(0..DATA.len()),
        key in proptest::option::of(0..KEY_NAMES.len()),
        as_name: bool,
        nested: bool,
    ) {
        let mut event: serde_json::Value = serde_json::from_str(FULL).unwrap();
        let value = if nested { serde_json::json!({ "x": [canary] }) } else { canary.clone().into() };
        if let Some(place) = attribute {
            event[PLACES[place]] = value.clone();
        }
        if let Some(place) = data {
            event["data"][DATA[place]] = value.clone();
        }
        if let Some(place) = key {
            event["data"]["keys"][KEY_NAMES[place]] = value;
        }
        if as_name {
            event["data"][&canary] = 1.into();
            event["data"]["keys"][&canary] = "1".into();
        }
        // A day in `time` is what that field is for.
        let is_day = canary.parse::<jiff::civil::Date>().is_ok()
            && !nested
            && attribute.is_some_and(|place| PLACES[place] == "time");
        let parsed = read(&event.to_string());
        let told = format!("{parsed:?}");
        prop_assert!(is_day || !told.contains(&canary), "told: {}", told);
        let kept = encode(&canonical(parsed)).body;
        prop_assert!(is_day || !kept.windows(canary.len()).any(|bytes| bytes == canary.as_bytes()), "kept");
    }

    #[test]
    fn the_order_of_fields_and_what_is_dropped_change_no_content(extra in "[a-z]{1,8}", value in ".{0,20}") {
        let mut event: serde_json::Value = serde_json::from_str(FULL).unwrap();
        let plain = encode(&canonical(read(&event.to_string()))).body;
        prop_assume!(event["data"].get(&extra).is_none() && !DATA.contains(&extra.as_str()) && extra != "keys");
        event["data"][&extra] = value.into();
        prop_assert_eq!(encode(&canonical(read(&event.to_string()))).body, plain);
    }
}
