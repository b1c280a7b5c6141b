use std::io::Read as _;

use proptest::prelude::*;

use super::*;

fn rows(document: impl io::Read) -> Vec<Result<Row, Broken>> {
    let from = io::BufReader::with_capacity(11, document);
    let mut rows = Rows::begin(from, "Deal", ["@state", "id", "car/@vin", "car/stock"].map(str::to_owned).to_vec());
    std::iter::from_fn(|| rows.next().unwrap()).collect()
}

fn told(document: &str) -> Vec<String> {
    let told = |row: Result<Row, Broken>| match row {
        Ok(row) => row.values.iter().map(|value| value.as_deref().unwrap_or("-")).collect::<Vec<_>>().join(" "),
        Err(broken) => broken.to_string(),
    };
    rows(document.as_bytes()).into_iter().map(told).collect()
}

const DEALS: &str = r#"<?xml version="1.0"?><s:Export xmlns:s="urn:x"><Header><id>CANARY</id></Header><!-- <Deal/> -->
    <s:Deal s:state="NEW"><s:id> 1&amp;2 </s:id><Customer><id>CANARY</id></Customer><Car vin="V1"><Stock>N1</Stock></Car></s:Deal>
    <Deal state='B'><id>3</id><Deal><id>CANARY</id></Deal></Deal></s:Export>"#;

#[test]
fn each_element_of_the_name_is_a_row() {
    assert_eq!(told(DEALS), ["NEW 1&2 V1 N1", "B 3 - -"]);
    assert!(!format!("{:?}", rows(DEALS.as_bytes())).contains("CANARY"));
    assert_eq!(told("<x/>"), ["row 1: it has no element deal"]);
    assert_eq!(told(""), ["row 1: it has no element deal"]);
}

#[test]
fn what_stands_before_a_fault_is_taken() {
    let cut = &DEALS[..DEALS.len() - 20];
    assert_eq!(told(cut)[1..], ["row 2: it is no well-formed XML"]);
    let declares = DEALS.replace("<Deal state", "<!DOCTYPE x [<!ENTITY a 'CANARY'>]><Deal state");
    assert_eq!(told(&declares)[1..], ["row 2: it declares a document type, which is never read"]);
    let entity = DEALS.replace("<id>3", "<id>&x;3");
    assert_eq!(told(&entity)[1..], ["row 2: it uses an entity, which is never expanded"]);
    let windows = DEALS.replace("<id>3", "<id>\u{e9}").replace('\u{e9}', "\u{fffd}");
    let windows = windows.replace('\u{fffd}', "#");
    let mut windows = windows.into_bytes();
    let place = windows.iter().position(|byte| *byte == b'#').unwrap();
    windows[place] = 0xe9;
    assert_eq!(rows(&windows[..])[1].as_ref().unwrap_err().to_string(), "row 2: it is not UTF-8");
    let long = DEALS.replace("<id>3", &format!("<id>{}", "3".repeat(300)));
    assert_eq!(told(&long)[1..], ["row 2: the value of id is longer than 256 bytes"]);
}

#[test]
fn neither_a_row_nor_what_stands_between_two_may_be_endless() {
    let too_long = "row 1: a row, or what stands between two, is longer than a megabyte";
    for begin in ["<x><Deal><note>", "<x><Deal ", "<x><!-- ", "<x><Deal><![CDATA[", "<!DOCTYPE ", "<?x ", "<x>&", ""] {
        let endless = begin.as_bytes().chain(io::repeat(b'y'));
        let read = rows(endless);
        assert_eq!(read.len(), 1, "{begin}");
        assert_eq!(read[0].as_ref().unwrap_err().to_string(), too_long, "{begin}");
    }
    // Many rows are no long row.
    let many = format!("<x>{}</x>", format!("<Deal><note>{}</note></Deal>", "y".repeat(100_000)).repeat(50));
    assert_eq!(told(&many).len(), 50);
    let wide = "<x><y/>".to_owned() + &"<z>a</z>".repeat(200_000) + "<Deal/></x>";
    assert_eq!(told(&wide), ["- - - -"]);
}

#[test]
fn a_file_that_cannot_be_read_on_is_no_broken_row() {
    struct Fails;
    impl io::Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
    let from = io::BufReader::new(b"<x><Deal><id>1</id></Deal><Deal>".chain(Fails));
    let mut rows = Rows::begin(from, "Deal", vec!["id".to_owned()]);
    assert!(rows.next().unwrap().unwrap().is_ok());
    assert_eq!(rows.next().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

proptest! {
    /// Whatever the bytes are: no panic, an end, and rows numbered without a gap, of which there is at least one.
    #[test]
    fn any_bytes_are_read_to_their_end(pieces in proptest::collection::vec(prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        proptest::sample::select(vec![
            "<deal>", "</deal>", "<deal", "<car", "</car>", "<id", ">", "/>", "</id>", "<!--", "-->", "<![CDATA[", "]]>",
            "<!DOCTYPE", "&", ";", "&amp;", "&#", "=", "\"", "'", " ", "<?", "?>", "s:", "state", "vin", "@",
        ]).prop_map(|text| text.as_bytes().to_vec()),
    ], 0..60), wrapped: bool) {
        let bytes = pieces.concat();
        let document = if wrapped { [b"<x><deal>", &bytes[..], b"</deal></x>"].concat() } else { bytes };
        let numbers: Vec<u64> = rows(&document[..])
            .into_iter()
            .map(|row| row.map_or_else(|broken| broken.number, |row| row.number))
            .collect();
        prop_assert!(!numbers.is_empty());
        prop_assert_eq!(&numbers, &(1..=numbers.len() as u64).collect::<Vec<_>>());
    }

    /// A document that is cut anywhere says so.
    #[test]
    fn a_cut_document_ends_with_a_broken_row(end in 1..DEALS.len()) {
        prop_assert!(rows(&DEALS.as_bytes()[..end]).last().is_some_and(Result::is_err));
    }
}
