//! How long things lasted, by the clock on the wall and in open hours: in what is answered, and nowhere else.

use throughline_proto::{
    deal::v1::{self as pb, WatchBoardRequest},
    event::v1::{Event, TimeBound, TimeQuality},
    log::v1::entry_body::Body,
    tenant::v1::{Calendar, DepartmentCalendar, OpenHours, Rooftop},
    time::to_wire,
};

use crate::kit::{NORTH, SOON, Suite, at, event, rooftop_told, says};

/// The test's day begins at six in New York.
const NINE: i64 = 180;

fn daily(version: u64, opens: &str, closes: &str) -> Calendar {
    let open = |weekday| OpenHours { weekday, opens: opens.to_owned(), closes: closes.to_owned() };
    Calendar { version, valid_from: None, hours: (1..=7).map(open).collect(), holidays: Vec::new() }
}

fn hours(rooftop: &[Calendar], fi: &[Calendar]) -> Rooftop {
    let fi = DepartmentCalendar { department: "fi".to_owned(), calendars: fi.to_vec() };
    Rooftop { calendars: rooftop.to_vec(), department_calendars: vec![fi], ..Default::default() }
}

/// Known only to lie between two minutes.
fn between(event: Event, earliest: i64, latest: i64) -> Event {
    let time = TimeBound {
        earliest: Some(to_wire(at(earliest))),
        latest: Some(to_wire(at(latest))),
        quality: TimeQuality::Bounded.into(),
    };
    Event { time: Some(time), ..event }
}

/// Least and most of wall and open, in minutes.
fn minutes(durations: Option<&pb::Durations>) -> Option<[i64; 4]> {
    let of = |duration: &Option<prost_types::Duration>| duration.as_ref().unwrap().seconds / 60;
    durations.map(|d| [of(&d.least_wall), of(&d.most_wall), of(&d.least_open), of(&d.most_open)])
}

fn timed(deal: &pb::Deal, kind: pb::IntervalKind, name: &str) -> Option<[i64; 4]> {
    let found = deal.intervals.iter().find(|interval| interval.kind() == kind && interval.name == name);
    minutes(found.unwrap().durations.as_ref())
}

fn handoff(deal: &pb::Deal, name: &str) -> Option<[i64; 4]> {
    timed(deal, pb::IntervalKind::Handoff, name)
}

fn cycle(deal: &pb::Deal, name: &str) -> Option<[i64; 4]> {
    timed(deal, pb::IntervalKind::Cycle, name)
}

#[tokio::test]
async fn a_deal_is_timed_when_it_is_read_by_the_calendars_then_known() {
    let suite = Suite::start().await;
    let (nine, ten) = (daily(1, "09:00", "18:00"), daily(2, "10:00", "20:00"));
    suite.tell([rooftop_told(NORTH, hours(&[nine], &[ten]))]).await;
    let told = [
        event("deal.opened", "S1", 0, &[]),
        between(event("deal.agreed", "S1", NINE + 10, &[]), NINE - 10, NINE + 10),
        event("deal.fi.started", "S1", NINE + 70, &[]),
    ];
    let token = suite.tell(told.map(|event| says(NORTH, event))).await;
    suite.hand.set(at(NINE + 120));
    let deal = suite.deal(NORTH, "subject", "S1", &token).await;
    // From between 8:50 and 9:10 to 10:10: F&I was there for the last ten minutes of it.
    assert_eq!(handoff(&deal, "fi"), Some([60, 80, 10, 10]));
    assert_eq!(cycle(&deal, "delivered"), None, "no source tells of deliveries, so that its age says nothing");
    let before = (deal.state_hash.clone(), deal.revision, suite.said(NORTH.part).await.len());

    let other = says(NORTH, event("deal.delivered", "S2", 1, &[]));
    let token = suite.tell([other]).await;
    suite.hand.advance(jiff::SignedDuration::from_mins(30));
    // Until now, in the rooftop's hours, since many departments hold it meanwhile.
    let standing = throughline_testkit::eventually(SOON, async || {
        let deal = suite.deal(NORTH, "subject", "S1", &token).await;
        cycle(&deal, "delivered").ok_or("still not observed")
    })
    .await;
    assert_eq!(standing, [NINE + 150, NINE + 150, 150, 150]);
    assert_eq!(timed(&deal, pb::IntervalKind::Stage, "fi"), None);

    // Another calendar: other figures, and nothing folded, hashed or told again.
    let said = suite.said(NORTH.part).await.len();
    let token = suite.tell([rooftop_told(NORTH, hours(&[daily(3, "06:00", "07:00")], &[]))]).await;
    let again = suite.deal(NORTH, "subject", "S1", &token).await;
    assert_eq!((handoff(&again, "fi"), cycle(&again, "delivered").unwrap()[2]), (Some([60, 80, 0, 0]), 60));
    assert_eq!((again.state_hash.clone(), suite.said(NORTH.part).await.len()), (before.0, said + 1));
    let listed = suite.list("", &token).await;
    assert_eq!(listed.iter().find(|listed| listed.name == again.name), Some(&again));
    for (_, body) in suite.said(NORTH.part).await {
        if let Body::Deal(deal) = body {
            assert!(deal.intervals.iter().all(|interval| interval.durations.is_none()));
        }
    }
}

#[tokio::test]
async fn a_board_times_what_stands_and_learns_of_new_calendars() {
    let suite = Suite::start().await;
    suite.tell([rooftop_told(NORTH, hours(&[daily(1, "09:00", "18:00")], &[]))]).await;
    // that somebody tells of F&I makes the wait for it one
    let token = suite
        .tell([
            says(NORTH, event("deal.fi.started", "S0", 0, &[])),
            says(NORTH, event("deal.agreed", "S1", NINE - 20, &[])),
        ])
        .await;
    suite.deal(NORTH, "subject", "S1", &token).await;
    suite.hand.set(at(NINE + 15));
    let mut stream = suite.watch(WatchBoardRequest::default()).await;
    let waits = |response: &pb::WatchBoardResponse, subject: &str| {
        let entry = response.upserts.iter().find(|entry| entry.keys.iter().any(|key| key.value == subject))?;
        minutes(
            entry.intervals.iter().find(|interval| interval.kind() == pb::IntervalKind::Handoff)?.durations.as_ref(),
        )
    };
    let snapshot = stream.message().await.unwrap().unwrap();
    assert_eq!(waits(&snapshot, "S1"), Some([35, 35, 15, 15]));

    suite.tell([rooftop_told(NORTH, hours(&[daily(1, "09:00", "18:00")], &[daily(2, "09:10", "18:00")]))]).await;
    suite.tell([says(NORTH, event("deal.agreed", "S2", NINE, &[]))]).await;
    let changed = async {
        loop {
            let response = stream.message().await.unwrap().unwrap();
            if let Some(waits) = waits(&response, "S2") {
                return waits;
            }
        }
    };
    assert_eq!(tokio::time::timeout(SOON, changed).await.unwrap(), [15, 15, 5, 5]);
}
