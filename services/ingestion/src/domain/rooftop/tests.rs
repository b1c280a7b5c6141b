use throughline_proto::{
    tenant::v1::{Calendar, DepartmentCalendar, OpenHours},
    time::to_wire,
};

use super::*;

const NOW: &str = "2026-09-07T12:00:00Z";

fn north() -> Rooftop {
    Rooftop { zone: "america/new_york".into(), vendor_codes: vec!["N1".into()], ..Rooftop::default() }
}

fn admit_new(wanted: Rooftop) -> Result<Rooftop, Vec<String>> {
    admit(wanted, "north", NOW.parse().unwrap()).map_err(fields)
}

fn fields(violations: Vec<Violation>) -> Vec<String> {
    violations.into_iter().map(|violation| violation.field).collect()
}

fn weekday(weekday: i32, opens: &str, closes: &str) -> OpenHours {
    OpenHours { weekday, opens: opens.into(), closes: closes.into() }
}

#[test]
fn a_zone_gets_its_own_spelling_and_the_shipped_definition_holds() {
    let rooftop = admit_new(north()).unwrap();
    assert_eq!((rooftop.zone.as_str(), rooftop.definition_version.as_str()), ("America/New_York", "retail-deal@1"));
}

#[test]
fn all_that_is_wrong_is_named_at_once() {
    let calendar = Calendar {
        hours: vec![
            weekday(8, "09:00", "17:00"),
            weekday(1, "17:00", "09:00"),
            weekday(1, "9:00", "x"),
            weekday(2, "09:00", "13:00"),
            weekday(2, "12:59", "18:00"),
        ],
        holidays: vec!["2026-13-01".into()],
        ..Calendar::default()
    };
    let wrong = Rooftop {
        display_name: "a\nb".into(),
        zone: "Mars/Olympus".into(),
        vendor_codes: vec!["north".into(), "a b".into()],
        calendar: Some(calendar),
        targets: vec![Target { measure: "handoff.fi".into(), yellow_seconds: 9, red_seconds: 3 }],
        definition_json: "{".into(),
        departments: vec!["F&I".into()],
        ..Rooftop::default()
    };
    insta::assert_snapshot!(admit_new(wrong).unwrap_err().join("\n"), @r"
    rooftop.display_name
    rooftop.zone
    rooftop.vendor_codes[0]
    rooftop.vendor_codes[1]
    rooftop.targets[0]
    rooftop.departments[0]
    rooftop.definition_json.line 1 column 1
    rooftop.calendar.hours[0].weekday
    rooftop.calendar.hours[1]
    rooftop.calendar.hours[2]
    rooftop.calendar.hours[4]
    rooftop.calendar.holidays[0]
    ");
}

#[test]
fn odd_zones_are_no_zones() {
    for wrong in ["", "../../etc/passwd", "/etc/localtime", "UTC\0", "+05:00"] {
        assert!(admit_new(Rooftop { zone: wrong.into(), ..north() }).is_err(), "{wrong:?} was taken");
    }
    assert!(admit_new(Rooftop { zone: "UTC".into(), ..north() }).is_ok());
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Open on one weekday, from an instant on or from now.
fn open_on(day: i32, from: Option<&str>) -> Calendar {
    let valid_from = from.map(|from| to_wire(instant(from)));
    Calendar { valid_from, hours: vec![weekday(day, "09:00", "24:00")], ..Calendar::default() }
}

fn altered(standing: &Rooftop, wanted: Rooftop, paths: &[&str], now: &str) -> Result<Rooftop, Vec<String>> {
    let mask: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    alter(standing, wanted, &mask, "north", instant(now)).map_err(fields)
}

/// Version, weekday and beginning of each.
fn told(calendars: &[Calendar]) -> Vec<(u64, i32, String)> {
    let from = |calendar: &Calendar| throughline_proto::time::from_wire(&calendar.valid_from.unwrap()).unwrap();
    let weekday = |calendar: &Calendar| calendar.hours.first().map_or(0, |hours| hours.weekday);
    calendars.iter().map(|c| (c.version, weekday(c), from(c).strftime("%m-%d").to_string())).collect()
}

fn row(version: u64, weekday: i32, from: &str) -> (u64, i32, String) {
    (version, weekday, from.to_owned())
}

#[test]
fn each_calendar_is_one_more_until_the_next() {
    let first = admit_new(Rooftop { calendar: Some(open_on(1, None)), ..north() }).unwrap();
    assert_eq!(told(&first.calendars), [row(1, 1, "09-07")]);
    assert_eq!(first.calendar.as_ref(), first.calendars.first());

    let set = |standing: &Rooftop, calendar, now| {
        altered(standing, Rooftop { calendar, ..Rooftop::default() }, &["calendar"], now).unwrap()
    };
    let later = "2026-10-01T00:00:00Z";
    assert_eq!(set(&first, Some(open_on(1, None)), later), first, "what is in force anyway is nothing new");
    let second = set(&first, Some(open_on(2, None)), later);
    assert_eq!(told(&second.calendars), [row(1, 1, "09-07"), row(2, 2, "10-01")]);
    // one to come, and one of before: the one in force is another only when its time has come
    let third = set(&second, Some(open_on(3, Some("2026-12-01T00:00:00Z"))), later);
    let fourth = set(&third, Some(open_on(4, Some("2026-09-20T00:00:00Z"))), later);
    let expected = [row(1, 1, "09-07"), row(4, 4, "09-20"), row(2, 2, "10-01"), row(3, 3, "12-01")];
    assert_eq!((told(&fourth.calendars), fourth.calendar.as_ref().unwrap().version), (expected.to_vec(), 2));
    let mut december = fourth.clone();
    set_in_force(&mut december, instant("2026-12-01T00:00:00Z"));
    assert_eq!((december.calendar.unwrap().version, december.last_calendar_version), (3, 4));
    // one of the same beginning takes the place of the other; unset is always open from now on
    let fifth = set(&fourth, Some(open_on(5, Some("2026-12-01T00:00:00Z"))), later);
    assert_eq!(told(&fifth.calendars)[3], row(5, 5, "12-01"));
    let open = set(&fifth, None, "2026-11-01T00:00:00Z");
    assert_eq!(told(&open.calendars)[3], row(6, 0, "11-01"));
    assert_eq!(set(&admit_new(north()).unwrap(), None, later).calendars, []);
}

#[test]
fn a_list_says_all_and_no_version_is_given_twice() {
    let standing = admit_new(Rooftop {
        calendars: vec![open_on(2, Some("2026-05-01T00:00:00Z")), open_on(1, Some("2026-01-01T00:00:00Z"))],
        ..north()
    })
    .unwrap();
    assert_eq!(told(&standing.calendars), [row(1, 1, "01-01"), row(2, 2, "05-01")], "by beginning");
    let list = |standing: &Rooftop, calendars| {
        altered(standing, Rooftop { calendars, ..Rooftop::default() }, &["calendars"], NOW).unwrap()
    };
    let fewer = list(&standing, standing.calendars[..1].to_vec());
    assert_eq!((told(&fewer.calendars), fewer.last_calendar_version), (vec![row(1, 1, "01-01")], 2));
    let again = list(&fewer, vec![open_on(7, Some("2026-05-01T00:00:00Z")), fewer.calendars[0].clone()]);
    assert_eq!(told(&again.calendars), [row(1, 1, "01-01"), row(3, 7, "05-01")]);
    assert_eq!(list(&again, Vec::new()).calendar, None);
    // Sent again without saying since when, it is the same.
    let undated = |day| vec![open_on(day, None)];
    let dated = list(&again, undated(4));
    assert_eq!(told(&dated.calendars), [row(4, 4, "09-07")]);
    let wanted = Rooftop { calendars: undated(4), ..Rooftop::default() };
    assert_eq!(altered(&dated, wanted, &["calendars"], "2026-10-01T00:00:00Z").unwrap(), dated);

    // Whoever sends a rooftop back as it was read changes nothing of its calendars.
    let renamed = Rooftop { display_name: "North".to_owned(), ..again.clone() };
    assert_eq!(altered(&again, renamed.clone(), &[], NOW).unwrap(), renamed);
    // Whoever knows of one calendar only takes none away.
    let one = Rooftop { calendar: Some(open_on(6, None)), calendars: Vec::new(), ..again.clone() };
    let versions: Vec<u64> = altered(&again, one, &["*"], NOW).unwrap().calendars.iter().map(|c| c.version).collect();
    assert_eq!(versions, [1, 3, 4]);
}

#[test]
fn a_department_may_keep_hours_of_its_own() {
    let own = |department: &str, calendars| DepartmentCalendar { department: department.to_owned(), calendars };
    let standing = admit_new(Rooftop {
        calendar: Some(open_on(1, None)),
        department_calendars: vec![own("fi", vec![open_on(2, None)]), own("desk", vec![])],
        ..north()
    })
    .unwrap();
    let kept: Vec<_> =
        standing.department_calendars.iter().map(|own| (&*own.department, told(&own.calendars))).collect();
    assert_eq!(kept, [("fi", vec![row(2, 2, "09-07")])], "versions are of the whole rooftop");

    let twice = || vec![open_on(1, Some(NOW)), open_on(2, None)];
    let wrong = Rooftop {
        department_calendars: vec![own("fi", twice()), own("fi", vec![open_on(9, None)]), own("F&I", vec![])],
        calendars: twice(),
        ..north()
    };
    insta::assert_snapshot!(admit_new(wrong.clone()).unwrap_err().join("\n"), @r"
    rooftop.calendars[1].valid_from
    rooftop.department_calendars[0].calendars[1].valid_from
    rooftop.department_calendars[1].calendars[0].hours[0].weekday
    rooftop.department_calendars[1].department
    rooftop.department_calendars[2].department
    ");
    // Where the rooftop names its departments, it has no others.
    let departments = Rooftop { departments: vec!["sales".to_owned()], ..standing.clone() };
    let refused = altered(&standing, departments, &["departments"], NOW).unwrap_err();
    assert_eq!(refused, ["rooftop.department_calendars[0].department"]);
}

#[test]
fn calendars_have_bounds() {
    let day = |at: i64| instant("2020-01-01T00:00:00Z") + jiff::SignedDuration::from_hours(24 * at);
    let line = |count: i64| (0..count).map(|at| open_on(1, Some(&day(at).to_string()))).collect::<Vec<_>>();
    assert_eq!(admit_new(Rooftop { calendars: line(100), ..north() }).unwrap().last_calendar_version, 100);
    let too_many = Rooftop { calendars: line(5_000), ..north() };
    assert_eq!(admit_new(too_many).unwrap_err(), ["rooftop.calendars"]);
    let departments = ["sales", "desk", "fi", "delivery"];
    let own = |department: &str| DepartmentCalendar { department: department.to_owned(), calendars: line(100) };
    let all = Rooftop { calendars: line(1), department_calendars: departments.map(own).to_vec(), ..north() };
    assert_eq!(admit_new(all).unwrap_err(), ["rooftop.calendars"]);
    let holidays = (0..1_000).map(|at| jiff::civil::date(2020, 1, 1) + jiff::SignedDuration::from_hours(24 * at));
    let holidays: Vec<String> = holidays.map(|day| day.to_string()).collect();
    let full = line(21).into_iter().map(|calendar| Calendar { holidays: holidays.clone(), ..calendar }).collect();
    assert_eq!(admit_new(Rooftop { calendars: full, ..north() }).unwrap_err(), ["rooftop.calendars"]);
}

#[test]
fn one_version_of_a_definition_never_has_two_contents() {
    let mut document = Definition::retail_deal().document().clone();
    document.title = "Another".into();
    let json = serde_json::to_string(&document).unwrap();
    assert_eq!(admit_new(Rooftop { definition_json: json, ..north() }).unwrap_err(), ["rooftop.definition_json"]);
    document.version += 1;
    let json = serde_json::to_string(&document).unwrap();
    let taken = admit_new(Rooftop { definition_json: json.clone(), ..north() }).unwrap();
    assert_eq!(taken.definition_version, "retail-deal@2");
    let shipped = Definition::retail_deal().to_json();
    assert!(admit_new(Rooftop { definition_json: shipped, ..north() }).is_ok());
}

#[test]
fn a_mask_changes_what_it_names() {
    let standing = admit_new(north()).unwrap();
    let wanted = Rooftop { display_name: "North".into(), zone: "UTC".into(), ..Rooftop::default() };
    let merged = altered(&standing, wanted.clone(), &["display_name"], NOW).unwrap();
    assert_eq!(merged, Rooftop { display_name: "North".into(), ..standing.clone() });
    assert!(says_the_same(&altered(&standing, wanted.clone(), &["*"], NOW).unwrap(), &wanted));
    assert_eq!(altered(&standing, wanted, &["part"], NOW).unwrap_err(), ["update_mask"]);
}
