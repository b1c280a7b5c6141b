use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use throughline_platform::{Failure, Principal, clock::Clock, db::Role};

use crate::world::{append, count, database, entry, event_log, letter, process, process_with, superuser};

#[tokio::test(flavor = "multi_thread")]
async fn positions_are_gapless_whenever_somebody_looks_however_many_append_and_roll_back() {
    let database = database().await;
    let process = Arc::new(process(&database).await);
    let log = event_log(&process);
    let done = Arc::new(AtomicBool::new(false));

    let mut conn = superuser(&database).await;
    let stop = done.clone();
    let looker = tokio::spawn(async move {
        let mut looks = 0;
        while !stop.load(Ordering::SeqCst) {
            // A position above one that is missing would make these differ.
            let holes: i64 = sqlx::query_scalar(
                "select count(*) from (select part from post.event_log group by part having max(pos) <> count(*)) holed",
            )
            .fetch_one(&mut conn)
            .await
            .unwrap();
            assert_eq!(holes, 0);
            looks += 1;
        }
        looks
    });
    let writers = (0..12u16).map(|writer| {
        let (process, log) = (process.clone(), log.clone());
        tokio::spawn(async move {
            for round in 0..25u16 {
                let entries: Vec<_> = (0..(writer + round) % 5 + 1).map(|n| letter((n * 7 + round) % 6, "x")).collect();
                if round % 6 == 5 {
                    let log = log.clone();
                    let rolled_back: Result<(), Failure> = process
                        .cx
                        .platform
                        .db
                        .work(Role::Appender, move |tx| {
                            Box::pin(async move {
                                log.append(tx, jiff::Timestamp::now(), entries).await?;
                                Err(Failure::cancelled())
                            })
                        })
                        .await;
                    assert!(rolled_back.is_err());
                } else {
                    let parts: Vec<u16> = entries.iter().map(|entry| entry.part).collect();
                    let positions = append(&process, &log, jiff::Timestamp::now(), entries).await.unwrap();
                    for part in 0..6 {
                        let of_part: Vec<u64> =
                            parts.iter().zip(&positions).filter(|(p, _)| **p == part).map(|(_, pos)| *pos).collect();
                        assert!(of_part.windows(2).all(|pair| pair[1] == pair[0] + 1), "{of_part:?}");
                    }
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    assert!(looker.await.unwrap() > 0);
    let total: u64 = log.heads().await.unwrap().iter().map(|head| head.1).sum();
    assert_eq!(total as i64, count(&mut superuser(&database).await, "post.event_log").await);
}

#[tokio::test]
async fn each_month_has_a_partition_that_nobody_reaches_directly() {
    let database = database().await;
    let (clock, hand) = Clock::manual("2026-01-31T23:59:59.999999Z".parse().unwrap());
    let process = process_with(&database, Some(clock.clone()), |_| {}).await;
    let log = event_log(&process);
    for at in ["2026-01-31T23:59:59.999999Z", "2026-02-01T00:00:00Z", "2031-12-24T18:00:00Z"] {
        hand.set(at.parse().unwrap());
        append(&process, &log, clock.now(), vec![letter(7, "x")]).await.unwrap();
    }
    let mut conn = superuser(&database).await;
    for month in ["2026_01", "2026_02", "2031_12"] {
        let table = format!("post.event_log_{month}");
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
            .fetch_one(&mut conn)
            .await
            .unwrap();
        assert_eq!(rows, 1, "{table}");
        let directly = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        let refused: Result<i64, sqlx::Error> = process
            .cx
            .platform
            .db
            .work(Role::Worker, move |tx| {
                Box::pin(async move { sqlx::query_scalar(directly).fetch_one(tx.conn()).await })
            })
            .await;
        assert!(refused.unwrap_err().to_string().contains("permission denied"));
    }
}

#[tokio::test]
async fn a_month_that_was_rolled_back_is_made_again() {
    let database = database().await;
    let process = process(&database).await;
    let log = event_log(&process);
    let at: jiff::Timestamp = "2040-05-05T05:05:05Z".parse().unwrap();
    let clone = log.clone();
    let rolled_back: Result<(), Failure> = process
        .cx
        .platform
        .db
        .work(Role::Appender, move |tx| {
            Box::pin(async move {
                clone.append(tx, at, vec![letter(1, "x")]).await?;
                Err(Failure::cancelled())
            })
        })
        .await;
    assert!(rolled_back.is_err());
    assert_eq!(append(&process, &log, at, vec![letter(1, "x")]).await.unwrap(), [1]);
}

#[tokio::test]
async fn another_group_sees_no_row_of_a_log() {
    let database = database().await;
    let process = process(&database).await;
    let log = event_log(&process);
    let entries = vec![entry(3, "summit", "north", "x"), entry(3, "lakeside", "pier", "y")];
    append(&process, &log, jiff::Timestamp::now(), entries).await.unwrap();
    for (group, seen) in [("summit", 1), ("lakeside", 1), ("stranger", 0)] {
        let caller = Principal::service().in_group(&format!("groups/{group}")).unwrap();
        let rows: Result<i64, Failure> = process
            .cx
            .platform
            .db
            .read(&caller, |tx| {
                Box::pin(async move {
                    Ok(sqlx::query_scalar("select count(*) from post.event_log").fetch_one(tx.conn()).await?)
                })
            })
            .await;
        assert_eq!(rows.unwrap(), seen, "{group}");
    }
}

#[tokio::test]
async fn a_value_that_the_database_refuses_spoils_no_head() {
    let database = database().await;
    let process = process(&database).await;
    let log = event_log(&process);
    let refused = append(&process, &log, jiff::Timestamp::now(), vec![letter(1, "a\0b")]).await;
    assert!(refused.is_err());
    assert_eq!(append(&process, &log, jiff::Timestamp::now(), vec![letter(1, "x")]).await.unwrap(), [1]);
}
