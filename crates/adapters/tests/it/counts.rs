//! Whatever a file holds: rows add up.
use jiff::tz::TimeZone;
use proptest::prelude::*;
use throughline_adapters::{BUILT_IN, Mapped, Mapper, Profile, Rows};

/// Of a format that no built-in profile has.
const XML: &str = "{profile: x, version: 1, title: t, format: xml, element: prospect, source: //dms.vendor/x, zone: rooftop,
    row: [id], keys: {vin: vehicle@vin}, events: [{type: deal.opened, time: {at: {columns: [requestdate], format: rfc3339}}}]}";

/// Pieces of files of every format, well and badly formed.
const PIECES: [&str; 44] = [
    "\n",
    ",",
    "\"",
    "{",
    "}",
    "[",
    "]",
    ":",
    "<",
    ">",
    "</",
    "/>",
    " ",
    "&",
    "x",
    "\u{e9}",
    "PolledUTC,VisitID,DealerID,StartUTCDate,EndUTCDate,StockNumber,SalesRepID,WriteUp,Desking,EndReason,DemoTestDrive\n",
    "2026-09-07T14:05:00Z,1,S9,2026-09-07T14:01:50,,N1,s1,1,0,,1\n",
    "2026-09-07T14:05:00Z,1,S1,2026-09-07T14:01:50,,N1,s1,1,0,,1\n",
    "Date,Store,Deal,Stock,In,Out,F&I\n",
    "09/07/2026,S9,1,N1,11:40 PM,12:10 AM,f1\n",
    "soon,S9,1,N1,11:40 PM,12:10 AM,f1\n",
    "Application,Dealer,Deal Number,VIN,Status,Status Date,Reason\n",
    "A1,S9,,V1,Signed,09/07/2026 12:35:34 PM,\n",
    "VIN,Store,Step,Entered,Left\n",
    "V1,S9,Detail,09/07/2026 12:35:34 PM,09/07/2026 12:35:34 PM\n",
    "Store,Employee,Role,On,Off\n",
    "S9,E1,lot,09/07/2026 09:00:00 AM,x\n",
    "S9,E1\n",
    "{\"dealNo\":\"7\",\"storeId\":\"S9\",\"fiWipStatusCode\":\"B\",\"creationDate\":\"2026-09-07\",\"deltaAt\":\"2026-09-07T15:57:16Z\"}\n",
    "{\"dealNo\":\"7\",\"storeId\":\"S1\"}\n",
    "{\"dealNo\":\"7\"\n",
    "{\"deals\":[",
    "]}",
    "null",
    "{\"a\":[1,\"]\"]},",
    "{\"dealNumber\":\"1\",\"dealerCode\":\"S9\",\"track\":\"DEAL\",\"state\":\"POSTED\",\"changedAt\":\"2026-09-08T03:30:00Z\"},",
    "{\"id\":\"1\",\"source\":\"//x\",\"type\":\"a.b\",\"time\":\"2026-09-08T03:30:00Z\"}\n",
    "<adf>",
    "</adf>",
    "<prospect><id>7</id><requestdate>2026-09-06T01:25:28-04:00</requestdate><vendor><id>S9</id></vendor></prospect>",
    "<prospect status=resend><id>7</id>",
    "</prospect>",
    "<!DOCTYPE x>",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// No panic; every row is read, and is kept, dropped or broken; the same file gives the same.
    #[test]
    fn rows_are_kept_dropped_or_broken(
        name in proptest::sample::select(BUILT_IN.map(|(_, text)| text).into_iter().chain([XML]).collect::<Vec<_>>()),
        pieces in proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 0..24),
    ) {
        let profile = Profile::parse(name).unwrap();
        let file = pieces.concat();
        let once = counts(&profile, file.as_bytes());
        prop_assert_eq!(once, counts(&profile, file.as_bytes()));
        if let Some(Counts { read, kept, dropped, broken, last }) = once {
            prop_assert_eq!(read, kept + dropped + broken);
            prop_assert_eq!(read, last, "rows are numbered without a gap");
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    read: u64,
    kept: u64,
    dropped: u64,
    broken: u64,
    last: u64,
}

/// `None` if it is no file of the profile.
fn counts(profile: &Profile, file: &[u8]) -> Option<Counts> {
    let mut mapper = Mapper::new(profile, "RT9", ["S9".to_owned()], TimeZone::UTC);
    let mut rows = Rows::begin(profile, file).ok()?;
    let mut counts = Counts::default();
    while let Some(row) = rows.next().unwrap() {
        counts.read += 1;
        match row {
            Ok(row) => {
                counts.last = row.number;
                match mapper.map(&row) {
                    Mapped::Events(events) => {
                        assert!(!events.is_empty(), "a row that is kept gives something");
                        assert!(events.iter().all(|event| event.time.earliest <= event.time.latest));
                        counts.kept += 1;
                    }
                    Mapped::Nothing(_) => counts.dropped += 1,
                }
            }
            Err(broken) => {
                counts.last = broken.number;
                counts.broken += 1;
            }
        }
    }
    Some(counts)
}
