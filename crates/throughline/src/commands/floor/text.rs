//! A floor as a person reads it at a glance, in at most [`WIDTH`] columns.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};
use throughline_proto::{
    deal::v1::IntervalState,
    event::v1::TimeBound,
    rule::v1::{DepartmentFloor, FeedHealth, Floor, OnShift, Serving, StoreState},
    time::{duration_from_wire, from_wire},
};

use super::json::store_text;
use crate::output::{clock_time, department, rooftop_of, span, span_between};

const WIDTH: usize = 100;
/// Deals that a line names at most.
const NAMED: usize = 8;
/// Widths of the columns but the last.
const COLUMNS: [usize; 4] = [12, 24, 24, 24];

/// The floor as text.
pub(super) fn floor(floor: &Floor, zone: &TimeZone) -> String {
    let now = floor.as_of.as_ref().and_then(from_wire).unwrap_or_default();
    let mut text = head(floor, zone, now);
    row(&mut text, ["", "waiting", "being served", "on shift", "arriving"].map(str::to_owned));
    for of in &floor.departments {
        let cells =
            [department(&of.department), waiting(of, now), serving(of, now), on_shift(of, zone, now), arriving(of)];
        if cells[1..].iter().all(|cell| matches!(cell.as_str(), "-" | "unknown")) {
            continue;
        }
        row(&mut text, cells);
        let waits = of.waiting.iter().filter(|waits| waits.state() == IntervalState::Open);
        let waits: Vec<String> =
            waits.map(|waits| format!("{} {}", waits.number, age(waits.since.as_ref(), now))).collect();
        named(&mut text, "waits", &waits);
        let (customers, beside) = served(of);
        let served = customers.into_iter().chain(beside).map(|served| {
            let stage = served.measure.rsplit('.').next().unwrap_or_default();
            // What a department is there for goes without saying.
            let stage = if stage == of.department { String::new() } else { format!(" {}", stage.replace('_', " ")) };
            let by = if served.actor.is_empty() { String::new() } else { format!(" ({})", served.actor) };
            format!("{}{stage} {}{by}", served.number, age(served.since.as_ref(), now))
        });
        named(&mut text, "served", &served.collect::<Vec<_>>());
    }
    if floor.unplaced_count > 0 {
        let _ = writeln!(text, "{} on shift in roles of no department", floor.unplaced_count);
    }
    if floor.omitted_deal_count > 0 {
        let _ = writeln!(text, "{} more deals are left out", floor.omitted_deal_count);
    }
    feeds(&mut text, &floor.feeds, zone, now);
    text
}

fn head(floor: &Floor, zone: &TimeZone, now: Timestamp) -> String {
    let store = floor.store.as_ref();
    let state = store.map_or(StoreState::Unknown, |store| store.state());
    let mut text = format!(
        "{}  {}  store {}",
        rooftop_of(&floor.name),
        now.to_zoned_datetime(zone.clone()).strftime("%a %b %d %H:%M"),
        store_text(state),
    );
    let reported = store.and_then(|store| store.reported_at.as_ref()?.latest.as_ref()).and_then(from_wire);
    if let Some(reported) = reported {
        let _ = write!(text, " (reported {})", clock_time(reported, zone, now));
    }
    let changes_at = store.and_then(|store| store.changes_at.as_ref()).and_then(from_wire);
    if let Some(changes_at) = changes_at.filter(|_| state != StoreState::Unknown) {
        let turns = if state == StoreState::Open { "until" } else { "opens" };
        let _ = write!(text, ", {turns} {}", time(changes_at, zone, now));
    }
    text.push('\n');
    text
}

fn waiting(of: &DepartmentFloor, now: Timestamp) -> String {
    let longest = of.waiting.iter().find(|waits| waits.state() == IntervalState::Open);
    let longest =
        longest.map(|longest| format!("{}, longest {}", of.waiting_open_count, at_least(longest.since.as_ref(), now)));
    // The others may have been taken: no live source says.
    match (longest, of.waiting_count.saturating_sub(of.waiting_open_count)) {
        (None, 0) => "-".to_owned(),
        (Some(longest), 0) => longest,
        (None, unknown) => format!("{unknown} unknown"),
        (Some(longest), unknown) => format!("{longest} +{unknown}?"),
    }
}

/// Customers first, who sit there; then paper and cars beside.
fn served(of: &DepartmentFloor) -> (Vec<&Serving>, Vec<&Serving>) {
    of.serving.iter().partition(|serving| serving.track == "customer")
}

fn serving(of: &DepartmentFloor, now: Timestamp) -> String {
    let (customers, beside) = served(of);
    match (customers.first(), beside.first()) {
        (Some(first), _) => {
            let beside = (of.serving_count as usize).saturating_sub(customers.len());
            let beside = if beside > 0 { format!(" +{beside}") } else { String::new() };
            format!("{}, longest {}{beside}", customers.len(), at_least(first.since.as_ref(), now))
        }
        (None, Some(first)) => format!("{}, longest {}", of.serving_count, at_least(first.since.as_ref(), now)),
        (None, None) => "-".to_owned(),
    }
}

fn on_shift(of: &DepartmentFloor, zone: &TimeZone, now: Timestamp) -> String {
    let until = |person: &OnShift| person.until.as_ref().and_then(from_wire);
    let untils = || of.on_shift.iter().filter_map(until);
    match (of.on_shift_count, untils().min(), untils().max()) {
        (0, ..) if of.staff_known => "nobody".to_owned(),
        (0, ..) => match of.shared_roles.first() {
            Some(shared) => format!("from {}", department(&shared.department)),
            None => "unknown".to_owned(),
        },
        (count, Some(first), Some(last)) if first == last => format!("{count}, until {}", time(last, zone, now)),
        (count, Some(first), Some(last)) => {
            format!("{count}, until {} to {}", time(first, zone, now), time(last, zone, now))
        }
        (count, ..) => count.to_string(),
    }
}

fn arriving(of: &DepartmentFloor) -> String {
    match (of.arriving_next_count, of.arriving_count) {
        (0, 0) => "-".to_owned(),
        (0, count) => format!("{count} later"),
        (next, count) if next == count => format!("{next} next"),
        (next, count) => format!("{next} next +{}", count - next),
    }
}

/// A line of deals below their department, broken where it is too long.
fn named(text: &mut String, what: &str, deals: &[String]) {
    if deals.is_empty() {
        return;
    }
    let more = deals.len().saturating_sub(NAMED);
    let mut items: Vec<String> = deals.iter().take(NAMED).cloned().collect();
    if more > 0 {
        items.push(format!("and {more} more"));
    }
    let mut line = format!("  {what:<7}");
    let mut begun = false;
    for item in &items {
        // With the comma before it, and the one that ends a broken line.
        let length = line.chars().count() + item.chars().count() + 3;
        if begun && length > WIDTH {
            let _ = writeln!(text, "{},", line.trim_end());
            (line, begun) = (" ".repeat(9), false);
        }
        let _ = write!(line, "{}{item}", if begun { ", " } else { "" });
        begun = true;
    }
    let _ = writeln!(text, "{}", cut(&line, WIDTH));
}

fn feeds(text: &mut String, feeds: &[FeedHealth], zone: &TimeZone, now: Timestamp) {
    if feeds.is_empty() {
        return;
    }
    let silent: Vec<&FeedHealth> = feeds.iter().filter(|feed| feed.stale_since.is_some()).collect();
    // What is not known to be expected is not known to be silent.
    let unknown = feeds.iter().filter(|feed| feed.stale_since.is_none() && feed.expected_interval.is_none()).count();
    let _ = write!(text, "feeds: {} of {} healthy", feeds.len() - silent.len() - unknown, feeds.len());
    let _ = if unknown > 0 { writeln!(text, ", {unknown} not known") } else { writeln!(text) };
    for feed in silent {
        let last = feed.last_arrival.as_ref().and_then(from_wire).map(|at| clock_time(at, zone, now));
        let usually = feed.expected_interval.as_ref().map(|of| span(duration_from_wire(of).as_secs_f64()));
        let hides = if feed.hides.is_empty() { "nothing".to_owned() } else { feed.hides.join(", ") };
        let line = format!(
            "  ! {} silent since {} (usually every {}), hides {hides}",
            feed.source,
            last.as_deref().unwrap_or("ever"),
            usually.as_deref().unwrap_or("?"),
        );
        let _ = writeln!(text, "{}", cut(&line, WIDTH));
    }
}

fn row(text: &mut String, cells: [String; 5]) {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(COLUMNS.into_iter().chain([WIDTH - COLUMNS.iter().sum::<usize>()])) {
        let _ = write!(line, "{:<width$}", cut(cell, width.saturating_sub(1)));
    }
    let _ = writeln!(text, "{}", line.trim_end());
}

/// A local time of day; the midnight that ends the day by its name.
fn time(at: Timestamp, zone: &TimeZone, now: Timestamp) -> String {
    let local = |at: Timestamp| at.to_zoned_datetime(zone.clone());
    let midnight = local(now).date().tomorrow().is_ok_and(|tomorrow| tomorrow.at(0, 0, 0, 0) == local(at).datetime());
    if midnight { "midnight".to_owned() } else { clock_time(at, zone, now) }
}

/// The text, cut where it is longer.
fn cut(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        Some(_) => text.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

fn seconds(time: Option<&TimeBound>, now: Timestamp) -> (f64, f64) {
    let since = |at: Option<&prost_types::Timestamp>| {
        at.and_then(from_wire).map_or(0.0, |at| now.duration_since(at).as_secs_f64())
    };
    (since(time.and_then(|time| time.latest.as_ref())), since(time.and_then(|time| time.earliest.as_ref())))
}

fn age(time: Option<&TimeBound>, now: Timestamp) -> String {
    let (least, most) = seconds(time, now);
    span_between(least, most)
}

fn at_least(time: Option<&TimeBound>, now: Timestamp) -> String {
    span(seconds(time, now).0)
}

#[cfg(test)]
mod tests {
    use throughline_proto::{
        event::v1::TimeQuality,
        rule::v1::{FloorStore, SharedRole, Waiting},
        time::to_wire,
    };

    use super::*;

    fn at(time: &str) -> Option<prost_types::Timestamp> {
        Some(to_wire(format!("2026-09-05T{time}:00Z").parse().unwrap()))
    }

    fn since(time: &str) -> Option<TimeBound> {
        Some(TimeBound { earliest: at(time), latest: at(time), quality: TimeQuality::Exact.into() })
    }

    fn person(until: &str) -> OnShift {
        OnShift { staff: "RT001-fi1".to_owned(), until: at(until), ..OnShift::default() }
    }

    #[test]
    fn floor_fits_the_width_and_says_who_waits_since_when() {
        let waits = |number: &str, time: &str, state: IntervalState| Waiting {
            number: number.to_owned(),
            since: since(time),
            state: state.into(),
            ..Waiting::default()
        };
        let fi = DepartmentFloor {
            department: "fi".to_owned(),
            waiting: vec![
                waits("D1012", "17:24", IntervalState::Open),
                waits("D1017", "17:53", IntervalState::Open),
                waits("D1018", "17:54", IntervalState::Unknown),
            ],
            waiting_count: 3,
            waiting_open_count: 2,
            serving: vec![
                Serving {
                    number: "D1001".to_owned(),
                    measure: "stage.jacket_preparation".to_owned(),
                    track: "contract_funding".to_owned(),
                    actor: "RT001-fi1".to_owned(),
                    since: since("15:17"),
                    ..Serving::default()
                },
                Serving {
                    number: "D1002".to_owned(),
                    measure: "stage.fi".to_owned(),
                    track: "customer".to_owned(),
                    actor: "RT001-fi1".to_owned(),
                    since: since("17:17"),
                    ..Serving::default()
                },
            ],
            serving_count: 2,
            staff_known: true,
            on_shift: vec![person("20:00"), person("23:00")],
            on_shift_count: 2,
            arriving_count: 6,
            arriving_next_count: 2,
            ..DepartmentFloor::default()
        };
        let delivery = DepartmentFloor {
            department: "delivery".to_owned(),
            shared_roles: vec![SharedRole { role: "salesperson".to_owned(), department: "sales".to_owned() }],
            arriving_count: 1,
            ..DepartmentFloor::default()
        };
        let sales = DepartmentFloor {
            department: "sales".to_owned(),
            serving: (0..12)
                .map(|number| Serving {
                    number: format!("V-2026-09-05-{number:04}"),
                    measure: "stage.sales".to_owned(),
                    since: since("16:05"),
                    actor: "RT001-sales1".to_owned(),
                    ..Serving::default()
                })
                .collect(),
            serving_count: 12,
            ..DepartmentFloor::default()
        };
        let quiet = DepartmentFloor { department: "lender".to_owned(), ..DepartmentFloor::default() };
        let silent = FeedHealth {
            source: "//fni.example".to_owned(),
            last_arrival: at("16:30"),
            stale_since: at("17:00"),
            expected_interval: Some(prost_types::Duration { seconds: 300, nanos: 0 }),
            hides: vec!["deal.fi.started".to_owned()],
        };
        let heard = FeedHealth { stale_since: None, last_arrival: at("18:04"), hides: Vec::new(), ..silent.clone() };
        let shown = floor(
            &Floor {
                name: "groups/main/rooftops/RT001/floor".to_owned(),
                as_of: at("18:05"),
                store: Some(FloorStore {
                    state: StoreState::Open.into(),
                    reported_at: since("13:00"),
                    changes_at: Some(to_wire("2026-09-06T01:00:00Z".parse().unwrap())),
                }),
                departments: vec![sales, fi, delivery, quiet],
                feeds: vec![silent, heard, FeedHealth::default()],
                ..Floor::default()
            },
            &TimeZone::get("America/New_York").unwrap(),
        );
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{shown}");
        for line in [
            "RT001  Sat Sep 05 14:05  store open (reported 09:00), until 21:00",
            "            waiting                 being served            on shift                arriving",
            "F&I         2, longest 41 min +1?   1, longest 48 min +1    2, until 16:00 to 19:00 2 next +4",
            "  waits  D1012 41 min, D1017 12 min",
            "  served D1002 48 min (RT001-fi1), D1001 jacket preparation 2 h 48 (RT001-fi1)",
            "delivery    -                       -                       from sales              1 later",
            "feeds: 1 of 3 healthy, 1 not known",
            "  ! //fni.example silent since 12:30 (usually every 5 min), hides deal.fi.started",
        ] {
            assert!(lines.contains(&line), "no {line:?} in\n{shown}");
        }
        let midnight =
            |text: &str| time(text.parse().unwrap(), &TimeZone::UTC, "2026-09-05T18:00:00Z".parse().unwrap());
        assert_eq!(
            (midnight("2026-09-06T00:00:00Z"), midnight("2026-09-05T00:00:00Z")),
            ("midnight".into(), "00:00".into())
        );
        assert!(!shown.contains("lender") && shown.contains("and 4 more"), "{shown}");
    }
}
