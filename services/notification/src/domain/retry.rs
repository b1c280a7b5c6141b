//! When to try again.

use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimeParser};

use super::FRESH_FOR;

/// Pauses after the first, second, … failed try, as Standard Webhooks 1.0.0 recommends. Messages about flags stop being
/// fresh long before the end of it; messages that keep, such as digests, will use all of it.
const PAUSES: [SignedDuration; 9] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(10),
    SignedDuration::from_hours(14),
    SignedDuration::from_hours(20),
    SignedDuration::from_hours(24),
];
/// A receiver may ask for more time than the schedule gives, but not for more than this.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(24);
/// Share of a pause that is added at random, so that what failed together is not tried together.
const JITTER: f64 = 0.1;

/// What follows a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Again(Timestamp),
    /// No try is left, or the message would not be fresh any more.
    GiveUp,
}

/// What follows the `tries`-th try (from 1), which failed now. `chance` is 0 to 1.
pub fn after_failure(
    tries: u32,
    now: Timestamp,
    step_at: Timestamp,
    retry_after: Option<SignedDuration>,
    chance: f64,
) -> Next {
    let index = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
    let Some(pause) = PAUSES.get(index) else { return Next::GiveUp };
    let wanted = retry_after.map_or(*pause, |wanted| wanted.min(LONGEST_PAUSE).max(*pause));
    let jittered = wanted.as_secs_f64() * (1.0 + JITTER * chance.clamp(0.0, 1.0));
    let pause = SignedDuration::try_from_secs_f64(jittered).unwrap_or(wanted);
    match now.checked_add(pause) {
        Ok(at) if at.duration_since(step_at) <= FRESH_FOR => Next::Again(at),
        _ => Next::GiveUp,
    }
}

/// Reads a `Retry-After` header: seconds, or a date. None if it is neither or lies in the past.
pub fn parse_retry_after(header: &str, now: Timestamp) -> Option<SignedDuration> {
    static DATES: DateTimeParser = DateTimeParser::new();
    let header = header.trim();
    let pause = match header.parse::<u32>() {
        Ok(seconds) => SignedDuration::from_secs(seconds.into()),
        Err(_) => DATES.parse_timestamp(header).ok()?.duration_since(now),
    };
    (!pause.is_negative()).then_some(pause)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn noon() -> Timestamp {
        "2026-09-07T12:00:00Z".parse().unwrap()
    }

    fn after(tries: u32, retry_after: Option<i64>) -> Next {
        after_failure(tries, noon(), noon(), retry_after.map(SignedDuration::from_secs), 0.0)
    }

    fn in_seconds(seconds: i64) -> Next {
        Next::Again(noon() + SignedDuration::from_secs(seconds))
    }

    #[test]
    fn pauses_grow_as_the_specification_says() {
        assert_eq!(
            (after(1, None), after(2, None), after(3, None)),
            (in_seconds(5), in_seconds(300), in_seconds(1800))
        );
        assert_eq!(after(4, None), in_seconds(7200));
        let later = noon() - SignedDuration::from_mins(36);
        assert_eq!(after_failure(4, noon(), later, None, 0.0), Next::GiveUp, "it would not be fresh any more");
        assert_eq!(after(10, None), Next::GiveUp);
        assert_eq!(after(u32::MAX, None), Next::GiveUp);
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_and_not_for_less() {
        assert_eq!(after(1, Some(60)), in_seconds(60));
        assert_eq!(after(2, Some(60)), in_seconds(300));
        assert_eq!(after(1, Some(i64::from(u32::MAX))), Next::GiveUp);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let read = |header| parse_retry_after(header, noon()).map(|pause| pause.as_secs());
        assert_eq!(read("120"), Some(120));
        assert_eq!(read(" 0 "), Some(0));
        assert_eq!(read("Mon, 07 Sep 2026 12:01:00 GMT"), Some(60));
        for wrong in ["", "-3", "soon", "Mon, 07 Sep 2026 11:59:00 GMT", "99999999999999999999"] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn a_try_is_never_early_nor_after_the_message_went_stale(
            tries in 1u32..20, age in 0i64..7200, wanted in proptest::option::of(-5i64..1_000_000), chance in -1.0f64..2.0,
        ) {
            let step_at = noon() - SignedDuration::from_secs(age);
            let wanted = wanted.map(SignedDuration::from_secs);
            if let Next::Again(at) = after_failure(tries, noon(), step_at, wanted, chance) {
                let pause = at.duration_since(noon());
                let scheduled = PAUSES[tries as usize - 1];
                prop_assert!(pause >= scheduled);
                prop_assert!(at.duration_since(step_at) <= FRESH_FOR);
                if let Some(wanted) = wanted {
                    prop_assert!(pause >= wanted.min(LONGEST_PAUSE));
                } else {
                    prop_assert!(pause.as_secs_f64() <= scheduled.as_secs_f64() * 1.1 + 1e-6);
                }
            }
        }

        #[test]
        fn no_header_makes_it_panic(header in ".{0,60}") {
            let _ = parse_retry_after(&header, noon());
        }
    }
}
