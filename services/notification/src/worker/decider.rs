//! Decides, in one transaction with the cursor, what is to be told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use jiff::Timestamp;
use throughline_journal::{ApplyError, Entry, Projection};
use throughline_platform::{Failure, clock::Clock, db::Tx, trace};
use throughline_proto::{event::v1::Origin, log::v1::entry_body::Body};
use tokio::sync::Notify;

use crate::{
    domain::{ChannelKind, Decision, FRESH_FOR, Flag, Route, Severity, decide, delivery_id},
    metrics::NotificationMetrics,
    store::{self, Decided},
    wire::{self, Message, Told},
};

/// Follows the flag log.
pub struct Decider {
    clock: Clock,
    metrics: NotificationMetrics,
    decided: Arc<Notify>,
}

impl Decider {
    pub fn new(clock: Clock, metrics: NotificationMetrics, decided: Arc<Notify>) -> Self {
        Self { clock, metrics, decided }
    }
}

/// What was decided and had not been before.
#[derive(Debug, Default)]
pub struct Effects {
    decided: Vec<(ChannelKind, Severity)>,
}

#[async_trait]
impl Projection for Decider {
    type Effects = Effects;

    fn consumer(&self) -> &'static str {
        crate::CONSUMER
    }

    async fn apply(&self, tx: &mut Tx, part: u16, entries: &[Entry]) -> Result<Effects, ApplyError> {
        let now = self.clock.now();
        let mut standing: BTreeMap<(&str, String), Flag> = BTreeMap::new();
        let mut retracted: BTreeMap<(&str, String), u64> = BTreeMap::new();
        let mut told: Vec<(&Entry, Told<'_>)> = Vec::new();
        for entry in entries {
            match &entry.body {
                Some(Body::Flag(content)) => {
                    let flag = wire::parse_flag(entry, content).map_err(|why| poison(entry, why))?;
                    // Of what is not live nobody is ever told: an import costs nothing here. What a later import says of a
                    // live flag still counts, for it may be over.
                    if content.origin() == Origin::Live {
                        standing.insert((&entry.group, flag.flag.id.clone()), flag.flag.clone());
                        told.push((entry, flag));
                    }
                }
                Some(Body::FlagRetraction(retraction)) => {
                    let id = wire::parse_retraction(entry, retraction).map_err(|why| poison(entry, why))?;
                    retracted.insert((&entry.group, id), retraction.revision);
                }
                // Reviews are not told of; erased content says nothing.
                _ => {}
            }
        }
        // The retraction second: of what is not known here nothing is noted, and the higher revision counts.
        let standing: Vec<&Flag> = standing.values().collect();
        store::save_flags(tx, part, &standing, now).await.map_err(refused)?;
        let retracted: Vec<_> =
            retracted.iter().map(|((group, id), revision)| (*group, id.as_str(), *revision)).collect();
        store::retract_flags(tx, part, &retracted, now).await.map_err(refused)?;
        let decided = decide_all(tx, part, &told, now).await?;
        Ok(Effects { decided })
    }

    /// Messages that were decided on ahead of the clock are due now. Whether they are sent is seen then.
    async fn put_right(&self, tx: &mut Tx, part: u16, rule_time: Timestamp) -> Result<(), ApplyError> {
        let latest = self.clock.now().checked_add(self.clock.tolerance()).unwrap_or(Timestamp::MAX);
        let latest_due = latest.checked_add(FRESH_FOR).unwrap_or(Timestamp::MAX);
        let messages = store::put_right(tx, part, latest, latest_due, rule_time).await.map_err(refused)?;
        if messages > 0 {
            tracing::warn!(part, messages, "messages were due ahead of the clock: they are due now");
        }
        Ok(())
    }

    async fn committed(&self, _part: u16, effects: Effects) {
        if !effects.decided.is_empty() {
            self.decided.notify_one();
        }
        effects.decided.iter().for_each(|(channel, step)| self.metrics.decided(*channel, *step));
    }
}

/// Every entry is decided on by itself, so that how entries fall into batches changes nothing. What a later one makes stale
/// is withheld when it is to be sent.
async fn decide_all(
    tx: &mut Tx,
    part: u16,
    told: &[(&Entry, Told<'_>)],
    now: Timestamp,
) -> Result<Vec<(ChannelKind, Severity)>, ApplyError> {
    let groups: BTreeSet<&String> = told.iter().map(|(_, told)| &told.flag.group).collect();
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let groups: Vec<String> = groups.into_iter().cloned().collect();
    let routes = store::load_routes(tx, &groups).await.map_err(refused)?;
    let mut wanted = Vec::new();
    let mut kinds = BTreeMap::new();
    for (entry, told) in told {
        for decision in decide(&told.flag, &routes, now) {
            let message = message(entry, told, &decision, now).map_err(|why| poison(entry, why))?;
            kinds.insert(message.id, (decision.route.channel, decision.step));
            wanted.push(message);
        }
    }
    let fresh = store::save_decisions(tx, part, &wanted, now).await.map_err(refused)?;
    Ok(kinds.into_iter().filter(|(id, _)| fresh.contains(id)).map(|(_, kind)| kind).collect())
}

fn message(entry: &Entry, told: &Told<'_>, decision: &Decision<'_>, now: Timestamp) -> Result<Decided, String> {
    let Route { id: route, .. } = decision.route;
    let flag = &told.flag;
    // Inside a string nothing can fail to be written; were it to, the flag is parked where people see it.
    let body = serde_json::to_string(&Message::of(told, decision, now)).map_err(|why| why.to_string())?;
    Ok(Decided {
        id: delivery_id(&flag.group, flag.known_as(), decision.step, route),
        group: flag.group.clone(),
        route: route.clone(),
        rooftop: flag.rooftop.clone(),
        flag: flag.id.clone(),
        step: decision.step,
        step_at: decision.step_at,
        body,
        trace: trace::context_of(&entry.span, &entry.trace),
    })
}

fn poison(entry: &Entry, cause: String) -> ApplyError {
    ApplyError::Poison { entity: entry.entity.clone(), cause }
}

fn refused(error: store::Error) -> ApplyError {
    match error {
        store::Error::Database(error) => error.into(),
        unreadable => Failure::from(unreadable).into(),
    }
}
