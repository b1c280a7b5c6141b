//! What is printed: one JSON line, or a table for people.
use comfy_table::{ContentArrangement, LineStyle, Table, presets};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

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
