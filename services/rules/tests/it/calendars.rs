//! Targets that run in open hours, and calendars that change while deals wait.

use throughline_process::{Definition, definition::Clock};
use throughline_proto::{
    rule::v1::Flag,
    tenant::v1::{Calendar, DepartmentCalendar, OpenHours, Rooftop},
};

use crate::kit::*;

fn wire(minute: i64) -> Option<prost_types::Timestamp> {
    Some(throughline_proto::time::to_wire(at(minute)))
}

/// The shipped definition with every target in open hours.
fn in_open_hours() -> String {
    let mut document = Definition::retail_deal().document().clone();
    document.version += 1;
    document.targets.targets.iter_mut().for_each(|target| target.clock = Clock::Open);
    Definition::from_document(document).unwrap().to_json()
}

/// Every day between two local times, from a minute on.
fn daily(version: u64, from: i64, opens: &str, closes: &str) -> Calendar {
    let open = |weekday| OpenHours { weekday, opens: opens.to_owned(), closes: closes.to_owned() };
    Calendar { version, valid_from: wire(from), hours: (1..=7).map(open).collect(), holidays: Vec::new() }
}

/// The rooftop, in New York, where the test begins at six in the morning.
fn with(calendars: Vec<Calendar>, fi: Vec<Calendar>) -> throughline_journal::NewEntry {
    let name = format!("groups/{GROUP}/rooftops/{ROOFTOP}");
    let fi = DepartmentCalendar { department: "fi".to_owned(), calendars: fi };
    let rooftop = Rooftop {
        name,
        definition_json: in_open_hours(),
        calendars,
        department_calendars: vec![fi],
        ..Default::default()
    };
    rooftop_of(GROUP, rooftop)
}

const OPENS_AT_NINE: i64 = 180;
const OPENS_AT_TEN: i64 = 240;

#[tokio::test]
async fn a_changed_calendar_moves_what_stands_and_what_is_to_come() {
    let desk = Desk::open().await;
    let nine = daily(1, -10_000, "09:00", "18:00");
    desk.tell(with(vec![nine.clone()], vec![])).await;
    desk.tell(said(deal("D1", 0, vec![fi(0, None)]))).await;
    desk.pass(at(OPENS_AT_NINE + 14)).await;
    assert_eq!(desk.flags("").await, [], "nobody is there before nine");
    desk.pass(at(OPENS_AT_NINE + 15)).await;
    let flag = desk.flags("").await.remove(0);
    assert_eq!((flag.opened_at, flag.calendar_version), (wire(OPENS_AT_NINE + 15), 1));
    assert_eq!(flag.summary, "F&I has not accepted deal RT001-D1 for 15 min of open hours (target 15/30)");
    let fact = |name: &str| flag.facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.as_str());
    assert_eq!((fact("open_seconds"), fact("idle_seconds"), fact("clock")), (Some("900"), Some("11700"), Some("open")));

    // F&I comes an hour later, as is told only now: the flag never stood, and comes when it should.
    let ten = daily(2, -10_000, "10:00", "20:00");
    desk.tell(with(vec![nine.clone()], vec![ten.clone()])).await;
    desk.flags_once(<[Flag]>::is_empty).await;
    desk.pass(at(OPENS_AT_TEN + 14)).await;
    assert_eq!(desk.flags("").await, []);
    desk.pass(at(OPENS_AT_TEN + 15)).await;
    let again = desk.flags("").await.remove(0);
    assert_eq!((again.name.as_str(), again.calendar_version), (flag.name.as_str(), 2));
    assert_eq!(again.opened_at, wire(OPENS_AT_TEN + 15));

    // A calendar that is taken back is gone: what is left was open since nine.
    desk.tell(with(vec![nine], vec![])).await;
    let red = desk.flags_once(|flags| flags.iter().any(|flag| flag.calendar_version == 1)).await.remove(0);
    assert_eq!((red.opened_at, red.red_at), (wire(OPENS_AT_NINE + 15), wire(OPENS_AT_NINE + 30)));
}

#[tokio::test]
async fn a_calendar_to_come_moves_alarms_that_are_set() {
    let desk = Desk::open().await;
    desk.tell(with(vec![daily(1, -10_000, "06:00", "18:00")], vec![])).await;
    desk.tell(said(deal("D1", 0, vec![fi(0, None)]))).await;
    // Told at 06:05: from then on the doors open at nine. Five of fifteen minutes have passed.
    desk.pass(at(5)).await;
    let later = vec![daily(1, -10_000, "06:00", "18:00"), daily(2, 5, "09:00", "18:00")];
    desk.tell(with(later, vec![])).await;
    desk.pass(at(OPENS_AT_NINE + 9)).await;
    assert_eq!(desk.flags("").await, []);
    desk.pass(at(OPENS_AT_NINE + 10)).await;
    let flag = desk.flags("").await.remove(0);
    assert_eq!((flag.opened_at, flag.calendar_version), (wire(OPENS_AT_NINE + 10), 1), "it began under the first");
}
