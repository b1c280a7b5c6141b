//! Which keys make one deal: events join the keys that they carry, and a deal is what hangs together.
//!
//! The answer depends on the set of joins alone, never on their order: that is why a former id still resolves, why any
//! order of arrival ends in the same deals, and why a rebuild needs no list of merges.

use std::collections::{BTreeMap, BTreeSet};

use throughline_process::{Key, KeyKind};

use super::{
    id::DealId,
    sales::{self, Core},
};

/// A linking key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    pub key: Key,
    pub id: DealId,
    /// What hangs together by the keys of events alone, without sales: the id that it would have as a deal.
    pub core: DealId,
    pub deal: DealId,
}

/// One deal as it comes out of the joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    pub deal: DealId,
    /// Every linking key of it with the id under which it is stored, by id.
    pub keys: BTreeMap<DealId, Key>,
    /// The core of each key.
    pub cores: BTreeMap<DealId, DealId>,
    /// Keys that did not point to this deal, or were not of this core, before.
    pub repointed: BTreeSet<DealId>,
    /// Deals that its keys pointed to before, itself included if it stood.
    pub before: BTreeSet<DealId>,
    /// What may be the same deal, for all that is known: the best key of each.
    pub rivals: BTreeSet<Key>,
    /// The arrivals that belong to it, as places in the input.
    pub arrivals: Vec<usize>,
    /// The last arrival that may have changed it: one of its own, or else of those that tell of a sale with it.
    pub cause: Option<usize>,
}

impl Joined {
    /// Deals that it takes over. Whoever has the best key of a deal has the deal: one that merely comes apart stands on.
    pub fn taken_over(&self) -> impl Iterator<Item = DealId> {
        self.before.iter().copied().filter(|deal| *deal != self.deal && self.keys.contains_key(deal))
    }
}

/// Joins what is stored of a rooftop (all keys of every deal that an arrival touches) with the linking keys of arrivals.
/// An arrival without keys belongs nowhere.
pub fn join(group: &str, rooftop: &str, stored: &[Linked], arrivals: &[Vec<Key>]) -> Vec<Joined> {
    let mut forest = Forest::default();
    for linked in stored {
        let key = forest.key(linked.id, &linked.key);
        forest.pointing(key, linked);
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
    /// The core of a key and the deal that it pointed to, before.
    stood: Vec<Option<(DealId, DealId)>>,
    first_of_core: BTreeMap<DealId, usize>,
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
        self.stood.push(None);
        node
    }

    fn pointing(&mut self, node: usize, linked: &Linked) {
        self.stood[node] = Some((linked.core, linked.deal));
        let first = *self.first_of_core.entry(linked.core).or_insert(node);
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
        // By their ids, so that nothing depends on the order in which keys came.
        let mut cores: BTreeMap<DealId, (usize, Vec<usize>)> = BTreeMap::new();
        for (root, nodes) in members {
            let keys: Vec<Key> = nodes.iter().map(|node| self.keys[*node].1.clone()).collect();
            if let Some(core) = DealId::of(group, rooftop, &keys) {
                cores.insert(core, (root, nodes));
            }
        }
        let sides: Vec<Core<'_>> =
            cores.values().map(|(_, nodes)| Core::of(nodes.iter().map(|node| &self.keys[*node].1))).collect();
        let grouping = sales::group(&sides);

        let mut deals: BTreeMap<usize, Joined> = BTreeMap::new();
        let mut place_of_root: BTreeMap<usize, usize> = BTreeMap::new();
        for (place, (core, (root, nodes))) in cores.iter().enumerate() {
            place_of_root.insert(*root, place);
            let joined = deals.entry(grouping.group_of[place]).or_insert_with(|| Joined::empty(*core));
            joined.rivals.extend(grouping.rivals[place].iter().filter_map(|rival| sides[*rival].best().cloned()));
            for node in nodes {
                let (id, key) = self.keys[*node].clone();
                joined.keys.insert(id, key);
                joined.cores.insert(id, *core);
                joined.before.extend(self.stood[*node].map(|(_, deal)| deal));
            }
        }
        for joined in deals.values_mut() {
            let keys: Vec<Key> = joined.keys.values().cloned().collect();
            joined.deal = DealId::of(group, rooftop, &keys).unwrap_or(joined.deal);
        }
        let mut last_of_family: BTreeMap<usize, usize> = BTreeMap::new();
        for (arrival, node) in arrivals.iter().enumerate() {
            let root = node.map(|node| self.root(node));
            let Some(place) = root.and_then(|root| place_of_root.get(&root)) else { continue };
            last_of_family.insert(grouping.family_of[*place], arrival);
            if let Some(joined) = deals.get_mut(&grouping.group_of[*place]) {
                joined.arrivals.push(arrival);
            }
        }
        for (place, (core, (_, nodes))) in cores.iter().enumerate() {
            let Some(joined) = deals.get_mut(&grouping.group_of[place]) else { continue };
            let moved = nodes.iter().filter(|node| self.stood[**node] != Some((*core, joined.deal)));
            joined.repointed.extend(moved.map(|node| self.keys[*node].0));
            let family = last_of_family.get(&grouping.family_of[place]);
            joined.cause = joined.arrivals.last().or(family).copied();
        }
        deals.into_values().collect()
    }
}

impl Joined {
    fn empty(deal: DealId) -> Self {
        Self {
            deal,
            keys: BTreeMap::new(),
            cores: BTreeMap::new(),
            repointed: BTreeSet::new(),
            before: BTreeSet::new(),
            rivals: BTreeSet::new(),
            arrivals: Vec::new(),
            cause: None,
        }
    }
}

/// The sale that an event tells of, as a key of that event's core: `anchor` is the key under which the event is kept.
pub fn sale_key(anchor: DealId, sale: &str) -> Key {
    Key { kind: KeyKind::Sale, scope: anchor.to_string(), value: sale.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
                    stored.insert(id, Linked { key, id, core: joined.cores[&id], deal: joined.deal });
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
        let stored = [Linked { key: subject.clone(), id: former, core: former, deal: former }];
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
