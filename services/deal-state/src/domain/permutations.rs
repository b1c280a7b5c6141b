//! Any order and any batches of events that link keys end in the same deals: ids, keys and content.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::prelude::*;
use throughline_process::{Bound, Definition, Event, Key, KeyKind, Observed, PEOPLE};
use throughline_proto::{
    deal::v1 as pb,
    event::v1::{self as wire, Origin},
};

use super::{
    capacity::{Input, KEPT},
    contests::{Car, Claim, Claims},
    folding::{Rooftop, Touch, amend, refold},
    id::{DealId, event_id},
    mention,
    partition::{Linked, Mention, contested, join},
};

const TYPES: [&str; 11] = [
    "deal.opened",
    "deal.writeup.submitted",
    "deal.desk.started",
    "deal.agreed",
    "deal.fi.started",
    "deal.contract.signed",
    "deal.contract.returned",
    "trade.appraisal.requested",
    "deal.lost",
    "deal.reopened",
    "deal.unwound",
];

/// What stands beside numbers, by which deals reach each other.
fn beside<'k>(keys: impl Iterator<Item = &'k Key>) -> BTreeSet<(KeyKind, String)> {
    keys.filter(|key| matches!(key.kind, KeyKind::Sale | KeyKind::Decision))
        .map(|key| (key.kind, key.value.clone()))
        .collect()
}

/// An event, or what a person decided.
#[derive(Clone, Debug)]
struct Told {
    event: Event,
    decision: Option<wire::Decision>,
}

impl Told {
    /// As a worker takes it in: the inputs to keep, each with its keys.
    fn arrivals(&self) -> Vec<(Input, Vec<Key>)> {
        let input = |keys: &[Key]| {
            let anchor = id(&keys[0]);
            let event = event_id(
                format!("{self:?} {}", if self.decision.is_some() { anchor.to_string() } else { String::new() })
                    .as_bytes(),
            );
            Input { anchor, id: event, event: self.event.clone() }
        };
        match &self.decision {
            Some(decision) => {
                let beside = mention::decision("g", "r", &self.event, decision).into_iter().flatten();
                beside.map(|keys| (input(&keys), keys.to_vec())).collect()
            }
            None => {
                let mut keys = mention::numbers(&self.event);
                let anchor = keys[0].clone();
                keys.extend(mention::beside(&self.event, &anchor, id(&anchor)));
                vec![(input(&keys), keys)]
            }
        }
    }
}

fn id(key: &Key) -> DealId {
    DealId::of("g", "r", std::slice::from_ref(key)).expect("one key makes an id")
}

/// What the store would hold.
#[derive(Default)]
struct World {
    linked: BTreeMap<DealId, Linked>,
    inputs: BTreeMap<DealId, Vec<Input>>,
    deals: BTreeMap<DealId, pb::Deal>,
    cars: BTreeSet<(DealId, Car)>,
    /// The last revision that was said of each.
    said: BTreeMap<DealId, u64>,
}

impl World {
    fn say(&mut self, id: DealId, revision: u64) {
        let last = self.said.insert(id, revision);
        assert!(last.is_none_or(|last| last < revision), "{id} goes from {last:?} to {revision}");
    }

    /// The table of cars holds what the deals sell.
    fn cars_are_right(&self) {
        let sold = self.deals.iter().flat_map(|(id, deal)| {
            Claim::of(deal).into_iter().flat_map(|claim| claim.cars().clone()).map(|car| (*id, car))
        });
        assert_eq!(self.cars, sold.collect());
    }

    fn apply(&mut self, rooftop: &Rooftop, batch: &[Told]) {
        let arrivals: Vec<(Input, Vec<Key>)> = batch.iter().flat_map(Told::arrivals).collect();
        let mentions: Vec<Mention> =
            arrivals.iter().map(|(input, keys)| Mention { event: input.id, keys: keys.clone() }).collect();
        let stored = self.reached(&mentions);
        let kept: Vec<Mention> = contested("g", "r", &stored, &mentions)
            .iter()
            .filter_map(|key| self.inputs.get(key))
            .flatten()
            .map(|input| Mention { event: input.id, keys: mention::numbers(&input.event) })
            .collect();
        // What comes apart has been the same deal before: each sees it as it was before the batch.
        let before = self.deals.clone();
        let touch = Touch { recorded_at: Timestamp::UNIX_EPOCH, origin: Origin::Live };
        let mut folded = Vec::new();
        let mut claims = Claims::default();
        let mut others = self.deals.clone();
        for joined in join("g", "r", &stored, &mentions, &kept) {
            let before: BTreeMap<DealId, pb::Deal> =
                joined.before.iter().filter_map(|id| Some((*id, before.get(id)?.clone()))).collect();
            let kept: Vec<Input> =
                joined.keys.keys().filter_map(|key| self.inputs.get(key)).flatten().cloned().collect();
            let arrived: Vec<Input> = joined.arrivals.iter().map(|place| arrivals[*place].0.clone()).collect();
            joined.ids().for_each(|id| {
                others.remove(&id);
            });
            let one = refold(rooftop, &joined, kept, arrived.clone(), before, Some(touch));
            for (before, now) in one.sales() {
                claims.changed(before.as_ref(), now);
            }
            folded.push((joined, arrived, one));
        }
        folded.iter().filter_map(|(_, _, one)| one.sells()).for_each(|claim| claims.add(claim));
        // As `selling.sql` reaches for them.
        others.retain(|id, _| claims.cars().any(|car| self.cars.contains(&(*id, car.clone()))));
        others.values().for_each(|deal| claims.add_deal(deal));
        for (id, deal) in others {
            if let Some(deal) = amend(&deal, &claims, Some(touch)) {
                self.say(id, deal.revision);
                self.deals.insert(id, deal);
            }
        }
        for (joined, arrived, one) in folded {
            let outcome = one.settle(rooftop, &claims);
            let mut new = outcome.kept;
            for input in arrived.into_iter().filter(|input| new.remove(&input.id)) {
                self.inputs.entry(input.anchor).or_default().push(input);
            }
            for (anchor, gone) in outcome.dropped {
                self.inputs.entry(anchor).or_default().retain(|input| input.id != gone);
            }
            let id = outcome.id;
            if let Some(deal) = &outcome.deal {
                self.say(id, deal.revision);
            }
            for (taken, retraction) in outcome.retracted {
                if let Some(retraction) = retraction {
                    self.say(taken, retraction.revision);
                }
                self.deals.remove(&taken);
                self.cars.retain(|(deal, _)| *deal != taken);
            }
            outcome.cars_removed.into_iter().for_each(|car| {
                self.cars.remove(&(id, car));
            });
            self.cars.extend(outcome.cars_added.into_iter().map(|car| (id, car)));
            self.deals.extend(outcome.deal.map(|deal| (joined.deal, deal)));
            for (id, key) in joined.keys {
                self.linked.insert(id, Linked { key, id, core: joined.cores[&id], deal: joined.deal });
            }
        }
        self.cars_are_right();
    }

    /// As `linked.sql` reaches for them.
    fn reached(&self, mentions: &[Mention]) -> Vec<Linked> {
        let keys = || mentions.iter().flat_map(|mention| &mention.keys);
        let mut touched: BTreeSet<DealId> =
            keys().filter_map(|key| self.linked.get(&id(key))).map(|linked| linked.deal).collect();
        let mut values = beside(keys());
        values.retain(|(kind, _)| *kind == KeyKind::Sale);
        loop {
            let of = |linked: &&Linked| touched.contains(&linked.deal);
            values.extend(beside(self.linked.values().filter(of).map(|linked| &linked.key)));
            let told = |linked: &&Linked| values.contains(&(linked.key.kind, linked.key.value.clone()));
            let reached: BTreeSet<DealId> = self.linked.values().filter(told).map(|linked| linked.deal).collect();
            if reached.is_subset(&touched) {
                break;
            }
            touched.extend(reached);
        }
        self.linked.values().filter(|linked| touched.contains(&linked.deal)).cloned().collect()
    }

    /// The deals without what counts changes.
    fn content(mut self) -> Vec<pb::Deal> {
        for deal in self.deals.values_mut() {
            (deal.revision, deal.etag) = (0, String::new());
            deal.intervals.iter_mut().for_each(|interval| interval.revision = 0);
        }
        self.deals.into_values().collect()
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let numbers = prop::collection::btree_map(
        prop::sample::select(vec!["visit", "dms_deal", "stock", "vin", "sale"]),
        0..4u8,
        0..4,
    );
    (0..TYPES.len(), 0..6u8, 0..2u8, 0..90i64, numbers).prop_map(|(kind, subject, source, minute, numbers)| {
        let at = Timestamp::from_second(1_788_000_000 + minute * 60).expect("in range");
        Event {
            id: format!("{kind}-{subject}-{minute}-{numbers:?}"),
            source: format!("s{source}"),
            event_type: TYPES[kind].to_owned(),
            subject: Some(format!("{subject}")),
            keys: numbers.into_iter().map(|(kind, value)| (kind.to_owned(), value.to_string())).collect(),
            ..event_at(at)
        }
    })
}

fn event_at(at: Timestamp) -> Event {
    Event {
        id: String::new(),
        source: PEOPLE.to_owned(),
        event_type: String::new(),
        subject: None,
        occurred_at: None,
        observed_at: None,
        recorded_at: at,
        time: Bound::exact(at),
        source_sequence: None,
        actor: None,
        role: None,
        trade: None,
        keys: BTreeMap::new(),
        data: BTreeMap::new(),
        replaces: None,
        withdraws: None,
        origin: throughline_process::Origin::Live,
    }
}

fn any_number() -> impl Strategy<Value = wire::Key> {
    (prop::sample::select(vec!["visit", "dms_deal", "subject"]), 0..4u8, 0..2u8).prop_map(|(kind, value, source)| {
        wire::Key {
            kind: kind.to_owned(),
            scope: if kind == "subject" { format!("s{source}") } else { String::new() },
            value: value.to_string(),
        }
    })
}

/// Decisions at few instants about few numbers, so that some undo others. An id stands for one decision alone.
fn any_decision() -> impl Strategy<Value = Told> {
    let kinds = vec![wire::DecisionKind::Link, wire::DecisionKind::Split, wire::DecisionKind::Split];
    let undone = prop::option::weighted(0.3, 0..6i64);
    (prop::sample::select(kinds), any_number(), any_number(), 0..6i64, undone).prop_map(
        |(kind, one, other, minute, undone)| {
            let at = Timestamp::from_second(1_788_000_000 + minute * 60).expect("in range");
            let named = |minute: i64| format!("{kind:?} {minute} {one:?} {other:?}");
            let (id, kind, withdrawn) = match undone {
                Some(then) => (format!("{minute} {}", named(then)), wire::DecisionKind::Withdrawal, named(then)),
                None => (named(minute), kind, String::new()),
            };
            let told = event_at(at);
            let event = Event { id, event_type: "identity.decided".to_owned(), ..told };
            let decision = wire::Decision { kind: kind as i32, one: Some(one), other: Some(other), withdrawn };
            Told { event, decision: Some(decision) }
        },
    )
}

fn anything() -> impl Strategy<Value = Told> {
    prop_oneof![5 => any_event().prop_map(|event| Told { event, decision: None }), 1 => any_decision()]
}

proptest! {
    #[test]
    fn any_order_and_any_repetition_end_in_the_same_deals(
        events in prop::collection::vec(anything(), 1..30).prop_flat_map(|events| {
            let again = prop::collection::vec(prop::sample::select(events.clone()), 0..5);
            (Just(events.clone()), again, Just(events).prop_shuffle())
        }),
        sizes in prop::collection::vec(1usize..6, 1..8),
        // So few that most deals have more.
        keeps in prop::sample::select(vec![2, 5, KEPT]),
    ) {
        let (events, again, mut other) = events;
        other.extend(again);
        // What is not kept is not there to be weighed when a person splits a deal of more than 2,000 events.
        let splits = |told: &Told| told.decision.as_ref().is_some_and(|d| d.kind() == wire::DecisionKind::Split);
        let keeps = if events.iter().any(splits) { KEPT } else { keeps };
        let rooftop = Rooftop {
            group: "g".to_owned(),
            id: "r".to_owned(),
            definition: Definition::retail_deal(),
            observed: Observed::everything(),
            keeps,
        };
        let mut once = World::default();
        once.apply(&rooftop, &events);
        let mut bit_by_bit = World::default();
        let (mut rest, mut sizes) = (&other[..], sizes.iter().cycle());
        while !rest.is_empty() {
            let (batch, left) = rest.split_at((*sizes.next().unwrap_or(&1)).min(rest.len()));
            bit_by_bit.apply(&rooftop, batch);
            rest = left;
        }
        let hashes = |deals: &[pb::Deal]| deals.iter().map(|deal| deal.state_hash.clone()).collect::<Vec<_>>();
        let (once, bit_by_bit) = (once.content(), bit_by_bit.content());
        prop_assert_eq!(hashes(&once), hashes(&bit_by_bit));
        prop_assert_eq!(once, bit_by_bit);
    }
}
