//! STAR's states: each its event, in both spellings, and an unknown one kept.
use serde_json::{Value, json};

use crate::{profile, read};

fn change(track: &str, state: &str) -> Value {
    json!({"dealNumber": "48005", "dealerCode": "S9", "track": track, "state": state, "changedAt": "2026-09-08T03:30:00Z",
           "vehicle": {"stockNumber": "N2392", "vin": "1TET83609VG598386"}, "buyer": {"name": "CANARY-NAME-1"}})
}

/// The type of the event that each change gives, or why it gives none.
fn types(changes: &[Value]) -> Vec<String> {
    let file = json!({"exportedAt": "2026-09-08T04:00:00Z", "deals": changes}).to_string();
    let read = read(&profile("star-deals"), file.as_bytes());
    assert!(!format!("{read:?}").contains("CANARY"), "{read:?}");
    read.into_iter().map(|row| row.map_or_else(|why| why, |events| events[0].event_type.clone())).collect()
}

#[test]
fn each_state_is_its_event_and_none_is_refused() {
    let states = [
        ("DEAL", "IN_PROGRESS", "deal.opened"),
        ("DEAL", "IN-PROGRESS", "deal.opened"),
        ("DEAL", "ACCEPTED", "deal.agreed"),
        ("DEAL", "POSTED", "deal.jacket.accepted"),
        ("DEAL", "FUNDED", "deal.funded"),
        ("DEAL", "ABANDONED", "deal.lost"),
        ("DEAL", "REVERSED", "deal.unwound"),
        ("DEAL", "IN_REVIEW", "deal.star_state.in_review"),
        ("DEAL", "RE-OPENED", "deal.star_state.re_opened"),
        ("RDR", "OPEN", "deal.rdr.star_state.open"),
        ("RDR", "LOCKED", "deal.rdr.star_state.locked"),
        ("RDR", "NEW_INTERFACE", "deal.rdr.star_state.new_interface"),
        ("RDR", "TRANSMITTED", "deal.rdr.transmitted"),
        ("RDR", "APPROVED", "deal.rdr.star_state.approved"),
        ("RDR", "REJECTED", "deal.rdr.rejected"),
        ("RDR", "CANCELLED", "deal.rdr.star_state.cancelled"),
    ];
    let changes: Vec<Value> = states.iter().map(|(track, state, _)| change(track, state)).collect();
    assert_eq!(types(&changes), states.map(|(_, _, event)| event));
}

#[test]
fn a_state_that_could_be_a_customer_is_but_another() {
    for state in ["CANARY SMITH", "Canary", "canary@example.invalid", "555-0100", "078-05-1120", &"X".repeat(33), "Ä"]
    {
        assert_eq!(types(&[change("DEAL", state)]), ["deal.star_state.other"], "{state}");
    }
    assert_eq!(types(&[change("DEAL", "")]), ["state is empty, and tells rows apart"]);
    assert_eq!(types(&[change("TITLE", "OPEN")]), ["no rule of the profile takes it"]);
}

#[test]
fn a_change_says_which_deal_and_which_car() {
    let file = json!({"deals": [change("DEAL", "ACCEPTED"), change("DEAL", "ACCEPTED")]}).to_string();
    let read = read(&profile("star-deals"), file.as_bytes());
    let [Ok(first), Ok(again)] = read.as_slice() else { panic!("{read:?}") };
    assert_eq!(first, again, "the same change sent again is the same event");
    let event = Value::from(first[0].to_json());
    assert_eq!(
        (&event["subject"], &event["source"], &event["time"]),
        (&"48005".into(), &"//star.vendor/RT9".into(), &"2026-09-08T03:30:00Z".into())
    );
    let keys = json!({"dms_deal": "48005", "sale": "N2392/2026d250", "stock": "N2392", "vin": "1TET83609VG598386"});
    assert_eq!(event["data"], json!({"keys": keys}));
}
