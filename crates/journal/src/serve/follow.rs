//! `Follow`: a caller's own entries, resumable.
use std::time::Duration;

use futures::{StreamExt, stream::BoxStream};
use prost::Message;
use throughline_platform::{Principal, failure::Failure, persons};
use throughline_proto::log::v1::{Entry, EntryBody, FollowRequest, FollowResponse, StoredEntry};
use tokio::time::Instant;
use tonic::Status;

use super::subscribe::HEARTBEAT;
use crate::{Log, PARTS, Positions, heads::Heads, tail::Tail, token};

/// The heads are read at every poll; a process whose database is away has none to begin with.
const FIRST_LOOK: Duration = Duration::from_secs(5);

pub(super) async fn stream(
    log: Log,
    principal: Principal,
    request: FollowRequest,
) -> Result<BoxStream<'static, Result<FollowResponse, Status>>, Failure> {
    let caller = principal.in_group(&request.parent)?;
    for rooftop in &request.rooftops {
        caller.require_rooftop(rooftop)?;
    }
    let bound_to = token::cursor_bound_to(&caller.group, log.name(), &request.rooftops);
    let after = start(&log, &bound_to, &request.cursor).await?;
    let rooftops = if request.rooftops.is_empty() { caller.rooftop_filter() } else { Some(request.rooftops) };
    let sees_persons = persons::seen_by(&caller);
    let follow = Follow { tail: log.tail(&caller, rooftops, after), log, bound_to, sees_persons };
    let answers = futures::stream::try_unfold(follow, |mut follow| async move {
        let next = follow.next().await?;
        Ok::<_, Status>(next.map(|next| (next, follow)))
    });
    Ok(answers.boxed())
}

/// After which position of every part to begin.
async fn start(log: &Log, bound_to: &str, cursor: &str) -> Result<Vec<(u16, u64)>, Failure> {
    let known: Vec<(u16, u64)> = match cursor {
        "" => {
            let mut heads = log.seen_heads();
            let looked = tokio::time::timeout(FIRST_LOOK, heads.wait_for(|heads| !heads.is_empty())).await;
            let heads: Option<Heads> = looked.ok().and_then(Result::ok).map(|heads| heads.clone());
            let heads = heads.ok_or_else(|| Failure::unavailable("the log", "its heads have not been read yet"))?;
            (0..PARTS).zip(heads.iter().map(|head| head.first.saturating_sub(1))).collect()
        }
        "now" => log.heads().await?,
        cursor => token::open_cursor(&log.platform().sealer, bound_to, cursor)?.iter().collect(),
    };
    // A part that had no entries when the cursor was made is not in it.
    Ok((0..PARTS).map(|part| (part, 0)).chain(known).collect())
}

struct Follow {
    log: Log,
    tail: Tail,
    bound_to: String,
    sees_persons: bool,
}

impl Follow {
    /// The next message, with entries or as a heartbeat; `None` when this process is stopping.
    async fn next(&mut self) -> Result<Option<FollowResponse>, Failure> {
        let Some(entries) = self.tail.next(Instant::now() + HEARTBEAT).await? else { return Ok(None) };
        let mut entries = entries.into_iter().map(public).collect::<Result<Vec<_>, _>>()?;
        if !self.sees_persons {
            entries.iter_mut().for_each(persons::hide_in_log);
        }
        let positions = Positions::new(self.tail.positions().into_iter().filter(|(_, position)| *position > 0));
        let cursor = token::seal_cursor(&self.log.platform().sealer, &self.bound_to, &positions);
        Ok(Some(FollowResponse { entries, cursor }))
    }
}

/// With its body decoded, as callers outside read it.
fn public(stored: StoredEntry) -> Result<Entry, Failure> {
    let body = EntryBody::decode(stored.body).map_err(Failure::internal)?;
    Ok(Entry {
        part: stored.part,
        position: stored.position,
        recorded_at: stored.recorded_at,
        group: stored.group,
        rooftop: stored.rooftop,
        entity: stored.entity,
        origin: stored.origin,
        trace: stored.trace,
        actor: stored.actor,
        body: Some(body),
    })
}
