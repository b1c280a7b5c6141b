//! Vendors' files end to end: every row and event is accounted for, a second import changes nothing, and what names a customer
//! is found in no table and no log.
use std::{collections::BTreeSet, path::Path};

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use throughline_testkit::{Scratch, connect};

use crate::{
    events,
    suite::{Printed, Suite, scratch_suite},
};

/// What must be found nowhere.
const CANARIES: [&str; 3] = ["CANARY-", "canary@example.invalid", "555-0100"];

/// The profile of which it is remembered what its rows have given.
const POLLED: &str = "crm-visits";

/// A vendor's file: the profile, its name, its text; and how many of its rows are kept, dropped and broken.
pub type File = (&'static str, &'static str, &'static str, [u64; 3]);

pub const FILES: [File; 13] = [
    (
        "crm-visits",
        "CANARY-NAME-visits.csv",
        "PolledUTC,VisitID,DealerID,CANARY-NAME-HEADER,StartUTCDate,EndUTCDate,StockNumber,SalesRepID,WriteUp,Desking,EndReason,DemoTestDrive,TradeAppraisal,FinanceTurnOver,ManagerTurnOver,Email\n\
         2026-09-07T14:05:00Z,V1,RT7,CANARY-NAME-1,2026-09-07T14:01:50,,STK7001,s1,0,0,,1,0,0,0,canary@example.invalid\n\
         2026-09-07T14:15:00Z,V1,RT7,CANARY-NAME-1,2026-09-07T14:01:50,,STK7001,s1,1,0,,1,0,0,0,canary@example.invalid\n\
         2026-09-07T14:15:00Z,V1,RT7,CANARY-NAME-1,2026-09-07T14:01:50,,STK7001,s1,1,0,,1,0,0,0,canary@example.invalid\n\
         2026-09-07T14:15:00Z,V2,CANARY-STORE,CANARY-NAME-2,2026-09-07T14:01:50,,STK7002,s1,1,0,,1,0,0,0,canary@example.invalid\n\
         2026-09-07T14:20:00Z,V3,RT7,\"CANARY-NAME-3, 555-0100\",2026-09-07T14:18:00,,STK7003,canary@example.invalid,0,0,,0,0,0,0,\n\
         2026-09-07T14:20:00Z,V4,RT7,CANARY-NAME-4\n",
        [3, 2, 1],
    ),
    (
        "dms-fi-sales",
        "sales.jsonl",
        concat!(
            r#"{"dealNo":"D71","storeId":"RT7","fiWipStatusCode":"B","creationDate":"2026-09-07","stockNo":"STK7001","deltaAt":"2026-09-07T19:57:16Z","name1":"CANARY-NAME-5","email":"canary@example.invalid"}"#,
            "\n",
            r#"{"dealNo":"D71","storeId":"RT7","fiWipStatusCode":"B","creationDate":"2026-09-07","stockNo":"STK7001","deltaAt":"2026-09-07T19:57:16Z","name1":"CANARY-NAME-5","CANARY-NAME-MEMBER":{"phone":["555-0100"]}}"#,
            "\n",
            r#"{"dealNo":"D72","storeId":"RT7","fiWipStatusCode":"CANARY-CODE","name1":"CANARY-NAME-6"}"#,
            "\n",
            r#"{"dealNo":"CANARY-NAME-7"#,
            "\n",
        ),
        [2, 1, 1],
    ),
    (
        "finance-log",
        "log.csv",
        "Date,Store,Deal,Customer,Stock,In,Out,F&I\n\
         09/07/2026,RT7,D71,CANARY-NAME-8,STK7001,04:40 PM,05:10 PM,f1\n\
         CANARY-NAME-9,RT7,D73,CANARY-NAME-9,STK7003,04:40 PM,,f1\n\
         09/07/2026,RT7,D74,CANARY-NAME-10,555-0100\n",
        [1, 1, 1],
    ),
    (
        "lender-status",
        "status.csv",
        "Application,Dealer,Deal Number,VIN,Applicant,Status,Status Date,Reason\n\
         A71,RT7,D71,,CANARY-NAME-11,Approved,09/07/2026 04:35:34 PM,\n\
         A71,RT7,,,CANARY-NAME-11,CANARY-STATUS,09/07/2026 04:35:34 PM,canary@example.invalid\n\
         A72,RT7,D75,,\"CANARY-NAME-12\n",
        [1, 1, 1],
    ),
    (
        "recon-steps",
        "steps.csv",
        "VIN,Store,Step,Previous Owner,Entered,Left\n\
         1TET83609VG598386,RT7,Detail,CANARY-NAME-13,09/07/2026 04:35:34 PM,09/07/2026 05:35:34 PM\n\
         1TET83609VG598386,RT7,CANARY-STEP,CANARY-NAME-13,09/07/2026 04:35:34 PM,\n\
         1TET83609VG598386,RT7,Detail,CANARY-NAME-14,555-0100,,\n",
        [1, 1, 1],
    ),
    (
        "staff-shifts",
        "shifts.csv",
        "Store,Employee,Role,Phone,On,Off\n\
         RT7,s1,salesperson,555-0100,09/07/2026 09:00:00 AM,09/07/2026 06:00:00 PM\n\
         RT7,,salesperson,canary@example.invalid,09/07/2026 09:00:00 AM,\n\
         CANARY-NAME-15\n",
        [1, 1, 1],
    ),
    (
        "star-deals",
        "deals.json",
        r#"{"exportedBy":"CANARY-NAME-21","deals":[
            {"dealNumber":"D71","dealerCode":"RT7","track":"DEAL","state":"IN-PROGRESS","changedAt":"2026-09-07T14:03:00Z",
             "vehicle":{"stockNumber":"STK7001","vin":null},"buyer":{"name":"CANARY-NAME-21","phone":["555-0100"]}},
            {"dealNumber":"D71","dealerCode":"RT7","track":"DEAL","state":"SEEN BY CANARY-NAME-22","changedAt":"2026-09-07T14:04:00Z"},
            {"dealNumber":{"CANARY-NAME-23":1},"dealerCode":"RT7","track":"DEAL","state":"POSTED","changedAt":"2026-09-07T14:04:00Z"},
            "CANARY-NAME-24", {"CANARY-NAME-25":}], "CANARY-NAME-26":"canary@example.invalid"}"#,
        [2, 1, 2],
    ),
    (
        "canonical",
        "events.jsonl",
        concat!(
            r#"{"id":"c-1","source":"//own.example/RT7","type":"deal.opened","subject":"C71","time":"2026-09-07T14:00:00Z","customer":"CANARY-NAME-27","data":{"actor":"s1","name":"CANARY-NAME-27","keys":{"stock":"STK7001","email":"canary@example.invalid"}}}"#,
            "\n",
            r#"{"id":"c-2","source":"//own.example/RT7","type":"deal.opened","subject":"C72","time":"CANARY-TIME","data":"CANARY-NAME-28"}"#,
            "\n",
            r#"{"id":"c-3","rooftop":"CANARY-STORE","source":"//own.example/RT7","type":"deal.opened"}"#,
            "\n",
            r#"{"id":"CANARY-NAME-29"#,
            "\n",
        ),
        [1, 2, 1],
    ),
    (
        "adf",
        "leads/1.xml",
        r#"<?xml version="1.0"?><?adf version="1.0"?><adf><prospect status="new"><id source="CANARY-NAME-16">L1</id>
        <requestdate>2026-09-06T01:25:28-04:00</requestdate><vehicle><stock>STK7001</stock></vehicle><customer><contact>
        <name part="CANARY-PART">CANARY-NAME-16</name><email>canary@example.invalid</email><phone>555-0100</phone></contact>
        <comments><![CDATA[CANARY-NOTE]]></comments></customer><vendor><id>RT7</id></vendor></prospect></adf>"#,
        [1, 0, 0],
    ),
    (
        "adf",
        "leads/2-CANARY-NAME-17.xml",
        "<?ADF VERSION \"1.0\"?>\n<?XML VERSION \"CANARY-VERSION\"?>\n<adf><prospect status=\u{201c}new\u{201d}><id>L2</id>
        <requestdate>2026-09-06T02:25:28-04:00</requestdate><customer><contact><name>CANARY-NAME-17</name></contact></customer>
        <vendor><id>RT7</id></vendor></prospect><prospect status=resend><id>L2</id>
        <requestdate>2026-09-06T03:25:28-04:00</requestdate><vendor><id>RT7</id></vendor></prospect></adf>",
        [1, 1, 0],
    ),
    (
        "adf",
        "leads/3.xml",
        "<!DOCTYPE x [<!ENTITY CANARY-ENTITY \"CANARY-NAME-18\">]><adf><prospect><id>&CANARY-ENTITY;</id></prospect></adf>",
        [0, 0, 1],
    ),
    ("adf", "leads/4.xml", "<adf><prospect><id>CANARY-NAME-19</id><requestdate>2026-09-06T01:2", [0, 0, 1]),
    ("adf", "leads/5.xml", "CANARY-NAME-20 canary@example.invalid 555-0100", [0, 0, 1]),
];

#[tokio::test(flavor = "multi_thread")]
async fn vendors_files_are_accounted_for_and_name_no_customer_anywhere() {
    let scratch = Scratch::new();
    let suite = Suite::start(scratch.path(), &[]).await;
    let added = suite.run(&["rooftop", "add", "RT7", "--zone", "America/New_York"]).await;
    assert!(added.status.success(), "{added:?}");
    let listed = suite.run(&["profile", "list"]).await.stdout;
    // A name and a version.
    let names = listed.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (name, version) = (words.next()?, words.next()?);
        version.parse::<u32>().ok().map(|_| name)
    });
    assert_eq!(names.collect::<BTreeSet<_>>(), FILES.iter().map(|(profile, ..)| *profile).collect(), "{listed}");

    let folder = scratch.path().join("vendors");
    let first = import_all(&suite, &folder, false).await;
    for summary in &first {
        assert_eq!((&summary["duplicate"], &summary["quarantined"]), (&duplicates(summary), &0.into()), "{summary}");
    }
    let hash = suite.state_hash().await;
    for (before, again) in first.iter().zip(import_all(&suite, &folder, true).await) {
        let repeated = if before["profile"] == POLLED { &Value::from(0) } else { &before["events"] };
        assert_eq!((&again["accepted"], &again["duplicate"]), (&0.into(), repeated), "{again}");
    }
    assert_eq!(suite.state_hash().await, hash);

    // Everybody has seen it.
    for command in ["flags", "report"] {
        assert!(suite.run(&[command]).await.status.success());
    }
    let mut db = connect(&suite.postgres_url()).await;
    // The search finds what is there: in a text, and in what is kept encoded.
    let known = found(&mut db, "STK7001").await;
    assert!(known.iter().any(|place| place.ends_with("::text")), "{known:?}");
    assert!(known.iter().any(|place| !place.ends_with("::text")), "{known:?}");
    let log = suite.log();
    for canary in CANARIES {
        let places = found(&mut db, canary).await;
        assert!(places.is_empty(), "{canary} is in {places:?}");
        assert!(!log.contains(canary), "{canary} is in the log");
    }
    assert!(suite.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn canonical_events_are_the_same_with_a_profile_and_without() {
    let (scratch, suite) = scratch_suite(&[]).await;
    let simulated = suite.run(&["simulate", "--rooftops", "2"]).await.stdout;
    let file = scratch.path().join("simulated.jsonl");
    std::fs::write(&file, &simulated).unwrap();
    let file = file.to_str().unwrap();
    let plain = suite.run(&["import", "--create-rooftops", file]).await.line();
    assert_eq!(plain["quarantined"], 0, "{plain}");
    let lines: Vec<String> = simulated.lines().map(str::to_owned).collect();
    let mut kept = 0;
    for rooftop in events::rooftops(&lines) {
        let summary = suite.run(&["import", "--profile", "canonical", "--rooftop", &rooftop, file]).await.line();
        assert_eq!((&summary["accepted"], &summary["quarantined"]), (&0.into(), &0.into()), "{summary}");
        assert_eq!(summary["duplicate"], summary["rows"]["kept"], "{summary}");
        assert_eq!(summary["rows"]["read"], lines.len(), "{summary}");
        kept += summary["rows"]["kept"].as_u64().unwrap();
    }
    assert_eq!(kept, lines.len() as u64, "each line is some rooftop's");
}

/// Imports the files of each profile, the leads last, and gives the summaries; `again` if they were imported before.
async fn import_all(suite: &Suite, folder: &Path, again: bool) -> Vec<Value> {
    let mut summaries = Vec::new();
    let mut profiles: Vec<&str> = FILES.iter().map(|(profile, ..)| *profile).collect();
    profiles.dedup();
    for profile in profiles {
        let of_profile = folder.join(profile);
        let mut expected = [0; 3];
        let files = FILES.iter().filter(|(of, ..)| *of == profile);
        for (_, name, text, counts) in files.clone() {
            let path = of_profile.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
            expected = std::array::from_fn(|place| expected[place] + counts[place]);
        }
        if again && profile == POLLED {
            // It is remembered what its rows have given.
            expected = [0, expected[0] + expected[1], expected[2]];
        }
        let hash = if profile == "adf" { suite.state_hash().await } else { String::new() };
        let printed =
            suite.run(&["import", "--profile", profile, "--rooftop", "RT7", of_profile.to_str().unwrap()]).await;
        assert_names_nobody(&printed, files.map(|(_, name, ..)| *name));
        let summary = printed.line();
        assert_adds_up(&summary, expected);
        if profile == "adf" {
            assert_eq!(suite.state_hash().await, hash, "a lead opens no deal");
            assert!(printed.stderr.contains("leads/3.xml: row 1: it declares a document type"), "{}", printed.stderr);
        }
        summaries.push(summary);
    }
    summaries
}

fn assert_adds_up(summary: &Value, [kept, dropped, broken]: [u64; 3]) {
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{summary}"));
    let sum = |reasons: &Value| reasons.as_object().unwrap().values().map(number).sum::<u64>();
    let rows = &summary["rows"];
    assert_eq!(
        (number(&rows["kept"]), sum(&rows["dropped"]), sum(&rows["broken"])),
        (kept, dropped, broken),
        "{summary}"
    );
    assert_eq!(number(&rows["read"]), kept + dropped + broken, "{summary}");
    let outcomes: u64 = ["accepted", "duplicate", "quarantined"].iter().map(|outcome| number(&summary[*outcome])).sum();
    assert_eq!(number(&summary["events"]), outcomes, "{summary}");
    assert!(outcomes >= kept, "{summary}");
    assert_eq!(summary["files_failed"], 0, "{summary}");
}

/// A row that was sent twice within the files: the one repeated in those of the DMS.
fn duplicates(summary: &Value) -> Value {
    u64::from(summary["profile"] == "dms-fi-sales").into()
}

/// Names of files are the operator's own; nothing that stands in them may be printed.
fn assert_names_nobody<'n>(printed: &Printed, names: impl Iterator<Item = &'n str>) {
    let mut stderr = printed.stderr.clone();
    for name in names {
        stderr = stderr.replace(name, "");
    }
    for canary in CANARIES {
        assert!(!stderr.contains(canary) && !printed.stdout.contains(canary), "{canary}: {printed:?}");
    }
}

/// Where a text stands, in any case: as `schema.table::text`, or `schema.table.column` of bytes.
pub async fn found(db: &mut PgConnection, text: &str) -> Vec<String> {
    let tables = sqlx::query(
        "SELECT format('%I.%I', table_schema, table_name),
                coalesce(array_agg(quote_ident(column_name)) FILTER (WHERE data_type = 'bytea'), '{}')
         FROM information_schema.tables JOIN information_schema.columns USING (table_schema, table_name)
         WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
         GROUP BY table_schema, table_name",
    )
    .fetch_all(&mut *db)
    .await
    .unwrap();
    assert!(tables.len() > 10, "{} tables", tables.len());
    let mut places = Vec::new();
    for table in tables {
        let (table, columns): (String, Vec<String>) = (table.get(0), table.get(1));
        let whole = (format!("{table}::text"), "position(lower($1) in lower(t::text)) > 0".to_owned());
        let columns = columns.into_iter().map(|column| {
            let there = format!("position(convert_to($1, 'UTF8') in t.{column}) > 0 OR position(convert_to(lower($1), 'UTF8') in t.{column}) > 0");
            (format!("{table}.{column}"), there)
        });
        for (place, there) in std::iter::once(whole).chain(columns) {
            let statement = format!("SELECT EXISTS (SELECT FROM {table} t WHERE {there})");
            let there: bool =
                sqlx::query_scalar(AssertSqlSafe(statement)).bind(text).fetch_one(&mut *db).await.unwrap();
            if there {
                places.push(place);
            }
        }
    }
    places
}
