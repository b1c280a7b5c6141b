//! What became of rows.
use std::collections::BTreeMap;

use serde::Serialize;

/// Rows.
#[derive(Debug, Default, Serialize)]
pub struct Tally {
    pub read: u64,
    /// Gave events.
    pub kept: u64,
    /// Gave none, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Could not be read, by reason.
    pub broken: BTreeMap<String, u64>,
}

/// Different reasons that are told apart; they name columns of the profile, so there are not many.
const MOST_REASONS: usize = 200;

impl Tally {
    pub fn dropped(&mut self, why: String) {
        count(&mut self.dropped, why);
    }

    pub fn broken(&mut self, why: String) {
        count(&mut self.broken, why);
    }
}

fn count(reasons: &mut BTreeMap<String, u64>, why: String) {
    let why = if reasons.len() < MOST_REASONS || reasons.contains_key(&why) { why } else { "another".to_owned() };
    *reasons.entry(why).or_default() += 1;
}
