//! What holds for any calendars, zones, instants and bounds.

use jiff::{SignedDuration, Timestamp, civil::date};
use proptest::{collection::vec, prelude::*, sample::select};
use throughline_process::{Bound, Calendar, Calendars, Schedule, calendar::OpenHours};

const ZONES: [&str; 9] = [
    "UTC",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Havana",
    "Africa/Casablanca",
    "America/St_Johns",
    "America/Sao_Paulo",
];

/// Mostly of ten years in which every one of the zones changes something; now and then the ends of time.
fn instants() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        20 => (0i64..10 * 366 * 86_400).prop_map(|second| Timestamp::constant(1_262_304_000, 0) + SignedDuration::from_secs(second)),
        1 => any::<i64>().prop_map(|second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX)),
        1 => select(vec![Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH]),
    ]
}

/// Those of the ten years, within which nothing is cut short.
fn near() -> impl Strategy<Value = Timestamp> {
    (0i64..9 * 365 * 1440).prop_map(|minute| Timestamp::constant(1_262_304_000, 0) + SignedDuration::from_mins(minute))
}

fn hours() -> impl Strategy<Value = Vec<OpenHours>> {
    let one = (1i8..=7, 0u16..1440, 1u16..=1440).prop_map(|(weekday, a, b)| {
        let (opens, closes) = if a < b { (a, b) } else { (b - 1, a + 1) };
        OpenHours { weekday, opens, closes }
    });
    vec(one, 0..12).prop_map(|given| {
        let mut taken: Vec<OpenHours> = Vec::new();
        for open in given {
            if !taken.iter().any(|other| other.overlaps(&open)) {
                taken.push(open);
            }
        }
        taken
    })
}

fn series() -> impl Strategy<Value = Vec<Calendar>> {
    let holidays = vec((0i64..3650).prop_map(|day| date(2010, 1, 1) + SignedDuration::from_hours(24 * day)), 0..20);
    (select(&ZONES[..]), vec((near(), hours(), holidays), 0..5)).prop_map(|(zone, versions)| {
        let mut known = std::collections::BTreeSet::new();
        let versions = versions.into_iter().filter(|(from, ..)| known.insert(*from)).enumerate();
        versions.map(|(at, (from, hours, days))| Calendar::new(at as u64, from, zone, hours, days).unwrap()).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn open_time_is_never_more_than_wall_time(series in series(), from in instants(), to in instants()) {
        let open = Calendars::new(series).open_duration(from, to);
        prop_assert!(open >= SignedDuration::ZERO);
        prop_assert!(open <= to.duration_since(from).max(SignedDuration::ZERO), "{open:?}");
    }

    #[test]
    fn open_time_adds_up_over_any_split(series in series(), mut at in vec(near(), 3)) {
        at.sort_unstable();
        let open = Calendars::new(series);
        let split = open.open_duration(at[0], at[1]) + open.open_duration(at[1], at[2]);
        prop_assert_eq!(open.open_duration(at[0], at[2]), split);
    }

    #[test]
    fn each_calendar_counts_while_it_is_in_force(series in series(), mut at in vec(near(), 2)) {
        at.sort_unstable();
        let all = Calendars::new(series.clone());
        let mut cuts: Vec<Timestamp> = series.iter().map(Calendar::valid_from).filter(|cut| (at[0]..at[1]).contains(cut)).collect();
        cuts.extend([at[0], at[1]]);
        cuts.sort_unstable();
        let alone = |from: Timestamp| Calendars::new(all.at(from).cloned().into_iter().collect());
        let pieces = cuts.windows(2).map(|piece| alone(piece[0]).open_duration(piece[0], piece[1]));
        prop_assert_eq!(all.open_duration(at[0], at[1]), pieces.sum::<SignedDuration>());
    }

    #[test]
    fn the_order_of_versions_does_not_matter(
        (series, shuffled) in series().prop_flat_map(|series| (Just(series.clone()), Just(series).prop_shuffle())),
        from in instants(),
        to in instants(),
    ) {
        let (one, other) = (Calendars::new(series.clone()), Calendars::new(shuffled.clone()));
        prop_assert_eq!(one.open_duration(from, to), other.open_duration(from, to));
        prop_assert_eq!(one.version_at(from), other.version_at(from));
        let of = |own: Vec<Calendar>| Schedule::new(vec![], [("fi".to_owned(), own)]);
        let (one, other) = (of(series), of(shuffled));
        prop_assert_eq!(one.of("fi").open_duration(from, to), other.of("fi").open_duration(from, to));
    }

    #[test]
    fn so_much_open_time_later_so_much_time_was_open(series in series(), from in near(), minutes in 0i64..6_000) {
        let open = Calendars::new(series);
        let duration = SignedDuration::from_mins(minutes);
        if let Some(reached) = open.add_open(from, duration) {
            prop_assert_eq!(open.open_duration(from, reached), duration);
        }
    }

    #[test]
    fn nothing_panics_and_bounds_hold(series in series(), at in vec(instants(), 5)) {
        let open = Calendars::new(series);
        let (start, end) = (Bound::between(at[0], at[1]), Bound::between(at[2], at[3]));
        let durations = open.durations(&start, &end);
        prop_assert!(durations.open.0 <= durations.open.1 && durations.wall.0 <= durations.wall.1);
        prop_assert!(durations.open.0 <= durations.wall.0 && durations.open.1 <= durations.wall.1);
        open.add_open(at[4], SignedDuration::MAX);
        open.is_open(at[4]);
        open.local(at[4]);
    }
}
