//! Which keys an event brings, and under which of them it is kept.

use throughline_process::{Event, Key, KeyKind, keys_of};
use throughline_proto::event::v1 as pb;

use super::{
    decisions::{Kind, decision_key},
    id::DealId,
    partition::{TRADE, sale_key},
};

/// What happens to a trade once it is the store's: by these events a deal tells that it took the trade. One that was merely
/// appraised may be shown in several deals.
const TAKEN: [&str; 7] = [
    "deal.agreed",
    "deal.contract.signed",
    "deal.delivered",
    "deal.jacket.submitted",
    "deal.jacket.accepted",
    "deal.funded",
    "trade.acquired",
];

/// The linking keys of an event, the one first under which it is kept: what the source itself calls the deal, or else the
/// best number that it has. What happens to a trade without a word of its deal, as in reconditioning, is kept under the
/// trade. Empty for what is of no deal.
pub fn numbers(event: &Event) -> Vec<Key> {
    let mut keys: Vec<Key> = keys_of(event).into_iter().filter(|key| key.kind.links()).collect();
    let subject = |key: &Key| event.subject.as_deref() == Some(&key.value) && key.scope == event.source;
    if let Some(anchor) = keys.iter().position(|key| key.kind == KeyKind::Subject && subject(key)) {
        keys[..=anchor].rotate_right(1);
    }
    if keys.is_empty() {
        keys.extend(keys_of(event).into_iter().find(|key| key.kind == KeyKind::Trade));
    }
    keys
}

/// What an event tells of that others may tell of as well, beside the number under which it is kept: the sale of a car, and
/// the trade.
pub fn beside(event: &Event, anchor: &Key, id: DealId) -> impl Iterator<Item = Key> {
    let sale = event.keys.get(KeyKind::Sale.as_str()).map(|sale| sale_key(id, sale));
    let taken = anchor.kind == KeyKind::Trade || TAKEN.contains(&event.event_type.as_str());
    let trade = event.trade.as_deref().filter(|trade| taken && !trade.is_empty());
    sale.into_iter().chain(trade.map(|trade| sale_key(id, &told_trade(&event.source, trade))))
}

/// A VIN means the same car everywhere; another number of a trade means something within its source alone.
fn told_trade(source: &str, trade: &str) -> String {
    if trade.len() == 17 { format!("{TRADE}{trade}") } else { format!("{TRADE}{trade}@{source}") }
}

/// The keys of an event that is kept under `anchor`, as it brought them.
pub fn of_kept(group: &str, rooftop: &str, anchor: DealId, event: &Event, decided: Option<&pb::Decision>) -> Vec<Key> {
    match decided {
        Some(decided) => {
            let mut beside = decision(group, rooftop, event, decided).into_iter().flatten();
            let under = |keys: &[Key; 2]| DealId::of(group, rooftop, &keys[..1]) == Some(anchor);
            beside.find(under).map(Vec::from).unwrap_or_default()
        }
        None => {
            let mut keys = numbers(event);
            if let Some(first) = keys.first().cloned() {
                keys.extend(beside(event, &first, anchor));
            }
            keys
        }
    }
}

/// A person's decision as it comes beside each of the two numbers that it is about. None if it is of no kind that this
/// build knows, or is not about two numbers.
pub fn decision(group: &str, rooftop: &str, event: &Event, decision: &pb::Decision) -> Option<[[Key; 2]; 2]> {
    let (kind, id) = match decision.kind() {
        pb::DecisionKind::Link => (Kind::Link, &event.id),
        pb::DecisionKind::Split => (Kind::Split, &event.id),
        pb::DecisionKind::Withdrawal => (Kind::Undo, &decision.withdrawn),
        pb::DecisionKind::Unspecified => return None,
    };
    let beside = |key: &Option<pb::Key>| {
        let key = key.as_ref()?;
        let kind_of_key = KeyKind::parse(&key.kind).filter(|kind| kind.links())?;
        let number = Key { kind: kind_of_key, scope: key.scope.clone(), value: key.value.clone() };
        let about = DealId::of(group, rooftop, std::slice::from_ref(&number))?;
        Some([number, decision_key(about, event.time.latest, kind, id)])
    };
    let (one, other) = (beside(&decision.one)?, beside(&decision.other)?);
    (one != other).then_some([one, other])
}
