//! Group commit: callers share a transaction, and a process commits in several lanes at once. The lane of a part is the part
//! modulo the number of lanes. One lane would be a global mutex; one lane per caller would be one commit per caller.
use std::{future::Future, num::NonZero, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use throughline_platform::{
    failure::Failure,
    tasks::{OnExit, Tasks},
};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Lanes of a process with many processors.
const MAX_LANES: usize = 8;

/// Commits what a lane has gathered.
pub trait Commit: Send + Sync + 'static {
    type Item: Send + 'static;
    type Outcome: Send + 'static;

    /// Commits all items in one transaction and answers each, in order. Items of one part always come in the order in
    /// which they were submitted, and a lane commits one batch at a time.
    fn commit(
        &self,
        lane: usize,
        items: Vec<Self::Item>,
    ) -> impl Future<Output = Vec<Result<Self::Outcome, Failure>>> + Send;
}

/// How much a lane holds.
#[derive(Clone, Copy, Debug)]
pub struct LaneSpec {
    /// Name of the lanes' tasks.
    pub name: &'static str,
    /// Number of transactions that commit at once; see [`lanes_for_processors`].
    pub lanes: usize,
    /// Weight that may be queued or in commit a lane; what comes beyond is refused or waits.
    pub queue: u32,
    /// Most items in one commit.
    pub batch_items: usize,
    /// Weight at which a commit takes no further item; a heavier item commits alone.
    pub batch_weight: u32,
}

/// Returns the number of processors, at least 2 (one lane works while the other waits for the disk) and at most 8. A call
/// commits once in each lane that its events belong to, so more lanes only mean more and smaller transactions.
pub fn lanes_for_processors() -> usize {
    std::thread::available_parallelism().map_or(2, NonZero::get).clamp(2, MAX_LANES)
}

/// The lanes of one kind of commit.
pub struct Lanes<C: Commit> {
    spec: LaneSpec,
    lanes: Arc<[Lane<C>]>,
}

impl<C: Commit> Clone for Lanes<C> {
    fn clone(&self) -> Self {
        Self { spec: self.spec, lanes: self.lanes.clone() }
    }
}

struct Lane<C: Commit> {
    room: Arc<Semaphore>,
    queue: mpsc::Sender<Queued<C>>,
}

// Each weighs at least one, so the channel always has room for who got a permit.
struct Queued<C: Commit> {
    item: C::Item,
    weight: u32,
    answer: oneshot::Sender<Result<C::Outcome, Failure>>,
    room: OwnedSemaphorePermit,
}

impl<C: Commit> Lanes<C> {
    /// Starts the lanes; they commit until shutdown, and then what is queued by then.
    pub fn start(tasks: &Tasks, spec: LaneSpec, commit: Arc<C>) -> Self {
        let lanes = (0..spec.lanes.max(1))
            .map(|lane| {
                let (queue, queued) = mpsc::channel(spec.queue as usize);
                let queued = Arc::new(Mutex::new(queued));
                let commit = commit.clone();
                let shutdown = tasks.shutdown();
                tasks.spawn(spec.name, OnExit::StopProcess, move || {
                    run(lane, spec, commit.clone(), queued.clone(), shutdown.clone())
                });
                Lane { room: Arc::new(Semaphore::new(spec.queue as usize)), queue }
            })
            .collect();
        Self { spec, lanes }
    }

    /// Returns the number of lanes; the lane of a part is the part modulo this number.
    pub fn count(&self) -> usize {
        self.lanes.len()
    }

    /// Commits an item with others of its lane; refuses at once if the lane is full. `weight` is in the unit of the
    /// spec, such as events.
    pub async fn submit(&self, part: u16, weight: u32, item: C::Item) -> Result<C::Outcome, Failure> {
        let lane = &self.lanes[usize::from(part) % self.lanes.len()];
        let weight = weight.clamp(1, self.spec.queue);
        let room =
            lane.room.clone().try_acquire_many_owned(weight).map_err(|_| {
                Failure::overloaded(format!("the queue of {}", self.spec.name), Duration::from_millis(500))
            })?;
        lane.committed(item, weight, room).await
    }

    /// The same for a caller that can wait for room, such as a stream whose flow control then holds its sender back.
    pub async fn submit_patiently(&self, part: u16, weight: u32, item: C::Item) -> Result<C::Outcome, Failure> {
        let lane = &self.lanes[usize::from(part) % self.lanes.len()];
        let weight = weight.clamp(1, self.spec.queue);
        let room = lane.room.clone().acquire_many_owned(weight).await.map_err(|_| stopping())?;
        lane.committed(item, weight, room).await
    }
}

impl<C: Commit> Lane<C> {
    async fn committed(&self, item: C::Item, weight: u32, room: OwnedSemaphorePermit) -> Result<C::Outcome, Failure> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Queued { item, weight, answer, room }).map_err(|_| stopping())?;
        answered.await.unwrap_or_else(|_| Err(stopping()))
    }
}

fn stopping() -> Failure {
    Failure::unavailable("this process", "it is being stopped")
}

type Queue<C> = Arc<Mutex<mpsc::Receiver<Queued<C>>>>;

async fn run<C: Commit>(lane: usize, spec: LaneSpec, commit: Arc<C>, queued: Queue<C>, shutdown: CancellationToken) {
    let mut queued = queued.lock().await;
    let mut held = None;
    loop {
        let first = match held.take() {
            Some(first) => first,
            None => tokio::select! {
                biased;
                next = queued.recv() => match next {
                    Some(first) => first,
                    None => return,
                },
                () = shutdown.cancelled() => {
                    queued.close();
                    // What came before the door was shut is still committed.
                    match queued.recv().await {
                        Some(first) => first,
                        None => return,
                    }
                }
            },
        };
        let mut weight = first.weight;
        let mut batch = vec![first];
        while batch.len() < spec.batch_items {
            match queued.try_recv() {
                Ok(next) if weight.saturating_add(next.weight) > spec.batch_weight => {
                    held = Some(next);
                    break;
                }
                Ok(next) => {
                    weight += next.weight;
                    batch.push(next);
                }
                Err(_) => break,
            }
        }
        settle(lane, spec.name, &*commit, batch).await;
    }
}

async fn settle<C: Commit>(lane: usize, name: &'static str, commit: &C, batch: Vec<Queued<C>>) {
    let mut items = Vec::with_capacity(batch.len());
    let mut callers = Vec::with_capacity(batch.len());
    for queued in batch {
        items.push(queued.item);
        callers.push((queued.answer, queued.room));
    }
    let outcomes = AssertUnwindSafe(commit.commit(lane, items)).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!(lane, task = name, "a commit panicked: its callers are told that it failed");
        Vec::new()
    });
    let mut outcomes = outcomes.into_iter();
    for (answer, room) in callers {
        let outcome =
            outcomes.next().unwrap_or_else(|| Err(Failure::internal("the commit did not answer for this item")));
        // A caller that has gone away does not undo what is committed.
        let _ = answer.send(outcome);
        drop(room);
    }
}
