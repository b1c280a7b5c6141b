use throughline_servers::{Postgres, PostgresOptions};

use crate::{quick, scratch, sql};

#[tokio::test]
async fn a_private_server_starts_stops_and_starts_again_with_its_data() {
    let dir = scratch();
    let mut server = Postgres::start(&quick(dir.path())).await.unwrap();
    sql(&server.url("postgres"), "create table kept as select 42 as answer");
    server.stop().await;
    assert!(!server.is_running());
    server.restart().await.unwrap();
    assert_eq!(sql(&server.url("postgres"), "select answer from kept"), "42");
    server.stop().await;
    drop(server);

    let mut server = Postgres::start(&quick(dir.path())).await.unwrap();
    assert_eq!(sql(&server.url("postgres"), "select answer from kept"), "42");
    server.stop().await;
}

#[tokio::test]
async fn no_tcp_port_is_opened_and_commits_are_durable_by_default() {
    let dir = scratch();
    let options = PostgresOptions { max_connections: 37, ..PostgresOptions::new(dir.path()) };
    let mut server = Postgres::start(&options).await.unwrap();
    let show = |name: &str| sql(&server.url("postgres"), &format!("show {name}"));
    assert_eq!(show("listen_addresses"), "");
    assert_eq!(show("fsync"), "on");
    assert_eq!(show("synchronous_commit"), "on");
    assert_eq!(show("max_connections"), "37");
    assert_eq!(show("server_encoding"), "UTF8");
    assert_eq!(sql(&server.url("postgres"), "select current_user"), "throughline");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_outlives_the_task_and_the_thread_that_started_it() {
    let dir = scratch();
    let options = quick(dir.path());
    let started = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(runtime.spawn(async move { Postgres::start(&options).await })).unwrap().unwrap()
    });
    let mut server = started.join().unwrap();
    assert_eq!(sql(&server.url("postgres"), "select 1"), "1");
    assert!(server.is_running());
    server.stop().await;
}

#[tokio::test]
async fn two_servers_do_not_share_a_directory() {
    let dir = scratch();
    let mut server = Postgres::start(&quick(dir.path())).await.unwrap();
    let error = Postgres::start(&quick(dir.path())).await.unwrap_err().to_string();
    assert!(error.contains("in use by another process"), "{error}");
    assert_eq!(sql(&server.url("postgres"), "select 1"), "1");
    server.stop().await;
}

#[tokio::test]
async fn a_killed_server_restarts_on_the_same_url_with_what_was_committed() {
    let dir = scratch();
    let mut server = Postgres::start(&PostgresOptions::new(dir.path())).await.unwrap();
    let (url, pid) = (server.url("postgres"), server.pid());
    sql(&url, "create table kept as select 42 as answer");
    server.kill9();
    server.restart().await.unwrap();
    assert_ne!(server.pid(), pid);
    assert_eq!(sql(&url, "select answer from kept"), "42");
    server.stop().await;
}

#[tokio::test]
async fn a_directory_with_a_long_and_odd_name_works() {
    let dir = scratch();
    let odd = dir.path().join(format!("a, \"b\" + c/{}", "x".repeat(120)));
    let mut server = Postgres::start(&quick(&odd)).await.unwrap();
    assert_eq!(sql(&server.url("postgres"), "select 1"), "1");
    let sockets = server.socket_dir().to_owned();
    server.stop().await;
    assert!(!sockets.exists(), "{} stays", sockets.display());
}

#[tokio::test]
async fn a_server_that_refuses_to_start_is_quoted() {
    let dir = scratch();
    let mut options = quick(dir.path());
    options.extra.push(("shared_bufers".into(), "1MB".into()));
    let error = Postgres::start(&options).await.unwrap_err().to_string();
    assert!(error.contains("ended while starting") && error.contains("shared_bufers"), "{error}");
    // and the directory is free again
    options.extra.clear();
    Postgres::start(&options).await.unwrap().stop().await;
}

#[tokio::test]
async fn data_of_another_version_is_refused_by_name() {
    let dir = scratch();
    Postgres::start(&quick(dir.path())).await.unwrap().stop().await;
    std::fs::write(dir.path().join("data/PG_VERSION"), "12\n").unwrap();
    let error = Postgres::start(&quick(dir.path())).await.unwrap_err().to_string();
    assert!(error.contains("PostgreSQL 12") && error.contains("postgresql-12"), "{error}");
}

#[tokio::test]
async fn an_initdb_that_died_half_way_is_begun_anew() {
    let dir = scratch();
    std::fs::create_dir(dir.path().join("data.new")).unwrap();
    std::fs::write(dir.path().join("data.new/PG_VERSION"), "15\n").unwrap();
    let mut server = Postgres::start(&quick(dir.path())).await.unwrap();
    assert_eq!(sql(&server.url("postgres"), "select 1"), "1");
    assert!(!dir.path().join("data.new").exists());
    server.stop().await;
}
