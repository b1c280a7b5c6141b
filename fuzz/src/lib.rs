//! What every target of rows checks.
use std::sync::OnceLock;

use jiff::tz::TimeZone;
use throughline_adapters::{Mapped, Mapper, Profile, Rows, built_in};

/// Reads any bytes as a file of a built-in profile: rows are numbered without a gap, the same bytes give the same events, and
/// bounds are in order.
pub fn read(profile: &str, file: &[u8]) {
    read_with(built_in(profile).expect("it is built in"), file);
}

/// The same with a profile's text: one a process, for reading it takes longer than reading a file.
pub fn read_with(profile: &str, file: &[u8]) {
    static PROFILE: OnceLock<Profile> = OnceLock::new();
    let profile = PROFILE.get_or_init(|| Profile::parse(profile).expect("it is sound"));
    let (Ok(mut one), Ok(mut other)) = (Rows::begin(profile, file), Rows::begin(profile, file)) else { return };
    let mapper = || Mapper::on_trial(profile, "RT1", TimeZone::UTC);
    let (mut maps, mut maps_again) = (mapper(), mapper());
    let mut number = 0;
    while let Ok(Some(row)) = one.next() {
        let again = other.next().expect("it was read before").expect("it was there before");
        number += 1;
        match (row, again) {
            (Ok(row), Ok(again)) => {
                assert_eq!(row.number, number);
                let mapped = maps.map(&row);
                assert_eq!(mapped, maps_again.map(&again));
                if let Mapped::Events(events) = mapped {
                    assert!(events.iter().all(|event| event.time.earliest <= event.time.latest));
                    events.iter().for_each(|event| drop(event.to_json()));
                }
            }
            (Err(broken), Err(again)) => assert_eq!((broken.number, &broken), (number, &again)),
            (row, again) => panic!("{row:?} and then {again:?}"),
        }
    }
}
