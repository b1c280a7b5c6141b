//! Bringing together what a batch folded and what others sell.

use std::{collections::BTreeMap, sync::Arc};

use prost::Message;
use throughline_journal::{ApplyError, EntityKey, Entry};
use throughline_platform::db::Tx;
use throughline_proto::{deal::v1 as pb, log::v1::entry_body::Body};
use uuid::Uuid;

use super::folding::{Folding, columns, read, touch};
use crate::{
    domain::{
        contests::{Car, Claim, Claims},
        folding::{Folded, Rooftop, amend},
        partition::Joined,
    },
    store::{self, StoredInput},
};

/// One deal that was folded, before others have their say.
pub struct Settling {
    pub rooftop: Arc<Rooftop>,
    pub joined: Joined,
    pub folded: Folded,
    pub keeping: Vec<StoredInput>,
    /// Place of the entry because of which it was folded.
    pub cause: Option<usize>,
}

impl Folding<'_> {
    /// Says what came of what was folded. Whoever else sells a car about which something changed is amended.
    pub(super) async fn settle(
        &mut self,
        tx: &mut Tx,
        entries: &[Entry],
        settling: Vec<Settling>,
    ) -> Result<(), ApplyError> {
        let mut claims = Claims::default();
        // The last entry that changed something about each car: other entries may be of other groups.
        let mut causes: BTreeMap<Car, usize> = BTreeMap::new();
        for one in &settling {
            for (before, now) in one.folded.sales() {
                if claims.changed(before.as_ref(), now)
                    && let Some(cause) = one.cause
                {
                    for car in before.iter().chain(now).flat_map(Claim::cars) {
                        let last = causes.entry(car.clone()).or_insert(cause);
                        *last = cause.max(*last);
                    }
                }
            }
        }
        settling.iter().filter_map(|one| one.folded.sells()).for_each(|claim| claims.add(claim));
        let here: Vec<Uuid> = settling.iter().flat_map(|one| one.joined.ids()).map(|id| id.0).collect();
        let others =
            if claims.is_empty() { Vec::new() } else { store::selling(tx, self.part, claims.cars(), &here).await? };
        let mut sellers = Vec::with_capacity(others.len());
        for seller in others {
            // A deal that cannot be read is its own fault: the others go on without it until it is mended and folds anew.
            let deal = match read::<pb::Deal>(&seller.body, "deal") {
                Ok(deal) => deal,
                Err(ApplyError::Poison { cause, .. }) => {
                    let (group, rooftop) = (seller.group, seller.rooftop);
                    let entity = EntityKey { group, rooftop, entity: seller.id.to_string() };
                    self.timers.failed.push((entity, cause));
                    continue;
                }
                Err(transient) => return Err(transient),
            };
            claims.add_deal(&deal);
            sellers.push((seller, deal));
        }
        for Settling { rooftop, joined, folded, keeping, cause } in settling {
            self.timers.settled.extend(joined.ids().map(|id| EntityKey {
                group: rooftop.group.clone(),
                rooftop: rooftop.id.clone(),
                entity: id.to_string(),
            }));
            let outcome = folded.settle(&rooftop, &claims);
            self.keep(&rooftop, &joined, &outcome, keeping);
            self.say(&rooftop, outcome, cause.map(|place| (place, &entries[place])));
        }
        for (seller, deal) in sellers {
            let cars = Claim::of(&deal).into_iter().flat_map(|claim| claim.cars().clone());
            let cause = cars.filter_map(|car| causes.get(&car).copied()).max().map(|place| (place, &entries[place]));
            if let Some(deal) = amend(&deal, &claims, cause.map(|(_, entry)| touch(entry))) {
                let name = (seller.group.as_str(), seller.rooftop.as_str());
                self.saving.deal(name, seller.id, columns(&deal, seller.blind), deal.encode_to_vec());
                let (place, origin) = (cause.map_or(0, |cause| cause.0), deal.origin());
                let (entity, cause) = (seller.id.to_string(), cause.map(|cause| cause.1));
                self.said.push((place, super::entry(self.part, name, entity, Body::Deal(deal), origin, cause)));
            }
        }
        Ok(())
    }
}
