//! A sound event at its rooftop: everything that the commit needs, computed once.

use std::sync::Arc;

use jiff::Timestamp;
use prost::Message;
use throughline_platform::{Failure, Reason};
use throughline_proto::event::v1::Event;
use uuid::Uuid;

use crate::{
    domain::{
        event::Draft,
        facts::TO_ROOFTOP,
        identity::{content, event_key, quarantine_id},
        instant::{Quality, Times},
        ledger::Claim,
    },
    known::Known,
    refusal::reused,
    store::quarantine::Spoiled,
    wire::event::{Encoded, encode, render, render_rest},
};

/// What entries about no deal, such as shifts and polls, are about.
pub(crate) const STORE: &str = "store";
/// What a source says when it could not read its system.
const FAILED: &str = "feed.failed";

/// A sound event, encoded.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) rooftop: Arc<Known>,
    pub(crate) source: String,
    pub(crate) claim: Claim,
    pub(crate) entity: String,
    pub(crate) encoded: Encoded,
    /// Latest instant at which it may have happened.
    pub(crate) latest: Timestamp,
    /// What it says of its feed.
    pub(crate) signs: Signs,
    /// Its row in quarantine, if it comes from there.
    pub(crate) rested: Option<Uuid>,
}

/// What an event says of its feed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signs {
    /// That its system could not be read.
    pub(crate) failed: bool,
    /// When it claims to have happened, if exactly.
    pub(crate) claimed: Option<Timestamp>,
    /// When the vendor's system showed it.
    pub(crate) observed: Option<Timestamp>,
}

impl Placed {
    /// Places a draft, and calls the rooftop that it names by its id where the directory knows what the source calls it.
    /// None if its day does not exist in the rooftop's zone.
    pub(crate) fn new(
        draft: Draft<Times>,
        group: &str,
        rooftop: &Arc<Known>,
        id_of: impl Fn(&str) -> Option<String>,
    ) -> Option<Self> {
        let bound = draft.times.when.bound(&rooftop.zone)?;
        let key = event_key(group, &rooftop.id, &draft.source, &draft.id);
        let source = draft.source.clone();
        let signs = Signs {
            failed: draft.event_type == FAILED,
            claimed: draft.times.occurred_at.filter(|_| bound.quality == Quality::Exact),
            observed: draft.times.observed_at,
        };
        let entity = if draft.subject.is_empty() { STORE.to_owned() } else { format!("{source} {}", draft.subject) };
        let mut event = render(draft, bound);
        let mut encoded = encode(&event);
        // As it was told: the directory may know more when it is sent again.
        let content = content(&encoded.event());
        if let Some(told) = event.data.get_mut(TO_ROOFTOP)
            && let Some(id) = id_of(told)
        {
            *told = id;
            encoded = encode(&event);
        }
        Some(Self {
            rooftop: rooftop.clone(),
            source,
            claim: Claim { part: rooftop.part, key, content },
            entity,
            encoded,
            latest: bound.latest,
            signs,
            rested: None,
        })
    }

    /// The row that keeps it apart because its id stands for another content.
    pub(crate) fn conflict(&self, group: &str) -> Result<Spoiled, Failure> {
        let bytes = self.encoded.event();
        let event = Event::decode(bytes.clone()).map_err(Failure::internal)?;
        let reason = Reason::EventIdReused;
        Ok(Spoiled {
            group: group.to_owned(),
            id: quarantine_id(group, &self.rooftop.id, reason.as_str_name(), &bytes),
            rooftop: self.rooftop.id.clone(),
            source: event.source,
            event_id: event.id,
            event_type: event.r#type,
            reason,
            message: reused().message().to_owned(),
            event: bytes,
        })
    }
}

/// The row that keeps a spoiled event apart; what did not pass is not in it.
pub(crate) fn spoiled(draft: Draft<Option<Times>>, why: &Failure, group: &str) -> Spoiled {
    let rooftop = draft.rooftop.clone();
    let event = render_rest(draft);
    let bytes = encode(&event).event();
    Spoiled {
        group: group.to_owned(),
        id: quarantine_id(group, &rooftop, why.reason().as_str_name(), &bytes),
        rooftop,
        source: event.source,
        event_id: event.id,
        event_type: event.r#type,
        reason: why.reason(),
        message: why.message().to_owned(),
        event: bytes,
    }
}
