use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use throughline_servers::{Redis, RedisOptions};

use crate::scratch;

fn ask(socket: &Path, command: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    write!(stream, "{command}\r\nQUIT\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn a_private_redis_keeps_nothing_and_comes_back_on_the_same_url() {
    let dir = scratch();
    let mut server = Redis::start(&RedisOptions::new(dir.path())).await.unwrap();
    let (url, socket) = (server.url(), server.socket());
    assert!(url.starts_with("redis+unix:///"));
    assert!(ask(&socket, "SET a 1").starts_with("+OK"));
    assert!(ask(&socket, "GET a").contains('1'));
    assert!(ask(&socket, "FLUSHALL").starts_with("+OK"));
    assert!(ask(&socket, "GET a").starts_with("$-1"));
    ask(&socket, "SET a 2");
    server.kill9();
    server.restart().await.unwrap();
    assert_eq!(server.url(), url);
    assert!(ask(&socket, "GET a").starts_with("$-1"));
    server.stop().await;
    assert!(std::fs::read_dir(dir.path().join("data")).unwrap().next().is_none());
}

#[tokio::test]
async fn it_listens_on_no_port_and_gives_up_old_keys_when_full() {
    let dir = scratch();
    let mut server = Redis::start(&RedisOptions { max_memory_mib: 64, ..RedisOptions::new(dir.path()) }).await.unwrap();
    let config = |name: &str| ask(&server.socket(), &format!("CONFIG GET {name}"));
    assert!(config("port").contains("\r\n0\r\n"));
    assert!(config("maxmemory").contains("67108864"));
    assert!(config("maxmemory-policy").contains("allkeys-lru"));
    assert!(config("appendonly").contains("no"));
    server.stop().await;
}

#[tokio::test]
async fn two_redis_servers_do_not_share_a_directory() {
    let dir = scratch();
    let mut server = Redis::start(&RedisOptions::new(dir.path())).await.unwrap();
    let error = Redis::start(&RedisOptions::new(dir.path())).await.unwrap_err().to_string();
    assert!(error.contains("in use by another process"), "{error}");
    server.stop().await;
}
