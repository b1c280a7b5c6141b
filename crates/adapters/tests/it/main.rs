//! Files of vendors, as the command reads them: by the profiles that are built in.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what failed by failing")]

mod canonical;
mod counts;
mod faults;
mod star;

use jiff::tz::TimeZone;
use throughline_adapters::{Event, Mapped, Mapper, Profile, Rows, built_in};

pub fn profile(name: &str) -> Profile {
    Profile::parse(built_in(name).unwrap()).unwrap()
}

/// The events of each row, why it was dropped, or why it is broken.
pub fn read(profile: &Profile, file: &[u8]) -> Vec<Result<Vec<Event>, String>> {
    let zone = TimeZone::get("America/New_York").unwrap();
    let mut mapper = Mapper::new(profile, "RT9", ["S9".to_owned()], zone);
    let mut rows = Rows::begin(profile, file).unwrap();
    let mut read = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        read.push(match row.map(|row| mapper.map(&row)) {
            Ok(Mapped::Events(events)) => Ok(events),
            Ok(Mapped::Nothing(why)) => Err(why.to_string()),
            Err(broken) => Err(broken.to_string()),
        });
    }
    read
}
