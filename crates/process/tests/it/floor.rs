//! How a rooftop stands at an instant.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use throughline_process::{
    Bound, Calendar, Deal, Event, Evidence, Heard, Judged, Observed, Schedule,
    calendar::OpenHours,
    floor::{self, Arriving, DepartmentFloor, Floor, FloorDeal, Inputs, StaffState, Standing, StoreState, UntilBy},
    fold,
};

use crate::made::{With, at, bounded, def, event, events};

/// A Saturday in New York, open from 9 to 21: 13:00 to 01:00 UTC.
fn open() -> Schedule {
    let hours = (1..=7).map(|weekday| OpenHours { weekday, opens: 9 * 60, closes: 21 * 60 });
    let from = "2026-01-01T00:00:00Z".parse().unwrap();
    Schedule::new(vec![Calendar::new(1, from, "America/New_York", hours.collect(), []).unwrap()], [])
}

fn zone() -> TimeZone {
    TimeZone::get("America/New_York").unwrap()
}

fn on_floor(id: &str, deal: &Deal) -> FloorDeal {
    FloorDeal {
        id: id.to_owned(),
        number: id.to_owned(),
        over: deal.state.is_over(),
        last_event_at: deal.last_event_at.map(|last| last.latest),
        intervals: deal.intervals.clone(),
        happened: deal.milestones.keys().cloned().collect::<BTreeSet<_>>(),
    }
}

fn deal(id: &str, lines: &str) -> FloorDeal {
    on_floor(id, &fold(&def(), &events(lines), &Observed::everything()).deal)
}

fn staff(events: &[Event]) -> StaffState {
    let mut state = StaffState::default();
    events.iter().for_each(|event| state.add(event));
    state
}

fn floor_of(deals: &[FloorDeal], staff: &StaffState, now: Timestamp) -> Floor {
    let (definition, schedule, zone) = (def(), open(), zone());
    let evidence = &Evidence::default();
    let inputs = Inputs { definition: &definition, schedule: &schedule, zone: &zone, staff, deals, evidence };
    floor::floor(&inputs, now)
}

fn department<'f>(floor: &'f Floor, id: &str) -> &'f DepartmentFloor {
    floor.departments.iter().find(|department| department.department == id).unwrap()
}

fn numbers<T>(listed: &floor::Listed<T>, number: impl Fn(&T) -> &String) -> Vec<&str> {
    assert_eq!(listed.items.len(), listed.total);
    listed.items.iter().map(|item| number(item).as_str()).collect()
}

const PRESENTED: &str = "deal.opened 14:00
    deal.writeup.submitted 14:20
    deal.desk.started 14:22
    deal.pencil.presented 14:30";

#[test]
fn departments_show_who_waits_who_is_served_and_who_is_about_to_arrive() {
    let agreed = |id: &str, minute: u32| deal(id, &format!("{PRESENTED}\ndeal.agreed 14:{minute}"));
    let served = deal("D1", &format!("{PRESENTED}\ndeal.agreed 14:33\ndeal.fi.started 14:40"));
    let deals = [
        agreed("D3", 50),
        agreed("D2", 45),
        served,
        deal("D4", PRESENTED),
        deal("D5", "deal.opened 14:10"),
        deal("D6", "deal.opened 14:10\ndeal.lost 14:40"),
    ];
    let floor = floor_of(&deals, &StaffState::default(), at("15:00"));

    let fi = department(&floor, "fi");
    assert_eq!(numbers(&fi.waiting, |of| &of.number), ["D2", "D3"]);
    let first = &fi.waiting.items[0];
    assert_eq!(
        (first.measure.as_str(), first.since, first.standing),
        ("handoff.fi", Bound::exact(at("14:45")), Standing::Open)
    );
    assert_eq!(numbers(&fi.serving, |of| &of.number), ["D1"]);
    assert_eq!(fi.serving.items[0].since, Bound::exact(at("14:40")));
    let arriving = |of: &Arriving| (of.number.clone(), of.measure.clone(), of.department.clone(), of.steps);
    let presented = ("D4".to_owned(), "stage.presenting".to_owned(), "sales".to_owned(), 1);
    let opened = |steps| ("D5".to_owned(), "stage.discovery".to_owned(), "sales".to_owned(), steps);
    // write-up, desk, and pencil lie between
    assert_eq!(fi.arriving.items.iter().map(arriving).collect::<Vec<_>>(), [opened(4), presented]);
    let desk = department(&floor, "desk");
    assert_eq!(desk.arriving.items.iter().map(arriving).collect::<Vec<_>>(), [opened(1)]);
    assert_eq!(department(&floor, "delivery").arriving.items.len(), 5);
    // A deal that is signed while its car is not being prepared arrives at detail, which starts get-ready itself.
    assert_eq!(department(&floor, "detail").arriving.items.iter().find(|of| of.steps == 1).unwrap().number, "D1");
}

#[test]
fn handoff_that_no_source_ends_is_not_idle_and_one_behind_silent_feeds_is_unknown() {
    let fold = |observed: &Observed| {
        let events = events(&format!("{PRESENTED}\ndeal.agreed 14:33"));
        on_floor("D1", &fold(&def(), &events, observed).deal)
    };
    // One source reports the step that ends the handoff, another one does not.
    let heard = |types: &[&str], last: &str| {
        let (mut heard, expected) = (Heard::default(), SignedDuration::from_mins(2));
        let stale_at = Some(at(last) + 4 * expected);
        heard.hear(at(last), &Judged { expected: Some(expected), stale_at });
        heard.reports = types.iter().map(|event_type| ((*event_type).to_owned(), at(last))).collect();
        heard
    };
    let floor = |deal: FloorDeal, last: &str| {
        let (definition, schedule, zone, staff) = (def(), open(), zone(), StaffState::default());
        let (dms, crm) = (heard(&["deal.fi.started", "deal.agreed"], last), heard(&["deal.agreed"], "14:59"));
        let evidence = Evidence { feeds: [("dms".to_owned(), dms), ("crm".to_owned(), crm)].into() };
        let inputs = Inputs {
            definition: &definition,
            schedule: &schedule,
            zone: &zone,
            staff: &staff,
            deals: &[deal],
            evidence: &evidence,
        };
        floor::floor(&inputs, at("15:00"))
    };
    let state = |floor: &Floor| department(floor, "fi").waiting.items[0].standing;
    let everything = fold(&Observed::everything());
    let live = floor(everything.clone(), "14:55");
    assert_eq!((state(&live), live.next_change), (Standing::Open, Some(at("15:03"))));
    assert!(live.feeds.iter().all(|feed| feed.stale_since.is_none() && feed.hides.is_empty()));
    let silent = floor(everything, "14:40");
    assert_eq!((state(&silent), silent.next_change), (Standing::UnknownSince(at("14:40")), Some(at("15:07"))));
    let [crm, dms] = silent.feeds.as_slice() else { panic!("{:?}", silent.feeds) };
    assert_eq!((crm.source.as_str(), crm.stale_since), ("crm", None));
    assert_eq!((dms.source.as_str(), dms.stale_since, dms.last_arrival), ("dms", Some(at("14:48")), Some(at("14:40"))));
    assert_eq!(dms.hides, ["deal.fi.started"]);
    let blind = Observed::of(["deal.opened", "deal.agreed"]);
    assert_eq!(state(&floor(fold(&blind), "14:40")), Standing::NotObserved);
}

#[test]
fn shift_lasts_until_it_ends_the_store_closes_or_the_day_is_over() {
    let on = |time: &str| event("staff.on_shift", time).by("s1", "fi_manager");
    let off = |time: &str| event("staff.off_shift", time).by("s1", "fi_manager");
    let until = |events: &[Event], now: &str| {
        let floor = floor_of(&[], &staff(events), now.parse().unwrap());
        let fi = department(&floor, "fi");
        assert!(fi.staff_known);
        assert!(floor.next_change.is_some());
        fi.on_shift.items.first().map(|of| (of.since, of.until.to_string(), of.until_by))
    };
    let noon = "2026-10-03T16:00:00Z";
    let closing = "2026-10-04T01:00:00Z".to_owned();
    let since = |time: &str| Bound::exact(at(time));
    assert_eq!(until(&[on("13:00")], noon), Some((since("13:00"), closing.clone(), UntilBy::Closing)));
    assert_eq!(until(&[on("13:00")], "2026-10-04T01:00:00Z"), None);
    assert_eq!(until(&[on("13:00"), off("15:00")], noon), None);
    // A break, in any order; of one instant, the end counts last.
    assert_eq!(
        until(&[off("15:00"), on("15:30"), on("13:00")], noon),
        Some((since("15:30"), closing.clone(), UntilBy::Closing))
    );
    assert_eq!(until(&[off("15:00"), on("15:00")], noon), None);
    // A second report begins nothing anew.
    assert_eq!(until(&[on("13:00"), on("15:00")], noon), Some((since("13:00"), closing.clone(), UntilBy::Closing)));
    // The next day does.
    let (mut next, mut early) = (on("13:00"), on("12:00"));
    next.time = Bound::exact("2026-10-04T13:00:00Z".parse().unwrap());
    early.id = "early".to_owned();
    let tomorrow = until(&[early, next.clone()], "2026-10-04T16:00:00Z").unwrap();
    assert_eq!(tomorrow.0, next.time);
    // After closing: until midnight in New York.
    next.time = Bound::exact("2026-10-04T01:30:00Z".parse().unwrap());
    let late = until(&[next], "2026-10-04T02:00:00Z").unwrap();
    assert_eq!((late.1.as_str(), late.2), ("2026-10-04T04:00:00Z", UntilBy::Midnight));
    // Withdrawn, and replaced.
    let mut withdrawn = off("15:01");
    withdrawn.withdraws = Some(off("15:00").id);
    assert!(until(&[withdrawn, off("15:00"), on("13:00")], noon).is_some());
    let mut replaced = on("14:30");
    replaced.replaces = Some(on("13:00").id);
    assert_eq!(until(&[replaced, on("13:00")], noon).unwrap().0, since("14:30"));
}

#[test]
fn department_of_a_role_comes_from_the_definition() {
    let on = |who: &str, role: &str| {
        let mut event = event("staff.on_shift", "13:00").by(who, role);
        event.id = format!("{who} on");
        event
    };
    let everyone = [on("s1", "salesperson"), on("s2", "detailer"), on("s3", "appraiser"), on("s4", "barista")];
    let floor = floor_of(&[], &staff(&everyone), at("15:00"));
    let people = |id: &str| numbers(&department(&floor, id).on_shift, |of| &of.staff);
    assert_eq!((people("sales"), people("detail"), people("used_car")), (vec!["s1"], vec!["s2"], vec!["s3"]));
    assert_eq!(people("delivery"), [""; 0]);
    let shared = &department(&floor, "delivery").shared_roles;
    assert_eq!((shared[0].role.as_str(), shared[0].department.as_str(), shared.len()), ("salesperson", "sales", 1));
    assert_eq!(numbers(&floor.unplaced, |of| &of.staff), ["s4"]);
    // No source ever reported a shift of F&I: its staff is unknown, not absent.
    assert!(department(&floor, "sales").staff_known && !department(&floor, "fi").staff_known);
    let later = floor_of(&[], &staff(&everyone), at("15:00") + floor::QUIET);
    assert!(!department(&later, "sales").staff_known);
}

#[test]
fn who_starts_a_stage_of_another_role_is_not_shown_as_working_on_it() {
    let actors = |staff: &StaffState| {
        let story = [
            event("deal.agreed", "14:00").by("s1", "desk_manager"),
            event("deal.fi.started", "14:10").by("s2", "fi_manager"),
            event("deal.delivered", "14:40").by("s3", "salesperson"),
        ];
        let told = |id: &str, story: &[Event]| on_floor(id, &fold(&def(), story, &Observed::everything()).deal);
        let floor = floor_of(&[told("D1", &story[..2]), told("D2", &story)], staff, at("15:00"));
        let actor = |id: &str| department(&floor, id).serving.items.first().map(|of| of.actor.clone());
        (actor("fi"), actor("accounting"))
    };
    let (fi, sales) = (Some("s2".to_owned()), Some("s3".to_owned()));
    assert_eq!(actors(&StaffState::default()), (Some(fi.clone()), Some(sales)));
    let on = |who: &str, role: &str| event("staff.on_shift", "13:00").by(who, role);
    let reported = staff(&[
        Event { id: "1".to_owned(), ..on("s2", "fi_manager") },
        Event { id: "2".to_owned(), ..on("s3", "salesperson") },
    ]);
    assert_eq!(actors(&reported), (Some(fi), Some(None)));
}

#[test]
fn store_is_open_as_reported_else_by_the_calendar() {
    let report = |event_type: &str, time: &str| bounded(event_type, Bound::exact(time.parse().unwrap()));
    let at = |events: &[Event], now: &str| {
        let store = floor_of(&[], &staff(events), now.parse().unwrap()).store;
        (store.state, store.reported_at.is_some(), store.changes_at.map(|at| at.to_string()).unwrap_or_default())
    };
    let closing = "2026-10-04T01:00:00Z".to_owned();
    assert_eq!(at(&[], "2026-10-03T16:00:00Z"), (StoreState::Open, false, closing.clone()));
    assert_eq!(at(&[], "2026-10-03T08:00:00Z"), (StoreState::Closed, false, "2026-10-03T13:00:00Z".to_owned()));
    let snow = report("store.closed", "2026-10-03T15:00:00Z");
    assert_eq!(at(std::slice::from_ref(&snow), "2026-10-03T16:00:00Z"), (StoreState::Closed, true, closing.clone()));
    assert_eq!(at(&[snow], "2026-10-04T16:00:00Z").0, StoreState::Open);
    let early = report("store.opened", "2026-10-03T12:00:00Z");
    assert_eq!(at(&[early], "2026-10-03T12:30:00Z"), (StoreState::Open, true, "2026-10-03T13:00:00Z".to_owned()));

    let (definition, staff, utc) = (def(), StaffState::default(), TimeZone::UTC);
    let inputs = Inputs {
        definition: &definition,
        schedule: &Schedule::default(),
        zone: &utc,
        staff: &staff,
        deals: &[],
        evidence: &Evidence::default(),
    };
    assert_eq!(floor::floor(&inputs, crate::made::at("15:00")).store.state, StoreState::Unknown);
}

#[test]
fn quiet_deal_leaves_the_floor_after_fourteen_days_and_the_floor_says_when() {
    let deals = [deal("D1", PRESENTED)];
    let last = at("14:30");
    let listed = |now| {
        let floor = floor_of(&deals, &StaffState::default(), now);
        (department(&floor, "sales").serving.total, floor.next_change)
    };
    let before = last + floor::QUIET - SignedDuration::from_secs(1);
    assert_eq!(listed(before), (1, Some(last + floor::QUIET)));
    assert_eq!(listed(last + floor::QUIET).0, 0);
}

#[test]
fn lists_are_cut_and_say_how_many_there_are() {
    let deals: Vec<FloorDeal> = (0..floor::MAX_LISTED + 7)
        .map(|number| FloorDeal { id: format!("D{number:04}"), ..deal("D", PRESENTED) })
        .collect();
    let floor = floor_of(&deals, &StaffState::default(), at("15:00"));
    let serving = &department(&floor, "sales").serving;
    assert_eq!((serving.items.len(), serving.total), (floor::MAX_LISTED, floor::MAX_LISTED + 7));
    assert_eq!(serving.items[0].deal, "D0000");
}
