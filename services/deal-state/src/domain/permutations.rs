//! Any order and any batches of events that link keys end in the same deals: ids, keys and content.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::prelude::*;
use throughline_process::{Bound, Definition, Event, Key, KeyKind, Observed, keys_of};
use throughline_proto::{deal::v1 as pb, event::v1::Origin};

use super::{
    capacity::{Input, KEPT},
    folding::{Rooftop, Touch, refold},
    id::{DealId, event_id},
    partition::{Linked, join, sale_key},
};

const TYPES: [&str; 8] = [
    "deal.opened",
    "deal.writeup.submitted",
    "deal.desk.started",
    "deal.agreed",
    "deal.fi.started",
    "deal.contract.signed",
    "deal.contract.returned",
    "trade.appraisal.requested",
];

fn sales_of<'k>(keys: impl Iterator<Item = &'k Key>) -> BTreeSet<String> {
    keys.filter(|key| key.kind == KeyKind::Sale).map(|key| key.value.clone()).collect()
}

/// What the store would hold.
#[derive(Default)]
struct World {
    linked: BTreeMap<DealId, Linked>,
    inputs: BTreeMap<DealId, Vec<Input>>,
    deals: BTreeMap<DealId, pb::Deal>,
}

impl World {
    fn apply(&mut self, rooftop: &Rooftop, batch: &[Event]) {
        let id = |key: &Key| DealId::of("g", "r", std::slice::from_ref(key)).expect("one key makes an id");
        let keys: Vec<Vec<Key>> = batch
            .iter()
            .map(|event| {
                let mut keys: Vec<Key> = keys_of(event).into_iter().filter(|key| key.kind.links()).collect();
                let anchor = id(&keys[0]);
                keys.extend(event.keys.get("sale").map(|sale| sale_key(anchor, sale)));
                keys
            })
            .collect();
        let mut touched: BTreeSet<DealId> =
            keys.iter().flatten().filter_map(|key| self.linked.get(&id(key))).map(|linked| linked.deal).collect();
        let mut sales: BTreeSet<String> = sales_of(keys.iter().flatten());
        // As `linked.sql` reaches for them.
        loop {
            let of = |linked: &&Linked| touched.contains(&linked.deal);
            sales.extend(sales_of(self.linked.values().filter(of).map(|linked| &linked.key)));
            let told = |linked: &&Linked| linked.key.kind == KeyKind::Sale && sales.contains(&linked.key.value);
            let reached: BTreeSet<DealId> = self.linked.values().filter(told).map(|linked| linked.deal).collect();
            if reached.is_subset(&touched) {
                break;
            }
            touched.extend(reached);
        }
        let stored: Vec<Linked> =
            self.linked.values().filter(|linked| touched.contains(&linked.deal)).cloned().collect();
        // What comes apart has been the same deal before: each sees it as it was before the batch.
        let before = self.deals.clone();
        for joined in join("g", "r", &stored, &keys) {
            let before = joined.before.iter().filter_map(|id| Some((*id, before.get(id)?.clone()))).collect();
            let kept: Vec<Input> =
                joined.keys.keys().filter_map(|key| self.inputs.get(key)).flatten().cloned().collect();
            let arrived: Vec<Input> = joined
                .arrivals
                .iter()
                .map(|place| Input {
                    anchor: id(&keys[*place][0]),
                    id: event_id(format!("{:?}", batch[*place]).as_bytes()),
                    event: batch[*place].clone(),
                })
                .collect();
            let touch = Touch { recorded_at: Timestamp::UNIX_EPOCH, origin: Origin::Live };
            let outcome = refold(rooftop, &joined, kept, arrived.clone(), &before, Some(touch));
            let mut new = outcome.kept;
            for input in arrived.into_iter().filter(|input| new.remove(&input.id)) {
                self.inputs.entry(input.anchor).or_default().push(input);
            }
            for (anchor, gone) in outcome.dropped {
                self.inputs.entry(anchor).or_default().retain(|input| input.id != gone);
            }
            for (taken, _) in outcome.retracted {
                self.deals.remove(&taken);
            }
            self.deals.extend(outcome.deal.map(|deal| (joined.deal, deal)));
            for (id, key) in joined.keys {
                self.linked.insert(id, Linked { key, id, core: joined.cores[&id], deal: joined.deal });
            }
        }
    }

    /// The deals without what counts changes.
    fn content(mut self) -> Vec<pb::Deal> {
        for deal in self.deals.values_mut() {
            (deal.revision, deal.etag) = (0, String::new());
            deal.spans.iter_mut().for_each(|span| span.revision = 0);
            deal.handoffs.iter_mut().for_each(|handoff| handoff.revision = 0);
            deal.cycles.iter_mut().for_each(|cycle| cycle.revision = 0);
        }
        self.deals.into_values().collect()
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let numbers =
        prop::collection::btree_map(prop::sample::select(vec!["visit", "dms_deal", "stock", "sale"]), 0..4u8, 0..4);
    (0..8usize, 0..6u8, 0..2u8, 0..90i64, numbers).prop_map(|(kind, subject, source, minute, numbers)| {
        let at = Timestamp::from_second(1_788_000_000 + minute * 60).expect("in range");
        Event {
            id: format!("{kind}-{subject}-{minute}-{numbers:?}"),
            source: format!("s{source}"),
            event_type: TYPES[kind].to_owned(),
            subject: Some(format!("{subject}")),
            occurred_at: None,
            observed_at: None,
            recorded_at: at,
            time: Bound::exact(at),
            source_sequence: None,
            actor: None,
            role: None,
            trade: None,
            keys: numbers.into_iter().map(|(kind, value)| (kind.to_owned(), value.to_string())).collect(),
            data: BTreeMap::new(),
            replaces: None,
            withdraws: None,
            origin: throughline_process::Origin::Live,
        }
    })
}

proptest! {
    #[test]
    fn any_order_and_any_repetition_end_in_the_same_deals(
        events in prop::collection::vec(any_event(), 1..30).prop_flat_map(|events| {
            let again = prop::collection::vec(prop::sample::select(events.clone()), 0..5);
            (Just(events.clone()), again, Just(events).prop_shuffle())
        }),
        sizes in prop::collection::vec(1usize..6, 1..8),
        // So few that most deals have more.
        keeps in prop::sample::select(vec![2, 5, KEPT]),
    ) {
        let (events, again, mut other) = events;
        other.extend(again);
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
