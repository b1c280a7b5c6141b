//! How a process ends.
use std::time::Duration;

use throughline_platform::tasks::OnExit;
use throughline_proto::log::v1::FollowRequest;
use tokio::{io::AsyncReadExt, net::TcpStream, time::Instant};
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use crate::kit::Process;

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test]
async fn a_stop_is_told_to_those_who_watch_before_the_process_leaves() {
    let process = Process::start().await;
    let mut health = HealthClient::new(process.channel().await);
    for name in ["", "liveness", "readiness", "throughline.log.v1.LogService"] {
        let answer = health.check(about(name)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{name:?}");
    }
    assert_eq!(health.check(about("unheard of")).await.unwrap_err().code(), Code::NotFound);

    let mut watch = health.watch(about("readiness")).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    process.cx.tasks.stop();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    process.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn open_streams_end_with_a_word_and_calls_may_finish() {
    let process = Process::start_with(|options| options.drain = Duration::from_secs(60)).await;
    let mut stream =
        process.client().await.follow(process.signed(FollowRequest::default())).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    let began = Instant::now();
    process.cx.tasks.stop();
    assert_eq!(stream.message().await.unwrap_err().code(), Code::Unavailable);
    process.served.await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(30), "nothing was left to wait for: {:?}", began.elapsed());
}

#[tokio::test]
async fn a_peer_that_says_nothing_does_not_hold_the_process() {
    let process = Process::start_with(|options| options.drain = Duration::from_secs(1)).await;
    let mut silent = [TcpStream::connect(process.grpc).await.unwrap(), TcpStream::connect(process.http).await.unwrap()];
    // Make sure that both were accepted: a call behind them is answered.
    process.client().await.get_heads(process.ask("fine")).await.unwrap();
    let began = Instant::now();
    process.cx.tasks.stop();
    process.served.await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    // The one on HTTP was cut off, not only forgotten.
    let mut nothing = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), silent[1].read_to_end(&mut nothing)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_call_that_never_ends_does_not_hold_the_process() {
    let process = Process::start_with(|options| options.drain = Duration::from_secs(1)).await;
    let call = tokio::spawn({
        let (mut client, request) = (process.client().await, process.ask("slow"));
        async move { client.get_heads(request).await }
    });
    throughline_testkit::eventually(Duration::from_secs(10), async || {
        process.cx.metrics.encode().contains("rpc_server_in_flight 1")
    })
    .await;
    let began = Instant::now();
    process.cx.tasks.stop();
    process.served.await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    call.abort();
}

#[tokio::test]
async fn the_process_stops_with_a_task_that_it_needs() {
    let process = Process::start().await;
    process.cx.tasks.spawn("vital", OnExit::StopProcess, || async { Err::<(), _>("the disk is full") });
    process.served.await.unwrap().unwrap();
    assert!(process.cx.tasks.failed().unwrap().contains("the disk is full"));
}
