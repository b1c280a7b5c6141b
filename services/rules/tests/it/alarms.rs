//! Alarms can be lost, and never know more than the log.

use throughline_testkit::{connect, eventually};

use crate::kit::*;

#[tokio::test]
async fn losing_all_alarms_loses_nothing() {
    let desk = Desk::open().await;
    let token = desk.tell(said(deal("D1", 0, vec![fi(0, None)]))).await;
    assert_eq!(desk.flags(&token).await, []);
    desk.execute("DELETE FROM rules.alarm").await;
    let desk = desk.restart().await;
    eventually(SOON, async || {
        let mut connection = connect(desk.database.url()).await;
        sqlx::query("SELECT FROM rules.alarm").fetch_optional(&mut connection).await.unwrap()
    })
    .await;
    desk.pass(at(15)).await;
    assert_eq!(desk.flags("").await.len(), 1);
}

#[tokio::test]
async fn an_alarm_too_many_does_nothing() {
    let desk = Desk::open().await;
    desk.tell(said(deal("D1", 0, vec![fi(0, None)]))).await;
    desk.pass(at(15)).await;
    assert_eq!(desk.log().await.len(), 1);
    desk.execute("UPDATE rules.alarm SET at = '2026-09-07T10:00:00Z'").await;
    desk.execute(
        "INSERT INTO rules.alarm SELECT part, group_id, rooftop, 'nobody', '2026-09-07T10:00:00Z' FROM rules.alarm",
    )
    .await;
    desk.pass(at(16)).await;
    eventually(SOON, async || {
        let mut connection = connect(desk.database.url()).await;
        let early = "SELECT FROM rules.alarm WHERE at < '2026-09-07T10:20:00Z'";
        sqlx::query(early).fetch_optional(&mut connection).await.unwrap().is_none()
    })
    .await;
    assert_eq!(desk.log().await.len(), 1);
}

#[tokio::test]
async fn whatever_rings_at_once_is_said_before_the_log_counts_as_complete() {
    let desk = Desk::open().await;
    let mut token = String::new();
    for number in 0..300 {
        token = desk.tell(said(deal(&format!("D{number}"), 0, vec![fi(0, None)]))).await;
    }
    assert_eq!(desk.flags(&token).await.len(), 0);
    desk.pass(at(15)).await;
    assert_eq!(desk.log().await.len(), 300);
}

#[tokio::test]
async fn what_deal_state_has_not_read_yet_raises_nothing_false() {
    let desk = Desk::open_with(Upstream::Test).await;
    desk.tell(said(deal("D0", 0, vec![fi(-11, None)]))).await;
    desk.tell(said(deal("D1", 0, vec![fi(0, None)]))).await;
    desk.execute(
        "INSERT INTO deal_state.watermark (consumer, part, until)
         SELECT 'deal-state', generate_series(0, 255), '2026-09-07T10:05:00Z'",
    )
    .await;
    // An hour later deal-state has still not read what was recorded after five past ten.
    desk.hand.set(at(60));
    let flags = desk.flags_once(|flags| !flags.is_empty()).await;
    assert_eq!(flags.iter().map(|flag| flag.keys[0].as_str()).collect::<Vec<_>>(), ["subject:RT001-D0"]);
    desk.judged(at(5)).await;
    // D1 was accepted at twelve past, as deal-state says now.
    let token = desk.tell(said(deal("D1", 12, vec![fi(0, Some(12))]))).await;
    desk.execute("UPDATE deal_state.watermark SET until = '2026-09-07T11:00:00Z'").await;
    desk.judged(at(60)).await;
    assert_eq!(desk.flags(&token).await.len(), 1);
    assert_eq!(desk.log().await.len(), 2, "D0 turned yellow and red");
}

#[tokio::test]
async fn one_broken_deal_parks_alone_and_raises_nothing_from_what_was_known_before() {
    let desk = Desk::open().await;
    let token = desk.tell(said(deal("D1", 0, vec![fi(0, None)]))).await;
    assert_eq!(desk.flags(&token).await, []);
    let mut broken = deal("D1", 0, vec![fi(0, Some(5))]);
    broken.intervals[0].start = None;
    desk.tell(said(broken)).await;
    desk.tell(said(deal("D2", 0, vec![fi(0, None)]))).await;
    eventually(SOON, async || {
        let mut connection = connect(desk.database.url()).await;
        sqlx::query_scalar::<_, String>("SELECT entity FROM rules.parked WHERE entity = 'D1'")
            .fetch_optional(&mut connection)
            .await
            .unwrap()
    })
    .await;
    desk.pass(at(20)).await;
    let flags = desk.flags("").await;
    assert_eq!(flags.iter().map(|flag| flag.keys[0].as_str()).collect::<Vec<_>>(), ["subject:RT001-D2"]);
}
