//! Folding what a batch touched: each deal once, however many entries it has in the batch.

use std::{
    collections::{BTreeMap, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use prost::Message;
use throughline_journal::{ApplyError, Entry, NewEntry, Timers};
use throughline_platform::db::Tx;
use throughline_process::Key;
use throughline_proto::{
    deal::v1 as pb,
    event::v1::{Event, Origin},
    log::v1::entry_body::Body,
    time::from_wire,
};
use uuid::Uuid;

use super::{
    Folder,
    intake::{Arrival, Intake, Name, poison},
    settling::Settling,
};
use crate::{
    domain::{
        board,
        capacity::Input,
        folding::{Outcome, Rooftop, Said, Touch, refold},
        id::DealId,
        partition::Joined,
    },
    metrics::Counts,
    store::{self, DealColumns, Saving, StoredInput},
    wire,
};

/// So many events are held in memory at once, beside those of the last deal.
const HELD_AT_ONCE: usize = 20_000;

/// Entity of what is said of a rooftop's sources.
const FEED: &str = "feed";

/// The deals of one rooftop that are to be folded.
pub struct Work {
    pub rooftop: Arc<Rooftop>,
    pub joined: Vec<Joined>,
    pub arrivals: Vec<Arrival>,
}

/// One deal that is to be folded.
struct Task {
    rooftop: Arc<Rooftop>,
    joined: Joined,
    arrivals: Vec<Arrival>,
    before: BTreeMap<DealId, pb::Deal>,
    /// Place of the entry because of which it is folded, which may be of another deal of the same sale.
    cause: Option<usize>,
}

/// What came of it so far.
pub struct Folding<'f> {
    folder: &'f Folder,
    pub part: u16,
    pub saving: Saving,
    /// What is to be said, each with the place of the entry that caused it.
    pub said: Vec<(usize, NewEntry)>,
    pub counts: Counts,
    /// Deals that are up to date now, and those of which something cannot be read.
    pub timers: Timers,
}

impl<'f> Folding<'f> {
    pub fn new(folder: &'f Folder, part: u16) -> Self {
        Self {
            folder,
            part,
            saving: Saving::default(),
            said: Vec::new(),
            counts: Counts::default(),
            timers: Timers::default(),
        }
    }

    /// Passes on what is of no deal.
    pub fn forward(&mut self, entries: &[Entry], intake: &Intake) {
        for place in &intake.forwarded {
            let cause = &entries[*place];
            if let Some(body) = &cause.body {
                let entity = cause.entity.clone();
                let entry = super::entry(
                    self.part,
                    (&cause.group, &cause.rooftop),
                    entity,
                    body.clone(),
                    cause.origin,
                    Some(cause),
                );
                self.said.push((*place, entry));
            }
        }
    }

    /// Tells of a source, behind everything else.
    pub(super) fn tell(&mut self, (group, rooftop): &Name, state: pb::FeedState) {
        let body = Body::Feed(state);
        let entry = super::entry(self.part, (group, rooftop), FEED.to_owned(), body, Origin::Live, None);
        self.said.push((usize::MAX, entry));
    }

    /// Folds all of it: one query for what was said of the deals, one for their events.
    pub async fn fold(&mut self, tx: &mut Tx, entries: &[Entry], work: Vec<Work>) -> Result<(), ApplyError> {
        let joined = work.iter().flat_map(|work| &work.joined);
        let ids: Vec<Uuid> = joined.flat_map(|joined| &joined.before).map(|id| id.0).collect();
        let before = if ids.is_empty() { Vec::new() } else { store::deals_before(tx, self.part, &ids).await? };
        let before: HashMap<DealId, store::Before> = before.into_iter().map(|before| (before.id, before)).collect();

        let (mut tasks, mut settling) = (Vec::new(), Vec::new());
        let mut held = 0;
        for Work { rooftop, joined, arrivals } in work {
            let places: Vec<usize> = arrivals.iter().map(|arrival| arrival.place).collect();
            let mut arrivals: Vec<Option<Arrival>> = arrivals.into_iter().map(Some).collect();
            for joined in joined {
                let arrivals: Vec<Arrival> =
                    joined.arrivals.iter().filter_map(|place| arrivals.get_mut(*place)?.take()).collect();
                held += arrivals.len();
                let mut known = BTreeMap::new();
                // Not taken out: what comes apart has been the same deal before.
                for stored in joined.before.iter().filter_map(|id| before.get(id)) {
                    held += stored.event_count;
                    known.insert(stored.id, read(&stored.body, "deal")?);
                }
                let cause = joined.cause.map(|arrival| places[arrival]);
                tasks.push(Task { rooftop: rooftop.clone(), joined, arrivals, before: known, cause });
                if held >= HELD_AT_ONCE {
                    self.fold_tasks(tx, entries, std::mem::take(&mut tasks), &mut settling).await?;
                    held = 0;
                }
            }
        }
        self.fold_tasks(tx, entries, tasks, &mut settling).await?;
        self.settle(tx, entries, settling).await
    }

    async fn fold_tasks(
        &self,
        tx: &mut Tx,
        entries: &[Entry],
        tasks: Vec<Task>,
        settling: &mut Vec<Settling>,
    ) -> Result<(), ApplyError> {
        let known = tasks.iter().filter(|task| !task.joined.before.is_empty());
        let anchors: Vec<Uuid> = known.flat_map(|task| task.joined.keys.keys()).map(|key| key.0).collect();
        let inputs = if anchors.is_empty() { Vec::new() } else { store::inputs(tx, self.part, &anchors).await? };
        let mut by_anchor: HashMap<DealId, Vec<StoredInput>> = HashMap::new();
        for input in inputs {
            by_anchor.entry(input.anchor).or_default().push(input);
        }
        for task in tasks {
            let mut kept = Vec::new();
            for stored in task.joined.keys.keys().filter_map(|key| by_anchor.remove(key)).flatten() {
                kept.push(read_input(stored)?);
            }
            settling.push(self.fold_task(entries, task, kept)?);
        }
        Ok(())
    }

    fn fold_task(&self, entries: &[Entry], task: Task, kept: Vec<Input>) -> Result<Settling, ApplyError> {
        let Task { rooftop, joined, arrivals, before, cause } = task;
        let because = cause.map(|place| &entries[place]);
        let mut keeping = Vec::with_capacity(arrivals.len());
        let mut arrived = Vec::with_capacity(arrivals.len());
        for Arrival { place, input, body, .. } in arrivals {
            let entry = &entries[place];
            keeping.push(StoredInput {
                anchor: input.anchor,
                id: input.id,
                recorded_at: entry.recorded_at,
                origin: entry.origin as i16,
                actor: entry.actor.clone(),
                body,
            });
            arrived.push(input);
        }

        let span = because.map_or_else(tracing::Span::none, |entry| entry.span.clone());
        let started = Instant::now();
        let folded = span.in_scope(|| {
            // A fault of the fold is that deal's alone.
            catch_unwind(AssertUnwindSafe(|| {
                if let Some(faults) = &self.folder.faults {
                    let keys: Vec<Key> = joined.keys.values().cloned().collect();
                    faults.before_fold(&rooftop.group, &rooftop.id, &keys);
                }
                refold(&rooftop, &joined, kept, arrived, before, because.map(touch))
            }))
        });
        self.folder.metrics.fold_took(started.elapsed());
        match folded {
            Ok(folded) => Ok(Settling { rooftop, joined, folded, keeping, cause }),
            Err(_) => {
                let cause = format!("the fold of deal {} panicked", joined.deal);
                Err(match because {
                    Some(entry) => poison(entry, cause),
                    None => unknown(cause),
                })
            }
        }
    }

    pub(super) fn keep(&mut self, rooftop: &Rooftop, joined: &Joined, outcome: &Outcome, keeping: Vec<StoredInput>) {
        let (group, id) = (rooftop.group.as_str(), rooftop.id.as_str());
        let mut kept = outcome.kept.clone();
        // The same event may be in the batch twice.
        for input in keeping.into_iter().filter(|input| kept.remove(&input.id)) {
            self.saving.input((group, id), input);
        }
        for (anchor, event) in &outcome.dropped {
            self.saving.input_gone(*anchor, *event);
        }
        for key in &joined.repointed {
            if let Some(value) = joined.keys.get(key) {
                let core = joined.cores.get(key).copied().unwrap_or(joined.deal);
                self.saving.key((group, id), *key, value, core, joined.deal);
            }
        }
        for mark in &outcome.marks_added {
            self.saving.mark((group, id), joined.deal, mark);
        }
        for mark in &outcome.marks_removed {
            self.saving.mark_gone(joined.deal, mark);
        }
        for car in &outcome.cars_added {
            self.saving.cars.sold(joined.deal, car);
        }
        for car in &outcome.cars_removed {
            self.saving.cars.gone(joined.deal, car);
        }
        for (taken, _) in &outcome.retracted {
            self.saving.deal_gone(*taken);
            self.saving.work.gone(*taken);
        }
        if let Some(work) = &outcome.work {
            self.saving.work.now((group, id), joined.deal, work);
        }
        if let Some(deal) = &outcome.deal {
            self.saving.deal((group, id), joined.deal, columns(deal, outcome.blind), deal.encode_to_vec());
        }
    }

    pub(super) fn say(&mut self, rooftop: &Rooftop, outcome: Outcome, cause: Option<(usize, &Entry)>) {
        self.counts.folded += u64::from(cause.is_some());
        self.counts.refolded += u64::from(cause.is_none());
        self.counts.merges += outcome.retracted.len() as u64;
        self.counts.overflows += u64::from(outcome.overflowed);
        let origin = outcome.deal.as_ref().map_or(Origin::Unspecified, pb::Deal::origin);
        let own = match (outcome.said, outcome.deal) {
            (Said::Deal, Some(deal)) => Some((outcome.id, Body::Deal(deal))),
            (Said::Gone(retraction), _) => Some((outcome.id, Body::DealRetraction(retraction))),
            _ => None,
        };
        // The survivor first: whoever follows finds it when it reads whose place it took.
        let taken = outcome.retracted.into_iter().filter_map(|(id, taken)| Some((id, Body::DealRetraction(taken?))));
        for (id, body) in own.into_iter().chain(taken) {
            let (place, entry) = (cause.map_or(0, |cause| cause.0), cause.map(|cause| cause.1));
            let name = (rooftop.group.as_str(), rooftop.id.as_str());
            self.said.push((place, super::entry(self.part, name, id.to_string(), body, origin, entry)));
        }
    }
}

pub(super) fn touch(entry: &Entry) -> Touch {
    Touch { recorded_at: entry.recorded_at, origin: entry.origin }
}

pub(super) fn columns(deal: &pb::Deal, blind: bool) -> DealColumns {
    DealColumns {
        state: deal.state as i16,
        open: board::is_open(deal.state()),
        blind,
        opened_at: deal.opened_at.as_ref().and_then(from_wire),
        last_event_at: deal.last_event_at.as_ref().and_then(from_wire),
        rework: deal.rework,
        event_count: deal.event_count,
        state_hash: deal.state_hash.clone(),
    }
}

/// What we stored ourselves. A row that cannot be read is the fault of whoever needs it, not of the whole part.
pub(super) fn read<M: Message + Default>(body: &[u8], what: &str) -> Result<M, ApplyError> {
    M::decode(body).map_err(|error| unknown(format!("a stored {what} cannot be read: {error}")))
}

/// The follower finds out of which deal it is.
fn unknown(cause: String) -> ApplyError {
    ApplyError::Poison { entity: String::new(), cause }
}

pub(super) fn read_input(stored: StoredInput) -> Result<Input, ApplyError> {
    let event: Event = read(&stored.body, "event")?;
    let event = wire::event(event, stored.recorded_at, stored.origin())
        .map_err(|error| unknown(format!("a stored event cannot be read: {error}")))?;
    Ok(Input { anchor: stored.anchor, id: stored.id, event })
}
