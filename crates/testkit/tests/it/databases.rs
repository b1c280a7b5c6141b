use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::Executor;
use throughline_testkit::{Database, connect, eventually, postgres};

async fn count(url: &str, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(&mut connect(url).await).await.unwrap()
}

#[tokio::test]
async fn every_database_is_new_and_empty_and_goes_with_its_test() {
    let (first, second) = tokio::join!(Database::create(), Database::create());
    assert_ne!(first.name(), second.name());
    connect(first.url()).await.execute("CREATE TABLE t (a int)").await.unwrap();
    assert_eq!(count(second.url(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await, 0);

    // an open connection does not keep it alive
    let open = connect(first.url()).await;
    let name = first.name().to_owned();
    drop(first);
    let admin = postgres().await.url("postgres");
    eventually(Duration::from_secs(10), async || {
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname = $1")
            .bind(&name)
            .fetch_one(&mut connect(&admin).await)
            .await
            .unwrap();
        left == 0
    })
    .await;
    drop(open);
}

async fn fifty_tables() -> Database {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let database = Database::from_template("fifty tables", async |url| {
        assert_eq!(MADE.fetch_add(1, Ordering::Relaxed), 0, "a template was made twice");
        let mut connection = connect(&url).await;
        for table in 0..50 {
            let statement = format!("CREATE TABLE t{table} (a bigint PRIMARY KEY, b text)");
            connection.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
        }
    })
    .await;
    assert_eq!(count(database.url(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await, 50);
    database
}

#[tokio::test]
async fn a_template_is_made_once_and_copied_fast() {
    let (one, two) = tokio::join!(fifty_tables(), fifty_tables());
    connect(one.url()).await.execute("INSERT INTO t0 VALUES (1, 'mine')").await.unwrap();
    assert_eq!(count(two.url(), "SELECT count(*) FROM t0").await, 0);
    let begun = std::time::Instant::now();
    let copies = 5_u32;
    for _ in 0..copies {
        fifty_tables().await;
    }
    let each = begun.elapsed() / copies;
    println!("a copy takes {each:?}");
    assert!(each < Duration::from_secs(2), "a copy took {each:?}");
}

#[tokio::test]
async fn a_template_is_shared_by_tests_that_run_beside_each_other() {
    // from a task of its own too
    tokio::runtime::Handle::current().spawn(async { drop(fifty_tables().await) }).await.unwrap();
}

#[tokio::test]
async fn roles_connect_without_a_password() {
    let database = Database::create().await;
    connect(database.url()).await.execute("CREATE ROLE kit_reader LOGIN").await.unwrap();
    let user: String = sqlx::query_scalar("SELECT current_user::text")
        .fetch_one(&mut connect(&database.url_as("kit_reader").await).await)
        .await
        .unwrap();
    assert_eq!(user, "kit_reader");
}
