//! Why something was refused or went wrong: what, which and what next. A gRPC status is made of it in one place, here.
pub(crate) mod http;
mod postgres;
mod status;

use std::{borrow::Cow, collections::BTreeMap, error::Error, fmt, sync::Arc, time::Duration};

pub(crate) use self::http::code_text;
pub use pb::error::v1::Reason;
use throughline_proto as pb;
pub use tonic::Code;

use crate::name::{may_show, shown};

/// A cause that is logged and never sent.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// One field that is wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, such as `events[3].occurred_at`.
    pub field: String,
    /// What is wrong with it, in lower case, naming the value where that is safe.
    pub description: String,
}

impl Violation {
    /// A violation of one field.
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }
}

/// A refusal or a fault, on its way to the caller.
#[derive(Clone)]
pub struct Failure(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: Code,
    reason: Reason,
    message: Cow<'static, str>,
    violations: Vec<Violation>,
    metadata: BTreeMap<Cow<'static, str>, String>,
    retry_after: Option<Duration>,
    cause: Option<Cause>,
}

impl Failure {
    /// Any failure; prefer the named ones.
    pub fn new(code: Code, reason: Reason, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            code,
            reason,
            message: message.into(),
            violations: Vec::new(),
            metadata: BTreeMap::new(),
            retry_after: None,
            cause: None,
        }))
    }

    /// INVALID_ARGUMENT: one field is wrong.
    pub fn invalid(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::violations(vec![Violation::new(field, description)])
    }

    /// INVALID_ARGUMENT: these fields are wrong, all of them at once.
    pub fn violations(violations: Vec<Violation>) -> Self {
        let message = match violations.as_slice() {
            [] => "the request is invalid".to_owned(),
            [one] => format!("{}: {}", one.field, one.description),
            [first, rest @ ..] => format!("{}: {} (and {} more)", first.field, first.description, rest.len()),
        };
        let mut failure = Self::new(Code::InvalidArgument, Reason::InvalidField, message);
        failure.0.violations = violations;
        failure
    }

    /// NOT_FOUND: there is no such resource, or the caller may not know of it.
    pub fn not_found(kind: &'static str, name: impl Into<String>) -> Self {
        let name = name.into();
        Self::new(Code::NotFound, Reason::NotFound, format!("there is no {kind} {}", shown(&name)))
            .with_sent(kind, name)
    }

    /// ALREADY_EXISTS: the id is taken by another content.
    pub fn already_exists(kind: &'static str, name: impl Into<String>) -> Self {
        let name = name.into();
        let message = format!("{kind} {name:?} exists already with another content");
        Self::new(Code::AlreadyExists, Reason::AlreadyExists, message).with(kind, name)
    }

    /// PERMISSION_DENIED.
    pub fn permission(reason: Reason, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::PermissionDenied, reason, message)
    }

    /// UNAUTHENTICATED.
    pub fn unauthenticated(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Unauthenticated, Reason::Unauthenticated, message)
    }

    /// FAILED_PRECONDITION: the resource is not in a state that allows it.
    pub fn precondition(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::FailedPrecondition, Reason::FailedPrecondition, message)
    }

    /// ABORTED: the etag is not the present one.
    pub fn aborted_etag(name: impl Into<String>) -> Self {
        let name = name.into();
        let message = format!("{name:?} was changed by another: read it, merge and try again");
        Self::new(Code::Aborted, Reason::EtagMismatch, message).with("name", name)
    }

    /// RESOURCE_EXHAUSTED: too much of `what` at once; come back after a while.
    pub fn overloaded(what: impl Into<String>, retry_after: Duration) -> Self {
        let what = what.into();
        let mut failure = Self::new(
            Code::ResourceExhausted,
            Reason::Overloaded,
            format!("too much at once: {what} is full, retry later"),
        )
        .with("what", what);
        failure.0.retry_after = Some(retry_after);
        failure
    }

    /// UNAVAILABLE: something that we need cannot be reached just now.
    pub fn unavailable(what: impl Into<String>, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let what = what.into();
        let mut failure =
            Self::new(Code::Unavailable, Reason::Unavailable, format!("{what} cannot be reached just now, retry"))
                .with("what", what)
                .because(cause);
        failure.0.retry_after = Some(Duration::from_secs(1));
        failure
    }

    /// DEADLINE_EXCEEDED.
    pub fn deadline() -> Self {
        Self::new(Code::DeadlineExceeded, Reason::DeadlineExceeded, "the deadline passed before the answer was ready")
    }

    /// CANCELLED: the caller gave up.
    pub fn cancelled() -> Self {
        Self::new(Code::Cancelled, Reason::Cancelled, "the call was cancelled")
    }

    /// INTERNAL: our fault. The cause is logged with the trace id and never sent.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Code::Internal, Reason::Internal, "something went wrong on our side, the trace id leads to the cause")
            .because(cause)
    }

    /// What a peer answered, passed on to our own caller without its details.
    pub fn from_peer(peer: &str, status: tonic::Status) -> Self {
        match status.code() {
            Code::DeadlineExceeded => Self::deadline().because(status),
            // tonic's channel keeps the deadline that we pass on, and calls it so
            Code::Cancelled if status.message() == "Timeout expired" => Self::deadline().because(status),
            Code::Cancelled => Self::cancelled().because(status),
            Code::Unavailable | Code::ResourceExhausted | Code::Unknown => Self::unavailable(peer, status),
            _ => Self::internal(status).with("peer", peer),
        }
    }

    /// Adds a variable of the message to the metadata of ErrorInfo.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.0.metadata.insert(name.into(), value.into());
        self
    }

    /// The same of a value as the caller sent it: left out if it could be a person's.
    #[must_use]
    pub fn with_sent(self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        let value = value.into();
        if may_show(&value) { self.with(name, value) } else { self }
    }

    /// Names the field that caused it (BadRequest).
    #[must_use]
    pub fn at_field(mut self, field: impl Into<String>) -> Self {
        let description = self.0.message.clone().into_owned();
        self.0.violations.push(Violation::new(field, description));
        self
    }

    /// Names fields, each with what is wrong with it (BadRequest).
    #[must_use]
    pub fn with_violations(mut self, violations: impl IntoIterator<Item = Violation>) -> Self {
        self.0.violations.extend(violations);
        self
    }

    /// Says when a repetition may do better (RetryInfo).
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Keeps what lies behind it, for the log only.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(Arc::from(cause.into()));
        self
    }

    /// The gRPC code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The machine-readable reason.
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// The reason as ErrorInfo carries it, such as `INVALID_FIELD`.
    pub fn reason_text(&self) -> &'static str {
        let name = self.0.reason.as_str_name();
        name.strip_prefix("REASON_").unwrap_or(name)
    }

    /// What the caller is told.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The fields that are wrong.
    pub fn field_violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// What lies behind it; never sent.
    pub fn cause(&self) -> Option<&Cause> {
        self.0.cause.as_ref()
    }

    /// Whether the same call may succeed later by itself: a database or peer away, a conflict, overload.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.code(),
            Code::Unavailable | Code::Aborted | Code::ResourceExhausted | Code::DeadlineExceeded | Code::Cancelled
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}: {}", self.0.code, self.reason_text(), self.0.message)?;
        if !self.0.violations.is_empty() {
            write!(f, " {:?}", self.0.violations)?;
        }
        if let Some(cause) = &self.0.cause {
            write!(f, " (because {})", chain(cause.as_ref()))?;
        }
        Ok(())
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_ref().map(|cause| cause.as_ref() as &(dyn Error + 'static))
    }
}

/// An error and everything behind it, for the log.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let said = error.to_string();
        // Many libraries repeat their source in their own message.
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = error.source();
    }
    text
}
