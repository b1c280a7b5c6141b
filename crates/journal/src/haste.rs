//! Rounds that begin early where something waits: a few at once after a quiet time, and no more than a steady rate under load.
use std::time::Duration;

use tokio::time::Instant;

/// So many begin at once after a quiet time.
const BURST: u32 = 32;

/// The generic cell rate algorithm, as ATM networks police cells.
pub(crate) struct Haste {
    /// From one to the next under load.
    every: Duration,
    /// When all that have begun would have begun at the steady rate.
    spent_until: Instant,
}

impl Haste {
    pub(crate) fn every(every: Duration) -> Self {
        Self { every, spent_until: Instant::now() }
    }

    /// When the next one may begin.
    pub(crate) fn earliest(&self, now: Instant) -> Instant {
        self.spent_until.checked_sub(self.every * (BURST - 1)).map_or(now, |at| at.max(now))
    }

    /// One has begun.
    pub(crate) fn begun(&mut self, now: Instant) {
        self.spent_until = self.spent_until.max(now) + self.every;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_begins_at_once_and_the_rest_at_the_steady_rate() {
        let (every, start) = (Duration::from_millis(100), Instant::now() + Duration::from_secs(10));
        let mut haste = Haste { every, spent_until: start - Duration::from_secs(5) };
        let mut now = start;
        let mut began = Vec::new();
        for _ in 0..BURST + 3 {
            now = haste.earliest(now);
            haste.begun(now);
            began.push((now - start).as_millis());
        }
        let (burst, rest) = began.split_at(BURST as usize);
        assert!(burst.iter().all(|after| *after == 0), "{burst:?}");
        assert_eq!(rest, [100, 200, 300]);
        assert_eq!(haste.earliest(now + BURST * every), now + BURST * every, "a quiet time allows another burst");
    }
}
