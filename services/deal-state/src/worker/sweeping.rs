//! Sweeps: deals whose fold depends on something that has changed for the whole rooftop fold anew, a few at a time.

use jiff::Timestamp;
use throughline_journal::{ApplyError, Due, EntityKey};
use throughline_platform::db::Tx;
use uuid::Uuid;

use super::{
    Effects, Folder,
    folding::{Folding, Work},
    join,
};
use crate::{
    domain::id::DealId,
    store::{self, ROOFTOP},
};

/// So many deals are folded anew in one tick of a sweep: short enough that live events wait for none of it.
const SWEPT_AT_ONCE: i64 = 50;

/// Rooftops at once in which steps expire.
const EXPIRED_AT_ONCE: i64 = 20;

impl Folder {
    /// Rooftops in which a step has not been reported for too long, or else the next deals of a sweep.
    pub(super) async fn next_timers(&self, tx: &mut Tx, part: u16, rule_time: Timestamp) -> Result<Due, ApplyError> {
        let expiring = store::expiring(tx, part, rule_time, EXPIRED_AT_ONCE).await?;
        if expiring.is_empty() {
            return self.next_of_sweep(tx, part).await;
        }
        let key = |(group, rooftop)| EntityKey { group, rooftop, entity: store::OBSERVED.to_owned() };
        Ok(Due { entities: expiring.into_iter().map(key).collect(), more: true })
    }

    /// From now on no source of these rooftops reports the steps that have expired: their deals fold anew.
    pub(super) async fn expire(
        &self,
        tx: &mut Tx,
        part: u16,
        rule_time: Timestamp,
        rooftops: &[EntityKey],
    ) -> Result<Effects, ApplyError> {
        for EntityKey { group, rooftop, .. } in rooftops {
            store::expire(tx, part, group, rooftop, rule_time).await?;
        }
        let begun: Vec<_> = rooftops.iter().map(|key| (key.group.clone(), key.rooftop.clone(), true)).collect();
        store::begin_refolds(tx, part, &begun).await?;
        Ok(Effects::default())
    }

    /// The next deals of a sweep of the part; sweeps of which none is left end here.
    pub(super) async fn next_of_sweep(&self, tx: &mut Tx, part: u16) -> Result<Due, ApplyError> {
        while let Some(sweep) = store::next_refold(tx, part).await? {
            let deals = store::deals_to_refold(tx, part, &sweep, SWEPT_AT_ONCE).await?;
            if !deals.is_empty() {
                let key = |deal: Uuid| EntityKey {
                    group: sweep.group.clone(),
                    rooftop: sweep.rooftop.clone(),
                    entity: DealId(deal).to_string(),
                };
                // One tick for each: entries come in between.
                return Ok(Due { entities: deals.into_iter().map(key).collect(), more: false });
            }
            store::refold_done(tx, part, &sweep.group, &sweep.rooftop).await?;
        }
        Ok(Due::default())
    }

    /// Folds deals of a sweep, and moves the sweep behind the last of them.
    pub(super) async fn sweep(&self, tx: &mut Tx, part: u16, entities: &[EntityKey]) -> Result<Effects, ApplyError> {
        let Some(first) = entities.first() else { return Ok(Effects::default()) };
        let deals: Vec<Uuid> = deals(entities).collect();
        let folding = self.refold(tx, part, &first.group, &first.rooftop, &deals).await?;
        if let Some(last) = deals.last() {
            store::refold_moved(tx, part, &first.group, &first.rooftop, *last).await?;
        }
        self.commit(tx, part, folding, &[]).await
    }

    /// Folds one deal that a sweep has passed over, or looks whether a rooftop can be read again.
    pub(super) async fn sweep_again(&self, tx: &mut Tx, part: u16, entity: &EntityKey) -> Result<Effects, ApplyError> {
        let deals: Vec<Uuid> = deals(std::slice::from_ref(entity)).collect();
        let folding = self.refold(tx, part, &entity.group, &entity.rooftop, &deals).await?;
        self.commit(tx, part, folding, &[]).await
    }

    async fn refold(
        &self,
        tx: &mut Tx,
        part: u16,
        group: &str,
        rooftop: &str,
        deals: &[Uuid],
    ) -> Result<Folding<'_>, ApplyError> {
        let under = self.rooftop(tx, part, group, rooftop).await.map_err(of_rooftop)?;
        let mut folding = Folding::new(self, part);
        if deals.is_empty() {
            return Ok(folding);
        }
        let linked: Vec<_> = store::linked_to_deals(tx, part, deals).await?.into_iter().map(|row| row.linked).collect();
        let name = (group.to_owned(), rooftop.to_owned());
        let mut joined = join(tx, part, &name, &linked, &[]).await?;
        // What tells of the same sale has a turn of its own: no deal is kept from folding by what another one lacks.
        joined.retain(|one| !one.repointed.is_empty() || one.ids().any(|id| deals.contains(&id.0)));
        folding.fold(tx, &[], vec![Work { rooftop: under, joined, arrivals: Vec::new() }]).await?;
        Ok(folding)
    }
}

fn deals(entities: &[EntityKey]) -> impl Iterator<Item = Uuid> {
    entities.iter().filter_map(|entity| DealId::parse(&entity.entity)).map(|deal| deal.0)
}

/// All deals of the rooftop wait for it.
fn of_rooftop(error: ApplyError) -> ApplyError {
    match error {
        ApplyError::Poison { cause, .. } => ApplyError::Poison { entity: ROOFTOP.to_owned(), cause },
        transient => transient,
    }
}
