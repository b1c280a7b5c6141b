//! What is known of a polled table from one row, file or import to the next: its last polls, and which events its rows have given.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

/// Polled rows that are remembered; what was seen longest ago is forgotten first.
pub const MOST_POLLED: usize = 100_000;
/// Types of events that are told apart: as many as one row's bits.
const MOST_TYPES: usize = 64;

/// The last two instants at which a table was polled, as its rows show them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Polls {
    pub before: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

/// A polled row: half a BLAKE3 hash of what tells it from the others.
pub type RowHash = [u8; 16];

/// What a polled row has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// One bit for each type of event, in the order of the memory's types.
    pub types: u64,
    /// Counts what was seen: the larger, the later.
    pub seen: u64,
}

/// What is remembered of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    polls: Polls,
    /// What the bits of [`Given::types`] stand for. By type and not by rule: a profile may get rules and keep its memory.
    types: Vec<String>,
    rows: HashMap<RowHash, Given>,
    by_age: BTreeMap<u64, RowHash>,
    seen: u64,
    changed: BTreeSet<RowHash>,
    forgotten: BTreeSet<RowHash>,
}

/// What has become different since it was last asked: enough to bring a stored memory up to date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub polls: Polls,
    pub types: Vec<String>,
    /// In the order of the hashes.
    pub rows: Vec<(RowHash, Given)>,
    /// To be dropped before `rows` are written.
    pub forgotten: Vec<RowHash>,
}

impl Memory {
    /// As it was stored.
    pub fn load(polls: Polls, types: Vec<String>, rows: impl IntoIterator<Item = (RowHash, Given)>) -> Self {
        let rows: HashMap<RowHash, Given> = rows.into_iter().collect();
        let by_age: BTreeMap<u64, RowHash> = rows.iter().map(|(row, given)| (given.seen, *row)).collect();
        let seen = by_age.last_key_value().map_or(0, |(seen, _)| *seen);
        Self { polls, types, rows, by_age, seen, ..Self::default() }
    }

    /// What has changed since this was last asked.
    pub fn take_changes(&mut self) -> Changes {
        let changed = std::mem::take(&mut self.changed);
        Changes {
            polls: self.polls,
            types: self.types.clone(),
            rows: changed.into_iter().filter_map(|row| Some((row, *self.rows.get(&row)?))).collect(),
            forgotten: std::mem::take(&mut self.forgotten).into_iter().collect(),
        }
    }

    /// Rows whose change nobody has asked for yet.
    pub fn changed(&self) -> usize {
        self.changed.len() + self.forgotten.len()
    }

    /// Notes a poll, and says which was the one before it: the rows of the table show that there was one.
    pub(crate) fn poll(&mut self, at: Timestamp) -> Option<Timestamp> {
        // To what is stored, so that a poll is known again.
        let at = Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
        let Polls { last, .. } = self.polls;
        if last.is_none_or(|last| last < at) {
            self.polls = Polls { before: last, last: Some(at) };
        }
        if self.polls.last == Some(at) { self.polls.before } else { None }
    }

    /// Makes room for these types of events.
    pub(crate) fn expect<'t>(&mut self, types: impl Iterator<Item = &'t str> + Clone) {
        let missing: Vec<String> = types
            .clone()
            .filter(|event_type| self.types.iter().all(|known| known != event_type))
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        if self.types.len() + missing.len() > MOST_TYPES {
            self.keep_only(&types.collect());
        }
        self.types.extend(missing);
    }

    /// What a row has given so far; it was seen just now.
    pub(crate) fn given(&self, row: &RowHash) -> u64 {
        self.rows.get(row).map_or(0, |given| given.types)
    }

    /// The bit of a type; none for one that was not expected.
    pub(crate) fn bit(&self, event_type: &str) -> u64 {
        self.types.iter().position(|known| known == event_type).map_or(0, |place| 1 << place)
    }

    /// Notes what a row has given by now.
    pub(crate) fn remember(&mut self, row: RowHash, types: u64) {
        self.seen += 1;
        if let Some(before) = self.rows.insert(row, Given { types, seen: self.seen }) {
            self.by_age.remove(&before.seen);
        }
        self.by_age.insert(self.seen, row);
        self.changed.insert(row);
        if self.rows.len() > MOST_POLLED
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.rows.remove(&oldest);
            self.changed.remove(&oldest);
            self.forgotten.insert(oldest);
        }
    }

    /// Forgets the types that no rule gives any more.
    fn keep_only(&mut self, wanted: &BTreeSet<&str>) {
        let kept: Vec<usize> =
            (0..self.types.len()).filter(|place| wanted.contains(self.types[*place].as_str())).collect();
        for (row, given) in &mut self.rows {
            given.types =
                kept.iter().enumerate().fold(0, |types, (to, from)| types | ((given.types >> from & 1) << to));
            self.changed.insert(*row);
        }
        self.types.retain(|event_type| wanted.contains(event_type.as_str()));
    }
}

/// The hash by which a row is remembered.
pub(crate) fn row_hash(identity: &str) -> RowHash {
    let mut half = [0; 16];
    half.copy_from_slice(&blake3::hash(identity.as_bytes()).as_bytes()[..16]);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u32) -> RowHash {
        row_hash(&number.to_string())
    }

    #[test]
    fn what_was_seen_longest_ago_is_forgotten_first() {
        let mut memory = Memory::default();
        memory.expect(["a"].into_iter());
        (0..MOST_POLLED as u32).for_each(|number| memory.remember(row(number), 1));
        memory.take_changes();
        memory.remember(row(0), 1);
        memory.remember(row(MOST_POLLED as u32), 1);
        assert_eq!((memory.given(&row(0)), memory.given(&row(1)), memory.given(&row(2))), (1, 0, 1));
        let changes = memory.take_changes();
        assert_eq!((changes.rows.len(), changes.forgotten), (2, vec![row(1)]));
        assert_eq!(memory.take_changes().rows, []);
    }

    #[test]
    fn a_profile_with_other_rules_keeps_what_its_rows_have_given() {
        let mut memory = Memory::default();
        let many: Vec<String> = (0..63).map(|number| format!("t{number:02}")).collect();
        memory.expect(many.iter().map(String::as_str));
        memory.remember(row(1), memory.bit("t62") | memory.bit("t00"));
        memory.expect(["a", "t62", "a"].into_iter());
        assert_eq!(memory.given(&row(1)), memory.bit("t62") | memory.bit("t00"));
        // No room for more: what nobody gives any more goes.
        memory.expect(["b", "t62"].into_iter());
        assert_eq!(memory.given(&row(1)), memory.bit("t62"));
        assert_eq!(memory.take_changes().types, ["t62", "b"]);
    }
}
