//! The only place that names tonic: what is asked, checked and answered over gRPC.

mod apikeys;
mod directory;
mod events;
mod groups;
mod imports;
mod operations;
mod quarantine;
mod request;
mod rooftops;
mod stream;
mod upload;

pub(crate) use directory::Directory;
pub(crate) use events::Ingestion;
pub(crate) use imports::ImportOperations;
