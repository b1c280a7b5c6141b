use proptest::prelude::*;

use super::*;
use crate::built_in;

fn profile(name: &str) -> Profile {
    Profile::parse(built_in(name).unwrap()).unwrap()
}

/// Each row as what was read of it or why it was not, by number.
fn read(profile: &Profile, file: &[u8]) -> Vec<Result<Row, Broken>> {
    let mut rows = Rows::begin(profile, file).unwrap();
    std::iter::from_fn(|| rows.next().unwrap()).collect()
}

fn value<'r>(profile: &Profile, row: &'r Row, column: &str) -> Option<&'r str> {
    let place = profile.columns().iter().position(|known| *known == column)?;
    row.values[place].as_deref()
}

#[test]
fn only_wanted_columns_are_taken_wherever_they_stand() {
    let profile = profile("staff-shifts");
    let file =
        "\u{feff}Phone,Role,Employee,On,Store,On\n555-0100,\"lot, detail\",E1, 09/07/2026 09:00:00 AM ,S1,later\n";
    let rows = read(&profile, file.as_bytes());
    let row = rows[0].as_ref().unwrap();
    assert_eq!(value(&profile, row, "Role"), Some("lot, detail"));
    assert_eq!(value(&profile, row, "On"), Some("09/07/2026 09:00:00 AM"));
    assert!(!format!("{row:?}").contains("555"));
    assert_eq!(rows.len(), 1);
}

#[test]
fn a_file_of_another_kind_is_refused_by_its_header() {
    let refused = Rows::begin(&profile("finance-log"), "Name,Date\nx,y\n".as_bytes()).err().unwrap().to_string();
    assert_eq!(refused, "it has no column Deal and no column In: is it a file of profile finance-log?");
    assert!(Rows::begin(&profile("finance-log"), &b""[..]).is_err());
    let wide = "x,".repeat(10_000);
    let refused = Rows::begin(&profile("finance-log"), wide.as_bytes()).err().unwrap().to_string();
    assert_eq!(refused, "its header has more than 4096 columns");
}

#[test]
fn broken_rows_are_told_apart_and_the_rest_goes_on() {
    let profile = profile("staff-shifts");
    let long = "x".repeat(1_000_000);
    let file =
        format!("Store,Employee,Role,On\nS1,E1,r,t\nS1,E1\nS1,{long},r,t\nS1,E2,\"{long}\",t\n\nS1,E3,r,t\nS1,E4,r");
    let rows = read(&profile, file.as_bytes());
    let said: Vec<String> =
        rows.iter().map(|row| row.as_ref().map_or_else(ToString::to_string, |row| row.number.to_string())).collect();
    assert_eq!(
        said,
        [
            "1",
            "row 2: it has another number of columns than the header",
            "row 3: the value of Employee is longer than 256 bytes",
            "row 4: the value of Role is longer than 256 bytes",
            "5",
            "row 6: it has another number of columns than the header",
        ]
    );
}

#[test]
fn json_lines_keep_what_is_wanted_and_name_no_content() {
    let profile = profile("dms-fi-sales");
    let file = concat!(
        "{\"dealNo\": 17, \"name1\": {\"secret\": [1]}, \"vin\": null, \"storeId\": \" S1 \"}\n",
        "\n",
        "{\"dealNo\": \"secret\n",
        "[\"secret\"]\n",
        "{\"dealNo\": \"18\"} secret\n",
    );
    let rows = read(&profile, file.as_bytes());
    let first = rows[0].as_ref().unwrap();
    assert_eq!((value(&profile, first, "dealNo"), value(&profile, first, "vin")), (Some("17"), None));
    assert_eq!(value(&profile, first, "storeId"), Some("S1"));
    assert!(rows[1..].iter().all(|row| row.as_ref().unwrap_err().why == "it is not a JSON object"));
    assert_eq!((rows.len(), rows[3].as_ref().unwrap_err().number), (4, 4));
    assert!(!format!("{rows:?}").contains("secret"));
}

#[test]
fn a_line_of_many_megabytes_is_passed_over() {
    let profile = profile("dms-fi-sales");
    let file = format!("{{\"dealNo\": \"{}\"}}\n{{\"dealNo\": \"2\"}}\n", "x".repeat(5 << 20));
    let rows = read(&profile, file.as_bytes());
    assert_eq!(rows[0].as_ref().unwrap_err().to_string(), "row 1: it is longer than a megabyte");
    assert_eq!(value(&profile, rows[1].as_ref().unwrap(), "dealNo"), Some("2"));
}

proptest! {
    /// Whatever the bytes are: no panic, and rows are numbered without a gap.
    #[test]
    fn any_bytes_are_read_to_their_end(
        bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b','), Just(b'"'), Just(b'\n'), Just(b'{')], 0..400),
        json: bool,
    ) {
        let (profile, mut file) = if json {
            (profile("dms-fi-sales"), Vec::new())
        } else {
            (profile("staff-shifts"), b"Employee,On,Store\n".to_vec())
        };
        file.extend(bytes);
        let numbers: Vec<u64> =
            read(&profile, &file).into_iter().map(|row| row.map_or_else(|broken| broken.number, |row| row.number)).collect();
        prop_assert_eq!(&numbers, &(1..=numbers.len() as u64).collect::<Vec<_>>());
    }
}
