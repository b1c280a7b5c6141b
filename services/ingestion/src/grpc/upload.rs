//! `UploadImport`: the steps of an upload, checked one by one. A caller that reads no answers is not read from either.

use futures::{Stream, StreamExt};
use throughline_platform::{Failure, Principal, trace};
use throughline_proto::ingestion::v1::{
    FileIntegrity, UploadImportRequest, UploadImportResponse, upload_import_request::Step,
};
use tokio::{
    sync::mpsc::{self, Sender},
    time::timeout,
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming, codegen::http::HeaderValue};

use super::operations::parse;
use crate::imports::{Bringer, Imports, Integrity, LONGEST_CHUNK, LONGEST_SILENCE, Piece, Upload, silent};

/// Answers that wait to be read.
const WAITING_ANSWERS: usize = 4;

type Told = Sender<Result<UploadImportResponse, Failure>>;

/// Answers until the operation or the stream ends.
pub(super) fn run(
    imports: Imports,
    principal: Principal,
    credentials: Option<HeaderValue>,
    requests: Streaming<UploadImportRequest>,
) -> impl Stream<Item = Result<UploadImportResponse, Status>> + Send {
    let (told, answers) = mpsc::channel(WAITING_ANSWERS);
    let work = async move {
        if let Err(failure) = upload(imports, principal, credentials, requests, &told).await {
            // A caller that has left is told nothing.
            let _ = told.send(Err(failure)).await;
        }
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "one a stream, bounded by the places for uploads; ends with its stream"
    )]
    tokio::spawn(trace::carry(work));
    ReceiverStream::new(answers).map(|answer| answer.map_err(Status::from))
}

async fn upload(
    imports: Imports,
    principal: Principal,
    credentials: Option<HeaderValue>,
    mut requests: Streaming<UploadImportRequest>,
    told: &Told,
) -> Result<(), Failure> {
    let stopping = imports.cx.tasks.shutdown();
    let first = next(&mut requests, &stopping).await?;
    let Some(Step::Operation(operation)) = first else {
        return Err(Failure::invalid("operation", "is missing: the first message of an upload names it"));
    };
    let (principal, rooftop, id) = parse(&principal, "operation", &operation)?;
    let prepared = imports.begin(&principal, &rooftop, id).await?;
    Upload::new(imports, Bringer::Key(credentials), prepared)
        .run(|pieces| async move { feed(requests, &stopping, &pieces).await }, told)
        .await
}

/// The next step; none when the caller has sent all.
async fn next(
    requests: &mut Streaming<UploadImportRequest>,
    stopping: &CancellationToken,
) -> Result<Option<Step>, Failure> {
    let stopped = || Failure::unavailable("this process", "it is being stopped");
    let message = timeout(LONGEST_SILENCE, stopping.run_until_cancelled(requests.message())).await;
    match message.map_err(|_| silent())?.ok_or_else(stopped)? {
        Ok(None) => Ok(None),
        Ok(Some(message)) => {
            message.step.map(Some).ok_or_else(|| Failure::invalid("step", "is missing: each message holds one"))
        }
        // The caller left, or sent what is no message.
        Err(status) => Err(Failure::cancelled().because(status)),
    }
}

/// Passes the steps on as far as they make sense, until the last.
async fn feed(
    mut requests: Streaming<UploadImportRequest>,
    stopping: &CancellationToken,
    pieces: &Sender<Piece>,
) -> Result<(), Failure> {
    let (mut before, mut within) = (0, false);
    while let Some(step) = next(&mut requests, stopping).await? {
        let piece = match step {
            Step::Begin(begin) if !within && begin.ordinal > before => {
                (before, within) = (begin.ordinal, true);
                Piece::Begin { ordinal: begin.ordinal }
            }
            Step::Begin(_) if within => return Err(Failure::invalid("begin", "comes before the end of another file")),
            Step::Begin(_) => {
                let what = format!("is not larger than {before}, that of the file before; the first is 1");
                return Err(Failure::invalid("begin.ordinal", what));
            }
            Step::Chunk(chunk) if within && chunk.len() <= LONGEST_CHUNK => Piece::Chunk(chunk),
            Step::Chunk(chunk) if within => {
                let what = format!("has {} bytes: send {LONGEST_CHUNK} at most", chunk.len());
                return Err(Failure::invalid("chunk", what));
            }
            Step::Chunk(_) => return Err(Failure::invalid("chunk", "belongs to no file: begin one")),
            Step::End(end) if within => {
                within = false;
                Piece::End(match end.integrity() {
                    FileIntegrity::Unspecified | FileIntegrity::Whole => Integrity::Whole,
                    FileIntegrity::Changed => Integrity::Changed,
                    FileIntegrity::Unreadable => Integrity::Unreadable,
                })
            }
            Step::End(_) => return Err(Failure::invalid("end", "ends no file: begin one")),
            Step::Finish(_) if within => return Err(Failure::invalid("finish", "comes before the end of a file")),
            Step::Finish(_) => Piece::Finish,
            Step::Operation(_) => return Err(Failure::invalid("operation", "was named already")),
        };
        let last = matches!(piece, Piece::Finish);
        // Nobody reads on: whoever commits says why.
        if pieces.send(piece).await.is_err() || last {
            return Ok(());
        }
    }
    Ok(())
}
