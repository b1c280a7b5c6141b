//! Deals as they were known at an instant: of the events recorded until then and of nothing else.

use std::collections::{BTreeMap, BTreeSet};

use throughline_process::Key;
use throughline_proto::deal::v1 as pb;

use super::{
    capacity::Input,
    folding::{Rooftop, refold},
    id::DealId,
    partition::{Mention, join},
};

/// A deal as it was known, with the ids of its keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub deal: pb::Deal,
    pub keys: BTreeSet<DealId>,
}

/// The deals that these events make, each event with its keys as it brought them. What was withdrawn is none.
pub fn deals(rooftop: &Rooftop, recorded: Vec<(Input, Vec<Key>)>) -> Vec<Known> {
    let (inputs, mentions): (Vec<Input>, Vec<Mention>) = recorded
        .into_iter()
        .map(|(input, keys)| {
            let mention = Mention { event: input.id, keys };
            (input, mention)
        })
        .unzip();
    let joined = join(&rooftop.group, &rooftop.id, &[], &mentions, &[]);
    let deals = joined.into_iter().filter_map(|joined| {
        let arrived = joined.arrivals.iter().map(|place| inputs[*place].clone()).collect();
        let deal = refold(rooftop, &joined, Vec::new(), arrived, &BTreeMap::new(), None).deal?;
        let deal = pb::Deal { revision: 0, etag: String::new(), ..deal };
        deal.opened_at.is_some().then(|| Known { deal, keys: joined.keys.into_keys().collect() })
    });
    deals.collect()
}
