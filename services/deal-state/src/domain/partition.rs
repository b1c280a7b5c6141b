//! Which keys make one deal: events join the keys that they carry, and a deal is what hangs together.
//!
//! The answer depends on the set of joins alone, never on their order: that is why a former id still resolves, why any
//! order of arrival ends in the same deals, and why a rebuild needs no list of merges.

use std::collections::{BTreeMap, BTreeSet};

use throughline_process::Key;

use super::id::DealId;

/// A linking key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    pub key: Key,
    pub id: DealId,
    pub deal: DealId,
}

/// One deal as it comes out of the joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    pub deal: DealId,
    /// Every linking key of it with the id under which it is stored, by id.
    pub keys: BTreeMap<DealId, Key>,
    /// Keys that did not point to this deal before.
    pub repointed: BTreeSet<DealId>,
    /// Deals that its keys pointed to before, itself included if it stood.
    pub before: BTreeSet<DealId>,
    /// The arrivals that belong to it, as places in the input.
    pub arrivals: Vec<usize>,
}

impl Joined {
    /// Deals that it takes over.
    pub fn taken_over(&self) -> impl Iterator<Item = DealId> {
        self.before.iter().copied().filter(|deal| *deal != self.deal)
    }
}

/// Joins what is stored of a rooftop (all keys of every deal that an arrival touches) with the linking keys of arrivals.
/// An arrival without keys belongs nowhere.
pub fn join(group: &str, rooftop: &str, stored: &[Linked], arrivals: &[Vec<Key>]) -> Vec<Joined> {
    let mut forest = Forest::default();
    for linked in stored {
        let key = forest.key(linked.id, &linked.key);
        forest.pointing(key, linked.deal);
    }
    let mut roots = Vec::with_capacity(arrivals.len());
    for keys in arrivals {
        let mut first = None;
        for key in keys {
            let Some(id) = DealId::of(group, rooftop, std::slice::from_ref(key)) else { continue };
            let node = forest.key(id, key);
            forest.union(*first.get_or_insert(node), node);
        }
        roots.push(first);
    }
    forest.joined(group, rooftop, &roots)
}

#[derive(Default)]
struct Forest {
    nodes: BTreeMap<DealId, usize>,
    parents: Vec<usize>,
    keys: Vec<(DealId, Key)>,
    /// The deal that a key pointed to before.
    deals: Vec<Option<DealId>>,
    first_of_deal: BTreeMap<DealId, usize>,
}

impl Forest {
    fn key(&mut self, id: DealId, key: &Key) -> usize {
        if let Some(node) = self.nodes.get(&id) {
            return *node;
        }
        let node = self.parents.len();
        self.nodes.insert(id, node);
        self.parents.push(node);
        self.keys.push((id, key.clone()));
        self.deals.push(None);
        node
    }

    fn pointing(&mut self, node: usize, deal: DealId) {
        self.deals[node] = Some(deal);
        let first = *self.first_of_deal.entry(deal).or_insert(node);
        self.union(first, node);
    }

    fn root(&mut self, mut node: usize) -> usize {
        while self.parents[node] != node {
            // Halving keeps later walks short.
            self.parents[node] = self.parents[self.parents[node]];
            node = self.parents[node];
        }
        node
    }

    fn union(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.parents[one.max(other)] = one.min(other);
    }

    fn joined(mut self, group: &str, rooftop: &str, arrivals: &[Option<usize>]) -> Vec<Joined> {
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for node in 0..self.parents.len() {
            members.entry(self.root(node)).or_default().push(node);
        }
        let mut joined = BTreeMap::new();
        for (root, nodes) in members {
            let keys: BTreeMap<DealId, Key> = nodes.iter().map(|node| self.keys[*node].clone()).collect();
            let values: Vec<Key> = keys.values().cloned().collect();
            let Some(deal) = DealId::of(group, rooftop, &values) else { continue };
            let before = nodes.iter().filter_map(|node| self.deals[*node]).collect();
            let repointed =
                nodes.iter().filter(|node| self.deals[**node] != Some(deal)).map(|node| self.keys[*node].0).collect();
            joined.insert(root, Joined { deal, keys, repointed, before, arrivals: Vec::new() });
        }
        for (place, node) in arrivals.iter().enumerate() {
            let root = node.map(|node| self.root(node));
            if let Some(deal) = root.and_then(|root| joined.get_mut(&root)) {
                deal.arrivals.push(place);
            }
        }
        joined.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use throughline_process::KeyKind;

    fn key(kind: KeyKind, value: &str) -> Key {
        let scope = if kind == KeyKind::Subject { "crm" } else { "" };
        Key { kind, scope: scope.to_owned(), value: value.to_owned() }
    }

    /// What a sequence of batches leaves stored.
    fn stored_after(batches: &[Vec<Vec<Key>>]) -> BTreeMap<DealId, DealId> {
        let mut stored: BTreeMap<DealId, Linked> = BTreeMap::new();
        for batch in batches {
            let touched: BTreeSet<DealId> = batch
                .iter()
                .flatten()
                .filter_map(|key| DealId::of("g", "r", std::slice::from_ref(key)))
                .filter_map(|id| stored.get(&id).map(|linked| linked.deal))
                .collect();
            let loaded: Vec<Linked> =
                stored.values().filter(|linked| touched.contains(&linked.deal)).cloned().collect();
            for joined in join("g", "r", &loaded, batch) {
                for (id, key) in joined.keys {
                    stored.insert(id, Linked { key, id, deal: joined.deal });
                }
            }
        }
        stored.into_iter().map(|(id, linked)| (id, linked.deal)).collect()
    }

    fn any_key() -> impl Strategy<Value = Key> {
        let kinds = [KeyKind::Visit, KeyKind::DmsDeal, KeyKind::Application, KeyKind::Subject];
        (0..4usize, 0..5u8).prop_map(move |(kind, value)| key(kinds[kind], &format!("{value}")))
    }

    proptest! {
        #[test]
        fn any_order_and_any_batches_give_the_same_deals(
            arrivals in prop::collection::vec(prop::collection::vec(any_key(), 1..4), 1..25),
            shuffled in any::<prop::sample::Index>(),
            sizes in prop::collection::vec(1usize..5, 1..10),
            seed in any::<u64>(),
        ) {
            let all = stored_after(std::slice::from_ref(&arrivals));
            let mut other = arrivals;
            let pivot = shuffled.index(other.len());
            other.rotate_left(pivot);
            // A cheap permutation that proptest can shrink: sort by a keyed hash.
            other.sort_by_key(|keys| {
                let mut hasher = blake3::Hasher::new();
                hasher.update(&seed.to_le_bytes());
                hasher.update(format!("{keys:?}").as_bytes());
                *hasher.finalize().as_bytes()
            });
            let mut batches = Vec::new();
            let mut sizes = sizes.iter().cycle();
            let mut rest = &other[..];
            while !rest.is_empty() {
                let size = (*sizes.next().unwrap_or(&1)).min(rest.len());
                batches.push(rest[..size].to_vec());
                rest = &rest[size..];
            }
            prop_assert_eq!(all, stored_after(&batches));
        }
    }

    #[test]
    fn a_better_key_takes_the_deal_over_and_the_former_id_is_a_key_of_it() {
        let subject = key(KeyKind::Subject, "S1");
        let first = join("g", "r", &[], &[vec![subject.clone()]]);
        assert_eq!(first.len(), 1);
        let former = first[0].deal;
        let stored = [Linked { key: subject.clone(), id: former, deal: former }];
        let second = join("g", "r", &stored, &[vec![subject, key(KeyKind::Visit, "V1")]]);
        assert_eq!(second.len(), 1);
        assert_ne!(second[0].deal, former);
        assert_eq!(second[0].taken_over().collect::<Vec<_>>(), [former]);
        assert!(second[0].keys.contains_key(&former));
    }

    #[test]
    fn strangers_stay_apart() {
        let joined = join("g", "r", &[], &[vec![key(KeyKind::Visit, "1")], vec![key(KeyKind::Visit, "2")], vec![]]);
        assert_eq!(joined.len(), 2);
        assert_eq!(joined.iter().map(|joined| joined.arrivals.len()).sum::<usize>(), 2);
    }
}
