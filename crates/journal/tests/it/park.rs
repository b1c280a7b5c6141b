use std::{collections::HashSet, sync::atomic::Ordering};

use sqlx::PgConnection;
use throughline_proto::log::v1::{ListParkedRequest, RetryParkedRequest};
use throughline_testkit::eventually;

use crate::world::{Reader, SOON, client, count, database, entry, letter, post, process, superuser};

async fn entities(conn: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar("select entity || pos from reading.effect order by at").fetch_all(conn).await.unwrap()
}

fn retry(entity: &str) -> RetryParkedRequest {
    RetryParkedRequest {
        consumer: "reader".to_owned(),
        part: 4,
        group: "summit".to_owned(),
        rooftop: "north".to_owned(),
        entity: entity.to_owned(),
    }
}

async fn parked_and_retried(reader: Reader) {
    let database = database().await;
    let process = process(&database).await;
    let mut conn = superuser(&database).await;
    post(&process, ["a", "bad", "a", "bad", "c"].map(|entity| letter(4, entity)).to_vec()).await;
    let reader = reader.follow(&process);
    eventually(SOON, async || count(&mut conn, "reading.effect").await >= 3).await;
    post(&process, vec![letter(4, "bad"), letter(4, "d")]).await;
    eventually(SOON, async || count(&mut conn, "reading.effect").await >= 4).await;
    assert_eq!(entities(&mut conn).await, ["a1", "a3", "c5", "d7"]);

    let request = ListParkedRequest { consumer: "reader".to_owned(), page_size: 2, page_token: String::new() };
    let first = client(&process).list_parked(request.clone()).await.unwrap().into_inner();
    let request = ListParkedRequest { page_token: first.next_page_token.clone(), ..request };
    let second = client(&process).list_parked(request).await.unwrap().into_inner();
    let parked: Vec<_> = first.parked.iter().chain(&second.parked).collect();
    assert_eq!(parked.iter().map(|parked| parked.position).collect::<Vec<_>>(), [2, 4, 6]);
    assert!(parked.iter().all(|parked| parked.entity == "bad" && parked.group == "summit"));
    assert!(second.next_page_token.is_empty());
    assert_eq!(parked[1].error, "waits behind an earlier entry of its entity");

    // Asked for too early: it stays parked, and nothing of it had effects.
    assert_eq!(client(&process).retry_parked(retry("bad")).await.unwrap().into_inner().entries, 3);
    eventually(SOON, async || {
        let tries: i32 =
            sqlx::query_scalar("select tries from reading.parked where pos = 2").fetch_one(&mut conn).await.unwrap();
        tries == 4
    })
    .await;
    assert_eq!(count(&mut conn, "reading.parked where retry_at is null").await, 3);

    reader.heal();
    client(&process).retry_parked(retry("bad")).await.unwrap();
    eventually(SOON, async || count(&mut conn, "reading.parked").await == 0).await;
    post(&process, vec![letter(4, "bad")]).await;
    eventually(SOON, async || count(&mut conn, "reading.effect").await >= 8).await;
    assert_eq!(entities(&mut conn).await, ["a1", "a3", "c5", "d7", "bad2", "bad4", "bad6", "bad8"]);
    let gone = client(&process).retry_parked(retry("bad")).await.unwrap_err();
    assert_eq!(gone.code(), tonic::Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entity_that_fails_is_parked_and_retried_in_order() {
    let reader = Reader::default();
    reader.poisonous.lock().unwrap().insert("bad".to_owned());
    parked_and_retried(reader).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entity_that_makes_its_reader_panic_is_parked_and_retried_in_order() {
    let reader = Reader::default();
    reader.panicking.lock().unwrap().insert("bad".to_owned());
    parked_and_retried(reader).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_cannot_be_decoded_is_parked_and_the_same_entity_elsewhere_is_not() {
    let database = database().await;
    let process = process(&database).await;
    let mut conn = superuser(&database).await;
    let mut broken = letter(4, "x");
    broken.body = vec![0xff, 0xff, 0xff].into();
    post(
        &process,
        vec![
            broken.clone(),
            letter(4, "y"),
            broken,
            entry(4, "summit", "south", "x"),
            entry(4, "lakeside", "north", "x"),
        ],
    )
    .await;
    Reader::default().follow(&process);
    eventually(SOON, async || count(&mut conn, "reading.effect").await >= 3).await;
    assert_eq!(entities(&mut conn).await, ["y2", "x4", "x5"]);
    assert_eq!(count(&mut conn, "reading.parked where error = 'it cannot be decoded' and tries = 3").await, 1);
    assert_eq!(count(&mut conn, "reading.parked where pos = 3 and tries = 0").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn parked_entities_are_remembered_by_the_next_owner() {
    let database = database().await;
    let mut conn = superuser(&database).await;
    for round in 0..2 {
        let process = process(&database).await;
        let reader = Reader::default();
        if round == 0 {
            *reader.poisonous.lock().unwrap() = HashSet::from(["bad".to_owned()]);
        }
        reader.follow(&process);
        post(&process, vec![letter(4, "bad"), letter(4, "good")]).await;
        eventually(SOON, async || count(&mut conn, "reading.effect").await > round).await;
        process.stop().await.unwrap();
    }
    assert_eq!(entities(&mut conn).await, ["good2", "good4"]);
    assert_eq!(count(&mut conn, "reading.parked").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_parks_nothing() {
    let database = database().await;
    let process = process(&database).await;
    let reader = Reader::default();
    reader.away.store(12, Ordering::SeqCst);
    let reader = reader.follow(&process);
    post(&process, (0..30u16).map(|n| letter(n % 3, "x")).collect()).await;
    let mut conn = superuser(&database).await;
    eventually(SOON, async || count(&mut conn, "reading.effect").await >= 30).await;
    assert_eq!(count(&mut conn, "reading.effect").await, 30);
    assert_eq!(count(&mut conn, "reading.parked").await, 0);
    assert_eq!(reader.away.load(Ordering::SeqCst), 0);
}
