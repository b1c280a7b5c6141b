//! The waits of a deal by the names under which people ask for them.

use std::collections::BTreeMap;

/// Waits in minutes by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waits(BTreeMap<&'static str, f64>);

impl Waits {
    /// Takes in an accepted handoff. Offers are told in order of time: where several stand side by side, such as two
    /// trades being appraised, the first counts.
    pub fn accepted(&mut self, measure: &str, round: u32, seconds: f64) {
        if let Some(name) = wait_name(measure, round) {
            self.0.entry(name).or_insert(seconds / 60.0);
        }
    }

    pub fn into_minutes(self) -> impl Iterator<Item = (&'static str, f64)> {
        self.0.into_iter()
    }
}

/// The name of a handoff's wait; `None` if it is not among those that are listed.
fn wait_name(measure: &str, round: u32) -> Option<&'static str> {
    match (measure, round) {
        ("handoff.appraisal", 0) => Some("appraisal"),
        ("handoff.desk", 0) => Some("desk0"),
        ("handoff.desk", 1) => Some("desk1"),
        ("handoff.desk", 2) => Some("desk2"),
        ("handoff.fi", 0) => Some("fi"),
        ("handoff.delivery", 0) => Some("delivery"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_at_the_desk_have_names_of_their_own() {
        let mut waits = Waits::default();
        for (measure, round, seconds) in
            [("handoff.desk", 0, 90.0), ("handoff.desk", 1, 30.0), ("handoff.fi", 0, 0.0), ("handoff.jacket", 0, 9.0)]
        {
            waits.accepted(measure, round, seconds);
        }
        assert_eq!(waits.into_minutes().collect::<Vec<_>>(), [("desk0", 1.5), ("desk1", 0.5), ("fi", 0.0)]);
    }

    #[test]
    fn the_first_of_two_appraisals_counts() {
        let mut waits = Waits::default();
        waits.accepted("handoff.appraisal", 0, 60.0);
        waits.accepted("handoff.appraisal", 0, 600.0);
        assert_eq!(waits.into_minutes().collect::<Vec<_>>(), [("appraisal", 1.0)]);
    }
}
