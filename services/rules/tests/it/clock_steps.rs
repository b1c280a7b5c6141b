//! A clock that ran ahead or behind is put right: flags end as they would have without it.

use throughline_proto::{
    log::v1::{ListConsumersRequest, LogClock, log_service_client::LogServiceClient},
    rule::v1::{Flag, Severity},
};
use throughline_testkit::eventually;
use tonic::transport::Endpoint;

use crate::kit::*;

/// Six hours, in minutes.
const HOURS: i64 = 360;

/// What a flag says, without its numbering and when it was recorded.
/// Kind, severity, and the seconds at which it opened, turned red, and closed.
type Brief = (String, i32, i64, Option<i64>, Option<i64>);

fn content(flags: &[Flag]) -> Vec<Brief> {
    let second = |at: &Option<prost_types::Timestamp>| at.as_ref().map(|at| at.seconds);
    let mut content: Vec<_> = flags
        .iter()
        .map(|flag| {
            let opened = second(&flag.opened_at).unwrap();
            (flag.name.clone(), flag.severity, opened, second(&flag.red_at), second(&flag.closed_at))
        })
        .collect();
    content.sort();
    content
}

/// Two deals wait since ten o'clock and since five past; a third did until ten past.
async fn tell_all(desk: &Desk) {
    desk.tell(said(deal("D1", 0, vec![fi(0, None)]))).await;
    desk.tell(said(deal("D2", 0, vec![fi(5, None)]))).await;
    desk.tell(said(deal("D3", 0, vec![fi(-30, Some(-20))]))).await;
}

/// How the flags stand at 10:18 of a day on which the clock was right.
async fn undisturbed() -> Vec<(String, i32, i64, Option<i64>, Option<i64>)> {
    let desk = Desk::open().await;
    tell_all(&desk).await;
    desk.pass(at(18)).await;
    content(&desk.flags("").await)
}

async fn clock_of_deal_log(desk: &Desk) -> LogClock {
    let key = desk.running.cx.platform.options.service_key.clone();
    let channel = Endpoint::from_shared(format!("http://{}", desk.running.grpc_addr)).unwrap().connect_lazy();
    let mut request = tonic::Request::new(ListConsumersRequest {});
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    let answer = LogServiceClient::new(channel).list_consumers(request).await.unwrap().into_inner();
    answer.clocks.into_iter().find(|clock| clock.log == "deal").unwrap()
}

/// Status and the metric say that the clock stepped back.
async fn step_is_shown(desk: &Desk) {
    let clock = eventually(SOON, async || {
        let clock = clock_of_deal_log(desk).await;
        if clock.clock_steps > 0 { Ok(clock) } else { Err(format!("{clock:?}")) }
    })
    .await;
    let (from, to) = (clock.last_stepped_from.unwrap(), clock.last_stepped_to.unwrap());
    assert!(from.seconds - to.seconds > 5 * 3_600, "from {from:?} to {to:?}");
    let metrics = desk.running.cx.platform.metrics.encode();
    assert!(metrics.contains("journal_clock_steps_total{log=\"deal\"} 1"), "{metrics}");
}

async fn ends_as_undisturbed(desk: &Desk) {
    // Nothing is left of what had yet to come.
    desk.flags_once(|flags| flags.is_empty()).await;
    step_is_shown(desk).await;
    // A minute at a time, as life goes on: each alarm rings again.
    let wanted = undisturbed().await;
    assert!(!wanted.is_empty());
    desk.hand.set(at(18));
    desk.flags_once(|flags| content(flags) == wanted).await;
    // And those of deals that came afterwards.
    desk.tell(said(deal("D4", 18, vec![fi(18, None)]))).await;
    desk.hand.set(at(60));
    let flags =
        desk.flags_once(|flags| flags.iter().any(|flag| flag.name.contains("D4") || flags.len() > wanted.len())).await;
    assert!(flags.iter().filter(|flag| flag.severity() == Severity::Red).count() > 0, "{flags:#?}");
}

#[tokio::test]
async fn clock_that_ran_ahead_is_put_right_without_a_restart() {
    let desk = Desk::open().await;
    tell_all(&desk).await;
    desk.pass(at(HOURS)).await;
    assert!(desk.flags("").await.iter().any(|flag| flag.severity() == Severity::Red));
    desk.hand.set(at(2));
    ends_as_undisturbed(&desk).await;
}

#[tokio::test]
async fn clock_that_ran_ahead_is_put_right_with_a_restart() {
    let desk = Desk::open().await;
    tell_all(&desk).await;
    desk.pass(at(HOURS)).await;
    assert!(desk.flags("").await.iter().any(|flag| flag.severity() == Severity::Red));
    let desk = desk.restart_at(at(2)).await;
    ends_as_undisturbed(&desk).await;
}

#[tokio::test]
async fn deal_that_was_told_of_while_the_clock_ran_ahead_is_judged_by_the_present() {
    let desk = Desk::open().await;
    desk.pass(at(HOURS)).await;
    desk.tell(said(deal("D1", HOURS, vec![fi(0, None)]))).await;
    desk.flags_once(|flags| flags.len() == 1).await;
    desk.hand.set(at(2));
    desk.flags_once(|flags| flags.is_empty()).await;
    // Told of again, as a sweep does, with the instant at which it last changed.
    desk.tell(said(deal("D1", HOURS, vec![fi(0, None)]))).await;
    let token = desk.tell(said(deal("D2", 2, vec![fi(0, None)]))).await;
    assert_eq!(content(&desk.flags(&token).await), []);
    desk.hand.set(at(18));
    desk.flags_once(|flags| flags.len() == 2).await;
}

async fn behind(restarts: bool) {
    let desk = Desk::open().await;
    tell_all(&desk).await;
    desk.pass(at(18)).await;
    let wanted = content(&desk.flags("").await);
    let desk = if restarts {
        desk.restart_at(at(18 - HOURS)).await
    } else {
        desk.hand.set(at(18 - HOURS));
        desk
    };
    // By that clock nothing of it has happened.
    desk.flags_once(|flags| flags.is_empty()).await;
    step_is_shown(&desk).await;
    let desk = if restarts {
        desk.restart_at(at(18)).await
    } else {
        desk.hand.set(at(18));
        desk
    };
    desk.flags_once(|flags| content(flags) == wanted).await;
    assert_eq!(clock_of_deal_log(&desk).await.clock_steps, 1, "a clock that is put forward steps nowhere");
}

#[tokio::test]
async fn clock_that_fell_behind_is_put_right_without_a_restart() {
    behind(false).await;
}

#[tokio::test]
async fn clock_that_fell_behind_is_put_right_with_a_restart() {
    behind(true).await;
}

#[tokio::test]
async fn clocks_that_disagree_are_shown_and_undo_nothing_of_each_other() {
    let desk = Desk::open().await;
    tell_all(&desk).await;
    let (clock, hand) = throughline_platform::clock::Clock::manual(at(HOURS));
    let ahead = desk.beside(clock).await;
    eventually(SOON, async || {
        let clock = clock_of_deal_log(&desk).await;
        let seconds = clock.ahead.as_ref().map_or(0, |ahead| ahead.seconds);
        // Its clock runs on while it is looked at, so nothing there stands still long enough to be taken for a step.
        hand.advance(jiff::SignedDuration::from_secs(1));
        if seconds > 5 * 3_600 { Ok(()) } else { Err(format!("{clock:?}")) }
    })
    .await;
    for _ in 0..100 {
        hand.advance(jiff::SignedDuration::from_secs(1));
        let clock = clock_of_deal_log(&desk).await;
        assert_eq!(clock.clock_steps, 0);
    }
    assert!(desk.running.cx.platform.metrics.encode().contains("journal_clock_ahead_seconds{log=\"deal\"} 2"));
    // Once it has gone, what it promised is a step like any other.
    ahead.stop().await.unwrap();
    step_is_shown(&desk).await;
}
