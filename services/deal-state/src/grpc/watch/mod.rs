//! The live board of some rooftops: deals, how fresh their sources are, and which steps no source reports.

mod changes;
mod freshness;
mod snapshot;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use prost::Message;
use throughline_journal::live::{Changes, LiveRequest, LiveView, Page, Stamp};
use throughline_platform::{Failure, principal::Principal};
use throughline_process::{Definition, Evidence, Schedule};
use throughline_proto::{
    deal::v1::{self as pb, WatchBoardResponse},
    log::v1::StoredEntry,
    tenant::v1::Rooftop,
    time::to_wire,
};
use tokio::time::Instant;
use uuid::Uuid;

use super::{BoardStream, Deals};
use crate::{definitions::Definitions, store, wire};

impl Deals {
    pub(super) async fn watch(
        &self,
        principal: Principal,
        request: pb::WatchBoardRequest,
    ) -> Result<BoardStream, Failure> {
        let live = LiveRequest {
            purpose: "board",
            parent: request.parent,
            rooftops: request.rooftops,
            resume_token: request.resume_token,
            once: request.once,
            heartbeat: request.heartbeat,
            choice: "",
        };
        let board = Board {
            deals: self.clone(),
            principal: principal.clone(),
            definitions: Definitions::default(),
            schedules: BTreeMap::new(),
            processes: BTreeMap::new(),
            unobserved: BTreeMap::new(),
            stirred: BTreeSet::new(),
            evidence: BTreeMap::new(),
            fresh: BTreeMap::new(),
            turned: BTreeSet::new(),
            silent_at: None,
            aged_until: self.cx.platform.clock.now(),
            aged_looked: None,
        };
        Ok(Box::pin(self.log.live(principal, live, board).await?))
    }
}

/// What one watcher was sent, as far as changes depend on it.
struct Board {
    deals: Deals,
    principal: Principal,
    definitions: Definitions,
    /// When each rooftop is open, as its last entry says.
    schedules: BTreeMap<String, Schedule>,
    /// The process of each rooftop, as its last entry says.
    processes: BTreeMap<String, Arc<Definition>>,
    /// The steps that were last sent as unobserved, by rooftop.
    unobserved: BTreeMap<String, Vec<String>>,
    /// Rooftops with entries since unobserved steps were looked up.
    stirred: BTreeSet<String>,
    /// What is known of the sources of each rooftop.
    evidence: BTreeMap<String, Evidence>,
    /// What was last sent of each source: (rooftop, source).
    fresh: BTreeMap<(String, String), pb::SourceAsOf>,
    /// Rooftops in which a source has fallen silent or returned since deals were last sent again.
    turned: BTreeSet<String>,
    /// When the next source falls silent if nothing comes of it.
    silent_at: Option<Timestamp>,
    /// Deals that were last heard of too long before this instant have been taken off.
    aged_until: Timestamp,
    /// When such deals were last looked up.
    aged_looked: Option<Instant>,
}

impl Board {
    /// Takes in what the directory says of a rooftop.
    fn learn(&mut self, id: &str, rooftop: &Rooftop) -> Result<(), Failure> {
        self.schedules.insert(id.to_owned(), wire::schedule(rooftop).map_err(Failure::internal)?);
        let definition = self.definitions.read(&rooftop.definition_json).map_err(Failure::internal)?;
        self.processes.insert(id.to_owned(), definition);
        Ok(())
    }
}

#[async_trait]
impl LiveView for Board {
    type Message = WatchBoardResponse;
    /// (rooftop, deal)
    type Place = (String, Uuid);

    async fn rooftops(
        &mut self,
        wanted: Option<Vec<String>>,
        known: Vec<String>,
        limit: usize,
    ) -> Result<Vec<(String, u16)>, Failure> {
        let (group, limit) = (self.principal.group.clone(), i64::try_from(limit).unwrap_or(i64::MAX));
        let found = self
            .deals
            .cx
            .platform
            .db
            .read(&self.principal, move |tx| {
                Box::pin(async move { store::watched_rooftops(tx, &group, wanted.as_deref(), &known, limit).await })
            })
            .await
            .map_err(|error: store::Error| Failure::from(error))?;
        for rooftop in &found {
            self.learn(&rooftop.rooftop, &Rooftop::decode(rooftop.body.as_slice()).map_err(Failure::internal)?)?;
        }
        Ok(found.into_iter().map(|rooftop| (rooftop.rooftop, rooftop.part)).collect())
    }

    async fn page(
        &mut self,
        rooftops: &[String],
        after: Option<Self::Place>,
        _seen: &[(u16, u64)],
    ) -> Result<Page<WatchBoardResponse, Self::Place>, Failure> {
        self.piece(rooftops, after).await
    }

    /// The changes behind a snapshot repeat some of it; revisions say which is newer.
    fn place_of(&self, _entry: &StoredEntry) -> Option<Self::Place> {
        None
    }

    fn changes(&mut self, entries: &[StoredEntry]) -> Result<Changes<WatchBoardResponse>, Failure> {
        Ok(Changes { taken: entries.len(), message: self.changed(entries)? })
    }

    async fn look(&mut self, rooftops: &[String], all: bool) -> Result<Option<WatchBoardResponse>, Failure> {
        let stirred = std::mem::take(&mut self.stirred);
        let stirred = if all { rooftops.to_vec() } else { stirred.into_iter().collect() };
        let sources = self.freshness(rooftops).await?;
        let (unobserved_rooftops, unobserved) = self.unobserved(&stirred).await?;
        let upserts = self.turned().await?;
        let removes = self.aged(rooftops).await?;
        if sources.is_empty() && unobserved_rooftops.is_empty() && removes.is_empty() {
            return Ok(None);
        }
        Ok(Some(WatchBoardResponse {
            upserts,
            sources,
            unobserved,
            unobserved_rooftops,
            removes,
            ..Default::default()
        }))
    }

    fn look_at(&self) -> Option<Timestamp> {
        self.silent_at
    }

    fn memo(&self) -> String {
        self.aged_until.to_string()
    }

    fn resume(&mut self, memo: &str) -> bool {
        let aged_until = memo.parse().ok();
        // What left the board by mere silence while nobody watched stands in no log.
        self.aged_until = aged_until.unwrap_or(self.aged_until);
        // Nor does what fell silent, and nobody knows what the watcher knows of it.
        self.stirred = self.schedules.keys().cloned().collect();
        aged_until.is_some()
    }

    fn stamp(&self, message: &mut WatchBoardResponse, stamp: Stamp) {
        message.snapshot = stamp.snapshot;
        message.complete = stamp.complete;
        message.added_rooftops = stamp.added;
        message.as_of = Some(to_wire(stamp.as_of));
        message.resume_token = stamp.resume_token;
    }
}
