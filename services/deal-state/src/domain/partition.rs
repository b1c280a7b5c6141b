//! Which keys make one deal: events join the keys that they carry, and a deal is what hangs together.
//!
//! The answer depends on the set of what was told alone, never on its order: that is why a former id still resolves, why
//! any order of arrival ends in the same deals, and why a rebuild needs no list of merges.

use std::collections::{BTreeMap, BTreeSet};

use throughline_process::{Key, KeyKind};
use uuid::Uuid;

use super::{
    cores::Forest,
    decisions::{self, Decision, Kind},
    id::DealId,
    sales::{self, Core, Decided},
};

/// A linking key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    pub key: Key,
    pub id: DealId,
    /// What hangs together by the keys of events alone, without sales and decisions: the id that it would have as a deal.
    pub core: DealId,
    pub deal: DealId,
}

/// The keys that one event carries, the one first under which it is kept. Without keys it belongs nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    pub event: Uuid,
    pub keys: Vec<Key>,
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
    /// What may be the same deal, for all that is known: the best key of each core, and its deal.
    pub rivals: BTreeMap<Key, DealId>,
    /// What holds its cores together.
    pub ties: Vec<Tie>,
    /// The arrivals that belong to it, as places in the input.
    pub arrivals: Vec<usize>,
    /// The last arrival that may have changed it: one of its own, or else of those that tell of a sale with it.
    pub cause: Option<usize>,
}

/// Why two cores are one deal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tie {
    pub one: Key,
    pub other: Key,
    pub by: By,
}

/// What ties.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// Both tell of this sale.
    Sale(String),
    /// A person's decision, by the id of its event.
    Person(String),
}

impl Joined {
    /// Its own id and those of all deals that its keys pointed to.
    pub fn ids(&self) -> impl Iterator<Item = DealId> {
        self.before.iter().copied().chain([self.deal])
    }

    /// Deals that it takes over. Whoever has the best key of a deal has the deal: one that merely comes apart stands on.
    pub fn taken_over(&self) -> impl Iterator<Item = DealId> {
        self.before.iter().copied().filter(|deal| *deal != self.deal && self.keys.contains_key(deal))
    }
}

/// The keys, of those stored, whose events must be known to [`join`]: all of those that hang together in any way with two
/// that a person said are of two deals. What hangs together there is not for good.
pub fn contested(group: &str, rooftop: &str, stored: &[Linked], arrivals: &[Mention]) -> BTreeSet<DealId> {
    let any = stored.iter().map(|linked| &linked.key).chain(arrivals.iter().flat_map(|arrival| &arrival.keys));
    if !any.into_iter().any(decisions::is_split) {
        return BTreeSet::new();
    }
    let forest = Forest::of(group, rooftop, stored, arrivals, &[]);
    let contested = forest.contested();
    stored.iter().map(|linked| linked.id).filter(|id| forest.node(*id).is_some_and(|node| contested[node])).collect()
}

/// Joins what is stored of a rooftop (all keys of every deal that an arrival touches) with the linking keys of arrivals.
/// `kept` are the events of the keys that are [`contested`].
pub fn join(group: &str, rooftop: &str, stored: &[Linked], arrivals: &[Mention], kept: &[Mention]) -> Vec<Joined> {
    let forest = Forest::of(group, rooftop, stored, arrivals, kept);
    let decisions = decisions::standing(forest.keys());
    let families = forest.families();
    let roots = forest.cores(&decisions);
    Partition { group, rooftop, forest: &forest, decisions: &decisions, families: &families, roots: &roots }.joined()
}

struct Partition<'p> {
    group: &'p str,
    rooftop: &'p str,
    forest: &'p Forest,
    decisions: &'p [Decision],
    /// For each node its family.
    families: &'p [usize],
    /// For each node its core.
    roots: &'p [usize],
}

impl Partition<'_> {
    fn joined(&self) -> Vec<Joined> {
        let cores = self.by_id();
        let place_of: BTreeMap<usize, usize> =
            cores.values().enumerate().map(|(place, nodes)| (self.roots[nodes[0]], place)).collect();
        let sides: Vec<Core<'_>> =
            cores.values().map(|nodes| Core::of(nodes.iter().map(|node| self.forest.key(*node)))).collect();
        let decided = self.decided(&place_of);
        let grouping = sales::group(&sides, &decided);

        let mut deals: BTreeMap<usize, Joined> = BTreeMap::new();
        for (place, (core, nodes)) in cores.iter().enumerate() {
            let joined = deals.entry(grouping.group_of[place]).or_insert_with(|| Joined::empty(*core));
            for node in nodes {
                let id = self.forest.id(*node);
                joined.keys.insert(id, self.forest.key(*node).clone());
                joined.cores.insert(id, *core);
                joined.before.extend(self.forest.stood(*node).map(|(_, deal)| deal));
            }
        }
        for joined in deals.values_mut() {
            let keys: Vec<Key> = joined.keys.values().cloned().collect();
            joined.deal = DealId::of(self.group, self.rooftop, &keys).unwrap_or(joined.deal);
        }
        self.tie(&mut deals, &sides, &grouping.group_of, &place_of);
        let ids: BTreeMap<usize, DealId> = deals.iter().map(|(group, joined)| (*group, joined.deal)).collect();

        let mut last_of_family: BTreeMap<usize, usize> = BTreeMap::new();
        for (arrival, anchor) in self.forest.anchors().enumerate() {
            let Some(node) = anchor else { continue };
            last_of_family.insert(self.families[node], arrival);
            let place = place_of.get(&self.roots[node]);
            if let Some(joined) = place.and_then(|place| deals.get_mut(&grouping.group_of[*place])) {
                joined.arrivals.push(arrival);
            }
        }
        for (place, (core, nodes)) in cores.iter().enumerate() {
            let Some(joined) = deals.get_mut(&grouping.group_of[place]) else { continue };
            let rivals = grouping.rivals[place].iter();
            let named =
                rivals.filter_map(|rival| Some((sides[*rival].best()?.clone(), *ids.get(&grouping.group_of[*rival])?)));
            joined.rivals.extend(named);
            let moved = nodes.iter().filter(|node| self.forest.stood(**node) != Some((*core, joined.deal)));
            joined.repointed.extend(moved.map(|node| self.forest.id(*node)));
            let family = last_of_family.get(&self.families[nodes[0]]);
            joined.cause = joined.arrivals.last().or(family).copied();
        }
        deals.into_values().collect()
    }

    /// The nodes of each core, by its id, so that nothing depends on the order in which keys came.
    fn by_id(&self) -> BTreeMap<DealId, Vec<usize>> {
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (node, root) in self.roots.iter().enumerate() {
            members.entry(*root).or_default().push(node);
        }
        let cores = members.into_values().filter_map(|nodes| {
            let keys: Vec<Key> = nodes.iter().map(|node| self.forest.key(*node).clone()).collect();
            Some((DealId::of(self.group, self.rooftop, &keys)?, nodes))
        });
        cores.collect()
    }

    /// The decisions as pairs of cores.
    fn decided(&self, place_of: &BTreeMap<usize, usize>) -> Decided {
        let mut decided = Decided::default();
        for decision in self.decisions {
            let Some((one, other)) = self.places(decision, place_of).filter(|(one, other)| one != other) else {
                continue;
            };
            match decision.kind {
                Kind::Link => decided.links.push((one, other)),
                Kind::Split => decided.splits.push((one, other)),
                Kind::Undo => {}
            }
        }
        decided
    }

    fn places(&self, decision: &Decision, place_of: &BTreeMap<usize, usize>) -> Option<(usize, usize)> {
        let place = |number| place_of.get(&self.roots[self.forest.node(number)?]).copied();
        Some((place(decision.one)?, place(decision.other)?))
    }

    /// Says of each deal what holds its cores together.
    fn tie(
        &self,
        deals: &mut BTreeMap<usize, Joined>,
        sides: &[Core<'_>],
        group_of: &[usize],
        place_of: &BTreeMap<usize, usize>,
    ) {
        for decision in self.decisions.iter().filter(|decision| decision.kind == Kind::Link) {
            let Some((one, other)) = self.places(decision, place_of) else { continue };
            let number = |id| self.forest.node(id).map(|node| self.forest.key(node).clone());
            if let (Some(joined), Some(a), Some(b)) =
                (deals.get_mut(&group_of[one]), number(decision.one), number(decision.other))
                && group_of[one] == group_of[other]
            {
                joined.ties.push(Tie {
                    one: a.clone().min(b.clone()),
                    other: a.max(b),
                    by: By::Person(decision.id.clone()),
                });
            }
        }
        let mut first_of_sale: BTreeMap<(usize, &str), usize> = BTreeMap::new();
        for (place, side) in sides.iter().enumerate() {
            for sale in side.sales() {
                let first = *first_of_sale.entry((group_of[place], sale)).or_insert(place);
                if let (Some(joined), Some(one), Some(other)) =
                    (deals.get_mut(&group_of[place]), sides[first].best(), side.best())
                    && first != place
                {
                    let (one, other) = (one.min(other).clone(), one.max(other).clone());
                    joined.ties.push(Tie { one, other, by: By::Sale(sale.to_owned()) });
                }
            }
        }
        for joined in deals.values_mut() {
            joined.ties.sort_unstable();
            joined.ties.dedup();
        }
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
            rivals: BTreeMap::new(),
            ties: Vec::new(),
            arrivals: Vec::new(),
            cause: None,
        }
    }
}

/// How what is told of a trade begins, among sales: no number that passes the edge holds a space.
pub const TRADE: &str = "trade ";

/// The sale or the trade that an event tells of, as a key of that event's core: `anchor` is the key under which the event is kept.
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

    fn mention(keys: Vec<Key>) -> Mention {
        Mention { event: Uuid::nil(), keys }
    }

    /// What a sequence of batches leaves stored.
    fn stored_after(batches: &[Vec<Mention>]) -> BTreeMap<DealId, DealId> {
        let mut stored: BTreeMap<DealId, Linked> = BTreeMap::new();
        for batch in batches {
            let touched: BTreeSet<DealId> = batch
                .iter()
                .flat_map(|mention| &mention.keys)
                .filter_map(|key| DealId::of("g", "r", std::slice::from_ref(key)))
                .filter_map(|id| stored.get(&id).map(|linked| linked.deal))
                .collect();
            let loaded: Vec<Linked> =
                stored.values().filter(|linked| touched.contains(&linked.deal)).cloned().collect();
            for joined in join("g", "r", &loaded, batch, &[]) {
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
            let arrivals: Vec<Mention> = arrivals.into_iter().map(mention).collect();
            let all = stored_after(std::slice::from_ref(&arrivals));
            let mut other = arrivals;
            let pivot = shuffled.index(other.len());
            other.rotate_left(pivot);
            // A cheap permutation that proptest can shrink: sort by a keyed hash.
            other.sort_by_key(|Mention { keys, .. }| {
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
        let first = join("g", "r", &[], &[mention(vec![subject.clone()])], &[]);
        assert_eq!(first.len(), 1);
        let former = first[0].deal;
        let stored = [Linked { key: subject.clone(), id: former, core: former, deal: former }];
        let second = join("g", "r", &stored, &[mention(vec![subject, key(KeyKind::Visit, "V1")])], &[]);
        assert_eq!(second.len(), 1);
        assert_ne!(second[0].deal, former);
        assert_eq!(second[0].taken_over().collect::<Vec<_>>(), [former]);
        assert!(second[0].keys.contains_key(&former));
    }

    #[test]
    fn strangers_stay_apart() {
        let arrivals = [vec![key(KeyKind::Visit, "1")], vec![key(KeyKind::Visit, "2")], vec![]].map(mention);
        let joined = join("g", "r", &[], &arrivals, &[]);
        assert_eq!(joined.len(), 2);
        assert_eq!(joined.iter().map(|joined| joined.arrivals.len()).sum::<usize>(), 2);
    }
}
