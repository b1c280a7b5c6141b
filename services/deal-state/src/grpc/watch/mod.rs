//! The live board of some rooftops: a snapshot, then changes.
//!
//! The places in the log are taken before the snapshot is read, so the changes behind them repeat some of it and miss
//! none. A stream is pulled by its reader: nothing piles up for one that is slow.

mod changes;
mod snapshot;

use std::{collections::BTreeMap, time::Duration};

use futures::StreamExt;
use jiff::Timestamp;
use prost::Message;
use throughline_journal::Tail;
use throughline_platform::{Failure, Reason, Violation, clock::Clock, name, principal::Principal};
use throughline_process::{Health, Judged, Schedule};
use throughline_proto::{
    deal::v1::{self as pb, WatchBoardResponse},
    log::v1::{GetHeadsResponse, PartPosition},
    tenant::v1::Rooftop,
    time::{duration_to_wire, to_wire},
};
use tokio::time::Instant;
use tonic::Code;

use self::snapshot::Place;
use super::{BoardStream, Deals};
use crate::{
    store::{self, BoardRooftop},
    wire,
};

const MOST_ROOFTOPS: usize = 256;
const PURPOSE: &str = "board";

/// A change of more entries than this is sent as a snapshot.
const MOST_MISSED: u64 = 5_000;

/// At least so often something is sent.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Freshness of sources is looked up at most so often: it changes with every event.
const FRESHNESS: Duration = Duration::from_secs(1);

impl Deals {
    pub(super) async fn watch(
        &self,
        principal: Principal,
        request: pb::WatchBoardRequest,
    ) -> Result<BoardStream, Failure> {
        name::parse_field("parent", "groups/{group}", &request.parent)?;
        if request.rooftops.len() > MOST_ROOFTOPS {
            let problem = format!("at most {MOST_ROOFTOPS} rooftops, were {}", request.rooftops.len());
            return Err(Failure::violations(vec![Violation::new("rooftops", problem)]));
        }
        for rooftop in &request.rooftops {
            principal.require_rooftop(rooftop)?;
        }
        let rooftops = self.rooftops(&principal, &request.rooftops).await?;
        let bound_to = bound_to(&principal, &request.rooftops);
        let resumed = match request.resume_token.as_str() {
            "" => None,
            token => Some(self.opened(&bound_to, token)?),
        };
        let mut board = Board {
            deals: self.clone(),
            principal,
            schedules: rooftops.iter().map(schedule).collect::<Result<_, _>>()?,
            rooftops,
            bound_to,
            once: request.once,
            step: Step::Snapshot(Place::start()),
            positions: Vec::new(),
            fresh: BTreeMap::new(),
            outdated: false,
            silent_at: None,
            looked: Instant::now(),
            aged_until: self.cx.platform.clock.now(),
        };
        if let Some((positions, aged_until)) = resumed.filter(|_| !request.once) {
            board.resume(positions, aged_until).await?;
        }
        let answers = futures::stream::try_unfold(board, |mut board| async move {
            let next = board.next().await?;
            Ok(next.map(|next| (next, board)))
        });
        Ok(answers.boxed())
    }

    /// The rooftops asked for, or all that the key may see.
    async fn rooftops(&self, principal: &Principal, asked: &[String]) -> Result<Vec<BoardRooftop>, Failure> {
        let group = principal.group.clone();
        let wanted = if asked.is_empty() { principal.rooftop_filter() } else { Some(asked.to_vec()) };
        let found = self
            .cx
            .platform
            .db
            .read(principal, move |tx| {
                Box::pin(async move { store::board_rooftops(tx, &group, wanted.as_deref()).await })
            })
            .await
            .map_err(|error: store::Error| Failure::from(error))?;
        let known = |asked: &String| found.iter().any(|rooftop| rooftop.rooftop == *asked);
        match asked.iter().find(|asked| !known(asked)) {
            Some(unknown) => Err(Failure::new(
                Code::NotFound,
                Reason::UnknownRooftop,
                format!("group {:?} has no rooftop {}", principal.group, name::shown(unknown)),
            )
            .with_sent("rooftop", unknown.clone())),
            None => Ok(found),
        }
    }

    /// What a resume token holds.
    fn opened(&self, bound_to: &str, token: &str) -> Result<Resumed, Failure> {
        let payload = self.cx.platform.sealer.open(PURPOSE, bound_to, token);
        let places =
            payload.and_then(|payload| GetHeadsResponse::decode(payload.as_slice()).ok()).ok_or_else(|| {
                let message = "the resume token was not issued for this caller and these rooftops: start without one";
                Failure::new(Code::InvalidArgument, Reason::InvalidToken, message).at_field("resume_token")
            })?;
        let aged_until = places.consistency_token.parse().ok();
        let places = places.heads.iter().filter_map(|head| Some((u16::try_from(head.part).ok()?, head.position)));
        Ok((places.collect(), aged_until))
    }
}

fn schedule(rooftop: &BoardRooftop) -> Result<(String, Schedule), Failure> {
    let said = Rooftop::decode(rooftop.body.as_slice()).map_err(Failure::internal)?;
    Ok((rooftop.rooftop.clone(), wire::schedule(&said).map_err(Failure::internal)?))
}

fn bound_to(principal: &Principal, rooftops: &[String]) -> String {
    let mut rooftops: Vec<&str> = rooftops.iter().map(String::as_str).collect();
    rooftops.sort_unstable();
    rooftops.dedup();
    format!("{}\n{}", principal.group, rooftops.join("\n"))
}

/// Places in the log, and until when the board had been cleared of what was silent too long.
type Resumed = (Vec<(u16, u64)>, Option<Timestamp>);

enum Step {
    Snapshot(Place),
    Changes(Box<Tail>),
    Ended,
}

/// One watcher's board.
struct Board {
    deals: Deals,
    principal: Principal,
    rooftops: Vec<BoardRooftop>,
    /// When each rooftop is open, as last told.
    schedules: BTreeMap<String, Schedule>,
    bound_to: String,
    once: bool,
    step: Step,
    /// Behind these places in the log everything is still to be sent.
    positions: Vec<(u16, u64)>,
    /// What was last said of each source: (rooftop, source).
    fresh: BTreeMap<(String, String), pb::SourceAsOf>,
    /// Something happened since freshness was looked up.
    outdated: bool,
    /// When the next source falls silent if nothing comes of it.
    silent_at: Option<Timestamp>,
    looked: Instant,
    /// Deals that were last heard of too long before this instant have been taken off.
    aged_until: Timestamp,
}

impl Board {
    /// The next message; none when it is over.
    async fn next(&mut self) -> Result<Option<WatchBoardResponse>, Failure> {
        match std::mem::replace(&mut self.step, Step::Ended) {
            Step::Snapshot(place) => self.snapshot(place).await.map(Some),
            Step::Changes(tail) => self.changes(tail).await,
            Step::Ended => Ok(None),
        }
    }

    /// Goes on where a token left off, unless too much happened since.
    async fn resume(&mut self, positions: Vec<(u16, u64)>, aged_until: Option<Timestamp>) -> Result<(), Failure> {
        let Some(aged_until) = aged_until else { return Ok(()) };
        let known: BTreeMap<u16, u64> = positions.into_iter().collect();
        let heads: BTreeMap<u16, u64> = self.heads().await?.into_iter().collect();
        // A rooftop that came later is in no token.
        let all_known = heads.keys().all(|part| known.contains_key(part));
        let missed: u64 =
            heads.iter().map(|(part, head)| head.saturating_sub(known.get(part).copied().unwrap_or(0))).sum();
        if all_known && missed <= MOST_MISSED {
            self.positions = heads.keys().filter_map(|part| Some((*part, *known.get(part)?))).collect();
            // What left the board by mere silence while nobody watched stands in no log.
            self.aged_until = aged_until;
            // Nor do sources that fell silent.
            self.outdated = true;
            self.step = Step::Changes(Box::new(self.tail()));
        }
        Ok(())
    }

    /// Where the log ends for each part of these rooftops.
    async fn heads(&self) -> Result<Vec<(u16, u64)>, Failure> {
        let all: BTreeMap<u16, u64> = self.deals.log.heads().await?.into_iter().collect();
        let parts: std::collections::BTreeSet<u16> = self.rooftops.iter().map(|rooftop| rooftop.part).collect();
        Ok(parts.into_iter().map(|part| (part, all.get(&part).copied().unwrap_or(0))).collect())
    }

    fn tail(&self) -> Tail {
        self.deals.log.tail(&self.principal, Some(self.names()), self.positions.clone())
    }

    fn names(&self) -> Vec<String> {
        self.rooftops.iter().map(|rooftop| rooftop.rooftop.clone()).collect()
    }

    /// An answer that resumes behind what was sent so far.
    fn answer(&self) -> WatchBoardResponse {
        let heads =
            self.positions.iter().map(|(part, position)| PartPosition { part: u32::from(*part), position: *position });
        let places = GetHeadsResponse { heads: heads.collect(), consistency_token: self.aged_until.to_string() };
        let platform = &self.deals.cx.platform;
        WatchBoardResponse {
            complete: true,
            as_of: Some(to_wire(platform.clock.now())),
            resume_token: platform.sealer.seal(PURPOSE, &self.bound_to, &places.encode_to_vec()),
            ..Default::default()
        }
    }

    /// How fresh the sources are, those of which it was not yet said.
    async fn freshness(&mut self) -> Result<Vec<pb::SourceAsOf>, Failure> {
        let (group, rooftops) = (self.principal.group.clone(), self.names());
        let sources = self
            .deals
            .cx
            .platform
            .db
            .read(&self.principal, move |tx| Box::pin(async move { store::sources(tx, &group, &rooftops).await }))
            .await
            .map_err(|error: store::Error| Failure::from(error))?;
        (self.outdated, self.looked) = (false, Instant::now());
        let now = self.deals.cx.platform.clock.now();
        self.silent_at = sources.iter().filter_map(|source| source.judged.stale_at).filter(|at| *at > now).min();
        let mut news = Vec::new();
        for source in sources {
            let name = (source.rooftop.clone(), source.source.clone());
            let as_of = as_of(source, now);
            if self.fresh.get(&name) != Some(&as_of) {
                self.fresh.insert(name, as_of.clone());
                news.push(as_of);
            }
        }
        Ok(news)
    }

    /// Returns once a source falls silent of which nothing comes meanwhile.
    async fn silence(clock: Clock, silent_at: Option<Timestamp>) {
        match silent_at {
            Some(at) => clock.sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

fn as_of(source: store::SourceRow, now: Timestamp) -> pb::SourceAsOf {
    let Judged { expected, stale_at } = source.judged;
    let stale_since = match Health::at(expected.is_some(), stale_at, now) {
        Health::Stale { since } => Some(since),
        Health::Fresh | Health::Unknown => None,
    };
    pb::SourceAsOf {
        rooftop: source.rooftop,
        source: source.source,
        last_recorded_at: Some(to_wire(source.last_recorded_at)),
        last_event_at: Some(to_wire(source.last_event_at)),
        stale: stale_since.is_some(),
        stale_since: stale_since.map(to_wire),
        expected_interval: expected.map(|of| duration_to_wire(of.try_into().unwrap_or_default())),
    }
}
