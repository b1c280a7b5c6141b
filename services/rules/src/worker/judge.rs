//! Judging deals: load, decide, save, in one transaction with the cursor.

use std::{
    collections::{BTreeMap, HashMap},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use jiff::Timestamp;
use prost::Message;
use throughline_journal::{ApplyError, Log, NewEntry};
use throughline_platform::{
    clock::Clock,
    db::Tx,
    tasks::panic_text,
    trace::{self, TraceContext},
};
use throughline_process::Origin;
use throughline_proto as pb;

use super::rulebooks::{RooftopKey, Rulebooks};
use crate::{
    domain::{self, Change, Flag, Judged, Review, ReviewChange, Rulebook, Step, Subject},
    store::{self, DealKey, KeptDeal},
    wire,
};

/// Where deals are judged.
pub(super) struct Bench {
    pub(super) log: Log,
    pub(super) clock: Clock,
    pub(super) rulebooks: Rulebooks,
    pub(super) rule_times: RuleTimes,
}

/// The last rule time of each part, as this process was told.
#[derive(Debug, Default)]
pub(super) struct RuleTimes(Mutex<BTreeMap<u16, Timestamp>>);

impl RuleTimes {
    pub(super) fn note(&self, part: u16, rule_time: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(part, rule_time);
    }

    fn of(&self, part: u16) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&part).copied()
    }
}

/// A deal that is to be judged.
pub(super) struct Case {
    pub(super) key: DealKey,
    /// None: it no longer stands under its name.
    pub(super) told: Option<Told>,
    /// Deals that it takes over, or may: what no longer stands under its name is told soon.
    pub(super) takes_over: Vec<DealKey>,
    /// Everything recorded before this is known.
    pub(super) now: Timestamp,
    pub(super) origin: Origin,
    /// When its last entry was recorded.
    pub(super) recorded_at: Timestamp,
    /// What is appended because of it belongs here.
    pub(super) trace: TraceContext,
}

/// What is known of a deal.
pub(super) struct Told {
    pub(super) subject: Subject,
    /// When it leaves the floor unless something happens; none if it is not on it.
    leaves_floor_at: Option<Timestamp>,
    /// Encoded `Deal`.
    pub(super) body: Bytes,
}

impl Told {
    pub(super) fn of(deal: &pb::deal::v1::Deal, body: Bytes) -> Result<Self, wire::Unreadable> {
        let subject = wire::subject(deal)?;
        Ok(Self { leaves_floor_at: wire::leaves_floor_at(deal, &subject)?, subject, body })
    }
}

/// What was said of the deals that one takes over.
#[derive(Default)]
struct Former {
    flags: Vec<Flag>,
    reviews: Vec<Review>,
}

/// What a transaction came to.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    pub(super) changes: Vec<Change>,
    /// Not yet appended.
    entries: Vec<NewEntry>,
    pub(super) appended: bool,
}

struct Verdict {
    case: Case,
    was_kept: bool,
    judged: Judged,
    reviews: Vec<ReviewChange>,
}

impl Bench {
    /// Judges deals of one part, each at most once, and saves what changed about them; what there is to say of it in the
    /// log is added to `verdicts`.
    pub(super) async fn judge(
        &self,
        tx: &mut Tx,
        part: u16,
        cases: Vec<Case>,
        verdicts: &mut Verdicts,
    ) -> Result<(), ApplyError> {
        if cases.is_empty() {
            return Ok(());
        }
        let rulebooks = self.rulebooks.of(tx, part, &cases).await?;
        let mut keys: Vec<DealKey> = cases.iter().map(|case| case.key.clone()).collect();
        let kept = store::load_deals(tx, part, &keys).await.map_err(refused)?;
        keys.extend(cases.iter().flat_map(|case| &case.takes_over).cloned());
        keys.sort_unstable();
        keys.dedup();
        let mut flags = store::load_flags(tx, part, &keys).await.map_err(refused)?;
        let mut reviews = store::load_reviews(tx, part, &keys).await.map_err(refused)?;

        let mut former: HashMap<DealKey, Former> = HashMap::new();
        for case in cases.iter().filter(|case| !case.takes_over.is_empty()) {
            let of = former.entry(case.key.clone()).or_default();
            for taken in &case.takes_over {
                of.flags.extend(flags.get(taken).into_iter().flatten().cloned());
                of.reviews.extend(reviews.get(taken).into_iter().flatten().cloned());
            }
        }

        let mut judgements = Vec::with_capacity(cases.len());
        for mut case in cases {
            let judged_at = kept.get(&case.key).copied();
            case.now = self.instant(part, case.now, judged_at);
            let flags = flags.remove(&case.key).unwrap_or_default();
            let reviews = reviews.remove(&case.key).unwrap_or_default();
            let former = former.remove(&case.key).unwrap_or_default();
            let (judged, reviews) = decide(&case, &rulebook(&rulebooks, &case.key), flags, reviews, former)
                .map_err(|cause| ApplyError::Poison { entity: case.key.deal.clone(), cause })?;
            judgements.push(Verdict { was_kept: judged_at.is_some(), case, judged, reviews });
        }
        save_deals(tx, part, &judgements).await?;
        explain_queues(tx, part, &mut judgements, &rulebooks, self.clock.now()).await?;
        save_flags(tx, part, &judgements).await?;
        for Verdict { case, judged, reviews, .. } in judgements {
            verdicts.add(part, &case, judged, &reviews);
        }
        Ok(())
    }

    /// At which instant a deal is judged. Never earlier than before: what has opened by then has opened. But an instant
    /// ahead of the clock was read off a clock that has stepped back since: what is judged by it has not happened.
    fn instant(&self, part: u16, now: Timestamp, judged_at: Option<Timestamp>) -> Timestamp {
        let latest = judged_at.map_or(now, |judged_at| judged_at.max(now));
        match self.rule_times.of(part).filter(|_| self.clock.is_ahead(latest)) {
            Some(rule_time) => {
                judged_at.filter(|at| !self.clock.is_ahead(*at)).map_or(rule_time, |at| at.max(rule_time))
            }
            // Before the first rule time of this process nothing else is known; `put_right` comes with it.
            None => latest,
        }
    }

    /// Says it in the flag log: the last thing before the commit.
    pub(super) async fn append(&self, tx: &mut Tx, verdicts: &mut Verdicts) -> Result<(), ApplyError> {
        let entries = std::mem::take(&mut verdicts.entries);
        verdicts.appended = !entries.is_empty();
        self.log.append(tx, self.clock.now(), entries).await?;
        Ok(())
    }
}

impl Verdicts {
    pub(super) fn add(&mut self, part: u16, case: &Case, judged: Judged, reviews: &[ReviewChange]) {
        if judged.changes.is_empty() && reviews.is_empty() {
            return;
        }
        let span = trace::child_span(&case.trace, "rules.judge");
        let trace = trace::context_of(&span, &case.trace);
        let entry = |entity: &str, origin: Origin, body: pb::log::v1::EntryBody| NewEntry {
            part,
            group: case.key.group.clone(),
            rooftop: case.key.rooftop.clone(),
            entity: entity.to_owned(),
            origin: wire::render_origin(origin),
            actor: String::new(),
            trace: trace.clone(),
            body: Bytes::from(body.encode_to_vec()),
        };
        let flags = judged.changes.iter().map(|change| &change.flag);
        self.entries.extend(flags.map(|flag| entry(&flag.id, flag.origin, wire::flag_entry(flag))));
        let reviews = reviews.iter().map(|change| &change.review);
        self.entries.extend(reviews.map(|review| entry(&review.id, case.origin, wire::review_entry(review))));
        self.changes.extend(judged.changes);
    }
}

/// Pure, but a panic in it is told apart from one in what surrounds it: it is this deal's fault.
fn decide(
    case: &Case,
    rulebook: &Rulebook,
    flags: Vec<Flag>,
    reviews: Vec<Review>,
    former: Former,
) -> Result<(Judged, Vec<ReviewChange>), String> {
    let subject = case.told.as_ref().map(|told| &told.subject);
    let decided = AssertUnwindSafe(|| {
        let judged = domain::judge(subject, rulebook, flags, &former.flags, case.now, case.origin);
        (judged, domain::review(subject, reviews, &former.reviews, case.now))
    });
    std::panic::catch_unwind(decided).map_err(|panic| format!("judging panicked: {}", panic_text(panic.as_ref())))
}

async fn save_deals(tx: &mut Tx, part: u16, verdicts: &[Verdict]) -> Result<(), ApplyError> {
    let (mut kept, mut forgotten) = (Vec::new(), Vec::new());
    for Verdict { case, was_kept, judged, .. } in verdicts {
        let waits_for = case.told.as_ref().map(|told| told.subject.waits_for()).unwrap_or_default();
        let matters = judged.next_change.is_some()
            || judged.standing
            || judged.undecided
            || judged.unconfirmed
            || !waits_for.is_empty();
        let leaves_floor_at = case.told.as_ref().and_then(|told| told.leaves_floor_at).filter(|at| *at > case.now);
        match &case.told {
            Some(told) if matters || leaves_floor_at.is_some() => kept.push(KeptDeal {
                key: case.key.clone(),
                judged_at: case.now,
                // What is kept for the floor alone is looked at, and forgotten, when it leaves it.
                next_change: if matters { judged.next_change } else { leaves_floor_at },
                waits_for,
                unconfirmed: judged.unconfirmed,
                on_floor: leaves_floor_at.is_some(),
                origin: case.origin,
                recorded_at: case.recorded_at,
                trace: case.trace.clone(),
                body: told.body.clone(),
            }),
            _ if *was_kept => forgotten.push(case.key.clone()),
            _ => {}
        }
    }
    store::save_deals(tx, part, &kept).await.map_err(refused)?;
    store::forget_deals(tx, part, &forgotten).await.map_err(refused)
}

/// Says of a flag that opens or turns red just now how many others wait for the same department. The queues of the past are not
/// known.
async fn explain_queues(
    tx: &mut Tx,
    part: u16,
    verdicts: &mut [Verdict],
    rulebooks: &HashMap<RooftopKey, Arc<Rulebook>>,
    now: Timestamp,
) -> Result<(), ApplyError> {
    let fresh = |change: &&Change| {
        change.flag.content.kind == "handoff_idle"
            && matches!(change.step, Step::Opened | Step::Raised)
            && change.flag.alert_is_due(now)
    };
    let wanted: Vec<(&DealKey, &str)> = verdicts
        .iter()
        .flat_map(|verdict| {
            let changes = verdict.judged.changes.iter().filter(fresh);
            changes.map(|change| (&verdict.case.key, change.flag.content.department.as_str()))
        })
        .collect();
    let others = store::count_queues(tx, part, &wanted).await.map_err(refused)?;
    let mut others = others.into_iter();
    for verdict in verdicts {
        let rulebook = rulebook(rulebooks, &verdict.case.key);
        for change in verdict.judged.changes.iter_mut().filter(|change| fresh(&&**change)) {
            let department = rulebook.department(&change.flag.content.department);
            change.flag.causes = domain::queue_cause(department, others.next().unwrap_or(0)).into_iter().collect();
        }
    }
    Ok(())
}

async fn save_flags(tx: &mut Tx, part: u16, verdicts: &[Verdict]) -> Result<(), ApplyError> {
    let flags: Vec<(&DealKey, &Flag)> = verdicts
        .iter()
        .flat_map(|verdict| verdict.judged.changes.iter().map(|change| (&verdict.case.key, &change.flag)))
        .collect();
    store::save_flags(tx, part, &flags).await.map_err(refused)?;
    let reviews: Vec<(&DealKey, &Review)> = verdicts
        .iter()
        .flat_map(|verdict| verdict.reviews.iter().map(|change| (&verdict.case.key, &change.review)))
        .collect();
    store::save_reviews(tx, part, &reviews).await.map_err(refused)
}

fn rulebook(rulebooks: &HashMap<RooftopKey, Arc<Rulebook>>, key: &DealKey) -> Arc<Rulebook> {
    rulebooks.get(&(key.group.clone(), key.rooftop.clone())).cloned().unwrap_or_default()
}

/// A value that the database refuses is an entry's fault; everything else is the database's.
pub(super) fn refused(error: store::Error) -> ApplyError {
    match error {
        store::Error::Database(error) => error.into(),
        unreadable => ApplyError::Poison { entity: String::new(), cause: unreadable.to_string() },
    }
}
