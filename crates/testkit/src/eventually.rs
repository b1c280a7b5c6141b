use std::fmt::Display;
use std::panic::Location;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

/// What a condition says: yes with a value, or why not yet.
pub trait Outcome {
    type Value;
    fn outcome(self) -> Result<Self::Value, String>;
}

impl Outcome for bool {
    type Value = ();
    fn outcome(self) -> Result<(), String> {
        if self { Ok(()) } else { Err("false".into()) }
    }
}

impl<T> Outcome for Option<T> {
    type Value = T;
    fn outcome(self) -> Result<T, String> {
        self.ok_or_else(|| "nothing".into())
    }
}

impl<T, E: Display> Outcome for Result<T, E> {
    type Value = T;
    fn outcome(self) -> Result<T, String> {
        self.map_err(|error| error.to_string())
    }
}

/// Asks `condition` again and again until it holds, and returns its value; panics with the last answer when `within`
/// has passed. A condition is a bool, an `Option`, or a `Result` whose error says what is still missing.
#[track_caller]
pub fn eventually<O: Outcome>(
    within: Duration,
    mut condition: impl AsyncFnMut() -> O,
) -> impl Future<Output = O::Value> {
    let asked_at = Location::caller();
    async move {
        let deadline = Instant::now() + within;
        let mut tick = interval(Duration::from_millis(10));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut asked, mut last) = (0_u32, "no answer".to_owned());
        let wait = async {
            loop {
                tick.tick().await;
                asked += 1;
                match condition().await.outcome() {
                    Ok(value) => return value,
                    Err(not_yet) => last = not_yet,
                }
            }
        };
        match timeout_at(deadline, wait).await {
            Ok(value) => value,
            Err(_) => panic!("not so within {within:?} (asked {asked} times at {asked_at}), at last: {last}"),
        }
    }
}

/// Awaits `work`, and panics when `within` has passed before it ends. Around a loop over a stream: each message may come
/// in time (a heartbeat does) and the one that is waited for never.
#[track_caller]
pub fn ends_within<T>(within: Duration, work: impl Future<Output = T>) -> impl Future<Output = T> {
    let asked_at = Location::caller();
    async move {
        let ended = tokio::time::timeout(within, work).await;
        ended.unwrap_or_else(|_| panic!("has not ended within {within:?} (asked at {asked_at})"))
    }
}
