//! Cars in two deals past agreement: both cannot have it, and no rule says whose it is.
//!
//! What a deal sells follows from the deal alone, and who else sells the car from what the others sell: the answer depends
//! on the set of deals, never on the order in which they came to be so.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use throughline_process::{Bound, KeyKind};
use throughline_proto::deal::v1 as pb;
use throughline_wire::{read_bound, render_bound};

use crate::wire;

/// The kind of exception.
pub const KIND: &str = "vin_in_two_deals";
/// A number under which more deals than these sell a car names no car: whatever sends it means something else by it.
/// `selling.sql` reaches for one more, so that the work for a deal stays bounded.
pub const MOST_SELLING: usize = 32;
/// Deals that were agreed further apart sell the car one after the other: it came back in between.
const NEAR: SignedDuration = SignedDuration::from_hours(60 * 24);
/// Deals that are named; more are counted.
const MOST_NAMED: usize = 10;
/// What shows when a deal was agreed, the best first.
const AGREED: [&str; 5] = ["deal.agreed", "deal.fi.started", "deal.contract.signed", "deal.delivered", "deal.funded"];

/// A car of a rooftop by a number of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Car {
    pub group: String,
    pub rooftop: String,
    /// A VIN or a stock number.
    pub kind: KeyKind,
    pub value: String,
}

/// What a deal sells that is agreed, and neither lost nor unwound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    deal: String,
    best: pb::DealKey,
    cars: BTreeSet<Car>,
    agreed: Bound,
    /// Deals that may be the same one, which is another question and asked already.
    rivals: BTreeSet<String>,
}

impl Claim {
    /// None of a deal that sells nothing, not yet or no more.
    pub fn of(deal: &pb::Deal) -> Option<Self> {
        let sells = matches!(deal.state(), pb::DealState::Agreed | pb::DealState::Delivered | pb::DealState::Funded);
        if !sells || deal.opened_at.is_none() {
            return None;
        }
        let (group, rooftop) = wire::place_of(&deal.name)?;
        let cars = deal.keys.iter().filter_map(|key| {
            let kind = KeyKind::parse(&key.kind).filter(|kind| matches!(kind, KeyKind::Vin | KeyKind::Stock))?;
            Some(Car { group: group.to_owned(), rooftop: rooftop.to_owned(), kind, value: key.value.clone() })
        });
        let cars: BTreeSet<Car> = cars.collect();
        let told = |step: &&str| deal.milestones.iter().find(|milestone| milestone.event_type == **step);
        let agreed = AGREED.iter().find_map(told).map_or(&deal.last_event, |milestone| &milestone.last);
        let rivals = deal.exceptions.iter().filter(|exception| exception.kind == wire::IDENTITY_AMBIGUOUS);
        (!cars.is_empty()).then_some(Self {
            deal: deal.name.clone(),
            best: deal.keys.first()?.clone(),
            cars,
            agreed: read_bound(agreed.as_ref(), "agreement").ok()?,
            rivals: rivals.flat_map(|exception| &exception.candidates).map(|rival| rival.deal.clone()).collect(),
        })
    }

    pub fn cars(&self) -> &BTreeSet<Car> {
        &self.cars
    }

    fn vins(&self) -> impl Iterator<Item = &Car> {
        self.cars.iter().filter(|car| car.kind == KeyKind::Vin)
    }

    /// The car that both sell: by its VIN, or by its stock number where not both say the VIN.
    fn contested(&self, other: &Self) -> Option<&Car> {
        let apart = |one: &Self, other: &Self| one.deal == other.deal || one.rivals.contains(&other.deal);
        if apart(self, other) || apart(other, self) || !near(self.agreed, other.agreed) {
            return None;
        }
        let shared = |car: &&Car| other.cars.contains(*car);
        let unsaid = self.vins().next().is_none() || other.vins().next().is_none();
        self.vins().find(shared).or_else(|| self.cars.iter().filter(|_| unsaid).find(shared))
    }
}

fn near(one: Bound, other: Bound) -> bool {
    let (first, then) = if one.latest <= other.latest { (one, other) } else { (other, one) };
    first.duration_until(&then).0 <= NEAR
}

/// All deals that sell one of the cars about which a batch changed something, as they stand behind it.
#[derive(Debug, Default)]
pub struct Claims(BTreeMap<Car, BTreeMap<String, Claim>>);

impl Claims {
    /// Takes in what a deal sold before and what it sells now; whether that differs.
    pub fn changed(&mut self, before: Option<&Claim>, now: Option<&Claim>) -> bool {
        if before == now {
            return false;
        }
        for car in before.into_iter().chain(now).flat_map(|claim| &claim.cars) {
            self.0.entry(car.clone()).or_default();
        }
        true
    }

    /// Nothing changed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The cars about which something changed.
    pub fn cars(&self) -> impl Iterator<Item = &Car> {
        self.0.keys()
    }

    /// What a deal sells, as far as that matters.
    pub fn add(&mut self, claim: &Claim) {
        for car in &claim.cars {
            if let Some(claims) = self.0.get_mut(car) {
                claims.insert(claim.deal.clone(), claim.clone());
            }
        }
    }

    /// The same of a deal as it was last told.
    pub fn add_deal(&mut self, deal: &pb::Deal) {
        if let Some(claim) = Claim::of(deal) {
            self.add(&claim);
        }
    }

    /// The exceptions of a deal that sells this, and which was last told so.
    pub fn exceptions(&self, claim: Option<&Claim>, last: Option<&pb::Deal>) -> Vec<pb::DealException> {
        let Some(claim) = claim else { return Vec::new() };
        let mut exceptions = Vec::new();
        for car in &claim.cars {
            match self.0.get(car) {
                Some(claims) => exceptions.extend(exception(car, claim, claims)),
                // Nothing about it has changed.
                None => exceptions
                    .extend(last.into_iter().flat_map(|last| &last.exceptions).find(|told| is_of(told, car)).cloned()),
            }
        }
        exceptions
    }

    /// A deal that no entry touched as it reads now; none if that is as before.
    pub fn amended(&self, deal: &pb::Deal) -> Option<pb::Deal> {
        let others = deal.exceptions.iter().filter(|exception| exception.kind != KIND).cloned();
        let exceptions: Vec<_> = others.chain(self.exceptions(Claim::of(deal).as_ref(), Some(deal))).collect();
        (exceptions != deal.exceptions).then(|| pb::Deal { exceptions, ..deal.clone() })
    }
}

fn exception(car: &Car, claim: &Claim, claims: &BTreeMap<String, Claim>) -> Option<pb::DealException> {
    if claims.len() > MOST_SELLING {
        return None;
    }
    let mut others: Vec<&Claim> = claims.values().filter(|other| claim.contested(other) == Some(car)).collect();
    others.sort_unstable_by_key(|other| (number(&other.best), &other.deal));
    let agreed = others.iter().map(|other| other.agreed).chain([claim.agreed]);
    let last = agreed.max_by_key(|agreed| (agreed.latest, agreed.earliest)).filter(|_| !others.is_empty())?;
    let mut named: Vec<String> = others.iter().take(MOST_NAMED).map(|other| number(&other.best)).collect();
    if let Some(more) = others.len().checked_sub(MOST_NAMED).filter(|more| *more > 0) {
        named.push(format!("{more} more"));
    }
    // Another deal is another question: what a person decided about these does not hide it.
    let mut hasher = blake3::Hasher::new();
    others.iter().for_each(|other| {
        hasher.update(format!("{} {}\n", number(&other.best), other.best.scope).as_bytes());
    });
    Some(pb::DealException {
        id: format!("{KIND}/{}/{}/{}", car.kind.as_str(), car.value, &hasher.finalize().to_hex()[..12]),
        kind: KIND.to_owned(),
        detail: format!("{} {} is sold in {} as well", car.kind.as_str(), car.value, named.join(", ")),
        at: Some(throughline_proto::time::to_wire(last.latest)),
        time: Some(render_bound(last)),
        candidates: others
            .iter()
            .take(MOST_NAMED)
            .map(|other| pb::Candidate { deal: other.deal.clone(), key: Some(other.best.clone()) })
            .collect(),
        founded_by: Vec::new(),
    })
}

fn number(key: &pb::DealKey) -> String {
    format!("{} {}", key.kind, key.value)
}

/// Whether an exception that was told is about that car.
fn is_of(told: &pb::DealException, car: &Car) -> bool {
    let about = told.id.rsplit_once('/').map_or("", |(about, _)| about);
    told.kind == KIND && about == format!("{KIND}/{}/{}", car.kind.as_str(), car.value)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use throughline_proto::time::to_wire;

    use super::*;

    /// A deal that agreed on so many days after the first.
    fn deal(id: &str, days: i64, numbers: &[(&str, &str)]) -> pb::Deal {
        let at = Timestamp::from_second(1_788_000_000 + days * 86_400).unwrap();
        let key = |(kind, value): (&str, &str)| pb::DealKey {
            kind: kind.to_owned(),
            value: value.to_owned(),
            ..Default::default()
        };
        pb::Deal {
            name: format!("groups/g/rooftops/r/deals/{id}"),
            keys: [("dms_deal", id)].into_iter().chain(numbers.iter().copied()).map(key).collect(),
            state: pb::DealState::Agreed as i32,
            opened_at: Some(to_wire(at)),
            milestones: vec![pb::Milestone {
                event_type: "deal.agreed".to_owned(),
                last: Some(render_bound(Bound::exact(at))),
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    fn told(deals: &[pb::Deal]) -> Vec<Vec<String>> {
        let mut claims = Claims::default();
        for deal in deals {
            claims.changed(None, Claim::of(deal).as_ref());
        }
        deals.iter().for_each(|deal| claims.add_deal(deal));
        let exceptions = |deal: &pb::Deal| claims.exceptions(Claim::of(deal).as_ref(), None);
        deals.iter().map(|deal| exceptions(deal).into_iter().map(|told| told.detail).collect()).collect()
    }

    fn none(deals: usize) -> Vec<Vec<String>> {
        vec![Vec::new(); deals]
    }

    #[test]
    fn a_car_that_two_deals_sell_is_an_exception_of_both() {
        let both = [deal("D1", 0, &[("stock", "N1"), ("vin", "V")]), deal("D2", 40, &[("stock", "N1"), ("vin", "V")])];
        assert_eq!(told(&both), [["vin V is sold in dms_deal D2 as well"], ["vin V is sold in dms_deal D1 as well"]]);
        let mut claims = Claims::default();
        claims.changed(None, Claim::of(&both[0]).as_ref());
        both.iter().for_each(|deal| claims.add_deal(deal));
        let amended = claims.amended(&both[0]).unwrap();
        let [exception] = amended.exceptions.as_slice() else { panic!("{:?}", amended.exceptions) };
        assert_eq!(exception.candidates[0].deal, both[1].name);
        assert_eq!(exception.time, both[1].milestones[0].last, "since the second was agreed");
        assert_eq!(claims.amended(&amended), None, "nothing has changed since");
    }

    #[test]
    fn who_sells_no_more_leaves_nothing_to_ask() {
        let mut deals = [deal("D1", 0, &[("vin", "V")]), deal("D2", 1, &[("vin", "V")])];
        for state in [pb::DealState::Lost, pb::DealState::Unwound, pb::DealState::InProgress] {
            deals[1].state = state as i32;
            assert_eq!(told(&deals), none(2), "{state:?}");
        }
        deals[1].state = pb::DealState::Funded as i32;
        assert_eq!(told(&deals).concat().len(), 2);
    }

    #[test]
    fn a_car_that_came_back_is_sold_again() {
        let after = |days| told(&[deal("D1", 0, &[("vin", "V")]), deal("D2", days, &[("vin", "V")])]).concat().len();
        assert_eq!([after(60), after(61)], [2, 0]);
    }

    #[test]
    fn a_stock_number_tells_only_where_no_vin_does() {
        let with =
            |other: &[(&str, &str)]| told(&[deal("D1", 0, &[("stock", "N1"), ("vin", "V")]), deal("D2", 1, other)]);
        assert_eq!(with(&[("stock", "N1"), ("vin", "W")]), none(2));
        assert_eq!(with(&[("stock", "N1")])[0], ["stock N1 is sold in dms_deal D2 as well"]);
    }

    #[test]
    fn deals_that_may_be_one_are_asked_about_once() {
        let mut deals = [deal("D1", 0, &[("vin", "V")]), deal("D2", 1, &[("vin", "V")])];
        let candidate = pb::Candidate { deal: deals[1].name.clone(), key: None };
        deals[0].exceptions.push(pb::DealException {
            kind: wire::IDENTITY_AMBIGUOUS.to_owned(),
            candidates: vec![candidate],
            ..Default::default()
        });
        assert_eq!(told(&deals), none(2));
    }

    #[test]
    fn a_number_that_everything_is_sold_under_names_no_car() {
        let sold = |deals: usize| {
            let deals: Vec<_> = (0..deals).map(|nth| deal(&format!("D{nth:02}"), 0, &[("stock", "NONE")])).collect();
            told(&deals)
        };
        let most = sold(MOST_SELLING);
        assert!(most[0][0].ends_with("dms_deal D10, 21 more as well"), "{most:?}");
        assert_eq!(sold(MOST_SELLING + 1), none(MOST_SELLING + 1));
    }

    #[test]
    fn what_a_batch_does_not_touch_stays_as_it_was_told() {
        let [one, other] = [deal("D1", 0, &[("vin", "V")]), deal("D2", 1, &[("vin", "V")])];
        let mut claims = Claims::default();
        assert!(claims.changed(None, Claim::of(&other).as_ref()));
        [&one, &other].into_iter().for_each(|deal| claims.add_deal(deal));
        let last = claims.amended(&one).unwrap();
        let mut later = Claims::default();
        assert!(!later.changed(Claim::of(&last).as_ref(), Claim::of(&last).as_ref()));
        assert_eq!(later.exceptions(Claim::of(&one).as_ref(), Some(&last)), last.exceptions);
        assert_eq!(later.exceptions(None, Some(&last)), []);
    }
}
