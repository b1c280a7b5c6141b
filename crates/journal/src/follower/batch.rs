//! One piece of work of one part: a transaction that ends by moving the cursor, or several of them when an entry is
//! poisonous.
mod park;
mod put_right;
mod timer;

use std::{any::Any, collections::HashSet, ops::Range, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use throughline_platform::{
    db::{Role, Tx},
    failure::Failure,
    trace,
};
use throughline_proto::log::v1::StoredEntry;

use super::{
    Follower, Inner,
    aside::Aside,
    job::{Outcome, Worked},
    part::Work,
};
use crate::{ApplyError, EntityKey, Entry, Projection, Timers, metrics::OfConsumer};

/// After so many failures an entry parks its entity, and an alarm its timer.
const TRIES: i32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// The lease under which a piece of work is done.
#[derive(Clone, Copy)]
pub(super) struct Fence {
    pub(super) part: u16,
    pub(super) epoch: i64,
    pub(super) position: u64,
}

/// Why a transaction was rolled back.
pub(super) enum Refused {
    Lost,
    Transient(Failure),
    Poison {
        /// Who is at fault, if that is known; else empty.
        entity: String,
        cause: String,
    },
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        Self::Transient(Failure::from(error))
    }
}

impl From<ApplyError> for Refused {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Transient(failure) => Self::Transient(failure),
            ApplyError::Poison { entity, cause } => Self::Poison { entity, cause },
        }
    }
}

impl Refused {
    fn panicked(_: Box<dyn Any + Send>) -> Self {
        // What a panic says may quote the entry; the panic hook has logged it.
        Self::poison("it panicked")
    }

    fn poison(cause: &str) -> Self {
        Self::Poison { entity: String::new(), cause: cause.to_owned() }
    }
}

impl<P: Projection> Follower<P> {
    pub(super) async fn work(self, mut fence: Fence, mut aside: Aside, work: Work) -> Worked {
        let tick = matches!(work, Work::Tick(_));
        let outcome = match work {
            Work::Batch(entries) => self.apply_batch(&mut fence, &mut aside, entries).await,
            Work::Retry(entity) => self.retry(fence, &mut aside, entity).await,
            Work::Refire(entity, rule_time) => self.refire(fence, &mut aside, entity, rule_time).await,
            Work::PutRight(rule_time) => self.put_right(fence, rule_time).await,
            Work::Tick(rule_time) => self.tick(fence, &mut aside, rule_time).await,
        };
        if matches!(outcome, Outcome::Lost) {
            self.0.logs.metrics().lost.get_or_create(&self.0.label()).inc();
        }
        self.0.consumer.progress.send_modify(|progress| progress.batches += 1);
        Worked { part: fence.part, epoch: fence.epoch, position: fence.position, aside, tick, outcome }
    }

    /// Applies a batch in one transaction. If it is refused as poisonous it is halved until the entry is found, which is
    /// tried again and then parked; everything else goes on, in order.
    async fn apply_batch(&self, fence: &mut Fence, aside: &mut Aside, stored: Vec<StoredEntry>) -> Outcome {
        let entries: Arc<[Entry]> = stored.into_iter().map(|stored| Entry::parse(self.0.spec.log, stored)).collect();
        link_to_batch(&entries);
        let whole = 0..entries.len();
        let mut ranges = vec![whole];
        let mut tries = 0;
        while let Some(range) = ranges.pop() {
            match self.apply(*fence, aside, &entries, range.clone()).await {
                Ok(()) => {
                    fence.position = entries[range.end - 1].position;
                    let applied = self.0.logs.metrics().applied.get_or_create(&self.0.label()).clone();
                    applied.inc_by(range.len() as u64);
                    tries = 0;
                }
                Err(Refused::Lost) => return Outcome::Lost,
                Err(Refused::Transient(failure)) => {
                    let rest = entries[range.start..].iter().map(Entry::render).collect();
                    return Outcome::Transient { failure, rest };
                }
                Err(Refused::Poison { .. }) if range.len() > 1 => {
                    let middle = range.start + range.len() / 2;
                    ranges.push(middle..range.end);
                    ranges.push(range.start..middle);
                }
                Err(Refused::Poison { cause, .. }) => {
                    tries += 1;
                    if tries < TRIES {
                        tokio::time::sleep(BETWEEN_TRIES).await;
                        ranges.push(range);
                        continue;
                    }
                    let entry = &entries[range.start];
                    match self.park(*fence, entry, cause).await {
                        Ok(()) => {
                            aside.entries.insert(entry.key());
                            fence.position = entry.position;
                            tries = 0;
                        }
                        Err(Refused::Lost) => return Outcome::Lost,
                        Err(Refused::Transient(failure)) => {
                            let rest = entries[range.start..].iter().map(Entry::render).collect();
                            return Outcome::Transient { failure, rest };
                        }
                        Err(Refused::Poison { cause, .. }) => {
                            let rest = entries[range.start..].iter().map(Entry::render).collect();
                            return Outcome::Transient { failure: Failure::internal(cause), rest };
                        }
                    }
                }
            }
        }
        Outcome::Done
    }

    async fn apply(
        &self,
        fence: Fence,
        aside: &mut Aside,
        entries: &Arc<[Entry]>,
        range: Range<usize>,
    ) -> Result<(), Refused> {
        let upto = entries[range.end - 1].position;
        let (live, queued) = split(&aside.entries, entries, range);
        if live.as_slice().iter().any(|entry| entry.broken) {
            return Err(Refused::poison(UNREADABLE));
        }
        let (inner, known) = (self.0.clone(), aside.timers.clone());
        let (effects, timers) = self
            .0
            .consumer
            .cx
            .db
            .work(Role::Worker, move |tx| {
                Box::pin(async move {
                    inner.set_aside(tx, fence.part, &queued, QUEUED, 0).await?;
                    let (effects, timers) = if live.is_empty() {
                        Default::default()
                    } else {
                        inner.guarded(inner.projection.apply(tx, fence.part, live.as_slice())).await?
                    };
                    let timers = inner.note_timers(tx, fence.part, &known, timers).await?;
                    inner.move_cursor(tx, fence, upto).await?;
                    Ok::<_, Refused>((effects, timers))
                })
            })
            .await?;
        self.noted(fence.part, aside, timers);
        self.committed(fence.part, effects).await;
        Ok(())
    }

    async fn committed(&self, part: u16, effects: P::Effects) {
        let committed = self.0.projection.committed(part, effects);
        if AssertUnwindSafe(committed).catch_unwind().await.is_err() {
            tracing::error!(
                consumer = self.0.spec.consumer,
                part,
                "what follows a commit panicked; polls behind it make up for it"
            );
        }
    }
}

/// What an entry is parked with when it is not itself at fault.
const QUEUED: &str = "waits behind an earlier entry of its entity";
const UNREADABLE: &str = "it cannot be decoded";

impl<P: Projection> Inner<P> {
    pub(super) fn label(&self) -> OfConsumer {
        OfConsumer { consumer: self.spec.consumer }
    }

    /// What the projection does in a transaction; a panic in it is a refusal like another.
    pub(super) async fn caught<T>(&self, work: impl Future<Output = Result<T, ApplyError>>) -> Result<T, Refused> {
        Ok(AssertUnwindSafe(work).catch_unwind().await.map_err(Refused::panicked)??)
    }

    /// The same with what it means for timers.
    async fn guarded(
        &self,
        work: impl Future<Output = Result<P::Effects, ApplyError>>,
    ) -> Result<(P::Effects, Timers), Refused> {
        self.caught(async {
            let mut effects = work.await?;
            let timers = self.projection.timers(&mut effects);
            Ok((effects, timers))
        })
        .await
    }

    /// Refuses unless this owner still holds the part where it believes it to be.
    async fn move_cursor(&self, tx: &mut Tx, fence: Fence, upto: u64) -> Result<(), Refused> {
        let moved = sqlx::query(self.consumer.sql.cursor_moved.clone())
            .bind(self.spec.consumer)
            .bind(fence.part as i16)
            .bind(fence.epoch)
            .bind(fence.position as i64)
            .bind(upto as i64)
            .execute(tx.conn())
            .await?;
        if moved.rows_affected() == 1 { Ok(()) } else { Err(Refused::Lost) }
    }
}

/// Entries to apply: a window of the batch, or a selection when some of it is parked.
enum Live {
    Window(Arc<[Entry]>, Range<usize>),
    Selection(Vec<Entry>),
}

impl Live {
    fn as_slice(&self) -> &[Entry] {
        match self {
            Self::Window(entries, range) => &entries[range.clone()],
            Self::Selection(entries) => entries,
        }
    }

    fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }
}

fn split(parked: &HashSet<EntityKey>, entries: &Arc<[Entry]>, range: Range<usize>) -> (Live, Vec<Entry>) {
    let is_parked = |entry: &Entry| !parked.is_empty() && parked.contains(&entry.key());
    if !entries[range.clone()].iter().any(is_parked) {
        return (Live::Window(entries.clone(), range), Vec::new());
    }
    let (queued, live) = entries[range].iter().cloned().partition(is_parked);
    (Live::Selection(live), queued)
}

/// Each entry's span is part of the entry's own trace; a link says with which others it was worked on.
fn link_to_batch(entries: &[Entry]) {
    let mut traced = entries.iter().filter(|entry| !entry.span.is_disabled());
    let Some(first) = traced.next() else { return };
    let batch = trace::root_span("journal.batch");
    let context = trace::context_of(&batch, &first.trace);
    for entry in std::iter::once(first).chain(traced) {
        trace::link(&entry.span, &context);
    }
}
