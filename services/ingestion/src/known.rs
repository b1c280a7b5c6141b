//! The rooftops that events may be placed at, remembered so that no batch has to ask for them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::tz::TimeZone;
use throughline_platform::{Failure, db::Db, principal::Principal};
use tokio::time::Instant;

use throughline_process::Watch;

use crate::{domain::watch::watch, store::rooftops};

/// How long a group's rooftops are believed. A rooftop that is missing is asked for at once.
const BELIEVED_FOR: Duration = Duration::from_secs(1);
/// Groups remembered at once.
const MOST_GROUPS: usize = 4_096;

/// Where events of a rooftop go.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) id: String,
    pub(crate) part: u16,
    pub(crate) zone: TimeZone,
    /// By what its feeds are judged.
    pub(crate) watch: Watch,
}

/// A group's rooftops by every code that means them.
#[derive(Clone, Debug)]
pub(crate) struct Rooftops {
    by_code: Arc<HashMap<String, Arc<Known>>>,
    read_at: Instant,
}

impl Rooftops {
    pub(crate) fn find(&self, code: &str) -> Option<&Arc<Known>> {
        self.by_code.get(code)
    }

    /// Every code that means a rooftop, its id among them.
    pub(crate) fn codes_of<'r>(&'r self, id: &'r str) -> impl Iterator<Item = String> + 'r {
        self.by_code.iter().filter(move |(_, known)| known.id == id).map(|(code, _)| code.clone())
    }
}

/// What this process remembers of all groups.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    db: Db,
    groups: Arc<Mutex<HashMap<String, Slot>>>,
}

/// One reader a group at a time; the others take what it found.
type Slot = Arc<tokio::sync::Mutex<Option<Rooftops>>>;

impl Memory {
    pub(crate) fn new(db: Db) -> Self {
        Self { db, groups: Arc::default() }
    }

    /// The rooftops of the caller's group, at most a second old.
    pub(crate) async fn recall(&self, principal: &Principal) -> Result<Rooftops, Failure> {
        let now = Instant::now();
        self.read_since(principal, now.checked_sub(BELIEVED_FOR).unwrap_or(now)).await
    }

    /// The rooftops as they stand now or later: for when one was not among those recalled, or one has changed.
    pub(crate) async fn look(&self, principal: &Principal) -> Result<Rooftops, Failure> {
        self.read_since(principal, Instant::now()).await
    }

    async fn read_since(&self, principal: &Principal, since: Instant) -> Result<Rooftops, Failure> {
        let slot = self.slot(&principal.group);
        let mut slot = slot.lock().await;
        if let Some(rooftops) = slot.as_ref().filter(|rooftops| rooftops.read_at >= since) {
            return Ok(rooftops.clone());
        }
        let read_at = Instant::now();
        let group = principal.group.clone();
        let codes = self.db.read(principal, |tx| Box::pin(async move { rooftops::codes(tx, &group).await })).await?;
        let rooftops = Rooftops { by_code: Arc::new(index(codes)), read_at };
        *slot = Some(rooftops.clone());
        Ok(rooftops)
    }

    fn slot(&self, group: &str) -> Slot {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = groups.get(group) {
            return slot.clone();
        }
        // Rare and cheap to refill: forgetting all of them needs no bookkeeping on the way of each event.
        if groups.len() >= MOST_GROUPS {
            groups.clear();
        }
        groups.entry(group.to_owned()).or_default().clone()
    }
}

fn index(codes: Vec<rooftops::Code>) -> HashMap<String, Arc<Known>> {
    let mut by_id: HashMap<String, Arc<Known>> = HashMap::new();
    let mut by_code = HashMap::with_capacity(codes.len());
    // Each rooftop is told of once, with its id: the other codes come without.
    let (told, others): (Vec<_>, Vec<_>) = codes.into_iter().partition(|code| code.watch.is_some());
    for code in told.into_iter().chain(others) {
        let known = by_id.entry(code.rooftop_id).or_insert_with_key(|id| {
            Arc::new(Known {
                id: id.clone(),
                part: code.part as u16,
                // Checked when it was stored; a zone that a later time zone database lost still gets its events in.
                zone: TimeZone::get(&code.zone).unwrap_or(TimeZone::UTC),
                watch: code.watch.as_ref().map(watch).unwrap_or_default(),
            })
        });
        by_code.insert(code.code, known.clone());
    }
    by_code
}
