use proptest::prelude::*;

use super::*;

const COLUMNS: [&str; 6] = ["prospect@status", "id", "id@source", "requestdate", "vehicle/stock", "vendor/id"];

fn rows(document: &[u8]) -> Vec<Result<Row, Broken>> {
    let mut rows = Rows::begin(document, COLUMNS.map(str::to_owned).to_vec());
    std::iter::from_fn(|| rows.next().unwrap()).collect()
}

fn values(document: &str) -> Vec<Option<String>> {
    let mut rows = rows(document.as_bytes());
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0).unwrap().values
}

/// Why nothing of it is taken.
fn broken(document: &[u8]) -> String {
    let rows = rows(document);
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows[0].as_ref().unwrap_err().to_string()
}

fn some(values: [&str; 6]) -> Vec<Option<String>> {
    values.map(|value| (!value.is_empty()).then(|| value.to_owned())).to_vec()
}

const LEAD: &str = r#"<adf><prospect status="new"><id sequence="1" source="Web">77</id>
    <requestdate>2026-03-04T10:11:12-05:00</requestdate><vehicle><stock>N1</stock></vehicle>
    <customer><contact><name part="full">CANARY-NAME-1</name><phone>555-0100</phone></contact></customer>
    <vendor><id>S9</id></vendor></prospect></adf>"#;

#[test]
fn only_wanted_paths_are_taken() {
    let file = format!("<?xml version=\"1.0\"?>\n<?adf version=\"1.0\"?>\n{LEAD}");
    let expected = some(["new", "77", "Web", "2026-03-04T10:11:12-05:00", "N1", "S9"]);
    assert_eq!(values(&file), expected);
    let held = format!("{:?}", rows(file.as_bytes()));
    assert!(!held.contains("CANARY") && !held.contains("555"), "{held}");
    // A customer's id is none of ours.
    let other = "<adf><prospect><customer><id>CANARY</id><stock>CANARY</stock></customer></prospect></adf>";
    assert_eq!(values(other), some(["new", "", "", "", "", ""]));
}

#[test]
fn headers_quotes_and_names_may_be_as_senders_write_them() {
    let expected = some(["new", "77", "Web", "2026-03-04T10:11:12-05:00", "N1", "S9"]);
    for header in [
        "",
        "\u{feff}",
        "<?ADF VERSION \"1.0\"?>\n<?XML VERSION \"1.0\"?>\n",
        "<?adf version=\u{201c}1.0\u{201d}?><?xml version=\u{201c}1.0\u{201d}>",
        "Lead from the site & more:\r\n<<?xml",
    ] {
        assert_eq!(values(&format!("{header}{LEAD}\n\nSent by a robot & friends")), expected, "{header}");
    }
    let curly = LEAD.replace("\"new\"", "\u{201c}new\u{201d}").replace("\"Web\"", "\u{201d}Web Leads\u{201d}");
    let with_blank = some(["new", "77", "Web Leads", "2026-03-04T10:11:12-05:00", "N1", "S9"]);
    assert_eq!(values(&curly), with_blank);
    let windows: Vec<u8> = curly
        .chars()
        .map(|letter| match letter {
            '\u{201c}' => 0x93,
            '\u{201d}' => 0x94,
            letter => letter as u8,
        })
        .collect();
    assert_eq!(rows(&windows)[0].as_ref().unwrap().values, with_blank);
    assert_eq!(values(&LEAD.replace('"', "")), expected);
    assert_eq!(values(&LEAD.replace("prospect", "Prospect").replace("<adf>", "<ADF>").replace("<id", "<ID")), expected);
    assert_eq!(values(&LEAD.replace("\"new\"", "'resend'"))[0].as_deref(), Some("resend"));
    assert_eq!(values(&LEAD.replace(" status=\"new\"", ""))[0].as_deref(), Some("new"));
}

#[test]
fn a_document_that_declares_anything_is_broken() {
    let bomb = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"{0}\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY c \"<adf>&b;&b;\">]>\
         <adf><prospect><id>&c;</id></prospect></adf>",
        "ha".repeat(1_000)
    );
    let declares = "row 1: it declares a document type, which is never read";
    assert_eq!(broken(bomb.as_bytes()), declares);
    assert_eq!(broken(bomb.replace("DOCTYPE", "docType").as_bytes()), declares);
    for place in ["<vehicle>", "<phone>", "</adf>"] {
        let inside = LEAD.replace(place, &format!("{place}<!DOCTYPE x SYSTEM \"file:///dev/null\">"));
        assert_eq!(broken(inside.as_bytes()), declares);
    }
    assert_eq!(broken(format!("{LEAD}<!DOCTYPE x [").as_bytes()), declares);
    let entity = "row 1: it uses an entity, which is never expanded";
    for (from, to) in [("77", "&x;"), ("555-0100", "&nbsp;"), ("\"full\"", "\"&x;\"")] {
        assert_eq!(broken(LEAD.replace(from, to).as_bytes()), entity);
    }
    // A page of HTML in a comment of the customer's is a text.
    let comment = LEAD.replace("555-0100", "<![CDATA[<!DOCTYPE html>&x;]]>");
    assert_eq!(values(&comment)[1].as_deref(), Some("77"));
}

#[test]
fn xmls_own_entities_and_lone_ampersands_are_text() {
    let said = |id: &str| values(&LEAD.replace("77", id))[1].clone().unwrap();
    assert_eq!(said(" a&amp;&#66;&#x43;<![CDATA[<d>]]> "), "a&BC<d>");
    assert_eq!(said("a & b; c &d"), "a & b; c &d");
    let source = |source: &str| values(&LEAD.replace("\"Web\"", source))[2].clone().unwrap();
    assert_eq!(source("\"a&lt;&#66;&c=1& d;\""), "a<B&c=1& d;");
    assert!(broken(LEAD.replace("77", "&#0;").as_bytes()).ends_with("it is no well-formed XML"));
}

#[test]
fn a_document_is_taken_whole_or_not_at_all() {
    let two = LEAD.replace("</prospect>", "</prospect><prospect status=\"resend\"><id>78</id></prospect>");
    let read = rows(two.as_bytes());
    assert_eq!(read.len(), 2);
    assert_eq!(read[1].as_ref().unwrap().number, 2);
    assert_eq!(read[1].as_ref().unwrap().values, some(["resend", "78", "", "", "", ""]));
    assert_eq!(broken(&two.as_bytes()[..two.len() - 3]), "row 1: it is no well-formed XML");
    assert_eq!(broken(&two.as_bytes()[..two.len() - 6]), "row 1: it ends before its elements do");
    assert_eq!(broken(two.replace("</id>", "</di>").as_bytes()), "row 1: it is no well-formed XML");
    assert_eq!(broken(b""), "row 1: it has no element adf");
    assert_eq!(broken(b"<adfs><prospect/></adfs>"), "row 1: it has no element adf");
    assert_eq!(broken(b"<adf/>"), "row 1: it has no prospect");
}

#[test]
fn limits_are_kept() {
    let long = LEAD.replace("77", &"7".repeat(300));
    assert_eq!(broken(long.as_bytes()), "row 1: the value of id is longer than 256 bytes");
    // What is not wanted may be long, within the document's bound.
    assert_eq!(values(&LEAD.replace("555-0100", &"5".repeat(500_000)))[1].as_deref(), Some("77"));
    let huge = LEAD.replace("555-0100", &"5".repeat(LONGEST));
    assert_eq!(broken(huge.as_bytes()), "row 1: it is longer than a megabyte");
    let endless = io::BufReader::new(io::repeat(b' '));
    let mut endless = Rows::begin(endless, Vec::new());
    assert!(endless.next().unwrap().unwrap().is_err());
    assert!(endless.next().unwrap().is_none());
    let deep = |depth: usize| LEAD.replace("555-0100", &format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth)));
    assert_eq!(values(&deep(27))[1].as_deref(), Some("77"));
    assert_eq!(broken(deep(28).as_bytes()), "row 1: its elements lie more than 32 deep");
    let wide = |width: usize| LEAD.replace("<phone>", &format!("<phone{}>", " a='1'".repeat(width)));
    assert_eq!(values(&wide(64))[1].as_deref(), Some("77"));
    assert_eq!(broken(wide(65).as_bytes()), "row 1: an element has more than 64 attributes");
    let many = |count: usize| format!("<adf>{}</adf>", "<prospect/>".repeat(count));
    assert_eq!(rows(many(1_000).as_bytes()).len(), 1_000);
    assert_eq!(broken(many(1_001).as_bytes()), "row 1: it has more than 1000 prospects");
}

proptest! {
    /// Whatever the bytes are: no panic, an end, and rows numbered without a gap, of which there is at least one.
    #[test]
    fn any_bytes_are_read_to_their_end(pieces in proptest::collection::vec(prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        proptest::sample::select(vec![
            "<adf>", "</adf>", "<adf", "<prospect", "</prospect>", "<id", ">", "/>", "</id>", "<!--", "-->", "<![CDATA[", "]]>",
            "<!DOCTYPE", "&", ";", "&amp;", "&#", "=", "\"", "'", " ", "<?", "?>", "\u{201c}", "status", "vehicle/stock", "@",
        ]).prop_map(|text| text.as_bytes().to_vec()),
    ], 0..60), wrapped: bool) {
        let bytes = pieces.concat();
        let document = if wrapped { [b"<adf><prospect>", &bytes[..], b"</prospect></adf>"].concat() } else { bytes };
        let numbers: Vec<u64> =
            rows(&document).into_iter().map(|row| row.map_or_else(|broken| broken.number, |row| row.number)).collect();
        prop_assert!(!numbers.is_empty());
        prop_assert_eq!(&numbers, &(1..=numbers.len() as u64).collect::<Vec<_>>());
    }

    /// A document that is cut anywhere gives nothing.
    #[test]
    fn a_cut_document_is_broken(end in 0..LEAD.len()) {
        prop_assert!(rows(&LEAD.as_bytes()[..end]).iter().all(Result::is_err));
    }
}
