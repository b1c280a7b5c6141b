//! Decisions: which flag goes where, whether it is still worth telling, when to try again, and which addresses a webhook
//! may have.

mod decide;
mod flag;
mod freshness;
mod identity;
mod retry;
mod route;
mod target;

pub use decide::{Decision, decide, is_due};
pub use flag::{Flag, Severity, Standing};
pub use freshness::{RouteState, Withheld, withheld};
pub use identity::delivery_id;
pub use retry::{Next, after_failure, parse_retry_after};
pub use route::{ChannelKind, Route};
pub use target::{Loopback, may_connect, parse_target};
pub use throughline_process::alert::FRESH_FOR;
