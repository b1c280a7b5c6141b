//! What is printed: one JSON line, or a table for people.
use comfy_table::{ContentArrangement, LineStyle, Table, presets};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use throughline_proto::{
    event::v1::{TimeBound, TimeQuality},
    time::from_wire,
};

/// Prints a line to stdout. A reader that has seen enough, such as `head`, ends the command quietly.
macro_rules! say {
    ($($argument:tt)*) => {{
        use std::io::Write as _;
        if writeln!(std::io::stdout(), $($argument)*).is_err() {
            std::process::exit(0);
        }
    }};
}

/// How an answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// JSON, one line an item.
    Json,
    /// A table for people.
    Table,
}

/// The format of an answer.
#[derive(clap::Args, Clone, Debug)]
pub struct Output {
    /// How to print the answer.
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// Prints one value as a JSON line.
///
/// # Errors
/// If it cannot be serialized.
pub fn json_line(value: &impl Serialize) -> anyhow::Result<()> {
    say!("{}", serde_json::to_string(value)?);
    Ok(())
}

/// Prints rows under a header; nothing but a sentence where there are none.
pub fn table(header: &[&str], rows: Vec<Vec<String>>, none: &str) {
    say!("{}", render(header, rows, none));
}

/// The same as text.
pub fn render(header: &[&str], rows: Vec<Vec<String>>, none: &str) -> String {
    if rows.is_empty() {
        return none.to_owned();
    }
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()))
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.iter().copied());
    table.add_rows(rows);
    table.to_string()
}

/// Local time of day of an instant, with the date where it is another day than `now`.
pub fn clock_time(at: Timestamp, zone: &TimeZone, now: Timestamp) -> String {
    let local = at.to_zoned_datetime(zone.clone());
    if local.date() == now.to_zoned_datetime(zone.clone()).date() {
        local.strftime("%H:%M").to_string()
    } else {
        local.strftime("%b %d %H:%M").to_string()
    }
}

/// When something happened, as well as that is known: `14:02`, `between 14:02 and 14:20`, `on Mon 7 Sep`.
pub fn when(time: &TimeBound, zone: &TimeZone, now: Timestamp) -> String {
    let instant = |at: &Option<prost_types::Timestamp>| at.as_ref().and_then(from_wire);
    let (Some(earliest), Some(latest)) = (instant(&time.earliest), instant(&time.latest)) else {
        return String::new();
    };
    let local = |at: Timestamp| at.to_zoned_datetime(zone.clone());
    let (from, to) = (local(earliest), local(latest));
    if time.quality() == TimeQuality::DateOnly && from.date() == to.date() {
        return from.strftime("on %a %-d %b").to_string();
    }
    let (first, last) = (clock_time(earliest, zone, now), clock_time(latest, zone, now));
    if first == last {
        return first;
    }
    // The day is said once.
    let last = if from.date() == to.date() { to.strftime("%H:%M").to_string() } else { last };
    format!("between {first} and {last}")
}

/// A span that is known within bounds: `17 min`, or `5 min to 17 min`.
pub fn span_between(least: f64, most: f64) -> String {
    let (least, most) = (span(least), span(most));
    if least == most { least } else { format!("{least} to {most}") }
}

/// A span as people say it: `42 s`, `17 min`, `3 h 05`, `2 d 4 h`.
pub fn span(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..5_400 => format!("{} min", seconds / 60),
        5_400..172_800 => format!("{} h {:02}", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// A department as people write it.
pub fn department(id: &str) -> String {
    match id {
        "fi" => "F&I".to_owned(),
        "used_car" => "used car".to_owned(),
        other => other.replace('_', " "),
    }
}

/// The last segment of a resource name.
pub fn last_segment(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The rooftop of a resource name `groups/{group}/rooftops/{rooftop}/…`.
pub fn rooftop_of(name: &str) -> &str {
    name.split('/').nth(3).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use throughline_proto::time::to_wire;

    use super::*;

    #[test]
    fn a_time_is_said_as_well_as_it_is_known() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let now = at("2026-09-07T20:00:00Z");
        let said = |earliest: &str, latest: &str, quality: TimeQuality| {
            let bound = |text| Some(to_wire(at(text)));
            let time = TimeBound { earliest: bound(earliest), latest: bound(latest), quality: quality.into() };
            when(&time, &zone, now)
        };
        use TimeQuality::{Bounded, DateOnly, Exact};
        let cases = [
            ("2026-09-07T18:02:00Z", "2026-09-07T18:02:00Z", Exact, "14:02"),
            ("2026-09-07T18:02:00Z", "2026-09-07T18:20:00Z", Bounded, "between 14:02 and 14:20"),
            ("2026-09-07T18:02:00Z", "2026-09-07T18:02:59Z", Bounded, "14:02"),
            ("2026-09-06T18:02:00Z", "2026-09-06T18:20:00Z", Bounded, "between Sep 06 14:02 and 14:20"),
            ("2026-09-07T03:50:00Z", "2026-09-07T04:10:00Z", Bounded, "between Sep 06 23:50 and 00:10"),
            ("2026-09-07T04:00:00Z", "2026-09-08T03:59:59Z", DateOnly, "on Mon 7 Sep"),
            // of a date that something else narrowed
            ("2026-09-07T16:00:00Z", "2026-09-08T03:59:59Z", Bounded, "between 12:00 and 23:59"),
        ];
        for (earliest, latest, quality, expected) in cases {
            assert_eq!(said(earliest, latest, quality), expected);
        }
        assert_eq!((span_between(60.0, 90.0), span_between(60.0, 1_080.0)), ("1 min".into(), "1 min to 18 min".into()));
    }
}
