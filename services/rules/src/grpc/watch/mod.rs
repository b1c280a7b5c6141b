//! The standing flags and open reviews of some rooftops, as they change.

mod changes;
mod snapshot;

use async_trait::async_trait;
use futures::stream::BoxStream;
use pb::{
    log::v1::StoredEntry,
    rule::v1::{WatchFlagsRequest, WatchFlagsResponse},
};
use throughline_journal::live::{Changes, LiveRequest, LiveView, Page, Stamp};
use throughline_platform::{Failure, Principal, principal::Scope};
use throughline_proto as pb;
use tonic::Status;

use self::snapshot::Place;
use super::Rules;
use crate::store;

pub(super) type FlagStream = BoxStream<'static, Result<WatchFlagsResponse, Status>>;

pub(super) async fn watch(
    rules: &Rules,
    principal: Principal,
    request: WatchFlagsRequest,
) -> Result<FlagStream, Failure> {
    principal.require(Scope::Read)?;
    let principal = principal.in_group(&request.parent)?;
    let live = LiveRequest {
        purpose: "rules.watch",
        parent: request.parent,
        rooftops: request.rooftops,
        resume_token: request.resume_token,
        once: request.once,
        heartbeat: request.heartbeat,
        choice: if request.flags_only { "flags" } else { "flags and reviews" },
    };
    let view = FlagView { rules: rules.clone(), principal: principal.clone(), flags_only: request.flags_only };
    rules.log.live(principal, live, view).await
}

/// One watcher. What it was sent follows from its place in the log alone.
struct FlagView {
    rules: Rules,
    principal: Principal,
    flags_only: bool,
}

#[async_trait]
impl LiveView for FlagView {
    type Message = WatchFlagsResponse;
    type Place = Place;

    async fn rooftops(
        &mut self,
        wanted: Option<Vec<String>>,
        known: Vec<String>,
        limit: usize,
    ) -> Result<Vec<(String, u16)>, Failure> {
        let (group, limit) = (self.principal.group.clone(), i64::try_from(limit).unwrap_or(i64::MAX));
        self.rules
            .cx
            .platform
            .db
            .read(&self.principal, move |tx| {
                Box::pin(async move {
                    Ok::<_, Failure>(store::watch_rooftops(tx, &group, wanted.as_deref(), &known, limit).await?)
                })
            })
            .await
    }

    async fn page(
        &mut self,
        rooftops: &[String],
        after: Option<Place>,
        seen: &[(u16, u64)],
    ) -> Result<Page<WatchFlagsResponse, Place>, Failure> {
        self.piece(rooftops, after, seen).await
    }

    fn place_of(&self, entry: &StoredEntry) -> Option<Place> {
        Place::of(entry)
    }

    fn changes(&mut self, entries: &[StoredEntry]) -> Result<Changes<WatchFlagsResponse>, Failure> {
        changes::changes(entries, self.flags_only, self.rules.cx.platform.clock.now())
    }

    fn stamp(&self, message: &mut WatchFlagsResponse, stamp: Stamp) {
        message.snapshot = stamp.snapshot;
        message.complete = stamp.complete;
        message.added_rooftops = stamp.added;
        message.as_of = Some(pb::time::to_wire(stamp.as_of));
        message.resume_token = stamp.resume_token;
    }
}
