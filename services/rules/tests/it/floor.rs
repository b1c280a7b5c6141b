//! The floor follows what the deal log says.

use pb::{
    deal::v1::{Deal, Interval, IntervalState},
    rule::v1::{
        DepartmentFloor, Flag, Floor, GetFloorRequest, ShiftEnd, StoreState, WatchFloorRequest, WatchFloorResponse,
    },
};
use throughline_proto as pb;
use throughline_testkit::ends_within;
use tonic::{Code, Streaming};

use crate::kit::*;

/// A deal in which something happened at the minute at which it became known.
fn moved(id: &str, minute: i64, intervals: Vec<Interval>) -> Deal {
    Deal { last_event_at: Some(pb::time::to_wire(at(minute))), ..deal(id, minute, intervals) }
}

fn department<'f>(floor: &'f Floor, id: &str) -> &'f DepartmentFloor {
    floor.departments.iter().find(|department| department.department == id).unwrap()
}

fn on(staff: &str, role: &str, minute: i64) -> pb::event::v1::Event {
    event("staff.on_shift", staff, role, minute)
}

fn off(staff: &str, role: &str, minute: i64) -> pb::event::v1::Event {
    event("staff.off_shift", staff, role, minute)
}

/// What lasts of a floor: all but the instants at which it is read.
fn content(floor: Floor) -> Floor {
    Floor { as_of: None, known_until: None, name: String::new(), ..floor }
}

#[tokio::test]
async fn floor_follows_deals_and_shifts() {
    let desk = Desk::open().await;
    let token = desk.tell(rooftop(ROOFTOP)).await;
    let empty = desk.floor(ROOFTOP, &token).await;
    assert!(!department(&empty, "fi").staff_known);
    assert_eq!(empty.store.as_ref().unwrap().state(), StoreState::Unknown);

    desk.tell_all(vec![
        passed_on(ROOFTOP, on("S1", "fi_manager", -60)),
        passed_on(ROOFTOP, event("store.opened", "", "", -60)),
        said(moved("D1", 0, vec![stage("presenting", "sales", -5)])),
    ])
    .await;
    let token = desk.tell(said(moved("D2", 0, vec![fi(-3, None)]))).await;
    let floor = desk.floor(ROOFTOP, &token).await;
    let fi_floor = department(&floor, "fi");
    assert_eq!((fi_floor.waiting_count, fi_floor.waiting_open_count), (1, 1));
    let waiting = &fi_floor.waiting[0];
    assert_eq!((waiting.number.as_str(), waiting.measure.as_str()), ("RT001-D2", "handoff.fi"));
    assert_eq!((waiting.deal.as_str(), waiting.interval.as_str()), (deal_name("D2").as_str(), "handoff.fi.agreed"));
    let arriving = &fi_floor.arriving[0];
    assert_eq!((arriving.number.as_str(), arriving.department.as_str(), arriving.steps), ("RT001-D1", "sales", 1));
    assert_eq!((fi_floor.arriving_count, fi_floor.arriving_next_count), (1, 1));
    let person = &fi_floor.on_shift[0];
    assert_eq!((person.staff.as_str(), person.role.as_str(), fi_floor.staff_known), ("S1", "fi_manager", true));
    // Ten o'clock UTC is six in New York; the rooftop has no calendar, so the day ends at midnight there.
    assert_eq!(person.until, Some(pb::time::to_wire("2026-09-08T04:00:00Z".parse().unwrap())));
    assert_eq!(person.until_by(), ShiftEnd::Midnight);
    assert_eq!(floor.store.as_ref().unwrap().state(), StoreState::Open);
    assert!(!department(&floor, "desk").staff_known);

    desk.tell(passed_on(ROOFTOP, off("S1", "fi_manager", 0))).await;
    let token = desk.tell(said(moved("D2", 0, vec![fi(-3, Some(0)), stage("fi", "fi", 0)]))).await;
    let floor = desk.floor(ROOFTOP, &token).await;
    let fi_floor = department(&floor, "fi");
    assert_eq!((fi_floor.waiting_count, fi_floor.serving_count, fi_floor.on_shift_count), (0, 1, 0));
    assert_eq!((fi_floor.serving[0].actor.as_str(), fi_floor.staff_known), ("S1", true));

    let token = desk.tell(taken_back("D2")).await;
    assert_eq!(department(&desk.floor(ROOFTOP, &token).await, "fi").serving_count, 0);
}

#[tokio::test]
async fn floor_survives_restart_and_goes_on() {
    let desk = Desk::open().await;
    desk.tell(passed_on(ROOFTOP, on("S1", "fi_manager", -60))).await;
    let token = desk.tell(said(moved("D1", 0, vec![fi(-3, None)]))).await;
    let before = desk.floor(ROOFTOP, &token).await;
    let desk = desk.restart().await;
    let after = desk.floor(ROOFTOP, "").await;
    assert_eq!(content(after), content(before));
    let token = desk.tell(passed_on(ROOFTOP, off("S1", "fi_manager", 0))).await;
    assert_eq!(department(&desk.floor(ROOFTOP, &token).await, "fi").on_shift_count, 0);
}

#[tokio::test]
async fn order_and_repetition_of_staff_events_do_not_matter() {
    let desk = Desk::open().await;
    let mut withdrawn = off("S2", "salesperson", -9);
    withdrawn.withdraws = off("S2", "salesperson", -10).id;
    let events = [
        on("S1", "fi_manager", -60),
        off("S1", "fi_manager", -40),
        on("S1", "fi_manager", -20),
        on("S2", "salesperson", -50),
        off("S2", "salesperson", -10),
        withdrawn,
        on("S3", "appraiser", -50),
        off("S3", "appraiser", -5),
        event("store.opened", "", "", -60),
    ];
    desk.tell(rooftop("RT002")).await;
    let mut token = desk.tell_all(events.iter().map(|event| passed_on(ROOFTOP, event.clone())).collect()).await;
    let straight = desk.floor(ROOFTOP, &token).await;
    for event in events.iter().rev().chain(&events[2..5]) {
        token = desk.tell(passed_on("RT002", event.clone())).await;
    }
    let backward = desk.floor("RT002", &token).await;
    assert_eq!(content(backward), content(straight.clone()));
    let people = |id: &str| department(&straight, id).on_shift.iter().map(|of| of.staff.clone()).collect::<Vec<_>>();
    assert_eq!(
        (people("fi"), people("sales"), people("used_car").len()),
        (vec!["S1".to_owned()], vec!["S2".to_owned()], 0)
    );
}

#[tokio::test]
async fn floor_is_of_its_group_and_persons_are_for_administrators() {
    let desk = Desk::open().await;
    desk.tell(passed_on(ROOFTOP, on("S1", "fi_manager", -60))).await;
    let token = desk.tell(said(moved("D1", 0, vec![stage("fi", "fi", -3)]))).await;
    assert_eq!(department(&desk.floor(ROOFTOP, &token).await, "fi").serving[0].actor, "S1");

    let request = || GetFloorRequest { name: floor_name(ROOFTOP), at_least: String::new() };
    let mut reader = desk.floors_of(&desk.key(GROUP, &["read"], &[]).await);
    let shown = reader.get_floor(request()).await.unwrap().into_inner();
    let fi_floor = department(&shown, "fi");
    assert_eq!((fi_floor.on_shift_count, fi_floor.on_shift[0].staff.as_str()), (1, ""));
    assert_eq!((fi_floor.serving_count, fi_floor.serving[0].actor.as_str()), (1, ""));

    let code = |status: tonic::Status| status.code();
    let mut rival = desk.floors_of(&desk.key("rival", &["admin"], &[]).await);
    assert_eq!(code(rival.get_floor(request()).await.unwrap_err()), Code::PermissionDenied);
    let guessed = GetFloorRequest { name: floor_name(ROOFTOP).replace(GROUP, "rival"), ..request() };
    assert_eq!(code(rival.get_floor(guessed).await.unwrap_err()), Code::NotFound);
    let watch = WatchFloorRequest { parent: "groups/rival".to_owned(), ..Default::default() };
    let named = WatchFloorRequest { rooftops: vec![ROOFTOP.to_owned()], ..watch };
    assert_eq!(code(rival.watch_floor(named).await.unwrap_err()), Code::NotFound);

    let mut elsewhere = desk.floors_of(&desk.key(GROUP, &["read"], &["RT002"]).await);
    assert_eq!(code(elsewhere.get_floor(request()).await.unwrap_err()), Code::PermissionDenied);
    let named = WatchFloorRequest {
        parent: format!("groups/{GROUP}"),
        rooftops: vec![ROOFTOP.to_owned()],
        ..Default::default()
    };
    assert_eq!(code(elsewhere.watch_floor(named.clone()).await.unwrap_err()), Code::PermissionDenied);
    let vendor = desk.key(GROUP, &["ingest"], &[]).await;
    assert_eq!(code(desk.floors_of(&vendor).get_floor(request()).await.unwrap_err()), Code::PermissionDenied);
    assert_eq!(code(desk.floors_of(&vendor).watch_floor(named.clone()).await.unwrap_err()), Code::PermissionDenied);
    let heartbeat = Some(prost_types::Duration { seconds: 61, nanos: 0 });
    let late = WatchFloorRequest { heartbeat, ..named };
    assert_eq!(code(desk.floors().watch_floor(late).await.unwrap_err()), Code::InvalidArgument);
}

#[tokio::test]
async fn bad_staff_event_parks_itself_and_no_deal() {
    let desk = Desk::open().await;
    desk.tell(passed_on(ROOFTOP, on("S1", "fi_manager", -60))).await;
    let timeless = pb::event::v1::Event { time: None, ..on("S2", "fi_manager", -30) };
    desk.tell_all(vec![
        said(moved("D1", 0, vec![fi(-40, None)])),
        passed_on(ROOFTOP, timeless),
        said(moved("D2", 0, vec![fi(-50, None)])),
    ])
    .await;
    let token = desk.tell(passed_on(ROOFTOP, off("S1", "fi_manager", 0))).await;
    assert_eq!(desk.flags(&token).await.len(), 2);
    let floor = desk.floor(ROOFTOP, &token).await;
    assert_eq!(department(&floor, "fi").waiting_count, 2);
    // What is said of the staff after it waits behind it.
    assert_eq!(department(&floor, "fi").on_shift_count, 1);
    assert_eq!(desk.count("SELECT count(*) FROM rules.parked WHERE entity = 'store'").await, 2);
    assert_eq!(desk.count("SELECT count(*) FROM rules.parked WHERE entity <> 'store'").await, 0);
}

#[tokio::test]
async fn deal_that_nothing_flags_stays_on_the_floor_until_it_is_quiet() {
    let desk = Desk::open().await;
    let token = desk.tell(said(moved("D1", 0, vec![stage("discovery", "sales", 0)]))).await;
    let floor = desk.floor(ROOFTOP, &token).await;
    assert_eq!(department(&floor, "sales").serving_count, 1);
    assert_eq!(department(&floor, "desk").arriving_next_count, 1);
    const DAYS: i64 = 14 * 24 * 60;
    assert_eq!(floor.changes_at, Some(pb::time::to_wire(at(DAYS))));
    desk.pass(at(DAYS - 1)).await;
    assert_eq!(department(&desk.floor(ROOFTOP, "").await, "sales").serving_count, 1);
    desk.pass(at(DAYS)).await;
    assert_eq!(department(&desk.floor(ROOFTOP, "").await, "sales").serving_count, 0);
    assert_eq!(desk.count("SELECT count(*) FROM rules.deal").await, 0);
    assert_eq!(desk.count("SELECT count(*) FROM rules.alarm").await, 0);
    // History is not on the floor at all.
    let token = desk
        .tell(said(Deal {
            last_event_at: Some(pb::time::to_wire(at(0))),
            ..deal("D2", DAYS, vec![stage("discovery", "sales", 0)])
        }))
        .await;
    desk.floor(ROOFTOP, &token).await;
    assert_eq!(desk.count("SELECT count(*) FROM rules.deal").await, 0);
}

#[tokio::test]
async fn wait_behind_a_silent_source_is_unknown_and_raises_no_flag_until_the_source_is_back() {
    let desk = Desk::open().await;
    let started = ["deal.fi.started"];
    desk.tell(feed("//fni.example", 0, &started)).await;
    let token = desk.tell(said(moved("D1", 0, vec![fi(-3, None)]))).await;
    let floor = desk.floor(ROOFTOP, &token).await;
    assert_eq!(department(&floor, "fi").waiting[0].state(), IntervalState::Open);
    let watch = WatchFloorRequest { parent: format!("groups/{GROUP}"), ..Default::default() };
    let mut stream = desk.floors().watch_floor(watch).await.unwrap().into_inner();
    assert_eq!(next_floor(&mut stream).await.0.feeds[0].stale_since, None);
    // Half a minute after the source counts as stale: deal-state speaks of it no more often.
    let stale_since = floor.changes_at;
    let stale_at = pb::time::from_wire(stale_since.as_ref().unwrap()).unwrap();
    assert!(at(8) < stale_at && stale_at < at(9), "{stale_at}");

    // The target is over after 12 minutes, but whether it was missed is not known.
    desk.pass(at(20)).await;
    let (floor, _) = next_floor(&mut stream).await;
    assert_eq!(desk.floor(ROOFTOP, "").await.departments, floor.departments);
    let fi_floor = department(&floor, "fi");
    let waiting = &fi_floor.waiting[0];
    assert_eq!((waiting.state(), waiting.unknown_since), (IntervalState::Unknown, Some(pb::time::to_wire(at(0)))));
    assert_eq!((fi_floor.waiting_count, fi_floor.waiting_open_count), (1, 0));
    let silent = &floor.feeds[0];
    assert_eq!((silent.source.as_str(), silent.last_arrival), ("//fni.example", Some(pb::time::to_wire(at(0)))));
    assert_eq!((silent.stale_since, silent.hides.as_slice()), (stale_since, &["deal.fi.started".to_owned()][..]));
    let kinds = |flags: &[Flag]| flags.iter().map(|flag| flag.kind.clone()).collect::<Vec<_>>();
    assert_eq!(kinds(&desk.flags("").await), ["feed_silent"]);

    // It is back and says nothing of a start: the customer did wait.
    desk.tell(feed("//fni.example", 20, &started)).await;
    let (floor, _) = next_floor(&mut stream).await;
    assert_eq!(department(&floor, "fi").waiting[0].state(), IntervalState::Open);
    let flags = desk.flags_once(|flags| kinds(flags).contains(&"handoff_idle".to_owned())).await;
    let idle = flags.iter().find(|flag| flag.kind == "handoff_idle").unwrap();
    assert_eq!(idle.opened_at, Some(pb::time::to_wire(at(12))));
}

async fn next(stream: &mut Streaming<WatchFloorResponse>) -> WatchFloorResponse {
    tokio::time::timeout(SOON, stream.message()).await.unwrap().unwrap().unwrap()
}

/// The next floor, heartbeats aside.
async fn next_floor(stream: &mut Streaming<WatchFloorResponse>) -> (Floor, bool) {
    ends_within(SOON, async {
        loop {
            let response = next(stream).await;
            if let Some(floor) = response.floor {
                return (floor, response.complete);
            }
        }
    })
    .await
}

#[tokio::test]
async fn watcher_gets_every_floor_then_changes_and_heartbeats() {
    let desk = Desk::open().await;
    let token = desk.tell(rooftop("RT002")).await;
    desk.floor("RT002", &token).await;
    let request = WatchFloorRequest {
        parent: format!("groups/{GROUP}"),
        heartbeat: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
        ..Default::default()
    };
    let mut stream = desk.floors().watch_floor(request).await.unwrap().into_inner();
    let (first, complete) = next_floor(&mut stream).await;
    assert_eq!((first.name.as_str(), complete), (floor_name(ROOFTOP).as_str(), false));
    let (second, complete) = next_floor(&mut stream).await;
    assert_eq!((second.name.as_str(), complete), (floor_name("RT002").as_str(), true));
    let heartbeat = next(&mut stream).await;
    assert_eq!((heartbeat.floor, heartbeat.complete), (None, true));
    assert!(heartbeat.as_of.is_some());

    // The part of both moved, and one of them changed.
    desk.tell(said(moved("D1", 0, vec![fi(0, None)]))).await;
    let (changed, _) = next_floor(&mut stream).await;
    assert_eq!((changed.name.as_str(), department(&changed, "fi").waiting_count), (floor_name(ROOFTOP).as_str(), 1));
    // Nothing of the other is sent, and a rooftop that is created joins.
    desk.tell(rooftop("RT003")).await;
    let (joined, _) = next_floor(&mut stream).await;
    assert_eq!(joined.name, floor_name("RT003"));
    // Time alone changes a floor, too.
    desk.tell(passed_on("RT002", on("S1", "fi_manager", 0))).await;
    let (on_shift, _) = next_floor(&mut stream).await;
    assert_eq!(department(&on_shift, "fi").on_shift_count, 1);
    desk.hand.set(pb::time::from_wire(on_shift.changes_at.as_ref().unwrap()).unwrap());
    let mut gone = next_floor(&mut stream).await.0;
    if gone.name != floor_name("RT002") {
        gone = next_floor(&mut stream).await.0;
    }
    assert_eq!((gone.name.as_str(), department(&gone, "fi").on_shift_count), (floor_name("RT002").as_str(), 0));

    assert!(desk.floor(ROOFTOP, "").await.known_until.is_some());
    desk.running.stop().await.unwrap();
}
