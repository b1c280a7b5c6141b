//! Deals, as they are told to others.

use std::collections::BTreeMap;

use jiff::Timestamp;
use throughline_process::{
    CheckDigit, Deal, Key, KeyKind, check_digit,
    deal::{DealState, Exception, Holder, Holders, Occurrence, Relation},
};
use throughline_proto::{deal::v1 as pb, time::to_wire};
use throughline_wire::{render_bound, render_event_refs, render_interval};

use crate::domain::{
    id::DealId,
    links::{Link, Rule},
};

/// What is said of a deal beside what the fold found.
pub struct Facts<'a> {
    pub group: &'a str,
    pub rooftop: &'a str,
    pub id: DealId,
    /// Every key of it, sorted.
    pub keys: &'a [Key],
    /// Ids that its other keys alone would give, sorted.
    pub former_ids: Vec<DealId>,
    /// What may be the same deal: the best key of each core, and its deal.
    pub rivals: &'a BTreeMap<Key, DealId>,
    /// Why its numbers are of one deal.
    pub links: &'a [Link],
    pub vehicle_not_ready: bool,
    pub state_hash: [u8; 32],
    /// When the last of its events that came in as history was recorded.
    pub history_recorded_at: Option<Timestamp>,
}

/// `groups/{group}/rooftops/{rooftop}/deals/{deal}`.
pub fn deal_name(group: &str, rooftop: &str, deal: DealId) -> String {
    format!("groups/{group}/rooftops/{rooftop}/deals/{deal}")
}

/// The rooftop that a deal's name says.
pub fn rooftop_of(deal: &str) -> &str {
    place_of(deal).map_or("", |(_, rooftop)| rooftop)
}

/// The group and the rooftop that a deal's name says.
pub fn place_of(deal: &str) -> Option<(&str, &str)> {
    let mut segments = deal.split('/');
    Some((segments.nth(1)?, segments.nth(1)?))
}

pub fn key(key: &Key) -> pb::DealKey {
    pb::DealKey { kind: key.kind.as_str().to_owned(), scope: key.scope.clone(), value: key.value.clone() }
}

/// A key that was once rendered; none if its kind is unknown to this build.
pub fn read_key(key: &pb::DealKey) -> Option<Key> {
    Some(Key { kind: KeyKind::parse(&key.kind)?, scope: key.scope.clone(), value: key.value.clone() })
}

/// The deal, without revisions and without how its last change came about.
pub fn deal(deal: Deal, facts: Facts<'_>) -> pb::Deal {
    let mut exceptions: Vec<_> = deal.exceptions.into_iter().map(exception).collect();
    exceptions.extend(ambiguous(&facts));
    exceptions.extend(facts.keys.iter().filter_map(mistyped));
    pb::Deal {
        name: deal_name(facts.group, facts.rooftop, facts.id),
        keys: facts.keys.iter().map(key).collect(),
        former_ids: facts.former_ids.iter().map(DealId::to_string).collect(),
        state: state(deal.state) as i32,
        kind: deal.kind.unwrap_or_default(),
        opened_at: deal.opened_at.map(|at| to_wire(at.latest)),
        last_event_at: deal.last_event_at.map(|at| to_wire(at.latest)),
        holders: Some(holders(deal.holders)),
        intervals: deal.intervals.into_iter().map(render_interval).collect(),
        milestones: deal.milestones.into_iter().map(milestone).collect(),
        exceptions,
        rework: deal.rework,
        pencil_rounds: deal.rounds,
        lost_reason: deal.lost_reason.unwrap_or_default(),
        event_count: deal.event_count,
        definition_version: deal.definition_version,
        state_hash: facts.state_hash.to_vec(),
        assigned: deal.assigned,
        unknown_types: deal.unknown_types,
        opened: deal.opened_at.map(render_bound),
        last_event: deal.last_event_at.map(render_bound),
        vehicle_not_ready: facts.vehicle_not_ready,
        links: facts.links.iter().map(|found| link(&facts, found)).collect(),
        relations: deal.relations.into_iter().map(relation).collect(),
        history_recorded_at: facts.history_recorded_at.map(to_wire),
        revision: 0,
        etag: String::new(),
        recorded_at: None,
        origin: 0,
    }
}

/// The state on the wire, and by its number in the store.
pub fn state(state: DealState) -> pb::DealState {
    match state {
        DealState::InProgress => pb::DealState::InProgress,
        DealState::Agreed => pb::DealState::Agreed,
        DealState::Delivered => pb::DealState::Delivered,
        DealState::Funded => pb::DealState::Funded,
        DealState::Lost => pb::DealState::Lost,
        DealState::Unwound => pb::DealState::Unwound,
    }
}

fn holders(holders: Holders) -> pb::Holders {
    let holder = |holder: Holder| pb::Holder {
        department: holder.department,
        role: holder.role.unwrap_or_default(),
        actor: holder.actor.unwrap_or_default(),
        since: Some(to_wire(holder.since.latest)),
        presumed: holder.presumed,
        since_bound: Some(render_bound(holder.since)),
    };
    pb::Holders {
        customer: holders.customer.map(holder),
        car: holders.car.map(holder),
        paper: holders.paper.map(holder),
    }
}

fn milestone((event_type, occurrence): (String, Occurrence)) -> pb::Milestone {
    pb::Milestone {
        event_type,
        time: Some(render_bound(occurrence.first)),
        last: Some(render_bound(occurrence.last)),
        count: occurrence.count,
        actor: occurrence.actor.unwrap_or_default(),
    }
}

fn relation(relation: Relation) -> pb::Relation {
    let trade = |value| pb::DealKey { kind: KeyKind::Trade.as_str().to_owned(), scope: String::new(), value };
    pb::Relation {
        kind: relation.relates.as_str().to_owned(),
        car: relation.trade.map(trade),
        rooftop: relation.rooftop.unwrap_or_default(),
        deal: None,
        time: Some(render_bound(relation.at)),
    }
}

fn link(facts: &Facts<'_>, link: &Link) -> pb::KeyLink {
    let (rule, confidence) = match &link.rule {
        Rule::SameEvent => ("same_event", pb::Confidence::Stated),
        Rule::SameSale => ("same_sale", pb::Confidence::Inferred),
        Rule::SameTrade => ("same_trade", pb::Confidence::Inferred),
        Rule::Person(_) => ("person", pb::Confidence::Decided),
    };
    let decision = match &link.rule {
        Rule::Person(id) => format!("groups/{}/rooftops/{}/decisions/{id}", facts.group, facts.rooftop),
        Rule::SameEvent | Rule::SameSale | Rule::SameTrade => String::new(),
    };
    pb::KeyLink {
        one: Some(key(&link.one)),
        other: Some(key(&link.other)),
        rule: rule.to_owned(),
        confidence: confidence as i32,
        reason: link.reason.clone(),
        decision,
    }
}

/// The kind of exception of deals that may be the same one.
pub const IDENTITY_AMBIGUOUS: &str = "identity_ambiguous";

/// Candidates that are named; more are counted.
const MOST_NAMED: usize = 10;

/// Nobody can say of which of these deals this one is: a person has to.
fn ambiguous(facts: &Facts<'_>) -> Option<pb::DealException> {
    let rivals = facts.rivals;
    if rivals.is_empty() {
        return None;
    }
    let mut named: Vec<String> =
        rivals.keys().take(MOST_NAMED).map(|key| format!("{} {}", key.kind.as_str(), key.value)).collect();
    if let Some(more) = rivals.len().checked_sub(MOST_NAMED).filter(|more| *more > 0) {
        named.push(format!("{more} more"));
    }
    // Other candidates are another question: what a person decided of these does not hide it.
    let mut hasher = blake3::Hasher::new();
    rivals.keys().for_each(|key| {
        hasher.update(format!("{} {} {}\n", key.kind.as_str(), key.scope, key.value).as_bytes());
    });
    Some(pb::DealException {
        id: format!("{IDENTITY_AMBIGUOUS}/{}", &hasher.finalize().to_hex()[..12]),
        kind: IDENTITY_AMBIGUOUS.to_owned(),
        detail: format!("the same sale or trade is told of by {}", named.join(", ")),
        candidates: rivals
            .iter()
            .take(MOST_NAMED)
            .map(|(best, deal)| pb::Candidate {
                deal: deal_name(facts.group, facts.rooftop, *deal),
                key: Some(key(best)),
            })
            .collect(),
        ..pb::DealException::default()
    })
}

/// A VIN whose check digit does not fit: worth a look, never refused.
fn mistyped(key: &Key) -> Option<pb::DealException> {
    let CheckDigit::Wrong(right) = check_digit(&key.value) else { return None };
    (key.kind == KeyKind::Vin).then(|| pb::DealException {
        id: format!("wrong_vin/{}", key.value),
        kind: "wrong_vin".to_owned(),
        detail: format!("the check digit of vin {} would be {right}: compare it with the car", key.value),
        ..pb::DealException::default()
    })
}

fn exception(exception: Exception) -> pb::DealException {
    pb::DealException {
        kind: exception.kind,
        detail: exception.detail,
        at: exception.at.map(|at| to_wire(at.latest)),
        id: exception.id,
        time: exception.at.map(render_bound),
        candidates: Vec::new(),
        founded_by: render_event_refs(exception.founded_by),
    }
}
