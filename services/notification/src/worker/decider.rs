//! Keeps what the flag log tells of flags, and decides about each once the log is complete past the entry that changed it.
//!
//! Deciding in the middle of what was recorded at one instant would make alerts depend on how entries fall into batches: a
//! flag may open and be retracted by entries of one instant. State, marks, and decisions commit with the cursor.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use jiff::Timestamp;
use prost::Message as _;
use throughline_journal::{ApplyError, Due, EntityKey, Entry, Projection, Timers};
use throughline_platform::{Failure, clock::Clock, db::Tx, trace};
use throughline_proto::{log::v1::entry_body::Body, rule::v1::Flag as Content};
use tokio::sync::Notify;

use crate::{
    domain::{ChannelKind, Decision, FRESH_FOR, Flag, Route, Severity, decide, delivery_id, is_due},
    metrics::NotificationMetrics,
    store::{self, Decided, Saved, Undecided, UndecidedFlag},
    wire::{self, Message, Told},
};

/// Flags decided on in one transaction; the rest follows at the next look.
const PAGE: i64 = 256;

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
    /// Flags that entries have brought up to date.
    settled: Vec<EntityKey>,
}

#[async_trait]
impl Projection for Decider {
    type Effects = Effects;

    fn consumer(&self) -> &'static str {
        crate::CONSUMER
    }

    async fn apply(&self, tx: &mut Tx, part: u16, entries: &[Entry]) -> Result<Effects, ApplyError> {
        let now = self.clock.now();
        let mut standing: BTreeMap<(&str, String), Saved> = BTreeMap::new();
        let mut retracted: BTreeMap<(&str, String), u64> = BTreeMap::new();
        for entry in entries {
            let within = (entry.group.as_str(), entry.rooftop.as_str());
            match &entry.body {
                Some(Body::Flag(content)) => {
                    let Told { flag, .. } = wire::parse_flag(within, content).map_err(|why| poison(entry, why))?;
                    // What nobody is to be told of now never will be as it stands: an import costs nothing here.
                    let undecided = is_due(&flag, now).then(|| Undecided {
                        recorded_at: entry.recorded_at,
                        content: content.encode_to_vec(),
                        trace: trace::context_of(&entry.span, &entry.trace),
                    });
                    standing.insert((&entry.group, flag.id.clone()), Saved { flag, undecided });
                }
                Some(Body::FlagRetraction(retraction)) => {
                    let id = wire::parse_retraction(within, retraction).map_err(|why| poison(entry, why))?;
                    retracted.insert((&entry.group, id), retraction.revision);
                }
                // Reviews are not told of; erased content says nothing.
                _ => {}
            }
        }
        // The retraction second: of what is not known here nothing is noted, and the higher revision counts.
        let standing: Vec<&Saved> = standing.values().collect();
        store::save_flags(tx, part, &standing, now).await.map_err(refused)?;
        let retracted: Vec<_> =
            retracted.iter().map(|((group, id), revision)| (*group, id.as_str(), *revision)).collect();
        store::retract_flags(tx, part, &retracted, now).await.map_err(refused)?;
        let settled =
            entries.iter().filter(|entry| matches!(entry.body, Some(Body::Flag(_) | Body::FlagRetraction(_))));
        let settled = settled.map(|entry| EntityKey {
            group: entry.group.clone(),
            rooftop: entry.rooftop.clone(),
            entity: entry.entity.clone(),
        });
        Ok(Effects { settled: settled.collect(), ..Effects::default() })
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

    async fn due(&self, tx: &mut Tx, parts: &[u16], until: Timestamp) -> Result<Vec<u16>, ApplyError> {
        store::undecided_parts(tx, parts, until).await.map_err(refused)
    }

    fn timers(&self, effects: &mut Effects) -> Timers {
        Timers { settled: std::mem::take(&mut effects.settled), failed: Vec::new() }
    }

    /// Flags that were last changed strictly before the rule time: everything recorded before it is applied.
    async fn list_due(&self, tx: &mut Tx, part: u16, rule_time: Timestamp) -> Result<Due, ApplyError> {
        let entities = store::list_undecided(tx, part, rule_time, PAGE).await.map_err(refused)?;
        Ok(Due { more: entities.len() == PAGE as usize, entities })
    }

    /// Decides about flags as they stand. One that cannot be read fails, and is parked alone.
    async fn fire(
        &self,
        tx: &mut Tx,
        part: u16,
        _rule_time: Timestamp,
        entities: &[EntityKey],
    ) -> Result<Effects, ApplyError> {
        let flags = store::take_undecided(tx, part, entities).await.map_err(refused)?;
        self.decide_all(tx, part, &flags).await
    }
}

impl Decider {
    async fn decide_all(&self, tx: &mut Tx, part: u16, flags: &[UndecidedFlag]) -> Result<Effects, ApplyError> {
        let groups: BTreeSet<&String> = flags.iter().map(|flag| &flag.group).collect();
        if groups.is_empty() {
            return Ok(Effects::default());
        }
        let groups: Vec<String> = groups.into_iter().cloned().collect();
        let routes = store::load_routes(tx, &groups).await.map_err(refused)?;
        let now = self.clock.now();
        let (mut wanted, mut kinds) = (Vec::new(), BTreeMap::new());
        for undecided in flags {
            let messages = messages(undecided, &routes, now)
                .map_err(|cause| ApplyError::Poison { entity: undecided.id.clone(), cause })?;
            kinds.extend(messages.iter().map(|(kind, message)| (message.id, *kind)));
            wanted.extend(messages.into_iter().map(|(_, message)| message));
        }
        let fresh = store::save_decisions(tx, part, &wanted, now).await.map_err(refused)?;
        let decided = kinds.into_iter().filter(|(id, _)| fresh.contains(id)).map(|(_, kind)| kind).collect();
        Ok(Effects { decided, settled: Vec::new() })
    }
}

type Kind = (ChannelKind, Severity);

/// The messages that a flag calls for. What goes wrong is told without any content of it.
fn messages(undecided: &UndecidedFlag, routes: &[Route], now: Timestamp) -> Result<Vec<(Kind, Decided)>, String> {
    let content = Content::decode(undecided.content.as_slice()).map_err(|why| why.to_string())?;
    let told = wire::parse_flag((&undecided.group, &undecided.rooftop), &content)?;
    let decisions = decide(&told.flag, routes, now);
    if decisions.is_empty() {
        return Ok(Vec::new());
    }
    let span = trace::child_span(&undecided.trace, "notification.decide");
    let trace = trace::context_of(&span, &undecided.trace);
    let messages = decisions.iter().map(|decision| {
        let Decision { route, step, step_at } = decision;
        let flag: &Flag = &told.flag;
        // Inside a string nothing can fail to be written; were it to, this flag alone is not told of.
        let body = serde_json::to_string(&Message::of(&told, decision, now)).map_err(|why| why.to_string())?;
        let message = Decided {
            id: delivery_id(&flag.group, flag.known_as(), *step, &route.id),
            group: flag.group.clone(),
            route: route.id.clone(),
            rooftop: flag.rooftop.clone(),
            flag: flag.id.clone(),
            step: *step,
            step_at: *step_at,
            body,
            trace: trace.clone(),
        };
        Ok(((route.channel, *step), message))
    });
    messages.collect()
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
