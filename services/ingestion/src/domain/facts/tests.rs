use super::*;

fn parse(json: &str) -> Facts {
    Facts::parse(json.as_bytes()).unwrap()
}

#[test]
fn what_the_list_names_passes() {
    let facts = parse(
        r#"{"actor":"RT001-fi0","role":"fi_manager","trade":"RT001-T00000032","round":2,"lenders":"3","kind":"used",
            "reason":"missing signature","result":"approved","step":"body","to_rooftop":"RT002","replaces":"e-1","withdraws":"e-2",
            "keys":{"visit":700001,"dms_deal":"48001","application":"APP5001","stock":"N2432","vin":"1ath77839tb374068",
            "sale":"N2432/2026d250","lead":91001}}"#,
    );
    assert_eq!(facts.actor.as_deref(), Some("RT001-fi0"));
    assert_eq!(
        facts.keys.each_ref().map(|key| key.as_deref().unwrap()),
        ["APP5001", "48001", "91001", "N2432/2026d250", "N2432", "1ATH77839TB374068", "700001"]
    );
    assert_eq!(
        facts.said.each_ref().map(|said| said.as_deref().unwrap()),
        ["used", "3", "missing signature", "approved", "2", "body", "RT002"]
    );
    assert_eq!((facts.replaces.as_deref(), facts.withdraws.as_deref()), (Some("e-1"), Some("e-2")));
    assert_eq!(facts.dropped.count(), 0);
}

#[test]
fn everything_else_is_dropped_and_named() {
    let facts = parse(
        r#"{"firstName":"Jane","phones":["212-555-0123",{"x":[1,{}]}],"actor":"Jane Doe","role":null,"kind":"demo","round":12345,
            "keys":{"visit":"212-555-0123","license":"D1","vin":"short","stock":null},"notes":{"actor":"x"},"lenders":-1}"#,
    );
    assert_eq!(facts, Facts { dropped: facts.dropped.clone(), ..Facts::default() });
    assert_eq!(
        facts.dropped.into_names(),
        ["firstName", "phones", "actor", "kind", "round", "keys.visit", "keys.license", "keys.vin", "notes", "lenders"]
    );
}

#[test]
fn a_reference_that_cannot_be_kept_is_not_just_dropped() {
    assert_eq!(parse(r#"{"withdraws":"jane@example.invalid"}"#).broken_references, ["data.withdraws"]);
    assert_eq!(parse(r#"{"replaces":{}}"#).broken_references, ["data.replaces"]);
    assert!(parse(r#"{"replaces":null}"#).broken_references.is_empty());
}

#[test]
fn data_that_is_no_object_is_refused() {
    for wrong in ["", "1", "[]", "\"x\"", "null", "{", "{\"a\":}", "{} {}"] {
        assert_eq!(Facts::parse(wrong.as_bytes()), Err(NotAnObject), "{wrong:?}");
    }
    assert_eq!(Facts::parse(b"{\"actor\":\"\xff\"}"), Err(NotAnObject));
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let _ = Facts::parse(deep.as_bytes());
    let deep = format!("{{\"actor\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let _ = Facts::parse(deep.as_bytes());
}

#[test]
fn keys_that_are_no_object_are_dropped() {
    for odd in ["1", "-1", "1.5", "true", "\"x\"", "[1,2]"] {
        let facts = parse(&format!(r#"{{"keys":{odd}}}"#));
        assert_eq!(facts.dropped.into_names(), ["keys.other"], "{odd}");
    }
    assert_eq!(parse(r#"{"keys":null}"#).dropped.count(), 0);
}

#[test]
fn escapes_hide_nothing() {
    let facts = parse(r#"{"\u0061ctor":"RT001-fi0","reason":"call 212\u002d555-0123"}"#);
    assert_eq!(facts.actor.as_deref(), Some("RT001-fi0"));
    assert_eq!(facts.said[2], None);
}

#[test]
fn a_rooftop_that_may_be_a_telephone_is_none() {
    let facts = parse(r#"{"to_rooftop":"2125550123"}"#);
    assert_eq!((facts.said.iter().flatten().count(), facts.dropped.count()), (0, 1));
    assert_eq!(parse(r#"{"to_rooftop":"RT-00012345"}"#).said.iter().flatten().count(), 1);
}
