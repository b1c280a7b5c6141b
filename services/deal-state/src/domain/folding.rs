//! One deal, folded anew: what becomes of it and of the deals that it takes over.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use throughline_process::{self as process, Definition, Key, KeyKind, Observed, PEOPLE, fold, state_hash};
use throughline_proto::{deal::v1 as pb, event::v1::Origin, time::to_wire};
use uuid::Uuid;

use super::{
    board,
    capacity::{self, Input},
    contests::{Car, Claim, Claims},
    id::DealId,
    links,
    partition::Joined,
    revision::revise,
    worklists::{Item, may_stand, worklists},
};
use crate::wire;

/// Under what a rooftop's deals are folded.
#[derive(Clone, Debug)]
pub struct Rooftop {
    pub group: String,
    pub id: String,
    pub definition: Arc<Definition>,
    pub observed: Observed,
    /// Events kept of a core and folded of a deal at most.
    pub keeps: usize,
}

/// How a change came about: the last entry that touched the deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    pub recorded_at: Timestamp,
    pub origin: Origin,
}

/// What is to be saved and said.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub id: DealId,
    /// The deal if its content changed; without a time of opening, every event of it is withdrawn and it is no deal.
    pub deal: Option<pb::Deal>,
    /// It may read otherwise once another type is observed.
    pub blind: bool,
    /// Whether others are told of it as a deal, as one that is no more, or not at all.
    pub said: Said,
    /// Deals that it took over.
    /// With what is said of each; nothing of what was no deal.
    pub retracted: Vec<(DealId, Option<pb::DealRetraction>)>,
    /// Events to keep that were not kept before.
    pub kept: BTreeSet<Uuid>,
    /// Events that were kept and are no more, with the key that each came under.
    pub dropped: Vec<(DealId, Uuid)>,
    /// Numbers by which it is found and that link nothing.
    pub marks_added: Vec<Key>,
    pub marks_removed: Vec<Key>,
    /// It has more events than a deal holds, for the first time.
    pub overflowed: bool,
    /// What it stands on now; none where that is as before.
    pub work: Option<Vec<Item>>,
    /// Cars that it sells and did not before.
    pub cars_added: Vec<Car>,
    pub cars_removed: Vec<Car>,
}

/// What others are told of a deal that was folded.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    Nothing,
    Deal,
    Gone(pb::DealRetraction),
}

const TOO_MANY: &str = "too_many_events";

/// A deal that was folded of its own events, before what others sell has its say.
#[derive(Debug)]
pub struct Folded {
    id: DealId,
    next: pb::Deal,
    sells: Option<Claim>,
    blind: bool,
    work: Vec<Item>,
    before: BTreeMap<DealId, pb::Deal>,
    taken_over: Vec<DealId>,
    touch: Option<Touch>,
    kept: BTreeSet<Uuid>,
    dropped: Vec<(DealId, Uuid)>,
    marks: BTreeSet<Key>,
}

/// Folds a deal of its kept and its new events. `before` holds what was last said of it and of the deals that it takes
/// over or comes apart from. `touch` is none if no entry touched it and it folds anew because a definition or what is observed changed.
pub fn refold(
    rooftop: &Rooftop,
    joined: &Joined,
    kept: Vec<Input>,
    arrived: Vec<Input>,
    before: BTreeMap<DealId, pb::Deal>,
    touch: Option<Touch>,
) -> Folded {
    let known: BTreeSet<Uuid> = kept.iter().map(|input| input.id).collect();
    let mut inputs = kept;
    inputs.extend(arrived);
    let core_of = |input: &Input| joined.cores.get(&input.anchor).copied().unwrap_or(joined.deal);
    let surplus = capacity::trim(&mut inputs, rooftop.keeps, core_of);
    let dropped = surplus.into_iter().filter(|input| known.contains(&input.id)).map(|input| (input.anchor, input.id));
    let dropped = dropped.collect();
    let kept = inputs.iter().map(|input| input.id).filter(|id| !known.contains(id)).collect();

    // Of the set of its events: whatever order, merge or rebuild brings it about, it is the same.
    let history = inputs.iter().filter(|input| input.event.origin == process::Origin::Backfill);
    let history_recorded_at = history.map(|input| input.event.recorded_at).max();

    let links = links::of(joined, &inputs);
    let told = inputs.into_iter().take(rooftop.keeps).map(|input| input.event);
    // What people decided about numbers is no step of a deal.
    let events: Vec<_> = told.filter(|event| event.source != PEOPLE).collect();
    let folded = fold(&rooftop.definition, &events, &rooftop.observed).deal;
    // What happened to a car that no deal has told of shows nowhere until one does.
    let shows = joined.keys.values().any(|key| key.kind.links());
    let work = if shows { worklists(&folded, &rooftop.observed) } else { Vec::new() };
    let blind = board::is_blind(&folded, &rooftop.observed) || work.iter().any(|item| !item.leaving_observed);
    // What people know it by; a sale is nobody's number.
    let finds = |key: &&Key| !key.kind.links() && KeyKind::NUMBERS.contains(&key.kind);
    let marks: BTreeSet<Key> = folded.keys.iter().filter(finds).cloned().collect();
    let numbers = joined.keys.iter().filter(|(_, key)| key.kind.links());
    let mut keys: Vec<Key> = numbers.clone().map(|(_, key)| key).chain(&marks).cloned().collect();
    keys.sort_unstable();
    let facts = wire::Facts {
        group: &rooftop.group,
        rooftop: &rooftop.id,
        id: joined.deal,
        keys: &keys,
        former_ids: numbers.map(|(id, _)| *id).filter(|id| *id != joined.deal).collect(),
        rivals: &joined.rivals,
        links: &links,
        vehicle_not_ready: board::vehicle_not_ready(&folded, &rooftop.observed),
        state_hash: state_hash(&folded),
        history_recorded_at,
    };
    let mut next = wire::deal(folded, facts);
    if !shows {
        (next.opened_at, next.opened, next.last_event_at, next.last_event) = (None, None, None, None);
    }
    let sells = Claim::of(&next);
    let taken_over = joined.taken_over().collect();
    Folded { id: joined.deal, next, sells, blind, work, before, taken_over, touch, kept, dropped, marks }
}

impl Folded {
    /// What it sells and what the deals sold whose place it takes: for each deal before and now.
    pub fn sales(&self) -> Vec<(Option<Claim>, Option<&Claim>)> {
        let taken = self.taken_over.iter().filter_map(|taken| self.before.get(taken));
        let mut sales: Vec<_> = taken.map(|taken| (Claim::of(taken), None)).collect();
        let last = self.last().and_then(Claim::of);
        match self.touch {
            Some(_) => sales.push((last, self.sells.as_ref())),
            // Looked at anew where nothing touched it: a build that did not know of this may have said it last.
            None => sales.extend([(last, None), (None, self.sells.as_ref())]),
        }
        sales
    }

    /// What it sells now.
    pub fn sells(&self) -> Option<&Claim> {
        self.sells.as_ref()
    }

    fn last(&self) -> Option<&pb::Deal> {
        self.before.get(&self.id)
    }

    /// What becomes of it, with what others sell.
    pub fn settle(mut self, rooftop: &Rooftop, claims: &Claims) -> Outcome {
        let last = self.before.get(&self.id);
        self.next.exceptions.extend(claims.exceptions(self.sells.as_ref(), last));
        let overflows = |deal: &pb::Deal| deal.exceptions.iter().any(|exception| exception.kind == TOO_MANY);
        let overflowed = overflows(&self.next) && !last.is_some_and(overflows);
        let (marks_added, marks_removed) = changed_marks(&self.marks, last);
        let (cars_added, cars_removed) = changed_cars(self.sells.as_ref(), last, self.touch);

        // Also above what it comes apart from: it may have been retracted when that took it over.
        let floor = self.before.values().map(|deal| deal.revision).max().unwrap_or(0);
        let deal = revise(self.next, last, floor).map(|deal| touched(deal, last, self.touch));
        let said = deal.as_ref().map_or(Said::Nothing, |deal| said(deal, last));
        // Without a change of the deal, what its sources report may have changed: then it folds untouched.
        let work = (deal.is_some() || self.touch.is_none()).then_some(self.work);
        let work = work.filter(|work| !work.is_empty() || last.is_some_and(may_stand));
        let taken = self.taken_over.into_iter().filter_map(|id| Some((id, self.before.get(&id)?)));
        let retracted = taken.map(|(id, taken)| {
            let survivor = wire::deal_name(&rooftop.group, &rooftop.id, self.id);
            let retraction = || pb::DealRetraction { name: taken.name.clone(), survivor, revision: taken.revision + 1 };
            (id, taken.opened_at.is_some().then(retraction))
        });
        Outcome {
            id: self.id,
            deal,
            blind: self.blind,
            said,
            retracted: retracted.collect(),
            kept: self.kept,
            dropped: self.dropped,
            marks_added,
            marks_removed,
            overflowed,
            work,
            cars_added,
            cars_removed,
        }
    }
}

/// A deal that no entry is about as it reads now that others sell its car, or sell it no more; none if that is as before.
/// How the others' entries came in says nothing of this one.
pub fn amend(deal: &pb::Deal, claims: &Claims, touch: Option<Touch>) -> Option<pb::Deal> {
    let next = revise(claims.amended(deal)?, Some(deal), 0)?;
    Some(pb::Deal { origin: deal.origin, ..touched(next, Some(deal), touch) })
}

fn touched(mut deal: pb::Deal, last: Option<&pb::Deal>, touch: Option<Touch>) -> pb::Deal {
    match touch {
        Some(touch) => {
            deal.recorded_at = Some(to_wire(touch.recorded_at));
            deal.origin = touch.origin as i32;
        }
        None => {
            deal.recorded_at = last.and_then(|last| last.recorded_at);
            deal.origin = last.map_or(Origin::Unspecified as i32, |last| last.origin);
        }
    }
    deal
}

fn said(deal: &pb::Deal, last: Option<&pb::Deal>) -> Said {
    match (deal.opened_at, last.and_then(|last| last.opened_at)) {
        (Some(_), _) => Said::Deal,
        (None, None) => Said::Nothing,
        (None, Some(_)) => {
            Said::Gone(pb::DealRetraction { name: deal.name.clone(), survivor: String::new(), revision: deal.revision })
        }
    }
}

fn changed_cars(sells: Option<&Claim>, last: Option<&pb::Deal>, touch: Option<Touch>) -> (Vec<Car>, Vec<Car>) {
    let cars = |claim: Option<&Claim>| claim.map(|claim| claim.cars().clone()).unwrap_or_default();
    let (before, now) = (cars(last.and_then(Claim::of).as_ref()), cars(sells));
    let known = if touch.is_some() { before.clone() } else { BTreeSet::new() };
    (now.difference(&known).cloned().collect(), before.difference(&now).cloned().collect())
}

fn changed_marks(marks: &BTreeSet<Key>, last: Option<&pb::Deal>) -> (Vec<Key>, Vec<Key>) {
    let before: BTreeSet<Key> = last
        .into_iter()
        .flat_map(|deal| &deal.keys)
        .filter_map(wire::read_key)
        .filter(|key| !key.kind.links())
        .collect();
    (marks.difference(&before).cloned().collect(), before.difference(marks).cloned().collect())
}

#[cfg(test)]
mod tests {
    use throughline_process::Bound;

    use super::*;
    use crate::domain::partition::{Mention, join};

    #[test]
    fn a_deal_that_a_sweep_finds_to_sell_no_more_lets_its_cars_go() {
        let number = Key { kind: KeyKind::DmsDeal, scope: String::new(), value: "D1".to_owned() };
        let mention = Mention { event: Uuid::nil(), keys: vec![number] };
        let joined = join("g", "r", &[], &[mention], &[]).remove(0);
        let at = Bound::exact(Timestamp::UNIX_EPOCH);
        let sold = pb::Deal {
            name: wire::deal_name("g", "r", joined.deal),
            keys: [("dms_deal", "D1"), ("vin", "V")]
                .map(|(kind, value)| pb::DealKey {
                    kind: kind.to_owned(),
                    value: value.to_owned(),
                    ..Default::default()
                })
                .into(),
            state: pb::DealState::Agreed as i32,
            opened_at: Some(to_wire(at.latest)),
            last_event: Some(throughline_wire::render_bound(at)),
            ..Default::default()
        };
        let rooftop = Rooftop {
            group: "g".to_owned(),
            id: "r".to_owned(),
            definition: Definition::retail_deal(),
            observed: Observed::everything(),
            keeps: 10,
        };
        let before = BTreeMap::from([(joined.deal, sold)]);
        let folded = refold(&rooftop, &joined, Vec::new(), Vec::new(), before, None);
        let mut claims = Claims::default();
        for (before, now) in folded.sales() {
            claims.changed(before.as_ref(), now);
        }
        assert_eq!(claims.cars().count(), 1, "who else sells it must hear of it");
    }
}
