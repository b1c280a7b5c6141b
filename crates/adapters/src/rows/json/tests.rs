use proptest::prelude::*;

use super::*;

fn rows(array: Option<&str>, document: impl io::Read) -> Vec<Result<Row, Broken>> {
    // A buffer that every piece of a document crosses.
    let from = io::BufReader::with_capacity(7, document);
    let mut rows = Rows::begin(from, array, vec!["id".to_owned(), "car/vin".to_owned()]);
    std::iter::from_fn(|| rows.next().unwrap()).collect()
}

/// Values of each row, or why it is broken.
fn told(array: Option<&str>, document: &str) -> Vec<String> {
    let told = |row: Result<Row, Broken>| match row {
        Ok(row) => row.values.iter().map(|value| value.as_deref().unwrap_or("-")).collect::<Vec<_>>().join(" "),
        Err(broken) => broken.to_string(),
    };
    rows(array, document.as_bytes()).into_iter().map(told).collect()
}

#[test]
fn an_array_is_read_wherever_it_stands() {
    let array = r#"[ {"id": 1, "car": {"vin": " V1 ", "owner": ["CANARY"]}},{"car":"none","id":"b\"]}"} , {} ]"#;
    let expected = ["1 V1", "b\"]} -", "- -"];
    assert_eq!(told(None, array), expected);
    assert_eq!(told(None, &format!("\u{feff} {array}\n")), expected);
    let within = format!(
        r#"{{"deals": 7, "x": [{{"deals": []}}, "]"], "data": {{"note": "\"deals\": [", "de\u0061ls": {array}, "n": [1]}}, "z": null}}"#
    );
    assert_eq!(told(Some("data/deals"), &within), expected);
    assert_eq!(told(None, "[]"), [""; 0]);
    assert_eq!(told(Some("deals"), "{\"deals\":[]}"), [""; 0]);
}

#[test]
fn what_is_no_row_is_told_and_the_others_are_read() {
    assert_eq!(
        told(None, r#"[{"id":1},7,"x",[{"id":2}],{"id":3,},{"id":4}]"#),
        [
            "1 -",
            "row 2: it is not a JSON object",
            "row 3: it is not a JSON object",
            "row 4: it is not a JSON object",
            "row 5: it is not a JSON object",
            "4 -",
        ]
    );
    let long = format!(r#"[{{"id":"{}"}},{{"note":"{}","id":2}},{{"id":3}}]"#, "x".repeat(300), "x".repeat(2 << 20));
    let said = told(None, &long);
    assert_eq!(said, ["row 1: a value is longer than 256 bytes", "row 2: it is longer than a megabyte", "3 -"]);
}

#[test]
fn a_document_that_is_none_says_why() {
    for (array, document, why) in [
        (None, "", "it ends in the middle"),
        (None, "{}", "it is no array: the profile's `array` says where one stands in it"),
        (Some("a"), "[]", "it has no array at a"),
        (Some("a"), "{}", "it has no array at a"),
        (Some("a/b"), r#"{"a":{"c":[]}}"#, "it has no array at a/b"),
        (Some("a"), r#"{"a":{}}"#, "it has no array at a"),
        (Some("a"), r#"{"b":1"#, "it ends in the middle"),
        (Some("a"), r#"{"b" 1}"#, "it is no well-formed JSON"),
        (Some("a"), r#"{"b":1 "a":[]}"#, "it is no well-formed JSON"),
        (Some("a"), r#"{"b":1}"#, "it has no array at a"),
        (Some("a"), r#"{b:1}"#, "it is no well-formed JSON"),
    ] {
        assert_eq!(told(array, document), [format!("row 1: {why}")], "{document}");
    }
    for (document, why) in [
        (r#"{"a":[{"id":1}"#, "it ends in the middle"),
        (r#"{"a":[{"id":1},"#, "it ends in the middle"),
        (r#"{"a":[{"id":1},{"id":"#, "it ends in the middle"),
        (r#"{"a":[{"id":1},]}"#, "it is no well-formed JSON"),
        (r#"{"a":[{"id":1}{"id":2}]}"#, "it is no well-formed JSON"),
        (r#"{"a":[{"id":1}]"#, "it ends in the middle"),
        (r#"{"a":[{"id":1}]}]"#, "it is no well-formed JSON"),
        (r#"{"a":[{"id":1}],"b":}"#, "it is no well-formed JSON"),
        (r#"{"a":[{"id":1},{"b":[}]}]}"#, "it is no well-formed JSON"),
    ] {
        assert_eq!(told(Some("a"), document), ["1 -".to_owned(), format!("row 2: {why}")], "{document}");
    }
    let deep = format!("[{}{}]", "[".repeat(129), "]".repeat(129));
    assert_eq!(told(None, &deep), ["row 1: its values lie more than 128 deep"]);
}

#[test]
fn a_document_of_any_length_is_read_a_row_at_a_time() {
    use io::Read as _;
    let row = format!(r#"{{"id":"a","note":"{}"}},"#, "x".repeat(10_000));
    let many = io::Cursor::new(row.clone().into_bytes()).chain(io::repeat(b' ').take(50 << 20));
    let document = b"[".chain(many).chain(&b"{\"id\":\"b\"}]"[..]);
    let mut rows = Rows::begin(io::BufReader::new(document), None, vec!["id".to_owned()]);
    let mut read = 0;
    while let Some(row) = rows.next().unwrap() {
        assert!(row.is_ok());
        read += 1;
    }
    assert_eq!(read, 2);
    // A value that never ends is passed over without being held.
    let endless = b"[\"".chain(io::repeat(b'x').take(50 << 20)).chain(&b"\",{\"id\":\"b\"}]"[..]);
    let mut rows = Rows::begin(io::BufReader::new(endless), None, vec!["id".to_owned()]);
    assert_eq!(rows.next().unwrap().unwrap().unwrap_err().why, TOO_LONG);
    assert!(rows.next().unwrap().unwrap().is_ok());
}

proptest! {
    /// Whatever the bytes are: no panic, an end, and rows numbered without a gap.
    #[test]
    fn any_bytes_are_read_to_their_end(pieces in proptest::collection::vec(prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        proptest::sample::select(vec!["{", "}", "[", "]", "\"a\"", ":", ",", "\"", "\\", "1", "null", "{\"id\":1}", "\"id\"", " "])
            .prop_map(|text| text.as_bytes().to_vec()),
    ], 0..60), wrapped: bool) {
        let bytes = pieces.concat();
        let document = if wrapped { [b"{\"a\":[", &bytes[..], b"]}"].concat() } else { bytes };
        let numbers: Vec<u64> = rows(Some("a"), &document[..])
            .into_iter()
            .map(|row| row.map_or_else(|broken| broken.number, |row| row.number))
            .collect();
        prop_assert_eq!(&numbers, &(1..=numbers.len() as u64).collect::<Vec<_>>());
    }

    /// Of what serde takes for a document nothing is missed, and a document that is cut says so.
    #[test]
    fn every_element_is_a_row(values in proptest::collection::vec(json(), 0..6), pretty: bool, cut in 0.0..1.0) {
        let whole = serde_json::json!({"x": values, "a": values, "z": "]"});
        let text = if pretty { serde_json::to_string_pretty(&whole) } else { serde_json::to_string(&whole) }.unwrap();
        let read = rows(Some("a"), text.as_bytes());
        prop_assert_eq!(read.len(), values.len());
        for (row, value) in read.iter().zip(&values) {
            prop_assert_eq!(row.is_ok(), value.is_object(), "{:?} of {}", row, value);
        }
        let cut = &text.as_bytes()[..(text.len() as f64 * cut) as usize];
        prop_assert!(rows(Some("a"), cut).last().is_some_and(Result::is_err));
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z\\[\\]{}\",:\\\\ é]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("[a-z\"]{1,4}", inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}
