//! A vendor's files: uploaded to an import of the suite's, which makes events of their rows and accounts for every row.
mod upload;

use std::path::PathBuf;

use serde::Serialize;
use throughline_proto::{
    ingestion::v1::{
        CreateImportRequest, ImportMetadata, Outcome, UploadImportResponse, create_import_request::Mapping,
        import_service_client::ImportServiceClient,
    },
    longrunning::{CancelOperationRequest, Operation, operations_client::OperationsClient},
};
use tonic::Streaming;

use super::{send::named, tally::Tally};
use crate::{Connection, commands::profile, output::json_line};
use upload::Uploading;

/// Answers between two lines that say how far it is.
const TELL_EVERY: u64 = 20;

/// How a command ends that was interrupted, as shells have it.
const INTERRUPTED: i32 = 130;

/// What became of every row of every file, and of the events made of them.
#[derive(Debug, Default, Serialize)]
struct Summary {
    operation: String,
    profile: String,
    version: u32,
    files: u32,
    /// Files that could not be read to their end, with the reason on stderr.
    files_failed: u32,
    rows: Tally,
    /// Made of the rows.
    events: u64,
    accepted: u64,
    duplicate: u64,
    quarantined: u64,
}

pub async fn run(
    connection: &Connection,
    named: &str,
    rooftop: &str,
    paths: &[PathBuf],
    live: bool,
) -> anyhow::Result<()> {
    let operation = begin(connection, named, rooftop, live).await?;
    let name = operation.name.clone();
    let summary = tokio::select! {
        summary = upload(connection, operation, paths) => summary?,
        _ = tokio::signal::ctrl_c() => {
            OperationsClient::new(connection.channel.clone())
                .cancel_operation(CancelOperationRequest { name: name.clone() })
                .await?;
            eprintln!("cancelled {name}: what was durable stays, and counts as duplicate in another import");
            // A read that waits for a slow disk, or a writer, would be waited for.
            std::process::exit(INTERRUPTED);
        }
    };
    json_line(&summary)?;
    anyhow::ensure!(
        summary.files_failed == 0,
        "{} of {} files were not read to their end",
        summary.files_failed,
        summary.files
    );
    Ok(())
}

async fn begin(connection: &Connection, named: &str, rooftop: &str, live: bool) -> anyhow::Result<Operation> {
    let mapping = match profile::text(named)? {
        None => Mapping::Profile(named.to_owned()),
        Some(text) => Mapping::ProfileYaml(text),
    };
    let request = CreateImportRequest {
        parent: format!("{}/rooftops/{rooftop}", connection.parent),
        mapping: Some(mapping),
        request_id: uuid::Uuid::new_v4().to_string(),
        actor: String::new(),
        live,
    };
    Ok(ImportServiceClient::new(connection.channel.clone()).create_import(request).await?.into_inner())
}

/// Uploads the files and tells on stderr what becomes of them.
async fn upload(connection: &Connection, operation: Operation, paths: &[PathBuf]) -> anyhow::Result<Summary> {
    let metadata = operation.metadata.as_ref().map(|metadata| metadata.value.as_slice()).unwrap_or_default();
    let ImportMetadata { profile, version, .. } = prost::Message::decode(metadata)?;
    let mut summary = Summary { operation: operation.name.clone(), profile, version, ..Summary::default() };
    let (uploading, requests) = Uploading::begin(operation.name);
    let answers = ImportServiceClient::new(connection.channel.clone()).upload_import(requests).await?.into_inner();
    // What is wrong with a file is told to the suite, and comes back; the answers end when it has what it wants.
    let sending = async {
        uploading.files(paths).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        told = tell(answers, &uploading, paths, &mut summary) => told?,
        () = sending => {}
    }
    Ok(summary)
}

async fn tell(
    mut answers: Streaming<UploadImportResponse>,
    uploading: &Uploading,
    paths: &[PathBuf],
    summary: &mut Summary,
) -> anyhow::Result<()> {
    let path = |ordinal: u32| paths[(ordinal as usize).saturating_sub(1).min(paths.len() - 1)].display();
    let mut heard = 0_u64;
    while let Some(answer) = answers.message().await? {
        for row in &answer.broken_rows {
            eprintln!("{}: row {}: {}", path(row.file), row.row, row.why);
        }
        for event in &answer.set_apart {
            let why = event.status.as_ref().map_or("no reason given", |status| status.message.as_str());
            let what = if event.outcome() == Outcome::Refused { "refused" } else { "quarantined" };
            eprintln!("{}: {what}: {why}", named(event));
        }
        for file in &answer.files {
            for column in &file.absent_columns {
                eprintln!("{}: no column {column}, which the profile reads", path(file.ordinal));
            }
            if !file.failure.is_empty() {
                eprintln!("{}: {}", path(file.ordinal), file.failure);
            }
            uploading.ended(file.ordinal);
        }
        let counts = answer.counts.unwrap_or_default();
        heard += 1;
        if heard.is_multiple_of(TELL_EVERY) {
            let (accepted, duplicate, quarantined) = (counts.accepted, counts.duplicate, counts.quarantined);
            eprintln!("{accepted} durable, {duplicate} repeated, {quarantined} set apart");
        }
        (summary.files, summary.files_failed) = (counts.files, counts.files_failed);
        summary.rows = Tally {
            read: counts.rows_read,
            kept: counts.rows_kept,
            dropped: counts.rows_dropped,
            broken: counts.rows_broken,
        };
        (summary.events, summary.accepted) = (counts.events, counts.accepted);
        (summary.duplicate, summary.quarantined) = (counts.duplicate, counts.quarantined);
        if answer.done {
            return Ok(());
        }
    }
    anyhow::bail!("the upload ended early: import the same files again")
}
