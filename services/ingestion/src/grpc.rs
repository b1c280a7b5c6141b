//! The only place that names tonic: what is asked, checked and answered over gRPC.

mod apikeys;
mod decisions;
mod directory;
mod events;
mod feeds;
mod groups;
mod hooks;
mod imports;
mod operations;
mod quarantine;
mod request;
mod rooftops;
mod stream;
mod upload;

pub(crate) use decisions::Decisions;
pub(crate) use directory::Directory;
pub(crate) use events::Ingestion;
pub(crate) use hooks::Hooks;
pub(crate) use imports::ImportOperations;
