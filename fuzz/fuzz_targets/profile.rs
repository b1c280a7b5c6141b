#![no_main]
use jiff::tz::TimeZone;
use throughline_adapters::{Mapper, Profile, Rows};

// What is accepted as a profile can be used.
libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(profile) = Profile::parse(text) else { return };
    let header = format!("{}\n{}\n", profile.columns().join(","), "1,".repeat(profile.columns().len()));
    let Ok(mut rows) = Rows::begin(&profile, header.as_bytes()) else { return };
    let mut mapper = Mapper::on_trial(&profile, "RT1", TimeZone::UTC);
    while let Ok(Some(row)) = rows.next() {
        if let Ok(row) = row {
            let _ = mapper.map(&row);
        }
    }
});
