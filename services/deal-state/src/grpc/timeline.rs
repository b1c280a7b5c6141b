//! What happened to a deal, in the order of the fold.

use prost::Message;
use throughline_platform::persons;
use throughline_platform::{
    Failure, name,
    principal::Principal,
    seal::{args_hash, page_size},
};
use throughline_process::{Observed, fold};
use throughline_proto::{deal::v1 as pb, event::v1 as event, tenant::v1::Rooftop, time::to_wire};
use uuid::Uuid;

use super::Deals;
use crate::{
    definitions::Definitions,
    store::{self, BoardRooftop, StoredInput},
    wire,
};

const PURPOSE: &str = "timeline";
const DEFAULT_PAGE: u32 = 100;
const LARGEST_PAGE: u32 = 500;

impl Deals {
    pub(super) async fn timeline(
        &self,
        principal: Principal,
        request: pb::GetTimelineRequest,
    ) -> Result<pb::GetTimelineResponse, Failure> {
        let size = page_size(request.page_size, DEFAULT_PAGE, LARGEST_PAGE)? as usize;
        let args = args_hash(&[&request.name]);
        let sealer = &self.cx.platform.sealer;
        let after = sealer.open_page(PURPOSE, &principal, &args, &request.page_token)?;
        let (deal, _) = self.deal_body(&principal, &request.name).await?;
        let rooftop = name::parse("groups/{group}/rooftops/{rooftop}/deals/{deal}", &request.name)?[1].to_owned();

        let group = principal.group.clone();
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
                    let inputs = store::timeline(tx, &group, rooftop.part, deal).await?;
                    Ok(Some((rooftop, inputs)))
                })
            })
            .await
            .map_err(|error: store::Error| Failure::from(error))?;
        let Some((rooftop, inputs)) = loaded else { return Err(Failure::not_found("deal", request.name)) };

        let timeline = in_order(&rooftop, &inputs)?;
        let begin = after.map_or(0, |last| begin_behind(&timeline, &inputs, &last));
        let end = timeline.len().min(begin + size);
        let mut items = Vec::with_capacity(end - begin);
        for place in &timeline[begin..end] {
            items.push(item(&principal, &inputs[*place])?);
        }
        let next = (end < timeline.len()).then(|| {
            let mut last = (end as u64).to_be_bytes().to_vec();
            last.extend_from_slice(inputs[timeline[end - 1]].id.as_bytes());
            sealer.page_token(PURPOSE, &principal, &args, &last)
        });
        Ok(pb::GetTimelineResponse { items, next_page_token: next.unwrap_or_default() })
    }
}

/// The places of the events that count, as the fold orders them.
fn in_order(rooftop: &BoardRooftop, inputs: &[StoredInput]) -> Result<Vec<usize>, Failure> {
    let said = Rooftop::decode(rooftop.body.as_slice()).map_err(Failure::internal)?;
    let definition = Definitions::default().read(&said.definition_json).map_err(Failure::internal)?;
    let observed = Observed::of(rooftop.observed.iter().cloned());
    let mut events = Vec::with_capacity(inputs.len());
    for input in inputs {
        let event = event::Event::decode(input.body.as_slice()).map_err(Failure::internal)?;
        events.push(wire::event(event, input.recorded_at, input.origin()).map_err(Failure::internal)?);
    }
    Ok(fold(&definition, &events, &observed).timeline)
}

/// Where the next page begins: behind the event that ended the last one, or where it was if it counts no more.
fn begin_behind(timeline: &[usize], inputs: &[StoredInput], last: &[u8]) -> usize {
    let (count, id) = last.split_at(last.len().min(8));
    let found = Uuid::from_slice(id).ok().and_then(|id| timeline.iter().position(|place| inputs[*place].id == id));
    let count = count.try_into().map(u64::from_be_bytes).unwrap_or(0);
    found.map_or_else(|| usize::try_from(count).unwrap_or(0), |place| place + 1).min(timeline.len())
}

fn item(principal: &Principal, input: &StoredInput) -> Result<pb::TimelineItem, Failure> {
    let mut event = event::Event::decode(input.body.as_slice()).map_err(Failure::internal)?;
    if !persons::seen_by(principal) {
        persons::hide_in_event(&mut event);
    }
    Ok(pb::TimelineItem {
        event: Some(event),
        recorded_at: Some(to_wire(input.recorded_at)),
        origin: input.origin() as i32,
        recorded_for: if persons::seen_by(principal) { input.actor.clone() } else { String::new() },
    })
}
