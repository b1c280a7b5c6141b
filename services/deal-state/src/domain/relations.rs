//! Deals that know the same car. They follow from what is known of other deals and rooftops when somebody asks, and are
//! never stored: no deal has to be told anew because of what another rooftop does.

use std::collections::BTreeMap;

use throughline_process::{KeyKind, definition::Relates};
use throughline_proto::deal::v1 as pb;

use crate::wire;

/// Deals that are looked through for them: a number that more know is no car's.
pub const LOOKED_THROUGH: usize = 200;
/// Relations that one deal is shown with, beside those that its own events tell of.
pub const MOST: usize = 20;

const VIN_LENGTH: usize = 17;

/// The cars of a deal as every rooftop calls them. Stock numbers, and what a source calls a trade, mean nothing elsewhere.
pub fn cars(deal: &pb::Deal) -> Vec<&pb::DealKey> {
    let car = |key: &&pb::DealKey| matches!(KeyKind::parse(&key.kind), Some(KeyKind::Vin | KeyKind::Trade));
    deal.keys.iter().filter(car).filter(|key| key.value.len() == VIN_LENGTH).collect()
}

/// What a deal has to do with others that know one of its cars: each with the value by which it was found.
pub fn relations(deal: &pb::Deal, others: &[(String, pb::Deal)]) -> Vec<pb::Relation> {
    let mine: BTreeMap<&str, &pb::DealKey> =
        cars(deal).into_iter().rev().map(|key| (key.value.as_str(), key)).collect();
    let home = wire::rooftop_of(&deal.name);
    let mut related: BTreeMap<(&str, &str), pb::Relation> = BTreeMap::new();
    for (value, other) in others {
        let Some(car) = mine.get(value.as_str()) else { continue };
        let went = other.relations.iter().find(|told| {
            let about = told.car.as_ref().is_none_or(|car| car.value == *value);
            told.kind == Relates::TransferredTo.as_str() && told.rooftop == home && about
        });
        let relation = pb::Relation {
            kind: if went.is_some() { "transferred_from" } else { "same_vehicle" }.to_owned(),
            car: Some((*car).clone()),
            rooftop: wire::rooftop_of(&other.name).to_owned(),
            deal: Some(pb::Candidate { deal: other.name.clone(), key: other.keys.first().cloned() }),
            time: went.and_then(|went| went.time),
        };
        related.entry((&other.name, value)).or_insert(relation);
    }
    let mut related: Vec<pb::Relation> = related.into_values().collect();
    // Where it came from first, then by deal.
    related.sort_by_key(|relation| relation.time.is_none());
    related.truncate(MOST);
    related
}
