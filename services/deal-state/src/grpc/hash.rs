//! One hash over the content of all deals of a group.

use futures::TryStreamExt;
use throughline_platform::{Failure, principal::Principal};
use throughline_proto::deal::v1 as pb;

use super::Deals;
use crate::store;

impl Deals {
    /// Goes through the deals by rooftop and id, so that the hash depends on neither part nor arrival. A key that may
    /// not see all rooftops may not ask, for the hash speaks of all.
    pub(super) async fn hash(&self, principal: Principal) -> Result<pb::GetStateHashResponse, Failure> {
        if let Some(rooftops) = principal.rooftop_filter() {
            let message = format!("the hash is over all rooftops, this key may see {} of them", rooftops.len());
            return Err(Failure::permission(throughline_platform::Reason::RooftopNotAllowed, message));
        }
        let group = principal.group.clone();
        let (hash, deals) = self
            .cx
            .platform
            .db
            .read(&principal, move |tx| {
                Box::pin(async move {
                    let mut hasher = blake3::Hasher::new();
                    let mut deals = 0_u64;
                    let mut rows = store::state_hashes(tx, &group);
                    while let Some(row) = rows.try_next().await? {
                        hasher.update(&(row.rooftop.len() as u64).to_le_bytes());
                        hasher.update(row.rooftop.as_bytes());
                        hasher.update(row.deal.as_bytes());
                        hasher.update(&row.hash);
                        deals += 1;
                    }
                    Ok((hasher.finalize(), deals))
                })
            })
            .await
            .map_err(|error: store::Error| Failure::from(error))?;
        Ok(pb::GetStateHashResponse { state_hash: hash.as_bytes().to_vec(), deals })
    }
}
