//! When a rooftop is open, as a user says it, and what follows for deals, boards and reports.
use serde_json::{Value, json};

use crate::suite::scratch_suite;

const HOURS: &str = "\
calendars:
  - valid_from: 2026-01-01
    hours: {mon-fri: 09:00-20:00, sat: 09:00-18:00}
departments:
  fi:
    - valid_from: 2026-01-01
      hours: {mon-sat: 10:00-20:00}
";

/// An event of a deal; a bound or a date where it is no instant.
fn event(event_type: &str, time: &str, latest: Option<&str>) -> Value {
    let mut event = json!({
        "specversion": "1.0", "id": format!("{event_type}-1"), "source": "//crm.example/N", "type": event_type,
        "subject": "D1", "rooftop": "north", "data": {},
    });
    match latest {
        None => event["time"] = time.into(),
        Some(latest) => {
            event["timequality"] = "bounded".into();
            (event["earliest"], event["latest"]) = (time.into(), latest.into());
        }
    }
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_that_a_user_sets_count_from_the_next_read_on() {
    let (scratch, suite) = scratch_suite(&[]).await;
    let added = suite.run(&["rooftop", "add", "north", "--zone", "America/New_York"]).await;
    assert!(added.status.success(), "{added:?}");
    // Agreed on Friday evening between two polls; in the box on Saturday at 10:20.
    let events = json!([
        event("deal.opened", "2026-10-02T21:00:00Z", None),
        event("deal.agreed", "2026-10-02T23:50:00Z", Some("2026-10-02T23:55:00Z")),
        event("deal.fi.started", "2026-10-03T14:20:00Z", None),
    ]);
    suite.post_events(&events, None).await;
    let waited = async || {
        let deal = suite.run(&["deal", "D1", "--format", "json"]).await.line();
        let intervals = deal["intervals"].as_array().unwrap().clone();
        let wait = intervals.into_iter().find(|interval| interval["measure"] == "handoff.fi").unwrap();
        assert_eq!(wait["from"]["quality"], "bounded");
        let minutes = |name: &str| wait["durations"][name].as_f64().unwrap() / 60.0;
        ["least_wall_seconds", "most_wall_seconds", "least_open_seconds", "most_open_seconds"].map(minutes)
    };
    let report = async |hours: &str| suite.run(&["report", "--measure", "handoff.fi", "--hours", hours]).await.stdout;
    assert_eq!(waited().await, [865.0, 870.0, 865.0, 870.0], "always open, as long as nobody says otherwise");
    assert!(!report("both").await.contains("in open hours"));

    let file = scratch.path().join("hours.yaml");
    std::fs::write(&file, HOURS).unwrap();
    let set = suite.run(&["rooftop", "calendar", "north", "--file", file.to_str().unwrap()]).await;
    assert!(set.status.success() && set.stdout.contains("version 1, in force now"), "{set:?}");
    // What is shown is such a file: setting it changes nothing.
    std::fs::write(&file, &set.stdout).unwrap();
    let again = suite.run(&["rooftop", "calendar", "north", "--file", file.to_str().unwrap()]).await;
    assert_eq!(again.stdout, set.stdout);
    let shown = suite.run(&["rooftop", "calendar", "north", "--format", "json"]).await.line();
    assert_eq!((&shown["in_force"], &shown["departments"]["fi"][0]["version"]), (&json!(1), &json!(2)));

    // 19:50 or 19:55 to 20:00, and 10:00 to 10:20
    assert_eq!(waited().await, [865.0, 870.0, 25.0, 30.0]);
    let both = report("both").await;
    assert!(both.contains("14 h 25 to 14 h 30") && both.contains("in open hours"), "{both}");
    assert!(report("open").await.contains("25 min to 30 min"));
    let text = suite.run(&["deal", "D1"]).await.stdout;
    assert!(text.contains("between Oct 02 19:50 and 19:55") && text.contains("25 min to 30 min"), "{text}");

    // Everything that is wrong is said at once, and nothing is changed.
    let wrong = "calendars: [{hours: {mon: 09:00-25:00}}]\ndepartments: {golf: [{hours: {mon: 09:00-10:00}}]}";
    std::fs::write(&file, wrong).unwrap();
    let refused = suite.run(&["rooftop", "calendar", "north", "--file", file.to_str().unwrap()]).await;
    assert!(!refused.status.success());
    for field in ["rooftop.calendars[0].hours[0]", "rooftop.department_calendars[0].department"] {
        assert!(refused.stderr.contains(field), "{}", refused.stderr);
    }
    assert_eq!(suite.run(&["rooftop", "calendar", "north"]).await.stdout, set.stdout);
    suite.stop().await;
}
