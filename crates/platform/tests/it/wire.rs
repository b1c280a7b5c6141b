//! What comes in over the wire, however broken.
use std::marker::PhantomData;

use http::uri::PathAndQuery;
use throughline_proto::log::v1::GetHeadsResponse;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::{
    Code, Request, Status,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};
use tonic_reflection::pb::{v1, v1alpha};
use tonic_types::StatusExt;

use crate::kit::Process;

/// Sends bytes as they are.
#[derive(Default)]
struct Raw<T>(PhantomData<T>);

impl<T: prost::Message + Default + 'static> Codec for Raw<T> {
    type Encode = Vec<u8>;
    type Decode = T;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self(PhantomData)
    }

    fn decoder(&mut self) -> Self {
        Self(PhantomData)
    }
}

impl<T> Encoder for Raw<T> {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, bytes: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(bytes, &item);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

impl<T: prost::Message + Default> Decoder for Raw<T> {
    type Item = T;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<T>, Status> {
        T::decode(bytes).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

async fn send(process: &Process, path: &'static str, bytes: Vec<u8>) -> Status {
    let mut client = tonic::client::Grpc::new(process.channel().await);
    client.ready().await.unwrap();
    let request: Request<Vec<u8>> = process.signed(bytes);
    let answer: Result<tonic::Response<GetHeadsResponse>, Status> =
        client.unary(request, PathAndQuery::from_static(path), Raw::default()).await;
    answer.unwrap_err()
}

const GET_HEADS: &str = "/throughline.log.v1.LogService/GetHeads";

#[tokio::test]
async fn bytes_that_are_no_message_are_the_senders_fault() {
    let process = Process::start().await;
    let wrong_wire_type = vec![0x08, 0x01];
    let invalid_utf8 = vec![0x0a, 0x02, 0xc3, 0x28];
    let truncated = vec![0x0a, 0x10, b'x'];
    let noise = vec![0xff; 64];
    for bytes in [wrong_wire_type, invalid_utf8, truncated, noise] {
        let status = send(&process, GET_HEADS, bytes.clone()).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{bytes:?}: {status:?}");
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "MALFORMED_MESSAGE");
        assert!(details.request_info().is_some());
    }
    process.client().await.get_heads(process.ask("fine")).await.unwrap();
    process.stop().await;
}

/// What tonic finds in the framing, before any codec.
#[tokio::test]
async fn a_broken_frame_is_the_senders_fault_too() {
    let process = Process::start().await;
    let none = ("", "");
    let too_short = ("", "\0\0\0\0\u{7}abc");
    let compressed_by_nothing = ("", "\u{1}\0\0\0\u{3}abc");
    let wrong_flag = ("", "\u{9}\0\0\0\u{3}abc");
    for (more, frame) in [none, too_short, compressed_by_nothing, wrong_flag] {
        let answer = grpc_web(&process, more, frame).await;
        assert!(answer.contains("grpc-status: 3") && answer.contains("malformed"), "{frame:?}: {answer}");
    }
    let answer = grpc_web(&process, "grpc-encoding: gzip\r\n", "\u{1}\0\0\0\u{3}abc").await;
    assert!(answer.contains("grpc-status: 12") && answer.contains("compression"), "{answer}");
    process.stop().await;
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_by_its_size() {
    let process = Process::start().await;
    let mut large = vec![0x0a, 0x80, 0x80, 0xc0, 0x02];
    large.resize(5 * 1024 * 1024, b'x');
    let status = send(&process, GET_HEADS, large).await;
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "MESSAGE_TOO_LARGE");
    assert_eq!(details.error_info().unwrap().metadata["limit_bytes"], "4194304");
    process.stop().await;
}

#[tokio::test]
async fn what_is_not_served_says_so() {
    let process = Process::start().await;
    for path in ["/throughline.log.v1.LogService/Nothing", "/nobody.Service/Nothing", "/"] {
        let status = send(&process, path, Vec::new()).await;
        assert_eq!(status.code(), Code::Unimplemented, "{path}: {status:?}");
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "UNIMPLEMENTED");
    }
    let text = process.cx.metrics.encode();
    assert!(!text.contains("nobody"), "a path that a caller made up became a label");
    process.stop().await;
}

#[tokio::test]
async fn reflection_lists_what_is_served_in_both_versions() {
    let process = Process::start().await;
    let channel = process.channel().await;
    let ask = v1::server_reflection_request::MessageRequest::ListServices(String::new());
    let request = v1::ServerReflectionRequest { host: String::new(), message_request: Some(ask) };
    let answers = v1::server_reflection_client::ServerReflectionClient::new(channel.clone())
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap()
        .into_inner()
        .message()
        .await
        .unwrap();
    let Some(v1::server_reflection_response::MessageResponse::ListServicesResponse(listed)) =
        answers.unwrap().message_response
    else {
        panic!("no list")
    };
    let mut names: Vec<String> = listed.service.into_iter().map(|service| service.name).collect();
    names.sort();
    assert_eq!(names, ["grpc.health.v1.Health", "throughline.log.v1.LogService"]);

    for symbol in ["throughline.log.v1.LogService", "google.rpc.ErrorInfo", "google.rpc.BadRequest"] {
        let ask = v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(symbol.to_owned());
        let request = v1alpha::ServerReflectionRequest { host: String::new(), message_request: Some(ask) };
        let answer = v1alpha::server_reflection_client::ServerReflectionClient::new(channel.clone())
            .server_reflection_info(tokio_stream::once(request))
            .await
            .unwrap()
            .into_inner()
            .message()
            .await
            .unwrap();
        let answer = answer.unwrap().message_response.unwrap();
        let known = matches!(answer, v1alpha::server_reflection_response::MessageResponse::FileDescriptorResponse(_));
        assert!(known, "{symbol}: {answer:?}");
    }
    process.stop().await;
}

/// One request over HTTP/1.1; the answer's head and body.
async fn http(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// A call as a browser would send it.
pub async fn grpc_web(process: &Process, more: &str, frame: &str) -> String {
    let request = format!(
        "POST {GET_HEADS} HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-type: application/grpc-web+proto\r\n\
         authorization: Bearer {}\r\n{more}content-length: {}\r\n\r\n{frame}",
        process.cx.options.service_key,
        frame.len(),
    );
    http(process.grpc, &request).await
}

#[tokio::test]
async fn http_is_answered_in_json_and_probes_without_credentials() {
    let process = Process::start().await;
    let get = async |path: &str, more: &str| {
        http(process.http, &format!("GET {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n{more}\r\n")).await
    };
    let signed = format!("authorization: Bearer {}\r\n", process.cx.options.service_key);
    for (path, more, status, part) in [
        ("/healthz", "", "200", "alive"),
        ("/readyz", "", "200", "ready"),
        ("/metrics", "", "200", "# EOF"),
        ("/v1/broken", "", "401", "\"status\":\"UNAUTHENTICATED\""),
        ("/v1/broken", &signed, "500", "\"reason\":\"INTERNAL\""),
        ("/v1/nothing", &signed, "404", "\"reason\":\"UNIMPLEMENTED\""),
        ("/v1/echo", &signed, "405", "\"reason\":\"UNIMPLEMENTED\""),
    ] {
        let answer = get(path, more).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(part), "{path}: {answer}");
        assert!(!answer.contains("secret"), "{answer}");
    }
    let long = "x".repeat(5 * 1024 * 1024);
    let answer = http(
        process.http,
        &format!(
            "POST /v1/echo HTTP/1.1\r\nhost: here\r\nconnection: close\r\n{signed}content-length: {}\r\n\r\n{long}",
            long.len()
        ),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("MESSAGE_TOO_LARGE"), "{answer}");
    process.stop().await;
}

#[tokio::test]
async fn a_browser_calls_over_grpc_web() {
    let process = Process::start_with(|options| options.cors_origins = vec!["https://portal.example".to_owned()]).await;
    let preflight = http(
        process.grpc,
        &format!(
            "OPTIONS {GET_HEADS} HTTP/1.1\r\nhost: here\r\nconnection: close\r\norigin: https://portal.example\r\naccess-control-request-method: POST\r\n\r\n"
        ),
    )
    .await;
    assert!(preflight.starts_with("HTTP/1.1 204"), "{preflight}");
    assert!(preflight.contains("access-control-allow-origin: https://portal.example"), "{preflight}");

    let call = |more: &str| {
        format!(
            "POST {GET_HEADS} HTTP/1.1\r\nhost: here\r\nconnection: close\r\norigin: https://portal.example\r\ncontent-type: application/grpc-web+proto\r\n{more}content-length: 5\r\n\r\n\0\0\0\0\0"
        )
    };
    let signed = format!("authorization: Bearer {}\r\n", process.cx.options.service_key);
    let answer = http(process.grpc, &call(&signed)).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("grpc-status:0"), "{answer}");
    let refused = http(process.grpc, &call("")).await;
    assert!(refused.contains("grpc-status: 16") || refused.contains("grpc-status:16"), "{refused}");
    assert!(refused.contains("access-control-expose-headers: grpc-status"), "{refused}");
    process.stop().await;
}
