//! What people decided about which numbers are of one deal: kept as keys beside the numbers that they are about, so that
//! they come along wherever one of these is looked at, and any order of arrival ends in the same deals.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use throughline_process::{Key, KeyKind};

use super::id::DealId;

/// Decisions of one family of numbers that count: the latest. More are the work of a machine.
const MOST: usize = 256;

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Link,
    Split,
    /// The decision of that id does not hold.
    Undo,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Split => "split",
            Self::Undo => "undo",
        }
    }
}

/// A decision that holds, about two numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Id of its event.
    pub id: String,
    pub kind: Kind,
    pub one: DealId,
    pub other: DealId,
}

/// The decision as a key beside one of its two numbers. `id` is that of its event, or of the event that it undoes.
pub fn decision_key(about: DealId, at: Timestamp, kind: Kind, id: &str) -> Key {
    // Text that sorts as the instants do.
    let at = (at.as_microsecond() as u64) ^ (1 << 63);
    Key { kind: KeyKind::Decision, scope: about.to_string(), value: format!("{at:016x}/{}/{id}", kind.as_str()) }
}

/// Whether a key is a decision that two numbers are of two deals, whether it holds or not.
pub fn is_split(key: &Key) -> bool {
    key.kind == KeyKind::Decision && parse(&key.value).is_some_and(|(kind, _)| kind == Kind::Split)
}

/// The decisions among these keys that hold, as far as those made later leave them: the latest first.
///
/// Each is weighed against those made after it, and falls if they contradict it, directly or by way of others.
pub fn standing<'k>(keys: impl Iterator<Item = &'k Key>) -> Vec<Decision> {
    let mut about: BTreeMap<&str, BTreeSet<DealId>> = BTreeMap::new();
    for key in keys.filter(|key| key.kind == KeyKind::Decision) {
        about.entry(&key.value).or_default().extend(DealId::parse(&key.scope));
    }
    // An undoing that is not about the same two numbers may or may not be at hand: it is none.
    let undone: BTreeSet<(&str, &BTreeSet<DealId>)> = about
        .iter()
        .filter_map(|(value, ends)| Some((parse(value)?, ends)))
        .filter(|((kind, _), _)| *kind == Kind::Undo)
        .map(|((_, id), ends)| (id, ends))
        .collect();
    let mut standing = Vec::new();
    let mut together = Together::default();
    for (value, ends) in about.iter().rev() {
        let Some((kind, id)) = parse(value) else { continue };
        let (Some(one), Some(other)) = (ends.first().copied(), ends.last().copied()) else { continue };
        let decision = Decision { id: id.to_owned(), kind, one, other };
        let void = kind == Kind::Undo || one == other || undone.contains(&(id, ends));
        if void || !together.agree(&standing, &decision) {
            continue;
        }
        if kind == Kind::Link {
            together.join(one, other);
        }
        standing.push(decision);
        if standing.len() == MOST {
            break;
        }
    }
    standing
}

fn parse(value: &str) -> Option<(Kind, &str)> {
    let (_, rest) = value.split_once('/')?;
    let (kind, id) = rest.split_once('/')?;
    let kinds = [Kind::Link, Kind::Split, Kind::Undo];
    Some((kinds.into_iter().find(|known| known.as_str() == kind)?, id))
}

/// Numbers that people said are of one deal.
#[derive(Default)]
struct Together(BTreeMap<DealId, DealId>);

impl Together {
    fn of(&self, mut number: DealId) -> DealId {
        while let Some(next) = self.0.get(&number) {
            number = *next;
        }
        number
    }

    fn join(&mut self, one: DealId, other: DealId) {
        let (one, other) = (self.of(one), self.of(other));
        if one != other {
            self.0.insert(one.max(other), one.min(other));
        }
    }

    /// Whether a decision can hold beside those made after it.
    fn agree(&self, later: &[Decision], decision: &Decision) -> bool {
        let pair = |decision: &Decision| {
            let (one, other) = (self.of(decision.one), self.of(decision.other));
            (one.min(other), one.max(other))
        };
        let mine = pair(decision);
        match decision.kind {
            Kind::Split => mine.0 != mine.1,
            _ => later.iter().filter(|split| split.kind == Kind::Split).all(|split| pair(split) != mine),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: u8) -> DealId {
        DealId(uuid::Uuid::from_bytes([digit; 16]))
    }

    /// (second, kind, id, one, other)
    fn standing_of(decisions: &[(i64, Kind, &str, u8, u8)]) -> Vec<(Kind, String)> {
        let keys: Vec<Key> = decisions
            .iter()
            .flat_map(|(second, kind, name, one, other)| {
                let at = Timestamp::from_second(*second).unwrap();
                [decision_key(id(*one), at, *kind, name), decision_key(id(*other), at, *kind, name)]
            })
            .collect();
        standing(keys.iter()).into_iter().map(|decision| (decision.kind, decision.id)).collect()
    }

    #[test]
    fn the_later_of_two_that_contradict_holds() {
        use Kind::{Link, Split};
        let told = standing_of(&[(1, Link, "a", 1, 2), (2, Split, "b", 1, 2)]);
        assert_eq!(told, [(Split, "b".to_owned())]);
        let told = standing_of(&[(-5, Split, "b", 2, 1), (1, Link, "a", 1, 2)]);
        assert_eq!(told, [(Link, "a".to_owned())]);
        let by_way = standing_of(&[(1, Link, "a", 1, 2), (2, Link, "b", 2, 3), (3, Split, "c", 1, 3)]);
        assert_eq!(by_way, [(Split, "c".to_owned()), (Link, "b".to_owned())]);
        let by_way = standing_of(&[(1, Split, "c", 1, 3), (2, Link, "a", 1, 2), (3, Link, "b", 2, 3)]);
        assert_eq!(by_way, [(Link, "b".to_owned()), (Link, "a".to_owned())]);
    }

    #[test]
    fn what_is_undone_is_as_if_it_had_never_been_whenever_that_arrives() {
        use Kind::{Link, Split, Undo};
        let told = standing_of(&[(1, Link, "a", 1, 2), (2, Split, "b", 1, 2), (0, Undo, "b", 1, 2)]);
        assert_eq!(told, [(Link, "a".to_owned())]);
    }
}
