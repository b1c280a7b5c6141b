//! The one place where a `Status` is made.
use std::collections::HashMap;

use prost::Message;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use super::{Failure, chain};
use crate::trace;

const DOMAIN: &str = "throughline";

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        let trace_id = trace::current_trace_id();
        failure.log(trace_id.as_deref());
        let details = failure.details(trace_id);
        Status::with_error_details(failure.code(), failure.message(), details)
    }
}

impl Failure {
    /// The same as a value inside an answer, for batches that succeed in part. It is not logged: the batch did not fail.
    pub fn to_rpc_status(&self) -> tonic_types::Status {
        let status = Status::with_error_details(self.code(), self.message(), self.details(None));
        tonic_types::Status::decode(status.details()).unwrap_or_else(|_| tonic_types::Status {
            code: self.code() as i32,
            message: self.message().to_owned(),
            details: Vec::new(),
        })
    }

    pub(super) fn details(&self, trace_id: Option<String>) -> ErrorDetails {
        let inner = &self.0;
        let metadata: HashMap<String, String> =
            inner.metadata.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
        let mut details = ErrorDetails::with_error_info(self.reason_text(), DOMAIN, metadata);
        if !inner.violations.is_empty() {
            let violations: Vec<FieldViolation> = inner
                .violations
                .iter()
                .map(|violation| FieldViolation::new(&violation.field, &violation.description))
                .collect();
            details.set_bad_request(violations);
        }
        if inner.retry_after.is_some() {
            details.set_retry_info(inner.retry_after);
        }
        if let Some(trace_id) = trace_id {
            details.set_request_info(trace_id, "");
        }
        details
    }

    /// Our own faults, once, at the boundary; refusals are counted and not logged.
    pub(super) fn log(&self, trace_id: Option<&str>) {
        let cause = self.0.cause.as_ref().map(|cause| chain(cause.as_ref()));
        let cause = cause.as_deref().unwrap_or("none given");
        let metadata = &self.0.metadata;
        match self.code() {
            Code::Internal | Code::Unknown | Code::DataLoss => {
                tracing::error!(trace_id, cause, ?metadata, "a call failed through our fault");
            }
            Code::Unavailable => tracing::warn!(trace_id, cause, ?metadata, "a call failed: {}", self.message()),
            _ => {}
        }
    }
}
