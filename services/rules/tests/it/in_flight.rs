//! An entry whose commit takes long is waited for, however far the clock runs on.

use throughline_journal::NewEntry;
use throughline_testkit::{connect, eventually};

use crate::kit::*;

#[tokio::test(flavor = "multi_thread")]
async fn wait_that_ended_in_an_entry_still_in_flight_raises_no_flag() {
    let desk = Desk::open().await;
    desk.tell(said(deal("D1", 0, vec![fi(0, None)]))).await;
    let mut holder = connect(desk.database.url()).await;
    sqlx::query("BEGIN").execute(&mut holder).await.unwrap();
    sqlx::query("SELECT part FROM deal_state.deal_head WHERE part = 7 FOR UPDATE").execute(&mut holder).await.unwrap();

    // F&I accepted at five past, which was recorded then, and the head of the log is locked for an hour.
    desk.hand.set(at(5));
    let accepted: NewEntry = said(deal("D1", 5, vec![fi(0, Some(5))]));
    let told = desk.tell(accepted);
    let meanwhile = async {
        let mut connection = connect(desk.database.url()).await;
        eventually(SOON, async || {
            let waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%pg_advisory_xact_lock_shared%'";
            sqlx::query(waiting).fetch_optional(&mut connection).await.unwrap()
        })
        .await;
        desk.hand.set(at(60));
        // Each look at the log promises the clock that it saw: several of them pass.
        for minute in 61..=70 {
            desk.hand.set(at(minute));
            let promised = format!(
                "SELECT FROM journal.promise WHERE log = 'deal_state.deal' AND until >= '2026-09-07T10:00:00Z'::timestamptz + interval '{minute} minutes'"
            );
            eventually(SOON, async || {
                sqlx::query(sqlx::AssertSqlSafe(promised.clone())).fetch_optional(&mut connection).await.unwrap()
            })
            .await;
        }
        assert_eq!(desk.log().await.len(), 0, "a flag was told of although F&I had accepted");
        sqlx::query("COMMIT").execute(&mut holder).await.unwrap();
    };
    let (token, ()) = tokio::join!(told, meanwhile);
    assert_eq!(desk.flags(&token).await, []);
    desk.judged(at(70)).await;
    assert_eq!(desk.log().await.len(), 0);
}
