use super::*;

const NOW: &str = "2026-09-07T12:00:00Z";

fn north() -> Rooftop {
    Rooftop { zone: "america/new_york".into(), vendor_codes: vec!["N1".into()], ..Rooftop::default() }
}

fn admit_new(wanted: Rooftop) -> Result<Rooftop, Vec<String>> {
    admit(wanted, None, "north", NOW.parse().unwrap())
        .map_err(|violations| violations.into_iter().map(|violation| violation.field).collect())
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
        hours: vec![weekday(8, "09:00", "17:00"), weekday(1, "17:00", "09:00"), weekday(1, "9:00", "x")],
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

#[test]
fn a_calendar_counts_up_only_when_it_says_something_else() {
    let hours = vec![weekday(1, "09:00", "24:00")];
    let first =
        admit_new(Rooftop { calendar: Some(Calendar { hours: hours.clone(), ..Calendar::default() }), ..north() });
    let first = first.unwrap();
    let calendar = first.calendar.as_ref().unwrap();
    assert_eq!((calendar.version, calendar.valid_from), (1, Some(to_wire(NOW.parse().unwrap()))));

    let later = "2026-10-01T00:00:00Z".parse().unwrap();
    let same = admit(first.clone(), Some(&first), "north", later).unwrap();
    assert_eq!(same.calendar, first.calendar);
    let other = Calendar { hours: vec![weekday(2, "09:00", "17:00")], ..Calendar::default() };
    let changed = admit(Rooftop { calendar: Some(other), ..first.clone() }, Some(&first), "north", later).unwrap();
    let calendar = changed.calendar.unwrap();
    assert_eq!((calendar.version, calendar.valid_from), (2, Some(to_wire(later))));
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
    let merged = merge(&standing, wanted.clone(), &["display_name".into()]).unwrap();
    assert_eq!(merged, Rooftop { display_name: "North".into(), ..standing.clone() });
    assert!(says_the_same(&merge(&standing, wanted.clone(), &["*".into()]).unwrap(), &wanted));
    assert_eq!(merge(&standing, wanted, &["part".into()]).unwrap_err().field, "update_mask");
}
