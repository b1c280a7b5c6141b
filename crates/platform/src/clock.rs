//! The injected clock: live, faster than life, or moved by hand.
#![expect(clippy::disallowed_methods, reason = "this is where the machine's clock is injected")]

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::{sync::watch, time::Instant};

use crate::Options;

/// What time it is. Every instant that a service judges by comes from here.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    System,
    Scaled { start: Timestamp, rate: f64, since: Instant },
    Manual(watch::Receiver<Timestamp>),
}

/// Moves a manual clock.
#[derive(Clone, Debug)]
pub struct ManualHand(Arc<watch::Sender<Timestamp>>);

// The machine's clock may be set while we sleep, so long sleeps look again now and then.
const LONGEST_NAP: Duration = Duration::from_secs(5);
// A scaled clock may reach the instant within less than the timer's own step.
const SHORTEST_NAP: Duration = Duration::from_millis(1);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Kind::System)
    }

    /// Shows `start` now and runs `rate` times as fast as the machine's.
    pub fn scaled(start: Timestamp, rate: f64) -> Self {
        Self(Kind::Scaled { start, rate, since: Instant::now() })
    }

    /// Stands still until its hand moves it.
    pub fn manual(start: Timestamp) -> (Self, ManualHand) {
        let (sender, receiver) = watch::channel(start);
        (Self(Kind::Manual(receiver)), ManualHand(Arc::new(sender)))
    }

    /// The clock that the options ask for.
    pub fn from_options(options: &Options) -> Self {
        match options.clock_start {
            None if options.clock_rate == 1.0 => Self::system(),
            start => Self::scaled(start.unwrap_or_else(Timestamp::now), options.clock_rate),
        }
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::System => Timestamp::now(),
            Kind::Manual(at) => *at.borrow(),
            Kind::Scaled { start, rate, since } => {
                let run = since.elapsed().as_secs_f64() * rate;
                SignedDuration::try_from_secs_f64(run)
                    .ok()
                    .and_then(|run| start.checked_add(run).ok())
                    .unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// How far an instant that was read off a clock earlier may run ahead of this one before that is taken for a clock that
    /// stepped back, or for clocks that disagree: 5 s, and one more for each second by which it runs faster than life.
    ///
    /// Disciplined clocks disagree by milliseconds, and targets are minutes: 5 s lies well between. Faster clocks of several
    /// processes are read at different instants of real time.
    pub fn tolerance(&self) -> SignedDuration {
        let faster = match &self.0 {
            Kind::Scaled { rate, .. } => (rate - 1.0).max(0.0),
            Kind::System | Kind::Manual(_) => 0.0,
        };
        SignedDuration::try_from_secs_f64(5.0 + faster).unwrap_or(SignedDuration::MAX)
    }

    /// Whether an instant that was read off a clock earlier runs ahead of this one by more than the tolerance.
    pub fn is_ahead(&self, stored: Timestamp) -> bool {
        stored.duration_since(self.now()) > self.tolerance()
    }

    /// Returns once this clock shows `at` or later.
    pub async fn sleep_until(&self, at: Timestamp) {
        if let Kind::Manual(shown) = &self.0 {
            let mut shown = shown.clone();
            if shown.wait_for(|now| *now >= at).await.is_err() {
                // The hand is gone: the clock will never reach it.
                std::future::pending::<()>().await;
            }
            return;
        }
        loop {
            let left = at.duration_since(self.now());
            let Ok(left) = Duration::try_from(left) else { return };
            if left.is_zero() {
                return;
            }
            let real = match &self.0 {
                Kind::Scaled { rate, .. } => left.div_f64(rate.max(f64::MIN_POSITIVE).max(1e-6)),
                _ => left,
            };
            tokio::time::sleep(real.clamp(SHORTEST_NAP, LONGEST_NAP)).await;
        }
    }
}

impl ManualHand {
    /// Moves the clock by a span.
    pub fn advance(&self, by: SignedDuration) {
        self.0.send_modify(|at| *at = at.checked_add(by).unwrap_or(Timestamp::MAX));
    }

    /// Sets the clock.
    pub fn set(&self, to: Timestamp) {
        self.0.send_replace(to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_scaled_clock_makes_an_hour_of_a_tenth_of_a_second() {
        let began = Instant::now();
        let clock = Clock::scaled(at("2026-01-10T09:00:00Z"), 36_000.0);
        clock.sleep_until(at("2026-01-10T10:00:00Z")).await;
        let (real, shown) = (began.elapsed(), clock.now());
        assert!(shown >= at("2026-01-10T10:00:00Z"));
        assert!(real >= Duration::from_millis(100) && real < Duration::from_secs(10), "{real:?}");
    }

    #[tokio::test]
    async fn a_manual_clock_stands_still_until_its_hand_moves_it() {
        let (clock, hand) = Clock::manual(at("2026-01-10T09:00:00Z"));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(at("2026-01-10T09:30:00Z")).await }
        });
        hand.advance(SignedDuration::from_mins(29));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        hand.advance(SignedDuration::from_mins(1));
        sleeper.await.unwrap();
        assert_eq!(clock.now(), at("2026-01-10T09:30:00Z"));
    }

    #[test]
    fn instant_runs_ahead_beyond_the_tolerance_only() {
        let (clock, hand) = Clock::manual(at("2026-01-10T09:00:00Z"));
        assert!(!clock.is_ahead(at("2026-01-10T09:00:05Z")));
        assert!(clock.is_ahead(at("2026-01-10T09:00:05.001Z")));
        hand.set(at("2026-01-10T03:00:00Z"));
        assert!(clock.is_ahead(at("2026-01-10T09:00:00Z")));
        assert_eq!(Clock::scaled(at("2026-01-10T09:00:00Z"), 61.0).tolerance(), SignedDuration::from_secs(65));
        assert_eq!(Clock::scaled(at("2026-01-10T09:00:00Z"), f64::MAX).tolerance(), SignedDuration::MAX);
    }

    #[tokio::test]
    async fn an_instant_that_has_passed_is_not_waited_for() {
        Clock::system().sleep_until(at("2020-01-01T00:00:00Z")).await;
    }
}
