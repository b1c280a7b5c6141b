use std::time::Duration;

use throughline_platform::{metrics::Metrics, redis_link::RedisLink, tasks::Tasks};
use throughline_testkit::{OwnRedis, eventually, free_port};

fn link(url: &str, tasks: &Tasks) -> RedisLink {
    RedisLink::start(Some(url), tasks, &Metrics::new()).unwrap()
}

/// Publishes until something arrives.
async fn heard(speaker: &RedisLink, ear: &mut tokio::sync::broadcast::Receiver<bytes::Bytes>) {
    eventually(Duration::from_secs(20), async || {
        speaker.publish("wake", *b"part 7");
        tokio::time::timeout(Duration::from_millis(50), ear.recv()).await.is_ok_and(|heard| heard.is_ok())
    })
    .await;
}

#[tokio::test]
async fn what_is_published_arrives_also_after_redis_was_away() {
    let mut server = OwnRedis::start().await;
    let tasks = Tasks::new();
    let (speaker, listener) = (link(&server.url(), &tasks), link(&server.url(), &tasks));
    let mut ear = listener.subscribe("wake");
    heard(&speaker, &mut ear).await;
    assert!(speaker.set("key", b"value", Duration::from_secs(60)).await);
    assert_eq!(listener.get("key").await.as_deref(), Some(&b"value"[..]));

    server.redis.kill9();
    eventually(Duration::from_secs(5), async || !server.redis.is_running()).await;
    speaker.publish("wake", *b"lost");
    assert_eq!(listener.get("key").await, None);
    server.redis.restart().await.unwrap();
    while ear.try_recv().is_ok() {}
    heard(&speaker, &mut ear).await;
    eventually(Duration::from_secs(10), async || speaker.set("key", b"again", Duration::from_secs(60)).await).await;
    tasks.stop();
    assert!(tasks.ended(Duration::from_secs(5)).await);
}

#[tokio::test]
async fn without_redis_nothing_blocks_and_nothing_fails() {
    let tasks = Tasks::new();
    for link in [RedisLink::absent(), link(&format!("redis://127.0.0.1:{}", free_port()), &tasks)] {
        let began = tokio::time::Instant::now();
        let mut ear = link.subscribe("wake");
        // More than any queue holds: what nobody takes is dropped.
        for _ in 0..10_000 {
            link.publish("wake", *b"part 7");
        }
        assert_eq!(link.get("key").await, None);
        assert!(!link.set("key", b"value", Duration::from_secs(1)).await);
        assert!(ear.try_recv().is_err());
        assert!(began.elapsed() < Duration::from_secs(10));
    }
    tasks.stop();
    assert!(tasks.ended(Duration::from_secs(5)).await);
}
