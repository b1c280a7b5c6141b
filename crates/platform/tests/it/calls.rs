//! How calls end.
use std::time::Duration;

use throughline_platform::Failure;
use throughline_proto::log::v1::{FollowRequest, SubscribeRequest};
use throughline_testkit::eventually;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::{kit::Process, wire::grpc_web};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn traced<T>(mut request: Request<T>) -> Request<T> {
    request.metadata_mut().insert("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01").parse().unwrap());
    request
}

/// A status as a caller sees it, every detail.
fn seen(status: &Status) -> serde_json::Value {
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    serde_json::json!({
        "code": format!("{:?}", status.code()),
        "message": status.message(),
        "reason": info.reason,
        "domain": info.domain,
        "metadata": info.metadata.iter().collect::<std::collections::BTreeMap<_, _>>(),
        "violations": details.bad_request().map(|bad| bad.field_violations.iter().map(|v| (&v.field, &v.description)).collect::<Vec<_>>()),
        "retry_after_ms": details.retry_info().and_then(|retry| retry.retry_delay).map(|delay| delay.as_millis() as u64),
        "trace": details.request_info().map(|request| &request.request_id),
    })
}

#[tokio::test]
async fn each_failure_has_its_status() {
    let all = [
        Failure::invalid("zone", "\"Mars/Olympus\" is not a known zone"),
        Failure::violations(vec![
            throughline_platform::Violation::new("a", "is missing"),
            throughline_platform::Violation::new("b", "must not be negative, was -1"),
        ]),
        Failure::not_found("deal", "groups/g/rooftops/r/deals/d"),
        Failure::already_exists("rooftop", "north"),
        Failure::permission(throughline_platform::Reason::SourceNotAllowed, "this key may not write source \"dms\"")
            .with("source", "dms"),
        Failure::unauthenticated("no credentials"),
        Failure::precondition("the deal is closed"),
        Failure::aborted_etag("groups/g/rooftops/r"),
        Failure::overloaded("lane 3", Duration::from_millis(250)),
        Failure::unavailable("the database", "connection refused to a secret host"),
        Failure::deadline(),
        Failure::internal("a secret of ours"),
        Failure::from(sqlx::Error::PoolTimedOut),
        Failure::from(sqlx::Error::RowNotFound),
    ];
    let seen: Vec<_> = throughline_platform::trace::scope(
        throughline_platform::trace::TraceContext {
            traceparent: format!("00-{TRACE}-00f067aa0ba902b7-01"),
            tracestate: String::new(),
        },
        async { all.into_iter().map(|failure| seen(&Status::from(failure))).collect() },
    )
    .await;
    insta::assert_json_snapshot!(seen);
}

#[tokio::test]
async fn a_panic_costs_one_call_and_is_found_by_its_trace() {
    let process = Process::start().await;
    let mut client = process.client().await;
    let status = client.get_heads(traced(process.ask("panic"))).await.unwrap_err();
    assert_eq!(seen(&status)["reason"], "INTERNAL");
    assert_eq!(seen(&status)["trace"], TRACE);
    assert!(!status.message().contains("probe"));
    client.get_heads(process.ask("fine")).await.unwrap();

    let follow = FollowRequest { log: "panic".to_owned(), ..FollowRequest::default() };
    let mut stream = client.follow(traced(process.signed(follow))).await.unwrap().into_inner();
    // What was sent in one go with the panic is lost with it.
    let status = loop {
        match stream.message().await {
            Ok(message) => assert_eq!(message.unwrap().cursor, "first"),
            Err(status) => break status,
        }
    };
    assert_eq!((status.code(), &seen(&status)["trace"]), (Code::Internal, &TRACE.into()));
    process.stop().await;
}

#[tokio::test]
async fn internal_never_carries_the_cause() {
    let process = Process::start().await;
    let mut client = process.client().await;
    let follow = FollowRequest { log: "broken".to_owned(), ..FollowRequest::default() };
    let mut stream = client.follow(process.signed(follow)).await.unwrap().into_inner();
    stream.message().await.unwrap();
    let refused = [
        client.get_heads(process.ask("broken")).await.unwrap_err(),
        client.get_heads(process.ask("bare")).await.unwrap_err(),
        stream.message().await.unwrap_err(),
    ];
    for status in refused {
        assert_eq!(status.code(), Code::Internal);
        assert!(!format!("{status:?}").contains("secret"), "{status:?}");
        assert_eq!(seen(&status)["reason"], "INTERNAL");
    }
    process.stop().await;
}

#[tokio::test]
async fn a_deadline_that_passes_is_called_so() {
    let process = Process::start().await;
    // As gRPC-Web, because tonic's own client would answer for itself.
    let slow = "\0\0\0\0\u{6}\n\u{4}slow";
    for limit in ["0m", "1m", "30m", "200m", "300000u"] {
        let answer = grpc_web(&process, &format!("grpc-timeout: {limit}\r\n"), slow).await;
        assert!(answer.contains("grpc-status: 4") && answer.contains("grpc-status-details-bin"), "{limit}: {answer}");
    }
    process.stop().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_deadline_too() {
    let process = Process::start().await;
    let mut request = process.signed(FollowRequest::default());
    request.metadata_mut().insert("grpc-timeout", "300m".parse().unwrap());
    let mut stream = process.client().await.follow(request).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    let status = stream.message().await.unwrap_err();
    assert_eq!(seen(&status)["reason"], "DEADLINE_EXCEEDED");
    process.stop().await;
}

#[tokio::test]
async fn more_calls_than_can_be_worked_on_are_told_to_come_back() {
    let process = Process::start_with(|options| options.max_in_flight = 2).await;
    let mut client = process.client().await;
    let slow: Vec<_> = (0..2)
        .map(|_| {
            let (mut client, request) = (client.clone(), process.ask("slow"));
            tokio::spawn(async move { client.get_heads(request).await })
        })
        .collect();
    let status = eventually(Duration::from_secs(10), async || client.get_heads(process.ask("fine")).await.err()).await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!((&seen(&status)["reason"], &seen(&status)["retry_after_ms"]), (&"OVERLOADED".into(), &200.into()));
    // Probes are answered all the same, and a place comes back when its caller leaves.
    let mut health = tonic_health::pb::health_client::HealthClient::new(process.channel().await);
    health.check(tonic_health::pb::HealthCheckRequest { service: "readiness".to_owned() }).await.unwrap();
    slow.into_iter().for_each(|call| call.abort());
    eventually(Duration::from_secs(10), async || {
        client.get_heads(process.ask("fine")).await.map_err(|s| s.to_string())
    })
    .await;
    process.stop().await;
}

#[tokio::test]
async fn every_call_is_counted_by_how_it_ended() {
    let process = Process::start().await;
    let mut client = process.client().await;
    client.get_heads(traced(process.ask("fine"))).await.unwrap();
    client.get_heads(process.ask("panic")).await.unwrap_err();
    let mut ended = client
        .follow(process.signed(FollowRequest { log: "end".to_owned(), ..FollowRequest::default() }))
        .await
        .unwrap();
    while ended.get_mut().message().await.unwrap().is_some() {}
    let left = client.subscribe(process.signed(SubscribeRequest::default())).await.unwrap();
    drop(left);
    let counted = |method: &str, code: &str| {
        format!(
            "rpc_server_call_duration_seconds_count{{rpc_system_name=\"grpc\",rpc_method=\"throughline.log.v1.LogService/{method}\",rpc_response_status_code=\"{code}\"}} 1"
        )
    };
    eventually(Duration::from_secs(10), async || {
        let text = process.cx.metrics.encode();
        let wanted = [("GetHeads", "OK"), ("GetHeads", "INTERNAL"), ("Follow", "OK"), ("Subscribe", "CANCELLED")];
        match wanted.iter().find(|(method, code)| !text.contains(&counted(method, code))) {
            None => Ok(()),
            Some(missing) => Err(format!("{missing:?} is missing in\n{text}")),
        }
    })
    .await;
    let text = process.cx.metrics.encode();
    assert!(text.contains(&format!("# {{trace_id=\"{TRACE}\"}}")), "no exemplar in {text}");
    assert!(text.contains("rpc_server_in_flight 0"), "{text}");
    process.stop().await;
}
