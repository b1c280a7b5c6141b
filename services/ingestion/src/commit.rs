//! One transaction for all events that a lane has gathered: ids claimed, feeds heard, quarantine kept, and last the log.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use throughline_journal::{Commit, Log, NewEntry};
use throughline_platform::{
    Failure, Reason,
    clock::Clock,
    db::{Db, Role, Tx},
    trace::TraceContext,
};
use throughline_proto::event::v1::Origin;
use uuid::Uuid;

use crate::{
    domain::ledger::{self, Claim, Verdict},
    heard::hear,
    placed::Placed,
    refusal::reused,
    store::{
        self,
        quarantine::{Spoiled, Still},
    },
};

/// Rows of quarantine that a group may have.
pub(crate) const MOST_QUARANTINED: i64 = 100_000;

/// What one call brings to one lane.
#[derive(Debug, Default)]
pub(crate) struct Submission {
    pub(crate) group: String,
    pub(crate) origin: Origin,
    pub(crate) actor: String,
    pub(crate) from_file: bool,
    pub(crate) trace: TraceContext,
    /// Sound events, all of parts of this lane.
    pub(crate) placed: Vec<Placed>,
    /// Events to keep apart.
    pub(crate) spoiled: Vec<Spoiled>,
}

impl Submission {
    /// Events in it.
    pub(crate) fn weight(&self) -> u32 {
        u32::try_from(self.placed.len() + self.spoiled.len()).unwrap_or(u32::MAX)
    }
}

/// What became of a submission.
#[derive(Debug, Default)]
pub(crate) struct Receipt {
    /// One for each placed event, in order.
    pub(crate) placed: Vec<Taken>,
    /// For each spoiled event, in order, whether there was room to keep it.
    pub(crate) kept: Vec<bool>,
    /// The furthest position of each part that got entries.
    pub(crate) positions: Vec<(u16, u64)>,
    /// The other parts in which there are duplicates: what they repeat lies somewhere up to the head.
    pub(crate) repeated: BTreeSet<u16>,
}

/// What became of a placed event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Accepted,
    Duplicate,
    /// Its id stands for another content; kept apart.
    Conflict,
    /// The same, and there was no room to keep it.
    ConflictNotKept,
}

/// What became of a commit.
struct Committed {
    receipts: Vec<Receipt>,
    /// Parts that got entries.
    parts: BTreeSet<u16>,
}

/// Commits submissions to the event log.
#[derive(Clone)]
pub(crate) struct Ledger {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) log: Log,
}

impl Commit for Ledger {
    type Item = Submission;
    type Outcome = Receipt;

    async fn commit(&self, _lane: usize, items: Vec<Submission>) -> Vec<Result<Receipt, Failure>> {
        let count = items.len();
        let (clock, log) = (self.clock.clone(), self.log.clone());
        let committed = self
            .db
            .work(Role::Appender, move |tx| Box::pin(async move { commit(tx, clock.now(), &log, items).await }))
            .await;
        match committed {
            Ok(Committed { receipts, parts }) => {
                self.log.wake(parts);
                receipts.into_iter().map(Ok).collect()
            }
            Err(failure) => (0..count).map(|_| Err(failure.clone())).collect(),
        }
    }
}

async fn commit(tx: &mut Tx, now: Timestamp, log: &Log, items: Vec<Submission>) -> Result<Committed, Failure> {
    let verdicts = judge(tx, &items).await?;
    let told = hear(tx, now, &items, &verdicts).await?;
    let kept = keep(tx, now, &items, &verdicts).await?;
    append(tx, now, log, items, verdicts, kept, told).await
}

/// Which events are new. One verdict for each placed event of each submission.
async fn judge(tx: &mut Tx, items: &[Submission]) -> Result<Vec<Verdict>, Failure> {
    let claims: Vec<Claim> = items.iter().flat_map(|item| &item.placed).map(|placed| placed.claim).collect();
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    let mut groups: HashMap<(u16, Uuid), &str> = HashMap::with_capacity(claims.len());
    for item in items {
        groups.extend(item.placed.iter().map(|placed| ((placed.claim.part, placed.claim.key), item.group.as_str())));
    }
    let first = ledger::first_claims(&claims);
    let owners: Vec<&str> = first.iter().map(|claim| groups[&(claim.part, claim.key)]).collect();
    let won = store::events::claim(tx, &first, &owners).await?;
    let lost: Vec<Claim> = first.iter().filter(|claim| !won.contains(&(claim.part, claim.key))).copied().collect();
    let stored = if lost.is_empty() { HashMap::new() } else { store::events::stored(tx, &lost).await? };
    let verdicts = ledger::decide(
        &claims,
        &first,
        |claim| won.contains(&(claim.part, claim.key)),
        |claim| stored.get(&(claim.part, claim.key)).copied(),
    );
    if verdicts.contains(&Verdict::Unsettled) {
        return Err(Failure::unavailable("an event id", "it was claimed and vanished within this transaction"));
    }
    Ok(verdicts)
}

/// Whether there was room: for the spoiled events of each submission, then for its conflicts, each in order.
type Kept = Vec<(Vec<bool>, Vec<bool>)>;

async fn keep(tx: &mut Tx, now: Timestamp, items: &[Submission], verdicts: &[Verdict]) -> Result<Kept, Failure> {
    let mut spoiled: Vec<Spoiled> = Vec::new();
    let mut counts = Vec::with_capacity(items.len());
    let mut released: Vec<(&str, Uuid)> = Vec::new();
    let mut still: Vec<Still> = Vec::new();
    let mut verdicts = verdicts.iter();
    for item in items {
        spoiled.extend(item.spoiled.iter().cloned());
        let before = spoiled.len();
        for (placed, verdict) in item.placed.iter().zip(verdicts.by_ref()) {
            match (verdict, placed.rested) {
                (Verdict::Reused, None) => spoiled.push(placed.conflict(&item.group)?),
                (Verdict::Reused, Some(id)) => still.push(Still {
                    group: item.group.clone(),
                    id,
                    reason: Reason::EventIdReused,
                    message: reused().message().to_owned(),
                }),
                (Verdict::New | Verdict::Known, Some(id)) => released.push((&item.group, id)),
                (Verdict::New | Verdict::Known | Verdict::Unsettled, _) => {}
            }
        }
        counts.push((item.spoiled.len(), spoiled.len() - before));
    }
    let kept = if spoiled.is_empty() {
        Vec::new()
    } else {
        store::quarantine::keep(tx, now, &spoiled, MOST_QUARANTINED).await?
    };
    if !released.is_empty() {
        store::quarantine::release(tx, now, &released).await?;
    }
    if !still.is_empty() {
        store::quarantine::keep_still(tx, &still).await?;
    }
    let mut kept = kept.into_iter();
    let mut next = |count| kept.by_ref().take(count).collect::<Vec<bool>>();
    Ok(counts.into_iter().map(|(spoiled, conflicts)| (next(spoiled), next(conflicts))).collect())
}

/// Writes the log, last of all: from here to the commit the heads of these parts are held.
async fn append(
    tx: &mut Tx,
    now: Timestamp,
    log: &Log,
    items: Vec<Submission>,
    verdicts: Vec<Verdict>,
    kept: Kept,
    told: Vec<NewEntry>,
) -> Result<Committed, Failure> {
    let new = verdicts.iter().filter(|verdict| **verdict == Verdict::New).count();
    let mut entries: Vec<NewEntry> = Vec::with_capacity(new);
    let mut receipts = Vec::with_capacity(items.len());
    let mut appended = Vec::with_capacity(items.len());
    let mut verdicts = verdicts.into_iter();
    for (item, (kept, conflicts)) in items.into_iter().zip(kept) {
        let Submission { group, origin, actor, trace, placed, .. } = item;
        let mut conflicts = conflicts.into_iter();
        let mut taken = Vec::with_capacity(placed.len());
        let mut repeated = BTreeSet::new();
        let from = entries.len();
        for (placed, verdict) in placed.into_iter().zip(verdicts.by_ref()) {
            taken.push(match verdict {
                Verdict::New => Taken::Accepted,
                Verdict::Known => Taken::Duplicate,
                // A replayed one rests where it was.
                Verdict::Reused | Verdict::Unsettled if placed.rested.is_some() => Taken::Conflict,
                Verdict::Reused | Verdict::Unsettled if conflicts.next() == Some(true) => Taken::Conflict,
                Verdict::Reused | Verdict::Unsettled => Taken::ConflictNotKept,
            });
            if verdict == Verdict::Known {
                repeated.insert(placed.claim.part);
            }
            if verdict == Verdict::New {
                entries.push(NewEntry {
                    part: placed.claim.part,
                    group: group.clone(),
                    rooftop: placed.rooftop.id.clone(),
                    entity: placed.entity,
                    origin,
                    actor: actor.clone(),
                    trace: trace.clone(),
                    body: placed.encoded.body,
                });
            }
        }
        appended.push(from..entries.len());
        receipts.push(Receipt { placed: taken, kept, positions: Vec::new(), repeated });
    }
    entries.extend(told);
    if entries.is_empty() {
        return Ok(Committed { receipts, parts: BTreeSet::new() });
    }
    let parts: Vec<u16> = entries.iter().map(|entry| entry.part).collect();
    let recorded = log.append(tx, now, entries).await?;
    for (receipt, range) in receipts.iter_mut().zip(appended) {
        let mut furthest: BTreeMap<u16, u64> = BTreeMap::new();
        for (part, recorded) in parts[range.clone()].iter().zip(&recorded[range]) {
            let reached = furthest.entry(*part).or_default();
            *reached = (*reached).max(recorded.position);
        }
        receipt.repeated.retain(|part| !furthest.contains_key(part));
        receipt.positions = furthest.into_iter().collect();
    }
    Ok(Committed { receipts, parts: parts.into_iter().collect() })
}
