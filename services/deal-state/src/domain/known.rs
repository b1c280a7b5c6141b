//! Deals as they were known at an instant: of the events recorded until then and of nothing else.

use std::collections::{BTreeMap, BTreeSet};

use throughline_process::Key;
use throughline_proto::deal::v1 as pb;

use super::{
    capacity::Input,
    contests::Claims,
    folding::{Folded, Rooftop, refold},
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
    let folded = joined.into_iter().map(|joined| {
        let arrived = joined.arrivals.iter().map(|place| inputs[*place].clone()).collect();
        let folded = refold(rooftop, &joined, Vec::new(), arrived, BTreeMap::new(), None);
        (folded, joined.keys.into_keys().collect())
    });
    let folded: Vec<(Folded, BTreeSet<DealId>)> = folded.collect();
    let mut claims = Claims::default();
    let sells = || folded.iter().filter_map(|(folded, _)| folded.sells());
    sells().for_each(|claim| {
        claims.changed(None, Some(claim));
    });
    sells().for_each(|claim| claims.add(claim));
    let deals = folded.into_iter().filter_map(|(folded, keys)| {
        let deal = folded.settle(rooftop, &claims).deal?;
        let deal = pb::Deal { revision: 0, etag: String::new(), ..deal };
        deal.opened_at.is_some().then_some(Known { deal, keys })
    });
    deals.collect()
}
