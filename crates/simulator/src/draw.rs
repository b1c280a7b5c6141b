//! Random streams that can be named: one for each customer, so that nobody's luck depends on another's.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

use crate::week::{Millis, minutes};

/// One stream. Distributions are written out here because those of libraries change their draws between versions.
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    /// The stream of (seed, rooftop, purpose, day, number).
    pub(crate) fn stream(seed: u64, rooftop: &str, purpose: &str, day: usize, number: usize) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&hash(rooftop.as_bytes()).to_le_bytes());
        key[16..24].copy_from_slice(&hash(purpose.as_bytes()).to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(((day as u64) << 32) | number as u64);
        Self(rng)
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// One of `choices`, all alike. `choices` is never empty here.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// A whole number in [0, `end`); 0 when `end` is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.unit() * end as f64) as usize
    }

    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Lognormal with this mean in minutes and this spread of the logarithm: few are quick, a few take very long.
    pub(crate) fn lasting(&mut self, mean: f64, spread: f64) -> Millis {
        // Box and Muller
        let normal = (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos();
        minutes(mean * (spread * normal - spread * spread / 2.0).exp())
    }

    /// How many events of a Poisson process with this mean occur.
    pub(crate) fn count(&mut self, mean: f64) -> usize {
        let mut reached = self.exponential(1.0);
        let mut count = 0;
        while reached < mean {
            count += 1;
            reached += self.exponential(1.0);
        }
        count
    }

    /// A UUID.
    pub(crate) fn id(&mut self) -> String {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}

/// FNV-1a, 64 bits: stable for ever, and names of rooftops need no more.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::week::in_minutes;

    #[test]
    fn a_seed_keeps_its_stream_for_ever() {
        // recorded plans and their figures hang on this: a change here is a change of every simulated day
        let mut draw = Draw::stream(7, "RT001", "customer", 2, 3);
        assert_eq!(draw.id(), "bf070ce0-e084-429f-9426-8e3ba58999c8");
    }

    #[test]
    fn every_name_of_a_stream_counts() {
        let of = |seed, rooftop, purpose, day, number| Draw::stream(seed, rooftop, purpose, day, number).id();
        let ids = [
            of(7, "RT001", "customer", 2, 3),
            of(8, "RT001", "customer", 2, 3),
            of(7, "RT002", "customer", 2, 3),
            of(7, "RT001", "ids", 2, 3),
            of(7, "RT001", "customer", 3, 2),
            of(7, "RT001", "customer", 2, 4),
        ];
        assert_eq!(std::collections::HashSet::from(ids).len(), 6);
    }

    #[test]
    fn durations_have_the_mean_that_they_were_asked_for() {
        let mut draw = Draw::stream(7, "RT001", "test", 0, 0);
        let whole: f64 = (0..20_000).map(|_| in_minutes(draw.lasting(61.0, 0.4))).sum();
        assert!((whole / 20_000.0 - 61.0).abs() < 1.0);
    }
}
