//! The same failure over HTTP, as AIP-193 writes it in JSON.
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use tonic::Code;

use super::{Failure, Reason};
use crate::trace;

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let trace_id = trace::current_trace_id();
        self.log(trace_id.as_deref());
        let status = match self.reason() {
            // Trying again later would not help, which is what the code's own status says.
            Reason::MessageTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            _ => http_status(self.code()),
        };
        let body = json!({ "error": {
            "code": status.as_u16(),
            "message": self.message(),
            "status": code_text(self.code()),
            "details": self.json_details(trace_id),
        }});
        let mut response = (status, Json(body)).into_response();
        if let Some(after) = self.0.retry_after {
            // Whole seconds, rounded up, is all that this header can say.
            let seconds = after.as_millis().div_ceil(1000).max(1);
            if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
                response.headers_mut().insert(header::RETRY_AFTER, value);
            }
        }
        response
    }
}

impl Failure {
    /// The JSON of the details, as protobuf's JSON mapping of `google.rpc` writes it; also for results inside a batch.
    pub fn json_details(&self, trace_id: Option<String>) -> Vec<Value> {
        let mut details = vec![json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": self.reason_text(),
            "domain": "throughline",
            "metadata": self.0.metadata,
        })];
        if !self.0.violations.is_empty() {
            let violations: Vec<Value> = self
                .0
                .violations
                .iter()
                .map(|violation| json!({ "field": violation.field, "description": violation.description }))
                .collect();
            details.push(json!({
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": violations,
            }));
        }
        if let Some(after) = self.0.retry_after {
            details.push(json!({
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": format!("{}s", after.as_secs_f64()),
            }));
        }
        if let Some(trace_id) = trace_id {
            details.push(json!({
                "@type": "type.googleapis.com/google.rpc.RequestInfo",
                "requestId": trace_id,
            }));
        }
        details
    }
}

/// The HTTP status of a code, as google/rpc/code.proto maps it.
pub(crate) fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        // Nginx's "client closed request": nobody reads it.
        Code::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The name of a code, such as `INVALID_ARGUMENT`.
pub(crate) fn code_text(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
