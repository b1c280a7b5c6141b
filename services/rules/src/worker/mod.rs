//! The follower of the deal log, the alarms, and housekeeping.

mod alarm;
mod floor;
mod housekeeping;
mod judge;
mod rulebooks;
mod staff;

pub use housekeeping::keep_house;

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use prost::Message;
use throughline_journal::{ApplyError, Due, EntityKey, Entry, Log, Projection, Timers};
use throughline_platform::{clock::Clock, db::Tx, trace};
use throughline_proto::{self as pb, log::v1::entry_body::Body};

use crate::{
    metrics::RuleMetrics,
    store::{self, DealKey},
    wire,
};
use judge::{Bench, Case, RuleTimes, Told, Verdicts};
use rulebooks::Rulebooks;

/// Alarms that ring together.
const ALARMS: i64 = 256;

/// Judges deals as the deal log tells of them, and as time passes.
pub struct Rules {
    bench: Bench,
    metrics: RuleMetrics,
}

impl Rules {
    pub fn new(log: Log, clock: Clock, metrics: RuleMetrics) -> Self {
        Self { bench: Bench { log, clock, rulebooks: Rulebooks::default(), rule_times: RuleTimes::default() }, metrics }
    }
}

/// What is done once a transaction has committed.
#[derive(Debug, Default)]
pub struct Effects {
    verdicts: Verdicts,
    alarms: u64,
    /// Deals and rooftops that entries have brought up to date.
    settled: Vec<EntityKey>,
}

#[async_trait]
impl Projection for Rules {
    type Effects = Effects;

    fn consumer(&self) -> &'static str {
        crate::CONSUMER
    }

    async fn apply(&self, tx: &mut Tx, part: u16, entries: &[Entry]) -> Result<Effects, ApplyError> {
        // A deal's last entry says everything: earlier ones of the batch are not judged.
        let mut cases: BTreeMap<DealKey, Case> = BTreeMap::new();
        let mut survivors: BTreeMap<DealKey, DealKey> = BTreeMap::new();
        let mut rooftops = Vec::new();
        let mut feeds = Vec::new();
        for entry in entries {
            match &entry.body {
                Some(Body::Feed(feed)) => feeds.push((entry, feed)),
                Some(Body::Rooftop(rooftop)) => {
                    self.bench.rulebooks.learn(tx, part, entry, rooftop).await?;
                    rooftops.push(EntityKey {
                        group: entry.group.clone(),
                        rooftop: entry.rooftop.clone(),
                        entity: store::ROOFTOP.to_owned(),
                    });
                }
                Some(Body::Deal(deal)) => {
                    let case = told(entry, deal).map_err(|why| poison(entry, why))?;
                    survivors.remove(&case.key);
                    cases.insert(case.key.clone(), case);
                }
                Some(Body::DealRetraction(retraction)) => {
                    let case = retracted(entry, retraction).map_err(|why| poison(entry, why))?;
                    if let Ok(survivor) = key(entry, &retraction.survivor) {
                        survivors.insert(case.key.clone(), survivor);
                    }
                    cases.insert(case.key.clone(), case);
                }
                // Events of no deal go to the floors, below; erased content says nothing.
                _ => {}
            }
        }
        for (taken, survivor) in &survivors {
            // Whose place the survivor's own survivor took in the same batch; a ring of them would have no end.
            let mut last = survivor;
            for _ in 0..survivors.len() {
                let Some(next) = survivors.get(last) else { break };
                last = next;
            }
            if let Some(case) = cases.get_mut(last) {
                case.takes_over.push(taken.clone());
            }
        }
        if let Some((survivor, former)) = cut_off(entries)
            && let Some(case) = cases.get_mut(&survivor).filter(|case| case.told.is_some())
        {
            case.takes_over.extend(former.into_iter().filter(|deal| !survivors.contains_key(deal)));
        }
        if !feeds.is_empty() {
            self.bench.rulebooks.hear(tx, part, &feeds).await?;
        }
        staff::learn(tx, part, entries).await?;
        let mut effects = Effects::default();
        effects.settled.extend(cases.keys().map(entity));
        effects.settled.extend(rooftops);
        let cases = cases.into_values().collect();
        self.bench.judge(tx, part, cases, &mut effects.verdicts).await?;
        for ((group, rooftop), heard_at) in floors(&feeds) {
            self.bench.judge_floor(tx, part, (group, rooftop), heard_at, &mut effects.verdicts).await?;
            effects.settled.push(EntityKey {
                group: group.to_owned(),
                rooftop: rooftop.to_owned(),
                entity: store::FLOOR.to_owned(),
            });
        }
        self.bench.append(tx, &mut effects.verdicts).await?;
        Ok(effects)
    }

    async fn committed(&self, part: u16, effects: Effects) {
        if effects.verdicts.appended {
            self.bench.log.wake([part]);
        }
        self.metrics.alarms_fired(effects.alarms);
        effects.verdicts.changes.iter().for_each(|change| self.metrics.changed(change));
    }

    async fn due(&self, tx: &mut Tx, parts: &[u16], until: Timestamp) -> Result<Vec<u16>, ApplyError> {
        store::due_parts(tx, parts, until).await.map_err(judge::refused)
    }

    fn timers(&self, effects: &mut Effects) -> Timers {
        Timers { settled: std::mem::take(&mut effects.settled), failed: Vec::new() }
    }

    async fn list_due(&self, tx: &mut Tx, part: u16, rule_time: Timestamp) -> Result<Due, ApplyError> {
        let due = store::list_due(tx, part, rule_time, ALARMS).await.map_err(judge::refused)?;
        // All of them fire: whoever follows the flag log is told that nothing is missing up to the rule time. Judging moves
        // an alarm behind the rule time or drops it, so this ends.
        Ok(Due { more: due.len() == ALARMS as usize, entities: due.iter().map(entity).collect() })
    }

    async fn fire(
        &self,
        tx: &mut Tx,
        part: u16,
        rule_time: Timestamp,
        entities: &[EntityKey],
    ) -> Result<Effects, ApplyError> {
        self.bench.rule_times.note(part, rule_time);
        let mut effects = Effects { alarms: entities.len() as u64, ..Effects::default() };
        let (floors, deals): (Vec<_>, Vec<_>) = entities.iter().partition(|entity| entity.entity == store::FLOOR);
        let keys: Vec<DealKey> = deals.into_iter().map(deal_key).collect();
        let mut kept = store::load_due(tx, part, &keys).await.map_err(judge::refused)?;
        let (mut cases, mut gone) = (Vec::with_capacity(keys.len()), Vec::new());
        for key in keys {
            match kept.remove(&key) {
                Some(deal) => {
                    let poison = |cause| ApplyError::Poison { entity: key.deal.clone(), cause };
                    cases.push(alarm::ring(key.clone(), deal, rule_time).map_err(poison)?);
                }
                // There is nothing to judge it by: its alarm goes.
                None => gone.push(key),
            }
        }
        store::forget_deals(tx, part, &gone).await.map_err(judge::refused)?;
        self.bench.judge(tx, part, cases, &mut effects.verdicts).await?;
        for floor in floors {
            let name = (floor.group.as_str(), floor.rooftop.as_str());
            self.bench.judge_floor(tx, part, name, rule_time, &mut effects.verdicts).await?;
        }
        self.bench.append(tx, &mut effects.verdicts).await?;
        Ok(effects)
    }

    async fn refire(
        &self,
        tx: &mut Tx,
        part: u16,
        rule_time: Timestamp,
        entity: &EntityKey,
    ) -> Result<Effects, ApplyError> {
        if entity.entity == store::ROOFTOP {
            self.bench.rulebooks.check(tx, &entity.group, &entity.rooftop).await?;
            return Ok(Effects::default());
        }
        self.fire(tx, part, rule_time, std::slice::from_ref(entity)).await
    }

    /// What was judged ahead of the clock is judged again: flags whose crossing has yet to come are retracted, and alarms
    /// are set for it.
    async fn put_right(&self, tx: &mut Tx, part: u16, rule_time: Timestamp) -> Result<(), ApplyError> {
        self.bench.rule_times.note(part, rule_time);
        let clock = &self.bench.clock;
        let latest = clock.now().checked_add(clock.tolerance()).unwrap_or(Timestamp::MAX);
        let again = store::put_right(tx, part, latest, rule_time).await.map_err(judge::refused)?;
        if again > 0 {
            tracing::warn!(part, subjects = again, %rule_time, "what was judged ahead of the clock is judged again");
        }
        Ok(())
    }
}

/// The rooftops whose sources were heard from, each with when that was last recorded.
fn floors<'e>(feeds: &[(&'e Entry, &pb::deal::v1::FeedState)]) -> BTreeMap<(&'e str, &'e str), Timestamp> {
    let mut floors: BTreeMap<(&str, &str), Timestamp> = BTreeMap::new();
    for (entry, _) in feeds {
        let last = floors.entry((&entry.group, &entry.rooftop)).or_insert(entry.recorded_at);
        *last = entry.recorded_at.max(*last);
    }
    floors
}

/// As the log and what is parked name a deal.
fn entity(key: &DealKey) -> EntityKey {
    EntityKey { group: key.group.clone(), rooftop: key.rooftop.clone(), entity: key.deal.clone() }
}

fn deal_key(entity: &EntityKey) -> DealKey {
    DealKey { group: entity.group.clone(), rooftop: entity.rooftop.clone(), deal: entity.entity.clone() }
}

/// A survivor and whatever it may take over, if what it does take over may be told in the next batch only: they are said
/// one after the other, but a batch may end between them.
fn cut_off(entries: &[Entry]) -> Option<(DealKey, Vec<DealKey>)> {
    let last = entries.last()?;
    let name = match last.body.as_ref()? {
        Body::Deal(deal) => &deal.name,
        Body::DealRetraction(retraction) => &retraction.survivor,
        _ => return None,
    };
    let survivor = key(last, name).ok()?;
    let told = entries.iter().rev().find_map(|entry| match &entry.body {
        Some(Body::Deal(deal)) if deal.name == *name => Some(deal),
        _ => None,
    })?;
    let former = told.former_ids.iter().map(|id| DealKey { deal: id.clone(), ..survivor.clone() });
    Some((survivor.clone(), former.collect()))
}

/// Judged as of the last event that changed it: everything recorded before that is known, and nothing later is presumed.
fn told(entry: &Entry, deal: &pb::deal::v1::Deal) -> Result<Case, String> {
    let recorded_at = deal.recorded_at.as_ref().and_then(pb::time::from_wire).unwrap_or(entry.recorded_at);
    let told = Told::of(deal, Bytes::from(deal.encode_to_vec())).map_err(|why| why.to_string())?;
    Ok(Case {
        key: key(entry, &deal.name)?,
        told: Some(told),
        takes_over: Vec::new(),
        now: recorded_at,
        origin: wire::origin(entry.origin.into()),
        recorded_at,
        trace: trace::context_of(&entry.span, &entry.trace),
    })
}

fn retracted(entry: &Entry, retraction: &pb::deal::v1::DealRetraction) -> Result<Case, String> {
    Ok(Case {
        key: key(entry, &retraction.name)?,
        told: None,
        takes_over: Vec::new(),
        now: entry.recorded_at,
        origin: wire::origin(entry.origin.into()),
        recorded_at: entry.recorded_at,
        trace: trace::context_of(&entry.span, &entry.trace),
    })
}

/// A deal of the rooftop that the entry belongs to: a name of another's is refused, whoever wrote it.
fn key(entry: &Entry, name: &str) -> Result<DealKey, String> {
    let parsed = wire::DealName::parse(name).filter(|name| name.group == entry.group && name.rooftop == entry.rooftop);
    let name = parsed.ok_or_else(|| "the deal's name is not one of the entry's rooftop".to_owned())?;
    Ok(DealKey { group: name.group.to_owned(), rooftop: name.rooftop.to_owned(), deal: name.deal.to_owned() })
}

fn poison(entry: &Entry, cause: String) -> ApplyError {
    ApplyError::Poison { entity: entry.entity.clone(), cause }
}
