//! An alarm that cannot be judged parks its deal alone, where people see it; the other alarms of the part fire.

use pb::log::v1::{Consumer, ListConsumersRequest, ListParkedRequest, Parked, ParkedPath, RetryParkedRequest};
use throughline_proto as pb;
use throughline_testkit::{connect, eventually};

use crate::kit::*;

const DEALS: usize = 12;

fn id(nth: usize) -> String {
    format!("D{nth:02}")
}

/// Deals that wait for F&I since ten o'clock, each with something for people to look at.
async fn waiting() -> Desk {
    let desk = Desk::open().await;
    let deals = (0..DEALS).map(|nth| {
        let mut deal = deal(&id(nth), 0, vec![fi(0, None)]);
        deal.exceptions = vec![exception("identity_conflict", 0)];
        said(deal)
    });
    let token = desk.tell_all(deals.collect()).await;
    assert_eq!(desk.flags(&token).await.len(), 0);
    desk
}

async fn parked(desk: &Desk, wanted: usize) -> Vec<Parked> {
    eventually(SOON, async || {
        let request = ListParkedRequest { consumer: "rules".to_owned(), ..Default::default() };
        let parked = desk.logs().list_parked(request).await.unwrap().into_inner().parked;
        if parked.len() == wanted { Ok(parked) } else { Err(format!("{parked:?}")) }
    })
    .await
}

async fn consumer(desk: &Desk) -> Consumer {
    let listed = desk.logs().list_consumers(ListConsumersRequest {}).await.unwrap().into_inner().consumers;
    listed.into_iter().find(|consumer| consumer.consumer == "rules").unwrap()
}

async fn retry(desk: &Desk, parked: &Parked) {
    let Parked { consumer, part, group, rooftop, entity, .. } = parked.clone();
    let request = RetryParkedRequest { consumer, part, group, rooftop, entity };
    desk.logs().retry_parked(request).await.unwrap();
}

async fn count(desk: &Desk, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut connect(desk.database.url()).await).await.unwrap()
}

/// Deals that are flagged by then, of all ten o'clock deals.
async fn flagged(desk: &Desk) -> usize {
    desk.flags("").await.len()
}

#[tokio::test]
async fn unreadable_deal_is_parked_alone_and_judged_once_mended_and_retried() {
    let desk = waiting().await;
    desk.execute("CREATE TABLE public.kept AS SELECT deal_id, body FROM rules.deal").await;
    desk.execute("UPDATE rules.deal SET body = '\\xff' WHERE deal_id = 'D03'").await;
    desk.pass(at(16)).await;
    assert_eq!(flagged(&desk).await, DEALS - 1);
    let found = parked(&desk, 1).await;
    assert_eq!((found[0].entity.as_str(), found[0].path(), found[0].position), ("D03", ParkedPath::Timer, 0));
    assert!(found[0].error.contains("cannot be read"), "{}", found[0].error);
    let status = consumer(&desk).await;
    assert_eq!((status.parked_timers, status.parked_entries, status.stopped.len()), (1, 0, 0));
    assert_eq!(
        count(&desk, "SELECT count(*) FROM rules.alarm WHERE subject = 'D03'").await,
        1,
        "it rests, and is not lost"
    );

    // Asked for while it is still broken, it stays parked and disturbs nobody.
    retry(&desk, &found[0]).await;
    eventually(SOON, async || count(&desk, "SELECT count(*) FROM rules.parked_timer WHERE tries = 4").await == 1).await;
    desk.pass(at(40)).await;
    assert_eq!(flagged(&desk).await, DEALS - 1);

    desk.execute("UPDATE rules.deal d SET body = k.body FROM public.kept k WHERE k.deal_id = d.deal_id").await;
    retry(&desk, &found[0]).await;
    parked(&desk, 0).await;
    let flags = desk.flags_once(|flags| flags.len() == DEALS).await;
    let opened: Vec<_> = flags.iter().map(|flag| flag.opened_at).collect();
    assert!(opened.iter().all(|one| *one == opened[0]), "it is flagged as if nothing had been wrong: {opened:?}");
}

#[tokio::test]
async fn entry_that_applies_heals_the_timer_of_an_unreadable_deal() {
    let desk = waiting().await;
    desk.execute("UPDATE rules.deal SET body = '\\xff' WHERE deal_id = 'D03'").await;
    desk.pass(at(16)).await;
    parked(&desk, 1).await;
    let token = desk.tell(said(deal("D03", 16, vec![fi(0, None)]))).await;
    assert_eq!(desk.flags(&token).await.len(), DEALS);
    parked(&desk, 0).await;
}

#[tokio::test]
async fn unreadable_flag_parks_the_timer_of_its_deal_alone() {
    let desk = waiting().await;
    desk.pass(at(16)).await;
    assert_eq!(flagged(&desk).await, DEALS);
    desk.execute("CREATE TABLE public.kept AS SELECT flag_id, body FROM rules.flag").await;
    desk.execute("UPDATE rules.flag SET body = '\\xff' WHERE subject = 'D03'").await;
    desk.pass(at(60)).await;
    let found = parked(&desk, 1).await;
    assert_eq!((found[0].entity.as_str(), found[0].path()), ("D03", ParkedPath::Timer));
    assert_eq!(found[0].error, "a stored flag cannot be read: failed to decode Protobuf message: invalid varint");
    let red = "SELECT count(*) FROM rules.flag WHERE revision = 2";
    assert_eq!(count(&desk, red).await, DEALS as i64 - 1);

    desk.execute("UPDATE rules.flag f SET body = k.body FROM public.kept k WHERE k.flag_id = f.flag_id").await;
    retry(&desk, &found[0]).await;
    parked(&desk, 0).await;
    eventually(SOON, async || count(&desk, red).await == DEALS as i64).await;
}

#[tokio::test]
async fn unreadable_review_parks_the_timer_of_its_deal_alone() {
    let desk = waiting().await;
    desk.execute("CREATE TABLE public.kept AS SELECT review_id, body FROM rules.review").await;
    desk.execute("UPDATE rules.review SET body = '\\xff' WHERE subject = 'D03'").await;
    desk.pass(at(16)).await;
    let found = parked(&desk, 1).await;
    assert_eq!((found[0].entity.as_str(), found[0].path()), ("D03", ParkedPath::Timer));
    assert!(found[0].error.contains("a stored review cannot be read"), "{}", found[0].error);
    assert_eq!(flagged(&desk).await, DEALS - 1);

    desk.execute("UPDATE rules.review r SET body = k.body FROM public.kept k WHERE k.review_id = r.review_id").await;
    retry(&desk, &found[0]).await;
    parked(&desk, 0).await;
    desk.flags_once(|flags| flags.len() == DEALS).await;
}

#[tokio::test]
async fn deal_whose_rows_the_database_refuses_is_parked_alone() {
    let desk = waiting().await;
    desk.execute("ALTER TABLE rules.flag ADD CONSTRAINT refused CHECK (subject <> 'D03')").await;
    desk.pass(at(16)).await;
    let found = parked(&desk, 1).await;
    assert_eq!((found[0].entity.as_str(), found[0].path()), ("D03", ParkedPath::Timer));
    assert_eq!(found[0].error, "the database refused a value (SQLSTATE 23514)");
    assert_eq!(flagged(&desk).await, DEALS - 1);
    desk.execute("ALTER TABLE rules.flag DROP CONSTRAINT refused").await;
    retry(&desk, &found[0]).await;
    desk.flags_once(|flags| flags.len() == DEALS).await;
}

#[tokio::test]
async fn alarms_of_a_rooftop_that_cannot_be_read_rest_and_those_of_others_fire() {
    let desk = waiting().await;
    desk.tell(rooftop("RT002")).await;
    let elsewhere = "groups/summit/rooftops/RT002/deals/E1".to_owned();
    let token = desk.tell(said(pb::deal::v1::Deal { name: elsewhere, ..deal("E1", 0, vec![fi(0, None)]) })).await;
    desk.flags(&token).await;
    desk.execute("CREATE TABLE public.kept AS SELECT rooftop, body FROM rules.rooftop").await;
    desk.execute("UPDATE rules.rooftop SET body = '\\xff' WHERE rooftop = 'RT001'").await;
    desk.pass(at(16)).await;
    assert_eq!(flagged(&desk).await, 1);
    let found = parked(&desk, 1).await;
    let named = (found[0].rooftop.as_str(), found[0].entity.as_str(), found[0].path());
    assert_eq!(named, ("RT001", "rooftop", ParkedPath::Timer));

    desk.execute("UPDATE rules.rooftop r SET body = k.body FROM public.kept k WHERE k.rooftop = r.rooftop").await;
    retry(&desk, &found[0]).await;
    desk.flags_once(|flags| flags.len() == DEALS + 1).await;
    parked(&desk, 0).await;
}

async fn entry_parks_alone(damage: &'static str, why: &str) {
    let desk = waiting().await;
    desk.pass(at(16)).await;
    desk.execute(damage).await;
    let accepted = (0..DEALS).map(|nth| said(deal(&id(nth), 20, vec![fi(0, Some(17))])));
    desk.hand.set(at(20));
    desk.tell_all(accepted.collect()).await;
    let found = parked(&desk, 1).await;
    assert_eq!((found[0].entity.as_str(), found[0].path()), ("D03", ParkedPath::Entry));
    assert!(found[0].error.contains(why), "{}", found[0].error);
    eventually(SOON, async || {
        count(&desk, "SELECT count(*) FROM rules.flag WHERE closed_at IS NOT NULL").await == DEALS as i64 - 1
    })
    .await;
    // Its alarm rests with it: nothing is judged by what was known before.
    desk.pass(at(60)).await;
    assert_eq!(count(&desk, "SELECT count(*) FROM rules.alarm WHERE subject = 'D03'").await, 1);
    assert_eq!(parked(&desk, 1).await[0].path(), ParkedPath::Entry);
}

#[tokio::test]
async fn unreadable_flag_parks_the_entry_of_its_deal_alone() {
    entry_parks_alone("UPDATE rules.flag SET body = '\\xff' WHERE subject = 'D03'", "a stored flag").await;
}

#[tokio::test]
async fn unreadable_review_parks_the_entry_of_its_deal_alone() {
    entry_parks_alone("UPDATE rules.review SET body = '\\xff' WHERE subject = 'D03'", "a stored review").await;
}
