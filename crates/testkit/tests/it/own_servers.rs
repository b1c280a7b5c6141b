use std::process::{Command, Stdio};
use std::time::Duration;

use sqlx::Executor;
use throughline_testkit::{OwnRedis, OwnServers, Scratch, connect, eventually, redis};

#[tokio::test]
async fn a_killed_postgres_comes_back_with_what_was_committed() {
    let mut servers = OwnServers::start().await;
    let url = servers.create_database("crash").await;
    connect(&url).await.execute("CREATE TABLE kept AS SELECT 42 AS answer").await.unwrap();
    servers.postgres.kill9();
    servers.postgres.restart().await.unwrap();
    let answer: i32 = sqlx::query_scalar("SELECT answer FROM kept").fetch_one(&mut connect(&url).await).await.unwrap();
    assert_eq!(answer, 42);
}

#[tokio::test]
async fn a_redis_of_ones_own_can_be_flushed_stopped_and_restarted() {
    let mut own = OwnRedis::start().await;
    let client = redis::Client::open(own.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let _: () = redis::cmd("SET").arg("a").arg(1).query_async(&mut connection).await.unwrap();
    let _: () = redis::cmd("FLUSHALL").query_async(&mut connection).await.unwrap();
    let gone: Option<i64> = redis::cmd("GET").arg("a").query_async(&mut connection).await.unwrap();
    assert_eq!(gone, None);
    own.redis.stop().await;
    assert!(client.get_multiplexed_async_connection().await.is_err());
    own.redis.restart().await.unwrap();
    client.get_multiplexed_async_connection().await.unwrap();
}

#[tokio::test]
async fn the_shared_redis_answers() {
    let client = ::redis::Client::open(redis().await.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let pong: String = ::redis::cmd("PING").query_async(&mut connection).await.unwrap();
    assert_eq!(pong, "PONG");
}

const CHILD: &str = "THROUGHLINE_TESTKIT_CHILD";

/// Not a test of its own: a test process with servers, which is then killed.
#[tokio::test]
async fn process_with_servers() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let shared = throughline_testkit::postgres().await;
    let own = OwnServers::start().await;
    println!("\ndirs {} {}", shared.dir().parent().unwrap().display(), own.scratch().path().display());
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_test_process_leaves_nothing_behind() {
    use std::io::{BufRead, BufReader};
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "own_servers::process_with_servers", "--nocapture"])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let dirs = lines.find_map(|line| line.unwrap().strip_prefix("dirs ").map(str::to_owned)).unwrap();
    let dirs: Vec<_> = dirs.split(' ').map(std::path::PathBuf::from).collect();
    assert!(dirs.len() == 2 && dirs.iter().all(|dir| dir.exists()));
    process.kill().unwrap();
    process.wait().unwrap();
    eventually(Duration::from_secs(20), async || {
        let left: Vec<_> = dirs.iter().filter(|dir| dir.exists()).map(|dir| dir.display().to_string()).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{} still there", left.join(", "))) }
    })
    .await;
}

#[test]
fn a_scratch_directory_goes_with_its_value() {
    let scratch = Scratch::new();
    let path = scratch.path().to_owned();
    std::fs::write(path.join("file"), "x").unwrap();
    drop(scratch);
    let begun = std::time::Instant::now();
    while path.exists() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{} stays", path.display());
        std::thread::yield_now();
    }
}
