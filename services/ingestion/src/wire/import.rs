//! An import as an operation (AIP-151).

use prost::Message;
use throughline_platform::{Failure, Reason, failure::Code};
use throughline_proto::{
    ingestion::v1::{ImportMetadata, ImportState, ImportSummary},
    longrunning::{Operation, operation},
    time::to_wire,
};
use tonic_types::Status;

use crate::store::imports::{Import, State};

/// Where the types of `Any` are said to be found.
const TYPES: &str = "type.googleapis.com/throughline.ingestion.v1.";

/// The name of an import.
pub(crate) fn name(group: &str, rooftop: &str, id: uuid::Uuid) -> String {
    format!("groups/{group}/rooftops/{rooftop}/operations/{id}")
}

/// An import as its operation.
pub(crate) fn render(group: &str, import: Import) -> Result<Operation, Failure> {
    let name = name(group, &import.rooftop, import.id);
    let state = match import.state {
        State::Open if import.uploading => ImportState::Uploading,
        State::Open => ImportState::Waiting,
        State::Succeeded => ImportState::Succeeded,
        State::Failed => ImportState::Failed,
        State::Cancelled => ImportState::Cancelled,
    };
    let metadata = ImportMetadata {
        profile: import.profile.clone(),
        version: import.version,
        state: state.into(),
        counts: Some(import.counts.clone()),
        current_file: import.current_file,
        create_time: Some(to_wire(import.created_at)),
        update_time: Some(to_wire(import.changed_at)),
    };
    let result = match (import.state, &import.error) {
        (State::Open, _) => None,
        (State::Succeeded, _) => {
            let summary =
                ImportSummary { profile: import.profile, version: import.version, counts: Some(import.counts) };
            Some(operation::Result::Response(any("ImportSummary", &summary)))
        }
        (State::Failed | State::Cancelled, error) => {
            let error = Status::decode(error.as_deref().unwrap_or_default()).map_err(Failure::internal)?;
            Some(operation::Result::Error(error))
        }
    };
    Ok(Operation { name, metadata: Some(any("ImportMetadata", &metadata)), done: result.is_some(), result })
}

fn any(message: &str, value: &impl Message) -> prost_types::Any {
    prost_types::Any { type_url: format!("{TYPES}{message}"), value: value.encode_to_vec() }
}

/// What an import ends with that a caller ended.
pub(crate) fn cancelled() -> Failure {
    let message = "the import was cancelled: what was told as done stays";
    Failure::new(Code::Cancelled, Reason::Cancelled, message)
}

/// What an import ends with that nobody went on with.
pub(crate) fn abandoned() -> Failure {
    let message = "nothing was uploaded for 24 hours: begin another import with the same files";
    Failure::new(Code::DeadlineExceeded, Reason::DeadlineExceeded, message)
}
