//! Refusals that tonic and axum make themselves: each gets the code and the details that a `Failure` has.
use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use http_body::{Body as HttpBody, Frame};
use throughline_proto::codec::MALFORMED;
use tonic::{Code, Status};

use super::port::Port;
use crate::failure::{Failure, Reason};

pub(super) async fn of_grpc(State(port): State<Port>, request: Request, next: Next) -> Response {
    if port.is_open(&request) {
        return next.run(request).await;
    }
    let streams = port.streams(&request);
    let mut answer = next.run(request).await;
    complete(answer.headers_mut());
    if streams { answer.map(|inner| Body::new(Completed(inner))) } else { answer }
}

/// A status without details was not made by us.
fn complete(headers: &mut HeaderMap) {
    if !headers.contains_key(Status::GRPC_STATUS) || headers.contains_key(Status::GRPC_STATUS_DETAILS) {
        return;
    }
    let Some(status) = Status::from_header_map(headers).filter(|status| status.code() != Code::Ok) else { return };
    // It fails for what no header can carry, and then the bare status stands.
    let _ = Status::from(meant(&status)).add_header(headers);
}

/// What tonic means, by its code and the beginning of its message (0.14.9; a test holds each).
fn meant(status: &Status) -> Failure {
    let message = status.message();
    let malformed = |what: &str| Failure::new(Code::InvalidArgument, Reason::MalformedMessage, what.to_owned());
    match status.code() {
        Code::InvalidArgument if message.starts_with(MALFORMED) => malformed(message),
        Code::OutOfRange if message.starts_with("Error, decoded message length too large") => too_large(),
        Code::ResourceExhausted if message.starts_with("Error decompressing: size limit") => too_large(),
        Code::Internal if message.starts_with("Unexpected EOF") => {
            malformed("the message is malformed: it ends too early")
        }
        Code::Internal if message.starts_with("Missing request message") => {
            malformed("the message is malformed: there is none")
        }
        Code::Internal if message.starts_with("protocol error: received message with") => {
            malformed("the message is malformed: its compression flag is wrong")
        }
        Code::Internal if message.starts_with("Error decompressing") => {
            malformed("the message is malformed: it cannot be decompressed")
        }
        Code::Unimplemented if message.contains("ncoding") || message.contains("compress") => Failure::new(
            Code::Unimplemented,
            Reason::Unimplemented,
            "this compression is not served here, use identity or gzip",
        ),
        Code::Unimplemented => Failure::new(
            Code::Unimplemented,
            Reason::Unimplemented,
            "there is no such method, or it is not served here",
        ),
        Code::Cancelled => Failure::cancelled(),
        Code::DeadlineExceeded => Failure::deadline(),
        Code::Unavailable => Failure::unavailable("a part of this service", status.clone()),
        // An answer that is too large, or a handler that made a status of its own: a bug of ours either way.
        _ => Failure::internal(status.clone()),
    }
}

fn too_large() -> Failure {
    let limit = crate::MAX_MESSAGE_BYTES;
    let message = format!("the message is larger than {limit} bytes: send less at once");
    Failure::new(Code::ResourceExhausted, Reason::MessageTooLarge, message).with("limit_bytes", limit.to_string())
}

struct Completed(Body);

impl HttpBody for Completed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.0).poll_frame(cx);
        match polled {
            Poll::Ready(Some(Ok(mut frame))) => {
                if let Some(trailers) = frame.trailers_mut() {
                    complete(trailers);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            other => other,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }
}

pub(super) async fn of_http(State(port): State<Port>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let answer = next.run(request).await;
    let status = answer.status();
    let ours = answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().ends_with(b"json"));
    if ours || !(status.is_client_error() || status.is_server_error()) {
        return answer;
    }
    let failure = match status {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        StatusCode::NOT_FOUND => {
            Failure::new(Code::NotFound, Reason::Unimplemented, "there is no such path").with_sent("path", path)
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            Failure::new(Code::Unimplemented, Reason::Unimplemented, "this path does not take this method")
                .with_sent("path", path)
        }
        status if status.is_client_error() => {
            Failure::new(Code::InvalidArgument, Reason::MalformedMessage, "the request cannot be read")
        }
        status => Failure::internal(format!("a handler answered {status}")),
    };
    let mut answer = port.answer(failure);
    // The precise status says more than the one that belongs to the code.
    *answer.status_mut() = status;
    answer
}
