use throughline_platform::{
    Failure, Reason,
    db::{Db, Tx},
    repeat,
};

use crate::kit::{database, db, of_group};

const ID: &str = "3f0c4f3a-6d1e-4a53-9a0e-0d0f5f6b7c8d";

async fn answer_once(tx: &mut Tx, group: &str, body: &str, work: &str) -> Result<String, Failure> {
    let hash = repeat::body_hash(body.as_bytes());
    if let Some(first) = repeat::replayed(tx, "desk", group, ID, "Create", &hash).await? {
        return Ok(String::from_utf8(first).unwrap());
    }
    repeat::remember(tx, "desk", group, ID, "Create", &hash, work.as_bytes()).await?;
    Ok(work.to_owned())
}

async fn ask(db: &Db, group: &'static str, body: &'static str, work: &'static str) -> Result<String, Failure> {
    db.write(&of_group(group), move |tx| Box::pin(answer_once(tx, group, body, work))).await
}

async fn with_requests() -> (throughline_testkit::Database, Db) {
    let database = database().await;
    let mut conn = throughline_testkit::connect(database.url()).await;
    sqlx::raw_sql("CREATE SCHEMA desk; SELECT platform.create_request_table('desk')").execute(&mut conn).await.unwrap();
    let db = db(&database).await;
    (database, db)
}

#[tokio::test]
async fn a_repetition_answers_as_the_first_did_and_another_body_is_refused() {
    let (_database, db) = with_requests().await;
    assert_eq!(ask(&db, "summit", "a", "first").await.unwrap(), "first");
    assert_eq!(ask(&db, "summit", "a", "second").await.unwrap(), "first");
    assert_eq!(ask(&db, "summit", "b", "third").await.unwrap_err().reason(), Reason::RequestIdReused);
    assert_eq!(ask(&db, "other", "b", "theirs").await.unwrap(), "theirs");
}

#[tokio::test]
async fn of_two_at_once_one_does_the_work() {
    let (_database, db) = with_requests().await;
    let (one, two) = tokio::join!(ask(&db, "summit", "a", "one"), ask(&db, "summit", "a", "two"));
    assert_eq!(one.unwrap(), two.unwrap());
}

#[tokio::test]
async fn after_a_day_an_id_is_forgotten() {
    let (database, db) = with_requests().await;
    ask(&db, "summit", "a", "first").await.unwrap();
    let mut conn = throughline_testkit::connect(database.url()).await;
    sqlx::raw_sql("UPDATE desk.request SET answered_at = now() - interval '25 hours'")
        .execute(&mut conn)
        .await
        .unwrap();
    assert_eq!(ask(&db, "summit", "b", "anew").await.unwrap(), "anew");
    let forgotten = db.write(&of_group("summit"), |tx| Box::pin(repeat::forget(tx, "desk"))).await.unwrap();
    assert_eq!(forgotten, 0);
}

#[tokio::test]
async fn a_request_id_is_a_uuid_or_absent() {
    let (_database, db) = with_requests().await;
    let failure = db
        .write(&of_group("summit"), |tx| Box::pin(repeat::replayed(tx, "desk", "summit", "seven", "Create", b"")))
        .await
        .unwrap_err();
    assert_eq!(failure.field_violations()[0].field, "request_id");
    let none = db
        .write(&of_group("summit"), |tx| Box::pin(repeat::replayed(tx, "desk", "summit", "", "Create", b"")))
        .await
        .unwrap();
    assert_eq!(none, None);
}
