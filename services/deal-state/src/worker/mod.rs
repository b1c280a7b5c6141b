//! The projection `deal-state`: entries of the event log in, deals and entries of the deal log out.

pub mod feeds;
mod folding;
mod intake;
mod rooftops;
mod settling;
mod sweeping;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use prost::Message;
use throughline_journal::{ApplyError, Due, EntityKey, Entry, Log, NewEntry, Projection, Timers};
use throughline_platform::{clock::Clock, db::Tx, trace};
use throughline_proto::{
    event::v1::Origin,
    log::v1::{EntryBody, TraceContext, entry_body::Body},
};

use crate::{
    CONSUMER, FaultHook,
    definitions::Definitions,
    domain::{
        mention,
        partition::{self, Joined, Linked, Mention},
    },
    metrics::{Counts, DealMetrics},
    store,
    worker::{
        folding::{Folding, Work},
        intake::{Arrival, Intake, Name},
    },
};

/// Keeps deals from events.
pub struct Folder {
    pub clock: Clock,
    /// None in a rebuild, which says nothing.
    pub log: Option<Log>,
    pub definitions: Definitions,
    pub metrics: DealMetrics,
    pub faults: Option<Arc<dyn FaultHook>>,
}

/// What is done after a commit.
#[derive(Debug, Default)]
pub struct Effects {
    appended: bool,
    counts: Counts,
    timers: Timers,
}

#[async_trait]
impl Projection for Folder {
    type Effects = Effects;

    fn consumer(&self) -> &'static str {
        CONSUMER
    }

    async fn apply(&self, tx: &mut Tx, part: u16, entries: &[Entry]) -> Result<Effects, ApplyError> {
        let intake = Intake::read(entries)?;
        let rooftops = self.rooftops(tx, part, entries, &intake).await?;
        let keys = intake.key_ids();
        let linked = if keys.is_empty() { Vec::new() } else { store::linked(tx, part, &keys, intake.sales()).await? };

        let mut folding = Folding::new(self, part);
        folding.forward(entries, &intake);
        folding.timers.settled.extend(intake.directory.keys().map(|(group, rooftop)| EntityKey {
            group: group.clone(),
            rooftop: rooftop.clone(),
            entity: store::ROOFTOP.to_owned(),
        }));
        rooftops.note(&mut folding.saving, &intake);
        feeds::note(tx, &rooftops, &intake, &mut folding).await?;
        let mut work = Vec::new();
        for (name, arrivals) in intake.deals {
            let stored: Vec<_> = linked
                .iter()
                .filter(|row| (&row.group, &row.rooftop) == (&name.0, &name.1))
                .map(|row| row.linked.clone())
                .collect();
            let mentions: Vec<_> = arrivals.iter().map(Arrival::mention).collect();
            let joined = join(tx, part, &name, &stored, &mentions).await?;
            if let Some(rooftop) = rooftops.get(&name) {
                work.push(Work { rooftop, joined, arrivals });
            }
        }
        folding.fold(tx, entries, work).await?;
        self.commit(tx, part, folding, &rooftops.refolds).await
    }

    async fn committed(&self, part: u16, effects: Effects) {
        self.metrics.committed(effects.counts);
        if let Some(log) = self.log.as_ref().filter(|_| effects.appended) {
            log.wake([part]);
        }
    }

    async fn due(&self, tx: &mut Tx, parts: &[u16], until: Timestamp) -> Result<Vec<u16>, ApplyError> {
        let mut due = store::due(tx, parts).await?;
        due.extend(store::parts_expiring(tx, parts, until).await?);
        due.sort_unstable();
        due.dedup();
        Ok(due)
    }

    fn timers(&self, effects: &mut Effects) -> Timers {
        std::mem::take(&mut effects.timers)
    }

    async fn list_due(&self, tx: &mut Tx, part: u16, rule_time: Timestamp) -> Result<Due, ApplyError> {
        self.next_timers(tx, part, rule_time).await
    }

    async fn fire(
        &self,
        tx: &mut Tx,
        part: u16,
        rule_time: Timestamp,
        entities: &[EntityKey],
    ) -> Result<Effects, ApplyError> {
        // Both kinds never come at once.
        match entities.iter().all(|entity| entity.entity == store::OBSERVED) {
            true => self.expire(tx, part, rule_time, entities).await,
            false => self.sweep(tx, part, entities).await,
        }
    }

    async fn refire(
        &self,
        tx: &mut Tx,
        part: u16,
        rule_time: Timestamp,
        entity: &EntityKey,
    ) -> Result<Effects, ApplyError> {
        if entity.entity == store::OBSERVED {
            return self.expire(tx, part, rule_time, std::slice::from_ref(entity)).await;
        }
        self.sweep_again(tx, part, entity).await
    }

    /// Sources that were heard of ahead of the clock were heard of by now. What is folded reads no clock.
    async fn put_right(&self, tx: &mut Tx, part: u16, rule_time: Timestamp) -> Result<(), ApplyError> {
        let latest = self.clock.now().checked_add(self.clock.tolerance()).unwrap_or(Timestamp::MAX);
        let sources = store::put_feeds_right(tx, part, latest, rule_time).await?;
        if sources > 0 {
            tracing::warn!(part, sources, %rule_time, "sources were heard of ahead of the clock: they were by now");
        }
        Ok(())
    }
}

impl Folder {
    /// Saves what was folded and says it, the log last.
    async fn commit(
        &self,
        tx: &mut Tx,
        part: u16,
        folding: Folding<'_>,
        refolds: &[(String, String, bool)],
    ) -> Result<Effects, ApplyError> {
        let Folding { saving, mut said, counts, timers, .. } = folding;
        saving.save(tx, part).await?;
        store::begin_refolds(tx, part, refolds).await?;
        // As what caused them came.
        said.sort_by_key(|(place, _)| *place);
        let said: Vec<NewEntry> = said.into_iter().map(|(_, entry)| entry).collect();
        let appended = !said.is_empty();
        if let Some(log) = &self.log {
            log.append(tx, self.clock.now(), said).await?;
        }
        Ok(Effects { appended, counts, timers })
    }
}

/// Joins what arrived with what is stored, and with the events of whatever a person split.
async fn join(
    tx: &mut Tx,
    part: u16,
    (group, rooftop): &Name,
    stored: &[Linked],
    arrivals: &[Mention],
) -> Result<Vec<Joined>, ApplyError> {
    let contested: Vec<_> =
        partition::contested(group, rooftop, stored, arrivals).into_iter().map(|key| key.0).collect();
    let mut kept = Vec::new();
    if !contested.is_empty() {
        for input in store::inputs(tx, part, &contested).await? {
            let input = folding::read_input(input)?;
            kept.push(Mention { event: input.id, keys: mention::numbers(&input.event) });
        }
    }
    Ok(partition::join(group, rooftop, stored, arrivals, &kept))
}

/// An entry of our log about something of (group, rooftop); `cause` is none for what no entry caused.
pub fn entry(
    part: u16,
    (group, rooftop): (&str, &str),
    entity: String,
    body: Body,
    origin: Origin,
    cause: Option<&Entry>,
) -> NewEntry {
    NewEntry {
        part,
        group: group.to_owned(),
        rooftop: rooftop.to_owned(),
        entity,
        origin,
        actor: cause.map(|cause| cause.actor.clone()).unwrap_or_default(),
        trace: cause.map_or_else(TraceContext::default, |cause| trace::context_of(&cause.span, &cause.trace)),
        body: Bytes::from(EntryBody { body: Some(body) }.encode_to_vec()),
    }
}
