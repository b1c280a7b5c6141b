//! What is decided at the edge: sync, pure and total. Nothing here knows a socket, a table or a clock of its own.

pub(crate) mod api_key;
pub(crate) mod decision;
pub(crate) mod dropped;
pub(crate) mod event;
pub(crate) mod facts;
pub(crate) mod grammar;
pub(crate) mod hook;
pub(crate) mod identity;
pub(crate) mod instant;
pub(crate) mod ledger;
pub(crate) mod rooftop;
pub(crate) mod scalar;
pub(crate) mod signed;
pub(crate) mod watch;

pub(crate) use throughline_platform::personal;
