use proptest::prelude::*;

use super::*;
use crate::{BUILT_IN, InvalidProfile, Rows, built_in};

fn profile(name: &str) -> Profile {
    Profile::parse(built_in(name).unwrap()).unwrap()
}

fn map(profile: &Profile, file: &str) -> Vec<Mapped> {
    let zone = TimeZone::get("America/New_York").unwrap();
    let mut mapper = Mapper::new(profile, "RT9", ["S9".to_owned()], zone);
    let mut rows = Rows::begin(profile, file.as_bytes()).unwrap();
    std::iter::from_fn(|| rows.next().unwrap()).map(|row| mapper.map(&row.unwrap())).collect()
}

/// Type, earliest, latest, quality of each event, in short.
fn told(mapped: &Mapped) -> Vec<String> {
    match mapped {
        Mapped::Events(events) => events
            .iter()
            .map(|event| {
                let Moment { earliest, latest, quality } = event.time;
                let time = if earliest == latest { earliest.to_string() } else { format!("{earliest} .. {latest}") };
                format!("{} {} {time}", event.event_type, quality.as_str())
            })
            .collect(),
        Mapped::Nothing(why) => vec![why.to_string()],
    }
}

const VISITS: &str = "PolledUTC,VisitID,DealerID,StartUTCDate,EndUTCDate,StockNumber,SalesRepID,WriteUp,Desking,EndReason,DemoTestDrive,TradeAppraisal,FinanceTurnOver,ManagerTurnOver\n";

#[test]
fn a_flag_happened_between_two_polls() {
    let file = format!(
        "{VISITS}\
         2026-09-07T14:05:00Z,1,S9,2026-09-07T14:01:50,,N1,s1,0,0,,1,0,0,0\n\
         2026-09-07T14:10:00Z,2,S9,2026-09-07T14:09:00,,N2,s2,0,0,,0,0,0,0\n\
         2026-09-07T14:15:00Z,1,S9,2026-09-07T14:01:50,,N1,s1,1,0,,1,0,0,0\n\
         2026-09-07T14:15:00Z,1,S9,2026-09-07T14:01:50,,N1,s1,1,0,,1,0,0,0\n\
         2026-09-07T14:30:00Z,1,S9,2026-09-07T14:01:50,2026-09-07T14:20:00,N1,s1,1,1,Not sold,1,0,0,0\n"
    );
    let mapped = map(&profile("crm-visits"), &file);
    let told: Vec<Vec<String>> = mapped.iter().map(told).collect();
    assert_eq!(
        told[0],
        [
            "deal.opened exact 2026-09-07T14:01:50Z",
            // No poll is known before: not before the visit began.
            "deal.demo.started bounded 2026-09-07T14:01:50Z .. 2026-09-07T14:05:00Z",
        ]
    );
    assert_eq!(told[1], ["deal.opened exact 2026-09-07T14:09:00Z"]);
    // That another visit was seen at 14:10 shows that there was a poll.
    assert_eq!(told[2], ["deal.writeup.submitted bounded 2026-09-07T14:10:00Z .. 2026-09-07T14:15:00Z"]);
    assert_eq!(told[3], ["nothing in it is new"]);
    // And not after the visit ended.
    assert_eq!(
        told[4],
        [
            "deal.desk.started bounded 2026-09-07T14:15:00Z .. 2026-09-07T14:20:00Z",
            "deal.lost exact 2026-09-07T14:20:00Z",
        ]
    );
}

/// What a store keeps of a memory.
#[derive(Clone, Default)]
struct Kept {
    polls: crate::Polls,
    types: Vec<String>,
    rows: BTreeMap<crate::RowHash, crate::Given>,
}

impl Kept {
    fn save(&mut self, changes: crate::Changes) {
        (self.polls, self.types) = (changes.polls, changes.types);
        self.rows.retain(|row, _| !changes.forgotten.contains(row));
        self.rows.extend(changes.rows);
    }

    fn memory(&self) -> Memory {
        Memory::load(self.polls, self.types.clone(), self.rows.clone())
    }
}

/// Maps rows as one run, from what is kept and into it.
fn run(profile: &Profile, kept: &mut Kept, rows: &[String]) -> Vec<Mapped> {
    let mut mapper = Mapper::new(profile, "RT9", ["S9".to_owned()], TimeZone::UTC).remembering(kept.memory());
    let file = format!("{VISITS}{}", rows.concat());
    let mut rows = Rows::begin(profile, file.as_bytes()).unwrap();
    let mapped = std::iter::from_fn(|| rows.next().unwrap()).map(|row| mapper.map(&row.unwrap())).collect();
    kept.save(mapper.memory().take_changes());
    mapped
}

/// A visit as it was polled at a minute, with this many of its flags set.
fn visit(minute: u32, id: u32, flags: usize) -> String {
    let flag = |nth: usize| u8::from(nth < flags);
    format!(
        "2026-09-07T14:{minute:02}:00Z,{id},S9,2026-09-07T14:00:00,,N{id},s1,{},{},,{},{},0,0\n",
        flag(1),
        flag(2),
        flag(0),
        flag(3)
    )
}

#[test]
fn a_table_that_is_read_in_two_runs_goes_on_where_the_first_ended() {
    let profile = profile("crm-visits");
    let first = [visit(5, 1, 1), visit(10, 2, 0)];
    let more = [first.as_slice(), &[visit(15, 1, 2)]].concat();
    let mut kept = Kept::default();
    run(&profile, &mut kept, &first);
    let told: Vec<Vec<String>> = run(&profile, &mut kept, &more).iter().map(told).collect();
    assert_eq!(told[..2], [["nothing in it is new"], ["nothing in it is new"]]);
    assert_eq!(told[2], ["deal.writeup.submitted bounded 2026-09-07T14:10:00Z .. 2026-09-07T14:15:00Z"]);
}

#[test]
fn days_without_a_time_reach_to_the_delta_that_told_of_them() {
    let file = concat!(
        r#"{"dealNo":"7","storeId":"S9","fiWipStatusCode":"B","creationDate":"2026-09-07","stockNo":"N1","vin":"1TET83609VG598386","deltaAt":"2026-09-07T15:57:16Z","name1":"x"}"#,
        "\n",
        r#"{"dealNo":"7","storeId":"S9","fiWipStatusCode":"F","accountingDate":"","deltaAt":"2026-09-07T15:57:16Z"}"#,
        "\n",
        r#"{"dealNo":"7","storeId":"S9","fiWipStatusCode":"D","contractDate":"2026-09-09","deltaAt":"2026-09-07T15:57:16Z"}"#,
        "\n",
        r#"{"dealNo":"7","storeId":"S1","fiWipStatusCode":"B"}"#,
        "\n",
        r#"{"storeId":"S9","fiWipStatusCode":"B"}"#,
    );
    let mapped = map(&profile("dms-fi-sales"), file);
    assert_eq!(told(&mapped[0]), ["deal.agreed bounded 2026-09-07T04:00:00Z .. 2026-09-07T15:57:16Z"]);
    assert_eq!(told(&mapped[1]), ["no rule of the profile takes it"]);
    assert_eq!(told(&mapped[2]), ["deltaAt lies before contractDate"]);
    assert_eq!(told(&mapped[3]), ["it is of another rooftop"]);
    assert_eq!(told(&mapped[4]), ["dealNo is empty, and tells rows apart"]);
    let Mapped::Events(events) = &mapped[0] else { panic!() };
    let json = serde_json::Value::from(events[0].to_json());
    assert_eq!(json["source"], "//dms.vendor/RT9");
    assert_eq!(json["observedat"], "2026-09-07T15:57:16Z");
    assert_eq!(
        json["data"],
        serde_json::json!({"keys": {"dms_deal": "7", "sale": "N1/2026d250", "stock": "N1", "vin": "1TET83609VG598386"}})
    );
}

#[test]
fn out_before_in_is_after_midnight_and_minutes_are_stretches() {
    let file =
        "Date,Store,Deal,Stock,In,Out,F&I\n09/07/2026,S9,1,N1,11:40 PM,12:10 AM,f1\n09/08/2026,S9,2,N2,01:00 PM,,f1\n";
    let mapped = map(&profile("finance-log"), file);
    assert_eq!(
        told(&mapped[0]),
        [
            "deal.fi.started bounded 2026-09-08T03:40:00Z .. 2026-09-08T03:40:59.999999Z",
            "deal.contract.signed bounded 2026-09-08T04:10:00Z .. 2026-09-08T04:10:59.999999Z",
        ]
    );
    // Still in the box.
    assert_eq!(told(&mapped[1]).len(), 1);
}

#[test]
fn a_vendors_words_become_ours() {
    let file = "Application,Dealer,Deal Number,VIN,Status,Status Date,Reason\n\
                A1,S9,,V1,Returned,09/07/2026 12:35:34 PM,Wrong Mileage\n\
                A1,S9,,V1,Dreamt,09/07/2026 12:35:34 PM,\n\
                A1,S9,,V1,Signed,noon,\n";
    let mapped = map(&profile("lender-status"), file);
    let Mapped::Events(events) = &mapped[0] else { panic!() };
    assert_eq!(
        (events[0].event_type.as_str(), events[0].facts.said["reason"].as_str()),
        ("deal.contract.returned", "wrong_mileage")
    );
    assert!(!events[0].facts.keys.contains_key("dms_deal"));
    assert_eq!(told(&mapped[1]), ["no rule of the profile takes it"]);
    assert_eq!(told(&mapped[2]), ["Status Date is no time of the profile's format"]);
}

#[test]
fn a_lead_links_nothing_and_is_taken_once() {
    let lead = |status: &str, vendor: &str, date: &str| {
        format!(
            "<prospect status={status}><id>7</id><requestdate>{date}</requestdate><vehicle><stock>N1</stock></vehicle>\
             <customer><name>x</name></customer><vendor><id>{vendor}</id></vendor></prospect>"
        )
    };
    let date = "2026-09-06T01:25:28-04:00";
    let file =
        [lead("new", "S9", date), lead("resend", "S9", date), lead("new", "S1", date), lead("new", "S9", "today")];
    let mapped = map(&profile("adf"), &format!("<?ADF VERSION \"1.0\"?><adf>{}</adf>", file.concat()));
    assert_eq!(told(&mapped[0]), ["lead.received exact 2026-09-06T05:25:28Z"]);
    assert_eq!(told(&mapped[1]), ["no rule of the profile takes it"]);
    assert_eq!(told(&mapped[2]), ["it is of another rooftop"]);
    assert_eq!(told(&mapped[3]), ["requestdate is no time of the profile's format"]);
    let Mapped::Events(events) = &mapped[0] else { panic!() };
    assert_eq!(events[0].subject, None);
    assert_eq!(serde_json::json!(events[0].facts.keys), serde_json::json!({"lead": "7", "stock": "N1"}));
}

#[test]
fn a_wrong_profile_is_refused_with_everything_that_is_wrong() {
    let text = "{profile: X, version: 0, title: t, format: csv, source: here, zone: Mars/Olympus, row: [], events: [
        {type: a.b, flag: F}, {type: a.c, time: {at: {columns: [T], format: '%'}}, actor: {}}]}";
    let InvalidProfile(problems) = Profile::parse(text).unwrap_err();
    for wanted in [
        "profile: 1 to 40",
        "version: from 1",
        "row: at least one",
        "source: a URI",
        "zone: \"Mars/Olympus\" is neither",
        "events[0].flag: needs polled",
        "events[1]: a value is given by either",
        "events[1].time.at.format: \"%\" is neither",
    ] {
        assert!(problems.iter().any(|problem| problem.starts_with(wanted)), "{wanted} in {problems:?}");
    }
    let unknown = Profile::parse("{profile: x, surprise: 1}").unwrap_err().to_string();
    assert!(unknown.contains("surprise"), "{unknown}");
    // A file of customers by mistake.
    for data in [
        "Jane CANARY: x",
        "profile: [CANARY]",
        "version: CANARY \"` '",
        "format: CANARY",
        "a: {b: CANARY",
        "- CANARY\nb: *CANARY",
        "CANARY: 'it\"s\n",
    ] {
        let refused = Profile::parse(data).unwrap_err().to_string();
        assert!(!refused.contains("CANARY") && refused.contains("line"), "{data}: {refused}");
    }
}

#[test]
fn every_built_in_profile_can_be_used_and_bears_its_name() {
    for (name, text) in BUILT_IN {
        assert_eq!(Profile::parse(text).unwrap().profile, name);
    }
}

proptest! {
    /// Read at once, or in runs that each begin from the first row, with what the run before had saved: the same events.
    #[test]
    fn runs_give_what_one_run_gives(
        visits in proptest::collection::vec((0_u32..3, 1_u32..5, 0_usize..5), 1..30),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let profile = profile("crm-visits");
        let mut minute = 1;
        let rows: Vec<String> = visits
            .into_iter()
            .map(|(later, id, flags)| {
                minute += later;
                visit(minute % 60, id, flags)
            })
            .collect();
        let events = |mapped: Vec<Mapped>| -> Vec<Event> {
            mapped.into_iter().flat_map(|mapped| match mapped { Mapped::Events(events) => events, Mapped::Nothing(_) => vec![] }).collect()
        };
        let wanted = events(run(&profile, &mut Kept::default(), &rows));
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(rows.len())).collect();
        cuts.sort_unstable();
        cuts.push(rows.len());
        let (mut kept, mut given) = (Kept::default(), Vec::new());
        for cut in cuts {
            given.extend(events(run(&profile, &mut kept, &rows[..cut])));
        }
        prop_assert_eq!(given, wanted);
    }

    /// Whatever stands in the columns: no panic, bounds in order, and the same row gives the same events.
    #[test]
    fn any_values_are_mapped(
        name in proptest::sample::select(BUILT_IN.map(|(name, _)| name).to_vec()),
        rows in proptest::collection::vec(proptest::collection::vec(
            prop_oneof![
                Just("S9"), Just("1"), Just("B"), Just("Sold"), Just("Signed"), Just("2026-09-07"), Just("2026-09-07T14:05:00"),
                Just("2026-09-07T14:05:00Z"), Just("09/07/2026 12:35:34 PM"), Just("09/07/2026"), Just("11:40 PM"), Just("Detail"),
                Just("9999-12-31T23:59:59Z"), Just("-0001-01-01"), Just(""), Just("\u{0}x"),
            ], 24), 1..6),
    ) {
        let profile = profile(name);
        let mapper = || Mapper::new(&profile, "RT9", ["S9".to_owned()], TimeZone::UTC);
        let (mut one, mut other) = (mapper(), mapper());
        for (number, values) in rows.iter().enumerate() {
            let values = values[..profile.columns().len().min(24)].iter().map(|value| crate::rows::kept(value)).collect();
            let row = Row { number: number as u64 + 1, values };
            let mapped = one.map(&row);
            prop_assert_eq!(&mapped, &other.map(&row));
            if let Mapped::Events(events) = mapped {
                for event in events {
                    prop_assert!(event.time.earliest <= event.time.latest);
                    prop_assert_eq!(event.rooftop, "RT9");
                }
            }
        }
    }
}

#[test]
fn a_profile_is_kept_without_notes_and_reads_the_same() {
    for (name, text) in BUILT_IN {
        let noted = format!("# Jane Doe, 555-0100\n{text}");
        let kept = Profile::without_notes(&noted).unwrap();
        assert!(!kept.contains("Jane Doe") && !kept.contains('#'), "{kept}");
        let (mut before, mut after) = (Profile::parse(text).unwrap(), Profile::parse(&kept).unwrap());
        assert_eq!(after.title, name);
        (before.title, after.title) = (String::new(), String::new());
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
    }
    // A column whose name YAML takes for a truth where nobody says that it is a text.
    let odd = "{profile: p, version: 1, title: t, format: csv, source: //s, zone: UTC, row: [No],
        events: [{type: a.b, time: {at: {columns: [On], format: rfc3339}}}]}";
    assert_eq!(Profile::parse(&Profile::without_notes(odd).unwrap()).unwrap().columns(), ["No", "On"]);
}
