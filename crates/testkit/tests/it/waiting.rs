use std::cell::Cell;
use std::time::Duration;

use throughline_testkit::{ends_within, eventually};

#[tokio::test]
async fn a_condition_is_asked_until_it_holds() {
    let asked = Cell::new(0);
    let value = eventually(Duration::from_secs(5), async || {
        asked.set(asked.get() + 1);
        (asked.get() == 3).then_some("third")
    })
    .await;
    assert_eq!(value, "third");
}

#[tokio::test]
#[should_panic(expected = "at last: two are missing")]
async fn the_last_answer_is_told_when_time_is_up() {
    eventually(Duration::from_millis(50), async || Err::<(), _>("two are missing")).await;
}

#[tokio::test]
#[should_panic(expected = "waiting.rs")]
async fn a_condition_that_hangs_is_told_with_its_place() {
    eventually(Duration::from_millis(50), async || std::future::pending::<bool>().await).await;
}

#[tokio::test]
#[should_panic(expected = "waiting.rs")]
async fn work_that_goes_on_without_an_end_is_told_with_its_place() {
    ends_within(Duration::from_millis(50), async {
        while std::future::ready(true).await {
            tokio::task::yield_now().await
        }
    })
    .await;
}
