//! Files on their way: a piece at a time, as fast as the suite takes them.
use std::{
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use throughline_proto::ingestion::v1::{
    FileIntegrity, UploadImportRequest,
    upload_import_request::{Begin, End, Finish, Step},
};
use tokio::{fs::File, io::AsyncReadExt as _, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;

use crate::commands::import::files;

/// Bytes of a piece.
const CHUNK: usize = 1 << 18;
const WAITING: usize = 2;

/// An upload under way.
pub struct Uploading {
    steps: mpsc::Sender<UploadImportRequest>,
    /// The last file of which the suite has told the end; it wants no more of it.
    ended: AtomicU32,
}

impl Uploading {
    /// To an operation; with what goes to the suite.
    pub fn begin(operation: String) -> (Self, impl tokio_stream::Stream<Item = UploadImportRequest> + Send + 'static) {
        let (steps, taken) = mpsc::channel(WAITING);
        let first = tokio_stream::once(UploadImportRequest { step: Some(Step::Operation(operation)) });
        let rest = ReceiverStream::new(taken);
        (Self { steps, ended: AtomicU32::new(0) }, tokio_stream::StreamExt::chain(first, rest))
    }

    /// The suite has told the end of a file.
    pub fn ended(&self, ordinal: u32) {
        self.ended.fetch_max(ordinal, Ordering::Relaxed);
    }

    /// Sends all files, as far as the suite takes them: why it took no more is told by its answers.
    pub async fn files(&self, paths: &[PathBuf]) {
        for (path, ordinal) in paths.iter().zip(1..=u32::MAX) {
            eprintln!("reading {}", path.display());
            let begun = self.send(Step::Begin(Begin { ordinal })).await;
            let integrity = match self.file(path, ordinal).await {
                Ok(integrity) => integrity,
                Err(error) => {
                    eprintln!("{}: {error}", path.display());
                    FileIntegrity::Unreadable
                }
            };
            if begun.is_none() || self.send(Step::End(End { integrity: integrity.into() })).await.is_none() {
                return;
            }
        }
        self.send(Step::Finish(Finish {})).await;
    }

    /// Sends the bytes of a file, and says whether somebody wrote it meanwhile.
    async fn file(&self, path: &Path, ordinal: u32) -> io::Result<FileIntegrity> {
        let before = files::look(path)?;
        let mut file = File::open(path).await?;
        while self.ended.load(Ordering::Relaxed) < ordinal {
            let mut chunk = Vec::with_capacity(CHUNK);
            if file.read_buf(&mut chunk).await? == 0 || self.send(Step::Chunk(chunk)).await.is_none() {
                break;
            }
        }
        Ok(if files::look(path)? == before { FileIntegrity::Whole } else { FileIntegrity::Changed })
    }

    /// None if nothing is taken any more.
    async fn send(&self, step: Step) -> Option<()> {
        self.steps.send(UploadImportRequest { step: Some(step) }).await.ok()
    }
}
