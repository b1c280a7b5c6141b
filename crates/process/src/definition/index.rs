//! A definition as the fold reads it: event types as small numbers, and what each of them does.

use std::collections::{BTreeSet, HashMap};

use super::document::{Document, Move, Outcome, Relates, Repeat, Review};

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
    /// Courses, by their place in [`Index::courses`], that it ends, shows to be over, and begins.
    pub closes: Vec<usize>,
    pub overtakes: Vec<usize>,
    pub opens: Vec<usize>,
}

/// Stages, handoffs and cycles run by the same rules; this is what they have in common.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    pub kind: CourseKind,
    pub repeat: Repeat,
    pub keyed_by: Option<String>,
    pub requires: Vec<TypeId>,
    pub outlives_deal: bool,
    /// Types that end it.
    pub closers: Vec<TypeId>,
}

/// What a course is, and its place in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CourseKind {
    Stage(usize),
    Handoff(usize),
    Cycle(usize),
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
    courses: Vec<Course>,
    /// By rank of `before`, so that one pass forward and one back reach every step.
    edges: Vec<Edge>,
    pub opened_by: Option<TypeId>,
    pub rounds: Option<TypeId>,
    pub rework_counted: Vec<TypeId>,
    pub rework_repeated: Vec<TypeId>,
    /// Whether some type says `delivered`: else a funded deal needs no delivery.
    pub delivers: bool,
}

struct CourseTypes<'a> {
    opens: &'a [String],
    closes: &'a [String],
    overtakes: &'a [String],
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

        let mut courses = Vec::new();
        for (course, named) in courses_of(document) {
            let place = courses.len();
            let apart = course.keyed_by.as_deref().filter(|fact| *fact != "trade");
            let (opens, closes) = (ids(named.opens), ids(named.closes));
            let mut overtakes: BTreeSet<TypeId> = ids(named.overtakes).into_iter().collect();
            overtakes.extend(later_than(&closes, &edges));
            for id in &opens {
                effects[*id].opens.push(place);
                effects[*id].apart = effects[*id].apart.take().or(apart.map(str::to_owned));
            }
            for id in &closes {
                effects[*id].closes.push(place);
                effects[*id].apart = effects[*id].apart.take().or(apart.map(str::to_owned));
            }
            for id in overtakes.iter().filter(|id| !opens.contains(id) && !closes.contains(id)) {
                effects[*id].overtakes.push(place);
            }
            let requires = match course.kind {
                CourseKind::Handoff(at) => ids(&document.handoffs[at].requires),
                _ => Vec::new(),
            };
            courses.push(Course { closers: closes, requires, ..course });
        }

        Self {
            opened_by: id(&document.opened_by),
            rounds: document.rounds.as_deref().and_then(id),
            rework_counted: ids(&document.rework.counted),
            rework_repeated: ids(&document.rework.repeated),
            delivers: document.events.iter().any(|event| event.outcome == Some(Outcome::Delivered)),
            types,
            effects,
            courses,
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

    pub(crate) fn courses(&self) -> &[Course] {
        &self.courses
    }

    pub(crate) fn edges(&self) -> &[Edge] {
        &self.edges
    }
}

fn courses_of(document: &Document) -> impl Iterator<Item = (Course, CourseTypes<'_>)> {
    let course = |kind, repeat, keyed_by: &Option<String>, outlives_deal| Course {
        kind,
        repeat,
        keyed_by: keyed_by.clone(),
        outlives_deal,
        requires: Vec::new(),
        closers: Vec::new(),
    };
    let stages = document.stages.iter().enumerate().map(move |(at, stage)| {
        let types = CourseTypes { opens: &stage.enter, closes: &stage.leave, overtakes: &stage.overtaken_by };
        (course(CourseKind::Stage(at), stage.repeat, &stage.keyed_by, stage.outlives_deal), types)
    });
    let handoffs = document.handoffs.iter().enumerate().map(move |(at, handoff)| {
        let types =
            CourseTypes { opens: &handoff.offered_by, closes: &handoff.accepted_by, overtakes: &handoff.overtaken_by };
        (course(CourseKind::Handoff(at), handoff.repeat, &handoff.keyed_by, handoff.outlives_deal), types)
    });
    let cycles = document.cycles.iter().enumerate().map(move |(at, cycle)| {
        let types = CourseTypes { opens: &cycle.from, closes: &cycle.to, overtakes: &cycle.overtaken_by };
        (course(CourseKind::Cycle(at), cycle.repeat, &cycle.keyed_by, cycle.outlives_deal), types)
    });
    stages.chain(handoffs).chain(cycles)
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
