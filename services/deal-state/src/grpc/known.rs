//! A deal as it was known at an instant.

use std::collections::BTreeMap;

use prost::Message;
use throughline_platform::{Failure, name, principal::Principal};
use throughline_process::{Key, KeyKind, Observed};
use throughline_proto::{deal::v1 as pb, event::v1::Event, tenant::v1::Rooftop as Said, time::from_wire};
use uuid::Uuid;

use super::{Deals, get::DEAL};
use crate::{
    definitions::Definitions,
    domain::{
        capacity::{Input, KEPT},
        folding::Rooftop,
        id::DealId,
        known::{self, Known},
        mention,
    },
    store::{self, BoardRooftop, StoredInput},
    wire,
};

/// What a deal is looked up by.
pub(super) struct Sought {
    /// The name of the deal as it stands now.
    pub name: String,
    /// The number asked for as a key, where it is one that links.
    pub number: Option<DealId>,
}

impl Sought {
    pub(super) fn by_key(group: &str, rooftop: &str, name: String, kind: &str, scope: &str, value: &str) -> Self {
        let kind = KeyKind::parse(kind).filter(|kind| kind.links());
        let key = kind.map(|kind| Key { kind, scope: scope.to_owned(), value: value.to_owned() });
        Self { name, number: key.and_then(|key| DealId::of(group, rooftop, &[key])) }
    }
}

impl Deals {
    /// The deal as it was known then. The events of all that has to do with it now hold those of all that had then.
    pub(super) async fn get_known(
        &self,
        principal: Principal,
        sought: Sought,
        known_at: &prost_types::Timestamp,
    ) -> Result<pb::Deal, Failure> {
        let at = from_wire(known_at).ok_or_else(|| Failure::invalid("known_at", "is no instant"))?;
        if at > self.cx.platform.clock.now() {
            return Err(Failure::invalid("known_at", "lies in the future: leave it out for what is known now"));
        }
        let ids = name::parse(DEAL, &sought.name)?;
        let (group, rooftop) = (ids[0].to_owned(), ids[1].to_owned());
        let (now, body) = self.deal_body(&principal, &sought.name).await?;
        let cars = cars_of(&pb::Deal::decode(body.as_slice()).map_err(Failure::internal)?);
        let loaded = self
            .cx
            .platform
            .db
            .read(&principal, move |tx| {
                Box::pin(async move {
                    let wanted = [rooftop];
                    let Some(rooftop) = store::board_rooftops(tx, &group, Some(&wanted)).await?.pop() else {
                        return Ok(None);
                    };
                    let mut told = vec![now.0];
                    if !cars.is_empty() {
                        told.extend(store::knowing_car(tx, &group, &rooftop.rooftop, &cars, now).await?);
                    }
                    let linked = store::linked_to_deals(tx, rooftop.part, &told).await?;
                    let anchors: Vec<Uuid> = linked.iter().map(|row| row.linked.id.0).collect();
                    let inputs = store::inputs_until(tx, rooftop.part, &anchors, at).await?;
                    let observed = store::observed_until(tx, rooftop.part, &group, &rooftop.rooftop, at).await?;
                    let of_deal = linked.iter().filter(|row| row.linked.deal == now).map(|row| row.linked.id);
                    Ok(Some((BoardRooftop { observed, ..rooftop }, inputs, of_deal.collect::<Vec<DealId>>())))
                })
            })
            .await
            .map_err(|error: store::Error| Failure::from(error))?;
        let unknown = || Failure::not_found("deal as known then", &sought.name);
        let Some((rooftop, inputs, of_deal)) = loaded else { return Err(unknown()) };

        let rooftop = under(&principal.group, &rooftop)?;
        let recorded = inputs.into_iter().map(|input| read(&rooftop, input)).collect::<Result<Vec<_>, _>>()?;
        let deals = known::deals(&rooftop, recorded);
        let asked_for = sought.number.or_else(|| DealId::parse(ids[2]));
        let named = asked_for.and_then(|id| deals.iter().find(|known| known.keys.contains(&id)));
        let of_it: Vec<&Known> =
            deals.iter().filter(|known| of_deal.iter().any(|key| known.keys.contains(key))).collect();
        let deal = match (named, of_it.as_slice()) {
            (Some(known), _) => known.deal.clone(),
            (None, [known]) => known.deal.clone(),
            (None, []) => return Err(unknown()),
            (None, several) => return Err(apart(several)),
        };
        let mut deals = [deal];
        self.dress(&principal, &mut deals, [rooftop.id].into(), &BTreeMap::new(), at).await?;
        let [deal] = deals;
        Ok(deal)
    }
}

/// The numbers of its cars: others that know them may have sold them then.
fn cars_of(deal: &pb::Deal) -> Vec<String> {
    let car = |key: &&pb::DealKey| matches!(KeyKind::parse(&key.kind), Some(KeyKind::Vin | KeyKind::Stock));
    deal.keys.iter().filter(car).map(|key| key.value.clone()).collect()
}

/// What is one deal now was several then.
fn apart(several: &[&Known]) -> Failure {
    let names: Vec<&str> = several.iter().take(10).map(|known| known.deal.name.as_str()).collect();
    Failure::invalid("known_at", format!("it was several deals then: name one of {}", names.join(", ")))
}

fn under(group: &str, row: &BoardRooftop) -> Result<Rooftop, Failure> {
    let said = Said::decode(row.body.as_slice()).map_err(Failure::internal)?;
    Ok(Rooftop {
        group: group.to_owned(),
        id: row.rooftop.clone(),
        definition: Definitions::default().read(&said.definition_json).map_err(Failure::internal)?,
        observed: Observed::of(row.observed.iter().cloned()),
        keeps: KEPT,
    })
}

fn read(rooftop: &Rooftop, stored: StoredInput) -> Result<(Input, Vec<Key>), Failure> {
    let told = Event::decode(stored.body.as_slice()).map_err(Failure::internal)?;
    let origin = stored.origin();
    let decision = told.decision.clone();
    let event = wire::event(told, stored.recorded_at, origin).map_err(Failure::internal)?;
    let keys = mention::of_kept(&rooftop.group, &rooftop.id, stored.anchor, &event, decision.as_ref());
    Ok((Input { anchor: stored.anchor, id: stored.id, event }, keys))
}
