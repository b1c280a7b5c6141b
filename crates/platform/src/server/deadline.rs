//! Until when a call may take: as its caller says, a minute at most for a single answer, as long as both want for a stream.
use std::{pin::pin, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::HeaderMap;
use tokio::time::Instant;

use super::{body::Bounded, port::Port};
use crate::{Failure, deadline as current};

/// Whoever names no deadline gets this one.
const CAP: Duration = Duration::from_secs(60);
/// tonic keeps the same deadline outside of us and would answer CANCELLED: ours comes first.
const AHEAD: Duration = Duration::from_millis(3);

pub(super) async fn deadline(State(port): State<Port>, request: Request, next: Next) -> Response {
    let asked = requested(request.headers()).map(|limit| limit.saturating_sub(AHEAD));
    let streams = port.streams(&request);
    let limit = match asked {
        Some(asked) if streams => Some(asked),
        Some(asked) => Some(asked.min(CAP)),
        None => (!streams).then_some(CAP),
    };
    if limit.is_some_and(|limit| limit.is_zero()) {
        // Too short to be kept ahead of tonic's: it has passed, or is about to.
        return port.answer(Failure::deadline());
    }
    let until = limit.and_then(|limit| Instant::now().checked_add(limit));
    let call = pin!(current::scope(until, next.run(request)));
    let answer = match until {
        None => call.await,
        Some(until) => match tokio::time::timeout_at(until, call).await {
            Ok(answer) => answer,
            Err(_) => return port.answer(Failure::deadline()),
        },
    };
    if streams { answer.map(|inner| Body::new(Bounded::new(inner, until, &port))) } else { answer }
}

/// `grpc-timeout`: at most eight digits and a unit.
fn requested(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn timeout(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", HeaderValue::from_str(text).unwrap());
        requested(&headers)
    }

    #[test]
    fn timeouts_are_read_in_every_unit() {
        assert_eq!(timeout("3S"), Some(Duration::from_secs(3)));
        assert_eq!(timeout("250m"), Some(Duration::from_millis(250)));
        assert_eq!(timeout("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
    }

    #[test]
    fn what_is_no_timeout_is_ignored() {
        for wrong in ["", "S", "1", "1x", "123456789S", "-1S", "1.5S", "1é"] {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", HeaderValue::from_bytes(wrong.as_bytes()).unwrap());
            assert_eq!(requested(&headers), None, "{wrong:?} was taken");
        }
    }
}
