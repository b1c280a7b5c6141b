//! Which keys hang together by the events that carry them, before sales and people have their say, except that people's
//! word goes before that of events: what they split, no event joins.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use throughline_process::{Key, KeyKind};
use uuid::Uuid;

use super::{
    decisions::{self, Decision, Kind},
    id::DealId,
    partition::{Linked, Mention},
};

/// Keys as nodes, each once, and what was said of them.
#[derive(Debug, Default)]
pub struct Forest {
    nodes: BTreeMap<DealId, usize>,
    keys: Vec<(DealId, Key)>,
    /// The core of a key and the deal that it pointed to, before.
    stood: Vec<Option<(DealId, DealId)>>,
    kept: Vec<Mentioned>,
    arrived: Vec<Mentioned>,
    /// All that may have to do with each other.
    families: Sets,
}

/// The nodes that one event names, the one first under which it is kept.
#[derive(Debug)]
struct Mentioned {
    event: Uuid,
    nodes: Vec<usize>,
}

impl Forest {
    pub fn of(group: &str, rooftop: &str, stored: &[Linked], arrivals: &[Mention], kept: &[Mention]) -> Self {
        let mut forest = Self::default();
        for linked in stored {
            let node = forest.add(linked.id, &linked.key);
            forest.stood[node] = Some((linked.core, linked.deal));
        }
        let mut mentioned = |mention: &Mention| {
            let ids = mention
                .keys
                .iter()
                .filter_map(|key| Some((DealId::of(group, rooftop, std::slice::from_ref(key))?, key)));
            Mentioned { event: mention.event, nodes: ids.map(|(id, key)| forest.add(id, key)).collect() }
        };
        let (kept, arrived) =
            (kept.iter().map(&mut mentioned).collect(), arrivals.iter().map(&mut mentioned).collect());
        (forest.kept, forest.arrived) = (kept, arrived);
        forest.families = forest.related();
        forest
    }

    fn add(&mut self, id: DealId, key: &Key) -> usize {
        *self.nodes.entry(id).or_insert_with(|| {
            self.keys.push((id, key.clone()));
            self.stood.push(None);
            self.keys.len() - 1
        })
    }

    /// Whatever one of these does may change any other of its family.
    fn related(&self) -> Sets {
        let mut families = Sets::of(self.keys.len());
        let mut first_of_core: BTreeMap<DealId, usize> = BTreeMap::new();
        let mut first_of_value: BTreeMap<(KeyKind, &str), usize> = BTreeMap::new();
        for (node, (_, key)) in self.keys.iter().enumerate() {
            if let Some((core, _)) = self.stood[node] {
                families.unite(*first_of_core.entry(core).or_insert(node), node);
            }
            if let Some(about) = self.about(node) {
                families.unite(about, node);
                families.unite(*first_of_value.entry((key.kind, &key.value)).or_insert(node), node);
            }
        }
        for mentioned in self.kept.iter().chain(&self.arrived) {
            mentioned.nodes.iter().for_each(|node| families.unite(mentioned.nodes[0], *node));
        }
        families
    }

    /// The number that a sale or a decision stands beside.
    fn about(&self, node: usize) -> Option<usize> {
        let key = self.key(node);
        let beside = matches!(key.kind, KeyKind::Sale | KeyKind::Decision);
        beside.then(|| DealId::parse(&key.scope).and_then(|id| self.node(id))).flatten()
    }

    pub fn node(&self, id: DealId) -> Option<usize> {
        self.nodes.get(&id).copied()
    }

    pub fn id(&self, node: usize) -> DealId {
        self.keys[node].0
    }

    pub fn key(&self, node: usize) -> &Key {
        &self.keys[node].1
    }

    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter().map(|(_, key)| key)
    }

    /// The core of a key and the deal that it pointed to, before.
    pub fn stood(&self, node: usize) -> Option<(DealId, DealId)> {
        self.stood[node]
    }

    /// The node under whose key each arrival is kept; none without keys.
    pub fn anchors(&self) -> impl Iterator<Item = Option<usize>> + '_ {
        self.arrived.iter().map(|mentioned| mentioned.nodes.first().copied())
    }

    /// For each node its family.
    pub fn families(&self) -> Vec<usize> {
        self.families.roots()
    }

    /// For each node whether a person split its family, whether that holds or not.
    pub fn contested(&self) -> Vec<bool> {
        let families = self.families();
        let nodes = 0..self.keys.len();
        let split: BTreeSet<usize> =
            nodes.filter(|node| decisions::is_split(self.key(*node))).map(|node| families[node]).collect();
        families.iter().map(|family| split.contains(family)).collect()
    }

    /// For each node its core. What hung together hangs together for good, except in families that people split: there it
    /// is worked out anew from the events that are kept, which in a deal of more than 2,000 are not all that said so.
    pub fn cores(&self, decisions: &[Decision]) -> Vec<usize> {
        let contested = self.contested();
        let mut cores = Sets::of(self.keys.len());
        let mut first_of_core: BTreeMap<DealId, usize> = BTreeMap::new();
        for (node, contested) in contested.iter().enumerate() {
            if let Some(about) = self.about(node) {
                cores.unite(about, node);
            }
            if let Some((core, _)) = self.stood[node].filter(|_| !contested) {
                cores.unite(*first_of_core.entry(core).or_insert(node), node);
            }
        }
        let mut said_by: BTreeMap<(usize, usize), BTreeSet<Uuid>> = BTreeMap::new();
        for Mentioned { event, nodes } in self.kept.iter().chain(&self.arrived) {
            let Some((anchor, others)) = nodes.split_first() else { continue };
            for other in others.iter().filter(|other| self.about(**other).is_none()) {
                if contested[*anchor] {
                    said_by.entry((*anchor.min(other), *anchor.max(other))).or_default().insert(*event);
                } else {
                    cores.unite(*anchor, *other);
                }
            }
        }
        self.join_contested(&mut cores, said_by, decisions);
        cores.roots()
    }

    /// Joins what events say is one, as far as people let it: first what is next to a number that a person spoke of, so
    /// that each of those keeps what is its own, and of what is as near, what most events say.
    fn join_contested(
        &self,
        cores: &mut Sets,
        said_by: BTreeMap<(usize, usize), BTreeSet<Uuid>>,
        decisions: &[Decision],
    ) {
        let ends = |decision: &Decision| Some((self.node(decision.one)?, self.node(decision.other)?));
        let of = |kind| decisions.iter().filter(move |decision| decision.kind == kind).filter_map(ends);
        let splits: Vec<(usize, usize)> = of(Kind::Split).collect();
        // What people linked is one as far as splits are concerned, though not one core.
        let mut together = cores.clone();
        of(Kind::Link).for_each(|(one, other)| together.unite(one, other));
        let distance =
            distances(splits.iter().flat_map(|(one, other)| [*one, *other]), said_by.keys(), self.keys.len());
        let mut said: Vec<((usize, usize), usize)> =
            said_by.into_iter().map(|(pair, events)| (pair, events.len())).collect();
        said.sort_unstable_by_key(|((one, other), events)| {
            let far = distance[*one].max(distance[*other]);
            let (one, other) = (self.key(*one), self.key(*other));
            (far, Reverse(*events), one.min(other), one.max(other))
        });
        for ((one, other), _) in said {
            let (a, b) = (together.root(one), together.root(other));
            let apart = splits.iter().any(|(x, y)| {
                let (x, y) = (together.root(*x), together.root(*y));
                (x, y) == (a, b) || (y, x) == (a, b)
            });
            if !apart {
                together.unite(one, other);
                cores.unite(one, other);
            }
        }
    }
}

/// For each node how many steps along these pairs it is from the nearest of the sources.
fn distances<'p>(
    sources: impl Iterator<Item = usize>,
    pairs: impl Iterator<Item = &'p (usize, usize)>,
    nodes: usize,
) -> Vec<usize> {
    let mut beside: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (one, other) in pairs {
        beside.entry(*one).or_default().push(*other);
        beside.entry(*other).or_default().push(*one);
    }
    let mut distances = vec![usize::MAX; nodes];
    let mut reached: VecDeque<usize> = sources.collect();
    reached.iter().for_each(|source| distances[*source] = 0);
    while let Some(node) = reached.pop_front() {
        for next in beside.get(&node).into_iter().flatten() {
            if distances[*next] == usize::MAX {
                distances[*next] = distances[node] + 1;
                reached.push_back(*next);
            }
        }
    }
    distances
}

/// Sets that do not overlap. The least node of a set is its root.
#[derive(Clone, Debug, Default)]
struct Sets(Vec<usize>);

impl Sets {
    fn of(nodes: usize) -> Self {
        Self((0..nodes).collect())
    }

    fn root(&self, mut node: usize) -> usize {
        while self.0[node] != node {
            node = self.0[node];
        }
        node
    }

    fn unite(&mut self, one: usize, other: usize) {
        let (one, other) = (self.shortened(one), self.shortened(other));
        self.0[one.max(other)] = one.min(other);
    }

    /// The root; halving keeps later walks short.
    fn shortened(&mut self, mut node: usize) -> usize {
        while self.0[node] != node {
            self.0[node] = self.0[self.0[node]];
            node = self.0[node];
        }
        node
    }

    fn roots(&self) -> Vec<usize> {
        (0..self.0.len()).map(|node| self.root(node)).collect()
    }
}
