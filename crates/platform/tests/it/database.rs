use std::{future::poll_fn, task::Poll, time::Duration};

use throughline_platform::{
    Failure, Options,
    db::{Db, Role, Sight, Tx, catalogue_check},
};
use throughline_testkit::eventually;
use tonic::Code;

use crate::kit::{database, db, key, of_group};

async fn execute(tx: &mut Tx, sql: &'static str) -> Result<u64, Failure> {
    Ok(sqlx::query(sql).execute(tx.conn()).await?.rows_affected())
}

/// A schema as a service would make it.
async fn service_schema(url: &str) {
    let mut conn = throughline_testkit::connect(url).await;
    sqlx::raw_sql(
        "CREATE SCHEMA desk;
         CREATE TABLE desk.deal (group_id text NOT NULL, deal text NOT NULL, PRIMARY KEY (group_id, deal));
         SELECT platform.protect('desk.deal');
         CREATE TABLE desk.cursor (part int PRIMARY KEY);
         SELECT platform.internal('desk.cursor');
         INSERT INTO desk.cursor VALUES (1);
         SELECT platform.create_request_table('desk');",
    )
    .execute(&mut conn)
    .await
    .unwrap();
}

async fn deals(db: &Db, group: &str) -> i64 {
    db.read(&of_group(group), |tx| {
        Box::pin(async move {
            Ok::<_, Failure>(sqlx::query_scalar("SELECT count(*) FROM desk.deal").fetch_one(tx.conn()).await?)
        })
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn a_group_sees_and_writes_its_own_rows_alone() {
    let database = database().await;
    service_schema(database.url()).await;
    let db = db(&database).await;
    db.write(&of_group("summit"), |tx| Box::pin(execute(tx, "INSERT INTO desk.deal VALUES ('summit', 'd1')")))
        .await
        .unwrap();
    assert_eq!(deals(&db, "summit").await, 1);
    assert_eq!(deals(&db, "other").await, 0);

    let foreign =
        db.write(&of_group("summit"), |tx| Box::pin(execute(tx, "INSERT INTO desk.deal VALUES ('other', 'd2')"))).await;
    assert_eq!(foreign.unwrap_err().code(), Code::Internal);
    for sql in ["UPDATE desk.deal SET deal = 'mine'", "DELETE FROM desk.deal"] {
        assert_eq!(db.write(&of_group("other"), move |tx| Box::pin(execute(tx, sql))).await.unwrap(), 0, "{sql}");
    }
    assert_eq!(deals(&db, "summit").await, 1);
}

#[tokio::test]
async fn a_stranger_and_nobody_see_no_row_of_any_table() {
    let database = database().await;
    service_schema(database.url()).await;
    let db = db(&database).await;
    key(&db, "summit", &["read"]).await;
    db.write(&of_group("summit"), |tx| Box::pin(execute(tx, "INSERT INTO desk.deal VALUES ('summit', 'd1')")))
        .await
        .unwrap();

    let sights = catalogue_check(&db, &of_group("stranger")).await.unwrap();
    let leaks: Vec<String> = sights.iter().filter_map(Sight::leak).collect();
    assert_eq!(leaks, [""; 0]);
    let full: Vec<&str> = sights.iter().filter(|sight| sight.rows > 0).map(|sight| sight.table.as_str()).collect();
    assert_eq!(full, ["desk.cursor", "desk.deal", "directory.api_key", "directory.dealer_group", "platform.secret"]);

    // The check would notice.
    let own = catalogue_check(&db, &of_group("summit")).await.unwrap();
    assert_eq!(own.iter().filter_map(Sight::leak).count(), 3);
    let mut conn = throughline_testkit::connect(database.url()).await;
    sqlx::raw_sql(
        "CREATE TABLE desk.forgotten (group_id text); GRANT SELECT ON desk.forgotten TO throughline_api;
         CREATE VIEW desk.hole AS SELECT * FROM desk.deal; GRANT SELECT ON desk.hole TO throughline_api;",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    let sights = catalogue_check(&db, &of_group("stranger")).await.unwrap();
    let leaks: Vec<String> = sights.iter().filter_map(Sight::leak).collect();
    assert_eq!(leaks.len(), 2, "{leaks:?}");
}

#[tokio::test]
async fn nobody_escapes_row_level_security() {
    let database = database().await;
    let db = db(&database).await;
    let held = db
        .work(Role::Worker, |tx| {
            Box::pin(async move {
                let sql = "SELECT count(*) FROM pg_roles WHERE rolname = ANY($1) AND NOT (rolbypassrls OR rolsuper OR rolcanlogin)";
                let roles = ["throughline_api", "throughline_worker", "throughline_appender"];
                Ok::<i64, Failure>(sqlx::query_scalar(sql).bind(roles).fetch_one(tx.conn()).await?)
            })
        })
        .await
        .unwrap();
    assert_eq!(held, 3);
}

/// As a site would run it: the migrator is nobody special, and the roles were made and granted beforehand.
#[tokio::test]
async fn an_owner_who_is_no_superuser_migrates_and_is_held_to_the_rules() {
    let _roles = database().await;
    let empty = throughline_testkit::Database::create().await;
    let mut conn = throughline_testkit::connect(empty.url()).await;
    let grants = format!(
        "CREATE ROLE migrator LOGIN NOINHERIT; GRANT throughline_api, throughline_worker, throughline_appender TO migrator;
         GRANT CREATE ON DATABASE \"{}\" TO migrator",
        empty.name()
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(grants)).execute(&mut conn).await.unwrap();
    let url = empty.url_as("migrator").await;
    let db = Db::connect(&Options::for_test(url.clone(), None)).await.unwrap();
    db.migrate(&[]).await.unwrap();
    key(&db, "summit", &["read"]).await;
    let sights = catalogue_check(&db, &of_group("stranger")).await.unwrap();
    assert_eq!(sights.iter().filter_map(Sight::leak).next(), None);
    // FORCE: not even the owner of the tables sees a row without a role.
    let mut owner = throughline_testkit::connect(&url).await;
    let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM directory.api_key").fetch_one(&mut owner).await.unwrap();
    assert_eq!(seen, 0);
}

#[tokio::test]
async fn reading_does_not_write() {
    let database = database().await;
    service_schema(database.url()).await;
    let db = db(&database).await;
    let refused =
        db.read(&of_group("summit"), |tx| Box::pin(execute(tx, "INSERT INTO desk.deal VALUES ('summit', 'd1')"))).await;
    assert!(refused.is_err());
    assert_eq!(deals(&db, "summit").await, 0);
}

#[tokio::test]
async fn a_failing_transaction_leaves_nothing() {
    let database = database().await;
    service_schema(database.url()).await;
    let db = db(&database).await;
    let refused: Result<(), Failure> = db
        .write(&of_group("summit"), |tx| {
            Box::pin(async move {
                execute(tx, "INSERT INTO desk.deal VALUES ('summit', 'd1')").await?;
                Err(Failure::precondition("not like this"))
            })
        })
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(deals(&db, "summit").await, 0);
}

#[tokio::test]
async fn a_write_commits_though_its_caller_is_gone() {
    let database = database().await;
    service_schema(database.url()).await;
    let db = db(&database).await;
    let (began, begun) = tokio::sync::oneshot::channel();
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let caller = tokio::spawn({
        let db = db.clone();
        async move {
            db.write(&of_group("summit"), |tx| {
                Box::pin(async move {
                    began.send(()).unwrap();
                    let _ = gone.await;
                    execute(tx, "INSERT INTO desk.deal VALUES ('summit', 'd1')").await
                })
            })
            .await
        }
    });
    begun.await.unwrap();
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    go.send(()).unwrap();
    eventually(Duration::from_secs(10), async || deals(&db, "summit").await == 1).await;
}

/// Drops a future that is still waiting when it has been polled so often.
async fn given_up_after<T>(polls: u64, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut left) = (Box::pin(future), polls);
    poll_fn(move |cx| match future.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if left == 1 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// sqlx 0.9.0: a cancelled begin() may leave a transaction open on a pooled connection; what the next user writes there
/// is acknowledged and rolled back later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_calls_lose_no_acknowledged_write() {
    let database = database().await;
    service_schema(database.url()).await;
    let mut options = Options::for_test(database.url(), None);
    (options.api_connections, options.worker_connections) = (3, 3);
    let db = Db::connect(&options).await.unwrap();

    let mut acknowledged = 0;
    for round in 0..400_u64 {
        let mut callers = Vec::new();
        for caller in 0..6_u64 {
            let db = db.clone();
            // Each gives up at another point: while queueing, beginning, asking, committing.
            let polls = (round * 5 + caller) % 12 + 1;
            callers.push(tokio::spawn(given_up_after(polls, async move {
                if caller % 2 == 0 {
                    db.read(&of_group("summit"), |tx| Box::pin(execute(tx, "SELECT count(*) FROM desk.deal"))).await
                } else {
                    db.work(Role::Worker, |tx| Box::pin(execute(tx, "SELECT count(*) FROM desk.deal"))).await
                }
            })));
        }
        db.write(&of_group("summit"), move |tx| {
            Box::pin(async move {
                sqlx::query("INSERT INTO desk.deal VALUES ('summit', $1)")
                    .bind(round.to_string())
                    .execute(tx.conn())
                    .await?;
                Ok::<_, Failure>(())
            })
        })
        .await
        .unwrap();
        acknowledged += 1;
    }
    db.close().await;
    let fresh = Db::connect(&options).await.unwrap();
    assert_eq!(deals(&fresh, "summit").await, acknowledged);
}

#[tokio::test]
async fn a_panic_in_a_transaction_reaches_its_caller_and_leaves_nothing() {
    let database = database().await;
    service_schema(database.url()).await;
    let mut options = Options::for_test(database.url(), None);
    options.api_connections = 1;
    let db = Db::connect(&options).await.unwrap();
    let panicked = tokio::spawn({
        let db = db.clone();
        async move {
            db.write(&of_group("summit"), |tx| {
                Box::pin(async move {
                    execute(tx, "INSERT INTO desk.deal VALUES ('summit', 'd1')").await?;
                    panic!("in the middle");
                    #[expect(unreachable_code)]
                    Ok::<(), Failure>(())
                })
            })
            .await
        }
    });
    assert!(panicked.await.unwrap_err().is_panic());
    assert_eq!(deals(&db, "summit").await, 0);
}

#[tokio::test]
async fn a_database_that_is_away_is_unavailable_and_not_our_fault() {
    let options =
        Options::for_test(format!("postgres://nobody@127.0.0.1:{}/none", throughline_testkit::free_port()), None);
    let db = Db::connect(&options).await.unwrap();
    let failure = db.ping(Duration::from_secs(10)).await.unwrap_err();
    assert_eq!(failure.code(), Code::Unavailable, "{failure:?}");
}

#[tokio::test]
async fn an_older_schema_is_refused_when_this_process_does_not_migrate() {
    let empty = throughline_testkit::Database::create().await;
    let db = db(&empty).await;
    let failure = db.check_schemas(&[]).await.unwrap_err();
    assert!(failure.message().contains("\"platform\" is absent"), "{failure}");
    db.migrate(&[]).await.unwrap();
    db.check_schemas(&[]).await.unwrap();
    db.migrate(&[]).await.unwrap();
}

#[tokio::test]
async fn processes_that_start_together_migrate_in_turn() {
    let empty = throughline_testkit::Database::create().await;
    let starts = (0..4).map(|_| {
        let url = empty.url().to_owned();
        tokio::spawn(async move { Db::connect(&Options::for_test(url, None)).await?.migrate(&[]).await })
    });
    for start in futures::future::join_all(starts).await {
        start.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_snapshot_sees_what_its_first_look_saw_and_writes_nothing() {
    let database = database().await;
    service_schema(database.url()).await;
    let db = db(&database).await;
    let other = db.clone();
    let seen = db.snapshot(Role::Worker, move |tx| {
        Box::pin(async move {
            let count = "SELECT count(*) FROM desk.cursor";
            let before: i64 = sqlx::query_scalar(count).fetch_one(tx.conn()).await?;
            other.work(Role::Worker, |tx| Box::pin(execute(tx, "INSERT INTO desk.cursor VALUES (2)"))).await?;
            let after: i64 = sqlx::query_scalar(count).fetch_one(tx.conn()).await?;
            Ok::<_, Failure>((before, after))
        })
    });
    assert_eq!(seen.await.unwrap(), (1, 1));
    let written = db.snapshot(Role::Worker, |tx| Box::pin(execute(tx, "INSERT INTO desk.cursor VALUES (3)"))).await;
    assert!(written.is_err());
}

#[tokio::test]
async fn a_sole_right_is_one_holders_until_it_is_gone() {
    let database = database().await;
    let db = db(&database).await;
    let mut held = db.exclusive("sweep").await.unwrap().unwrap();
    assert!(db.exclusive("sweep").await.unwrap().is_none());
    assert!(db.exclusive("other").await.unwrap().is_some());
    held.check().await.unwrap();
    held.release().await.unwrap();
    let again = db.exclusive("sweep").await.unwrap().unwrap();
    // Whoever dies releases nothing: its connection ends.
    drop(again);
    eventually(Duration::from_secs(10), async || db.exclusive("sweep").await.unwrap().is_some()).await;
}

#[tokio::test]
async fn a_database_beside_ours_goes_with_its_user_or_with_the_next_one() {
    let database = database().await;
    let options = Options::for_test(database.url(), None);
    let db = db(&database).await;
    let mut conn = throughline_testkit::connect(database.url()).await;
    let mut beside = async || -> i64 {
        let sql = "SELECT count(*) FROM pg_database WHERE datname LIKE 'throughline\\_try\\_' || \
                   (SELECT oid FROM pg_database WHERE datname = current_database()) || '\\_%'";
        sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap()
    };
    let left = db.beside("try", &options).await.unwrap();
    left.db.migrate(&[]).await.unwrap();
    left.db.ping(Duration::from_secs(10)).await.unwrap();
    assert_eq!(beside().await, 1);
    // Nobody removed it, and somebody is still connected.
    let next = db.beside("try", &options).await.unwrap();
    assert_eq!(beside().await, 1);
    assert!(left.db.ping(Duration::from_secs(10)).await.is_err());
    next.remove().await.unwrap();
    assert_eq!(beside().await, 0);
}
