//! What a deal has to do with others, at the rooftops that the caller may see.

use prost::Message;
use throughline_platform::{Failure, name, principal::Principal};
use throughline_proto::deal::v1 as pb;

use super::{Deals, get::DEAL};
use crate::{
    domain::{
        id::DealId,
        relations::{self, LOOKED_THROUGH},
    },
    store,
};

impl Deals {
    pub(super) async fn related(&self, principal: &Principal, deal: &pb::Deal) -> Result<Vec<pb::Relation>, Failure> {
        let cars: Vec<String> = relations::cars(deal).into_iter().map(|key| key.value.clone()).collect();
        let Some(id) = name::parse(DEAL, &deal.name).ok().and_then(|ids| DealId::parse(ids[2])) else {
            return Ok(Vec::new());
        };
        if cars.is_empty() {
            return Ok(Vec::new());
        }
        let (group, rooftops) = (principal.group.clone(), principal.rooftop_filter());
        let found = self
            .cx
            .platform
            .db
            .read(principal, move |tx| {
                Box::pin(async move {
                    store::same_vehicle(tx, &group, rooftops.as_deref(), &cars, id, LOOKED_THROUGH as i64).await
                })
            })
            .await
            .map_err(|error: store::Error| Failure::from(error))?;
        let others = found.into_iter().map(|(car, body)| {
            let deal = pb::Deal::decode(body.as_slice()).map_err(Failure::internal)?;
            Ok((car, deal))
        });
        Ok(relations::relations(deal, &others.collect::<Result<Vec<_>, Failure>>()?))
    }
}
