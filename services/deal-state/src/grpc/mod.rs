//! What callers ask of deals: parse, load, decide, render.

mod get;
mod hash;
mod known;
mod list;
mod rebuild;
mod related;
mod timeline;
mod watch;
mod work;

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use futures::Stream;
use jiff::Timestamp;
use prost::Message;
use throughline_journal::{Context, Log, wait_for};
use throughline_platform::persons;
use throughline_platform::{
    Failure, MAX_MESSAGE_BYTES,
    principal::{Principal, Scope},
};
use throughline_process::Evidence;
use throughline_proto::deal::v1::{
    self as pb,
    deal_service_server::{DealService, DealServiceServer},
};
use tonic::{Request, Response, Status};

pub use rebuild::Rebuilds;

use crate::{CONSUMER, schedules::Schedules, store, wire};

/// A read waits at most so long for what it must have seen.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Reads of deals.
#[derive(Clone)]
pub struct Deals {
    cx: Context,
    log: Log,
    schedules: Arc<Schedules>,
}

impl Deals {
    pub fn new(cx: Context, log: Log) -> Self {
        Self { cx, log, schedules: Arc::default() }
    }

    pub fn server(self) -> DealServiceServer<Self> {
        DealServiceServer::new(self).max_encoding_message_size(MAX_MESSAGE_BYTES)
    }

    /// The caller within the group that `name` says, if it may read and what it must have seen is here.
    async fn reader<T>(&self, request: &Request<T>, name: &str, at_least: &str) -> Result<Principal, Failure> {
        let principal = Principal::of(request)?;
        principal.require(Scope::Read)?;
        let principal = principal.in_group(name)?;
        wait_for(&self.cx, CONSUMER, at_least, LONGEST_WAIT).await?;
        Ok(principal)
    }

    /// Stored deals as this caller may see them now: with how long things lasted by the calendars now known.
    async fn shown(
        &self,
        principal: &Principal,
        bodies: impl Iterator<Item = &[u8]> + Send,
    ) -> Result<Vec<pb::Deal>, Failure> {
        let deals = bodies.map(|body| pb::Deal::decode(body).map_err(Failure::internal));
        let mut deals = deals.collect::<Result<Vec<_>, _>>()?;
        let rooftops: BTreeSet<String> = deals.iter().map(|deal| wire::rooftop_of(&deal.name).to_owned()).collect();
        let now = self.cx.platform.clock.now();
        let evidence = self.evidence(principal, &rooftops).await?;
        self.dress(principal, &mut deals, rooftops, &evidence, now).await?;
        Ok(deals)
    }

    /// What is known of the sources of rooftops.
    async fn evidence(
        &self,
        principal: &Principal,
        rooftops: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Evidence>, Failure> {
        let (group, rooftops) = (principal.group.clone(), rooftops.iter().cloned().collect::<Vec<_>>());
        let read = self
            .cx
            .platform
            .db
            .read(principal, move |tx| Box::pin(async move { store::sources(tx, &group, &rooftops).await }));
        let sources = read.await.map_err(|error: store::Error| Failure::from(error))?;
        Ok(evidence_of(&sources))
    }

    /// Says of intervals whether they may have ended unseen, times them up to an instant, and hides persons from whom may
    /// not see them.
    async fn dress(
        &self,
        principal: &Principal,
        deals: &mut [pb::Deal],
        rooftops: BTreeSet<String>,
        evidence: &BTreeMap<String, Evidence>,
        until: Timestamp,
    ) -> Result<(), Failure> {
        let schedules = self.schedules.of(&self.cx.platform.db, principal, rooftops).await?;
        for deal in deals {
            let rooftop = wire::rooftop_of(&deal.name);
            if let Some(directory) = schedules.get(rooftop) {
                if let Some(evidence) = evidence.get(rooftop) {
                    wire::mark_unknown(&mut deal.intervals, &directory.definition, evidence, until);
                }
                wire::time_intervals(&mut deal.intervals, &directory.schedule, until);
            }
            if !persons::seen_by(principal) {
                persons::hide(deal);
            }
        }
        Ok(())
    }

    /// The same of one, with what it has to do with others.
    async fn shown_alone(&self, principal: &Principal, body: &[u8]) -> Result<pb::Deal, Failure> {
        let deals = self.shown(principal, std::iter::once(body)).await?;
        let deal = deals.into_iter().next();
        let mut deal = deal.ok_or_else(|| Failure::internal("a deal that was read is not shown"))?;
        let related = self.related(principal, &deal).await?;
        deal.relations.extend(related);
        Ok(deal)
    }
}

/// Sources by rooftop, as intervals are judged by them.
fn evidence_of(sources: &[store::SourceRow]) -> BTreeMap<String, Evidence> {
    let mut evidence: BTreeMap<String, Evidence> = BTreeMap::new();
    for source in sources {
        let of_rooftop = evidence.entry(source.rooftop.clone()).or_default();
        of_rooftop.feeds.insert(source.source.clone(), source.heard());
    }
    evidence
}

type BoardStream = Pin<Box<dyn Stream<Item = Result<pb::WatchBoardResponse, Status>> + Send>>;

#[tonic::async_trait]
impl DealService for Deals {
    async fn get_deal(&self, request: Request<pb::GetDealRequest>) -> Result<Response<pb::Deal>, Status> {
        let asked = request.get_ref();
        let principal = self.reader(&request, &asked.name, &asked.at_least).await?;
        Ok(Response::new(self.get(principal, request.into_inner()).await?))
    }

    async fn list_deals(
        &self,
        request: Request<pb::ListDealsRequest>,
    ) -> Result<Response<pb::ListDealsResponse>, Status> {
        let asked = request.get_ref();
        let principal = self.reader(&request, &asked.parent, &asked.at_least).await?;
        Ok(Response::new(self.list(principal, request.into_inner()).await?))
    }

    async fn get_timeline(
        &self,
        request: Request<pb::GetTimelineRequest>,
    ) -> Result<Response<pb::GetTimelineResponse>, Status> {
        let asked = request.get_ref();
        let principal = self.reader(&request, &asked.name, &asked.at_least).await?;
        Ok(Response::new(self.timeline(principal, request.into_inner()).await?))
    }

    type WatchBoardStream = BoardStream;

    async fn watch_board(
        &self,
        request: Request<pb::WatchBoardRequest>,
    ) -> Result<Response<Self::WatchBoardStream>, Status> {
        let principal = self.reader(&request, &request.get_ref().parent, "").await?;
        Ok(Response::new(self.watch(principal, request.into_inner()).await?))
    }

    async fn get_state_hash(
        &self,
        request: Request<pb::GetStateHashRequest>,
    ) -> Result<Response<pb::GetStateHashResponse>, Status> {
        let asked = request.get_ref();
        let principal = self.reader(&request, &asked.parent, &asked.at_least).await?;
        Ok(Response::new(self.hash(principal).await?))
    }

    async fn list_work(&self, request: Request<pb::ListWorkRequest>) -> Result<Response<pb::ListWorkResponse>, Status> {
        let asked = request.get_ref();
        let principal = self.reader(&request, &asked.parent, &asked.at_least).await?;
        Ok(Response::new(self.work(principal, request.into_inner()).await?))
    }

    async fn count_work(
        &self,
        request: Request<pb::CountWorkRequest>,
    ) -> Result<Response<pb::CountWorkResponse>, Status> {
        let asked = request.get_ref();
        let principal = self.reader(&request, &asked.parent, &asked.at_least).await?;
        Ok(Response::new(self.counts(principal, request.into_inner()).await?))
    }
}
