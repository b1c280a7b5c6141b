//! Which keys an event brings, and under which of them it is kept.

use throughline_process::{Event, Key, KeyKind, keys_of};
use throughline_proto::event::v1 as pb;

use super::{
    decisions::{Kind, decision_key},
    id::DealId,
    partition::sale_key,
};

/// The linking keys of an event, the one first under which it is kept: what the source itself calls the deal, or else the
/// best number that it has. Empty for what is of no deal.
pub fn numbers(event: &Event) -> Vec<Key> {
    let mut keys: Vec<Key> = keys_of(event).into_iter().filter(|key| key.kind.links()).collect();
    let subject = |key: &Key| event.subject.as_deref() == Some(&key.value) && key.scope == event.source;
    if let Some(anchor) = keys.iter().position(|key| key.kind == KeyKind::Subject && subject(key)) {
        keys[..=anchor].rotate_right(1);
    }
    keys
}

/// The sale that an event tells of, beside the number under which it is kept.
pub fn sale(event: &Event, anchor: DealId) -> Option<Key> {
    event.keys.get(KeyKind::Sale.as_str()).map(|sale| sale_key(anchor, sale))
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
            keys.extend(sale(event, anchor));
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
