//! Floors as they change: whole ones, pulled by the reader, so that nothing piles up for one that is slow.
//!
//! A floor may have changed if an entry of its part was applied, by whichever process, or if it said that it changes by
//! now. Both are looked at every second; what is the same as before is not sent.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use futures::{StreamExt, stream::BoxStream};
use jiff::Timestamp;
use pb::rule::v1::{Floor, WatchFloorRequest, WatchFloorResponse};
use throughline_journal::live;
use throughline_platform::{Failure, Principal, Violation, name, principal::Scope};
use throughline_proto as pb;
use tokio::time::Instant;
use tonic::Status;

use super::{load, progress, unknown_rooftop};
use crate::{grpc::Rules, store::FloorProgress};

pub(crate) type FloorStream = BoxStream<'static, Result<WatchFloorResponse, Status>>;

/// Rooftops of one stream at most.
const MAX_ROOFTOPS: usize = 64;
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(crate) async fn watch(
    rules: &Rules,
    principal: Principal,
    request: WatchFloorRequest,
) -> Result<FloorStream, Failure> {
    principal.require(Scope::Read)?;
    name::parse_field("parent", "groups/{group}", &request.parent)?;
    let principal = principal.in_group(&request.parent)?;
    let heartbeat =
        live::heartbeat(request.heartbeat.as_ref()).map_err(|violation| Failure::violations(vec![violation]))?;
    let asked: BTreeSet<String> = request.rooftops.into_iter().collect();
    for rooftop in &asked {
        principal.require_rooftop(rooftop)?;
    }
    let rooftops =
        if asked.is_empty() { principal.rooftop_filter() } else { Some(asked.iter().cloned().collect::<Vec<_>>()) };
    let mut watcher = Watcher {
        rules: rules.clone(),
        principal,
        rooftops,
        heartbeat,
        floors: BTreeMap::new(),
        changed: VecDeque::new(),
        looked: Instant::now(),
        sent: Instant::now(),
    };
    watcher.look().await?;
    if let Some(unknown) = asked.iter().find(|asked| !watcher.floors.contains_key(*asked)) {
        return Err(unknown_rooftop(&watcher.principal, unknown));
    }
    let answers = futures::stream::try_unfold(watcher, |mut watcher| async move {
        let next = watcher.next().await?;
        Ok::<_, Status>(next.map(|next| (next, watcher)))
    });
    Ok(answers.boxed())
}

/// One reader.
struct Watcher {
    rules: Rules,
    principal: Principal,
    /// None: all of the group.
    rooftops: Option<Vec<String>>,
    heartbeat: Duration,
    floors: BTreeMap<String, Seen>,
    /// Rooftops whose floor may have changed, each once.
    changed: VecDeque<String>,
    looked: Instant,
    sent: Instant,
}

/// What is known of a floor.
struct Seen {
    progress: FloorProgress,
    changes_at: Option<Timestamp>,
    /// As it was sent.
    sent: Option<Floor>,
}

impl Watcher {
    /// The next message; none when the process stops.
    async fn next(&mut self) -> Result<Option<WatchFloorResponse>, Failure> {
        let shutdown = self.rules.cx.platform.tasks.shutdown();
        loop {
            while let Some(rooftop) = self.changed.pop_front() {
                if let Some(floor) = self.news(&rooftop).await? {
                    return Ok(Some(self.answer(Some(floor))));
                }
            }
            let heartbeat = self.sent + self.heartbeat;
            if Instant::now() >= heartbeat {
                return Ok(Some(self.answer(None)));
            }
            let by = heartbeat.min(self.looked + LOOK_EVERY);
            if shutdown.run_until_cancelled(tokio::time::sleep_until(by)).await.is_none() {
                return Ok(None);
            }
            if Instant::now() >= self.looked + LOOK_EVERY {
                self.look().await?;
            }
        }
    }

    /// Finds out which floors may have changed.
    async fn look(&mut self) -> Result<(), Failure> {
        self.looked = Instant::now();
        let limit = i64::try_from(MAX_ROOFTOPS + 1).unwrap_or(i64::MAX);
        let found = progress(&self.rules, &self.principal, self.rooftops.clone(), limit).await?;
        if found.len() > MAX_ROOFTOPS {
            let problem = format!("must name the rooftops, at most {MAX_ROOFTOPS}: the key may see more");
            return Err(Failure::violations(vec![Violation::new("rooftops", problem)]));
        }
        let now = self.rules.cx.platform.clock.now();
        for progress in found {
            let rooftop = progress.rooftop.clone();
            let seen = self.floors.get(&rooftop);
            let as_before = seen.is_some_and(|seen| {
                seen.progress.position == progress.position && seen.changes_at.is_none_or(|at| at > now)
            });
            match self.floors.get_mut(&rooftop) {
                Some(seen) => seen.progress = progress,
                None => drop(self.floors.insert(rooftop.clone(), Seen { progress, changes_at: None, sent: None })),
            }
            if !as_before {
                self.changed.push_back(rooftop);
            }
        }
        Ok(())
    }

    /// The floor of a rooftop, unless it was sent like this.
    async fn news(&mut self, rooftop: &str) -> Result<Option<Floor>, Failure> {
        let Some(seen) = self.floors.get_mut(rooftop) else { return Ok(None) };
        let floor = load(&self.rules, &self.principal, &seen.progress).await?;
        seen.changes_at = floor.changes_at.as_ref().and_then(pb::time::from_wire);
        let content = content(&floor);
        if seen.sent.as_ref() == Some(&content) {
            return Ok(None);
        }
        seen.sent = Some(content);
        Ok(Some(floor))
    }

    fn answer(&mut self, floor: Option<Floor>) -> WatchFloorResponse {
        self.sent = Instant::now();
        WatchFloorResponse {
            floor,
            as_of: Some(pb::time::to_wire(self.rules.cx.platform.clock.now())),
            complete: self.floors.values().all(|seen| seen.sent.is_some()),
        }
    }
}

/// A floor without what passes by itself.
fn content(floor: &Floor) -> Floor {
    Floor { as_of: None, known_until: None, ..floor.clone() }
}
