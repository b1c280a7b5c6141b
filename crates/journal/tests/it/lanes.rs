use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use throughline_journal::{Commit, LaneSpec, Lanes};
use throughline_platform::{Failure, tasks::Tasks};
use tokio::sync::Semaphore;
use tonic::Code;

/// Answers each item with the number of the batch that it was committed in.
struct Counting {
    gate: Semaphore,
    batches: AtomicU32,
    largest: AtomicU32,
}

impl Commit for Counting {
    type Item = &'static str;
    type Outcome = u32;

    async fn commit(&self, _: usize, items: Vec<&'static str>) -> Vec<Result<u32, Failure>> {
        self.gate.acquire().await.unwrap().forget();
        assert!(!items.contains(&"panic"), "told to panic");
        let batch = self.batches.fetch_add(1, Ordering::SeqCst) + 1;
        self.largest.fetch_max(items.len() as u32, Ordering::SeqCst);
        items.iter().map(|_| Ok(batch)).collect()
    }
}

fn lanes(tasks: &Tasks, open: usize) -> (Lanes<Counting>, Arc<Counting>) {
    let counting =
        Arc::new(Counting { gate: Semaphore::new(open), batches: AtomicU32::new(0), largest: AtomicU32::new(0) });
    let spec = LaneSpec { name: "test lanes", lanes: 8, queue: 10, batch_items: 4, batch_weight: 100 };
    (Lanes::start(tasks, spec, counting.clone()), counting)
}

#[tokio::test]
async fn callers_that_wait_share_the_next_commit() {
    let tasks = Tasks::new();
    let (lanes, counting) = lanes(&tasks, 0);
    let callers: Vec<_> = (0..9)
        .map(|_| {
            let lanes = lanes.clone();
            tokio::spawn(async move { lanes.submit(3, 1, "x").await.unwrap() })
        })
        .collect();
    throughline_testkit::eventually(crate::world::SOON, async || {
        // Nine of ten places are taken once all have arrived.
        lanes.submit(3, 2, "too much").await.is_err_and(|failure| failure.code() == Code::ResourceExhausted)
    })
    .await;
    counting.gate.add_permits(100);
    for caller in callers {
        caller.await.unwrap();
    }
    assert!(counting.batches.load(Ordering::SeqCst) < 9);
    assert!(counting.largest.load(Ordering::SeqCst) <= 4);
    // A caller that can wait is never refused, and one that is heavier than the lane commits alone.
    lanes.submit_patiently(3, 1_000, "x").await.unwrap();
}

#[tokio::test]
async fn a_commit_that_panics_fails_its_callers_and_the_lane_goes_on() {
    let tasks = Tasks::new();
    let (lanes, _) = lanes(&tasks, 100);
    assert_eq!(lanes.submit(3, 1, "panic").await.unwrap_err().code(), Code::Internal);
    assert_eq!(lanes.submit(3, 1, "x").await.unwrap(), 1);
}

#[tokio::test]
async fn what_was_submitted_before_the_end_is_still_committed() {
    let tasks = Tasks::new();
    let (lanes, counting) = lanes(&tasks, 0);
    let caller = tokio::spawn({
        let lanes = lanes.clone();
        async move { lanes.submit(3, 1, "x").await }
    });
    throughline_testkit::eventually(crate::world::SOON, async || lanes.submit(3, 10, "y").await.is_err()).await;
    tasks.stop();
    counting.gate.add_permits(100);
    caller.await.unwrap().unwrap();
    assert_eq!(lanes.submit_patiently(3, 1, "late").await.unwrap_err().code(), Code::Unavailable);
}
