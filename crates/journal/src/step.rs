//! Whether the clock of a log has stepped back: stored instants compared with what the clock shows. No input or output.
//!
//! Stored instants come from clocks, so one that lies ahead of this process's clock means that this clock was put back, or
//! that another process's clock is ahead. An append never decides that: its clock may be outdated by a stall.
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// What is to be done about stored instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Nothing stored runs ahead of the clock.
    InOrder,
    /// Something does by so much. Either another process's clock is ahead, or the clock has stepped back and that is not
    /// certain yet: nothing is changed, so that processes whose clocks disagree do not undo each other's work.
    Ahead(SignedDuration),
    /// The clock has stepped back by so much: what is stored must follow.
    SteppedBack(SignedDuration),
}

/// What one watcher has seen so far.
#[derive(Debug, Default)]
pub(crate) struct Stepping {
    /// The latest instant that this process's clock has shown.
    shown: Option<Timestamp>,
    /// This process has seen its own clock step back.
    own_step: bool,
    /// The stored instant that runs ahead, and since when it has not moved.
    ahead: Option<(Timestamp, Instant)>,
}

impl Stepping {
    /// Compares the latest stored instant with the clock, which must be read after it. An instant that runs ahead and that
    /// no clock has moved for `unmoved` belongs to a clock that no longer exists.
    pub(crate) fn look(
        &mut self,
        stored: Option<Timestamp>,
        clock: Timestamp,
        tolerance: SignedDuration,
        now: Instant,
        unmoved: Duration,
    ) -> Finding {
        self.own_step |= self.shown.is_some_and(|shown| shown.duration_since(clock) > tolerance);
        self.shown = if self.own_step { Some(clock) } else { self.shown.max(Some(clock)) };
        let Some((stored, by)) =
            stored.map(|stored| (stored, stored.duration_since(clock))).filter(|(_, by)| *by > tolerance)
        else {
            (self.own_step, self.ahead) = (false, None);
            return Finding::InOrder;
        };
        let since = match self.ahead {
            Some((before, since)) if before == stored => since,
            _ => now,
        };
        self.ahead = Some((stored, since));
        if self.own_step || now.duration_since(since) >= unmoved {
            (self.own_step, self.ahead) = (false, None);
            return Finding::SteppedBack(by);
        }
        Finding::Ahead(by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLERANCE: SignedDuration = SignedDuration::from_secs(5);
    const UNMOVED: Duration = Duration::from_secs(5);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn look(stepping: &mut Stepping, stored: i64, clock: i64, now: Instant) -> Finding {
        stepping.look(Some(at(stored)), at(clock), TOLERANCE, now, UNMOVED)
    }

    #[test]
    fn own_clock_that_steps_back_is_noticed_at_once() {
        let (mut stepping, now) = (Stepping::default(), Instant::now());
        assert_eq!(look(&mut stepping, 20_000, 20_000, now), Finding::InOrder);
        assert_eq!(look(&mut stepping, 20_000, 100, now), Finding::SteppedBack(SignedDuration::from_secs(19_900)));
        assert_eq!(look(&mut stepping, 101, 101, now), Finding::InOrder);
    }

    #[test]
    fn small_step_and_outdated_instants_are_in_order() {
        let (mut stepping, now) = (Stepping::default(), Instant::now());
        assert_eq!(look(&mut stepping, 100, 100, now), Finding::InOrder);
        assert_eq!(look(&mut stepping, 100, 95, now), Finding::InOrder);
        assert_eq!(look(&mut stepping, 10, 95, now), Finding::InOrder);
        assert_eq!(stepping.look(None, at(95), TOLERANCE, now, UNMOVED), Finding::InOrder);
    }

    #[test]
    fn instant_of_a_clock_that_is_gone_is_left_behind_once_it_has_not_moved() {
        let (mut stepping, now) = (Stepping::default(), Instant::now());
        let ahead = Finding::Ahead(SignedDuration::from_secs(900));
        assert_eq!(look(&mut stepping, 1_000, 100, now), ahead);
        assert_eq!(look(&mut stepping, 1_002, 102, now + Duration::from_secs(3)), ahead);
        assert_eq!(
            look(&mut stepping, 1_002, 107, now + Duration::from_secs(8)),
            Finding::SteppedBack(SignedDuration::from_secs(895))
        );
    }

    #[test]
    fn clock_of_another_process_that_stays_ahead_is_never_taken_for_a_step() {
        let (mut stepping, now) = (Stepping::default(), Instant::now());
        for second in 0..1_000 {
            let found = look(&mut stepping, 1_000 + second, second, now + Duration::from_secs(second as u64));
            assert_eq!(found, Finding::Ahead(SignedDuration::from_secs(1_000)));
        }
    }
}
