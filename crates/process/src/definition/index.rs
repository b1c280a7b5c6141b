//! A definition as the fold reads it: event types as small numbers, and what each of them does.

use std::collections::{BTreeSet, HashMap};

use super::document::{Document, IntervalDef, Move, Outcome, Relates, Review};

/// A known event type.
pub(crate) type TypeId = usize;

/// What an occurrence of a type does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    pub event_type: String,
    pub rank: u32,
    pub moves: Vec<Move>,
    pub outcome: Option<Outcome>,
    pub review: Option<(Review, Option<TypeId>)>,
    pub assigns: bool,
    pub relates: Option<Relates>,
    /// Fact that sets steps of this type apart, such as `step` of reconditioning; means the same in every source.
    pub apart: Option<String>,
    /// Intervals, by their place in [`Index::intervals`], that it ends, shows to be over, and starts.
    pub ends: Vec<usize>,
    pub overtakes: Vec<usize>,
    pub starts: Vec<usize>,
}

/// An interval of the definition with its event types as numbers.
#[derive(Clone, Debug)]
pub(crate) struct TimedInterval {
    pub def: IntervalDef,
    /// Types that the deal must have.
    pub requires: Vec<TypeId>,
    /// Types that end it.
    pub ends: Vec<TypeId>,
}

/// `before` comes no later than `after`; `each`: the k-th with the k-th.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub before: TypeId,
    pub after: TypeId,
    pub each: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Index {
    types: HashMap<String, TypeId>,
    effects: Vec<Effects>,
    intervals: Vec<TimedInterval>,
    /// By rank of `before`, so that one pass forward and one back reach every step.
    edges: Vec<Edge>,
    pub opened_by: Option<TypeId>,
    pub rounds: Option<TypeId>,
    pub rework_counted: Vec<TypeId>,
    pub rework_repeated: Vec<TypeId>,
    /// Whether some type says `delivered`: else a funded deal needs no delivery.
    pub delivers: bool,
}

impl Index {
    pub(crate) fn of(document: &Document) -> Self {
        let types: HashMap<String, TypeId> =
            document.events.iter().enumerate().map(|(id, event)| (event.event_type.clone(), id)).collect();
        let ids =
            |names: &[String]| -> Vec<TypeId> { names.iter().filter_map(|name| types.get(name).copied()).collect() };
        let id = |name: &str| types.get(name).copied();

        let mut effects: Vec<Effects> = document
            .events
            .iter()
            .map(|event| Effects {
                event_type: event.event_type.clone(),
                rank: event.rank,
                moves: event.moves.clone(),
                outcome: event.outcome,
                review: event.review.clone().map(|review| {
                    let after = review.after.as_deref().and_then(id);
                    (review, after)
                }),
                assigns: event.assigns,
                relates: event.relates,
                ..Effects::default()
            })
            .collect();

        let mut edges: Vec<Edge> = document
            .order
            .iter()
            .filter_map(|order| Some(Edge { before: id(&order.before)?, after: id(&order.after)?, each: order.each }))
            .collect();
        edges.sort_by_key(|edge| (effects[edge.before].rank, effects[edge.after].rank));

        let mut intervals = Vec::with_capacity(document.intervals.len());
        for (place, def) in document.intervals.iter().enumerate() {
            let apart = def.keyed_by.as_deref().filter(|fact| *fact != "trade");
            let (starts, ends) = (ids(&def.start), ids(&def.end));
            let mut overtakes: BTreeSet<TypeId> = ids(&def.overtaken_by).into_iter().collect();
            overtakes.extend(later_than(&ends, &edges));
            for id in &starts {
                effects[*id].starts.push(place);
            }
            for id in &ends {
                effects[*id].ends.push(place);
            }
            for id in starts.iter().chain(&ends) {
                effects[*id].apart = effects[*id].apart.take().or(apart.map(str::to_owned));
            }
            for id in overtakes.iter().filter(|id| !starts.contains(id) && !ends.contains(id)) {
                effects[*id].overtakes.push(place);
            }
            intervals.push(TimedInterval { def: def.clone(), requires: ids(&def.requires), ends });
        }

        Self {
            opened_by: id(&document.opened_by),
            rounds: document.rounds.as_deref().and_then(id),
            rework_counted: ids(&document.rework.counted),
            rework_repeated: ids(&document.rework.repeated),
            delivers: document.events.iter().any(|event| event.outcome == Some(Outcome::Delivered)),
            types,
            effects,
            intervals,
            edges,
        }
    }

    pub(crate) fn type_id(&self, event_type: &str) -> Option<TypeId> {
        self.types.get(event_type).copied()
    }

    pub(crate) fn effects(&self, id: TypeId) -> &Effects {
        &self.effects[id]
    }

    pub(crate) fn type_count(&self) -> usize {
        self.effects.len()
    }

    pub(crate) fn intervals(&self) -> &[TimedInterval] {
        &self.intervals
    }

    pub(crate) fn edges(&self) -> &[Edge] {
        &self.edges
    }
}

/// Every type that the order puts after one of these: one pass, because edges are sorted by rank.
fn later_than(types: &[TypeId], edges: &[Edge]) -> BTreeSet<TypeId> {
    let mut later = BTreeSet::new();
    for edge in edges {
        if types.contains(&edge.before) || later.contains(&edge.before) {
            later.insert(edge.after);
        }
    }
    later
}
