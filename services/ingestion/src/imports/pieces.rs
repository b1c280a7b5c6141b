//! A file as it streams by: pieces come through a bounded channel and are read where reading blocks.

use std::{
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::mpsc::Receiver,
    time::{error::Elapsed, timeout},
};

/// A piece of an upload; those of a file stand between its begin and its end.
#[derive(Debug)]
pub(crate) enum Piece {
    Begin { ordinal: u32 },
    Chunk(Vec<u8>),
    End(Integrity),
    Finish,
}

/// Whether a file came whole, as its uploader says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Integrity {
    Whole,
    Changed,
    Unreadable,
}

/// How the pieces of a file came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Of(Integrity),
    /// The upload broke off.
    BrokeOff,
}

/// The pieces of the files of one upload.
#[derive(Clone)]
pub(super) struct Pieces(Arc<Mutex<Inner>>);

struct Inner {
    from: Receiver<Piece>,
    chunk: Vec<u8>,
    at: usize,
    end: Option<End>,
    bytes: u64,
}

impl Pieces {
    pub(super) fn new(from: Receiver<Piece>) -> Self {
        let end = Some(End::Of(Integrity::Whole));
        Self(Arc::new(Mutex::new(Inner { from, chunk: Vec::new(), at: 0, end, bytes: 0 })))
    }

    /// What stands between files. After a begin, the bytes of that file are read.
    pub(super) fn next(&self) -> Option<Piece> {
        self.with(|inner| {
            let piece = inner.from.blocking_recv();
            inner.begun(piece)
        })
    }

    /// The same, unless it does not come soon.
    pub(super) fn next_within(&self, soon: Duration) -> Result<Option<Piece>, Elapsed> {
        self.with(|inner| {
            let piece = Handle::current().block_on(async { timeout(soon, inner.from.recv()).await })?;
            Ok(inner.begun(piece))
        })
    }

    /// Passes over what is left of a file.
    pub(super) fn pass_over(&self) -> End {
        self.with(|inner| {
            while !inner.fill() {
                inner.at = inner.chunk.len();
            }
            inner.end.unwrap_or(End::BrokeOff)
        })
    }

    /// How the present file ended, if all of it has come.
    pub(super) fn ended(&self) -> Option<End> {
        self.with(|inner| inner.end)
    }

    /// Bytes that came since this was last asked.
    pub(super) fn take_bytes(&self) -> u64 {
        self.with(|inner| std::mem::take(&mut inner.bytes))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn begun(&mut self, piece: Option<Piece>) -> Option<Piece> {
        if matches!(piece, Some(Piece::Begin { .. })) {
            (self.end, self.at) = (None, 0);
            self.chunk.clear();
        }
        piece
    }

    /// Waits for bytes that are not read yet; true if the file has none any more.
    fn fill(&mut self) -> bool {
        while self.at == self.chunk.len() && self.end.is_none() {
            match self.from.blocking_recv() {
                Some(Piece::Chunk(chunk)) => {
                    self.bytes += chunk.len() as u64;
                    (self.chunk, self.at) = (chunk, 0);
                }
                Some(Piece::End(integrity)) => self.end = Some(End::Of(integrity)),
                // Nothing else comes within a file.
                Some(Piece::Begin { .. } | Piece::Finish) | None => self.end = Some(End::BrokeOff),
            }
        }
        self.at == self.chunk.len()
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.with(|inner| {
            if inner.fill() {
                return match inner.end {
                    None | Some(End::Of(Integrity::Whole)) => Ok(0),
                    Some(End::Of(integrity)) => Err(io::Error::other(integrity.told())),
                    Some(End::BrokeOff) => Err(io::Error::other("the upload broke off")),
                };
            }
            let read = buffer.len().min(inner.chunk.len() - inner.at);
            buffer[..read].copy_from_slice(&inner.chunk[inner.at..inner.at + read]);
            inner.at += read;
            Ok(read)
        })
    }
}

impl Integrity {
    /// Why a file that did not come whole has failed; empty for one that did.
    pub(super) fn told(self) -> &'static str {
        match self {
            Self::Whole => "",
            Self::Changed => "it was changed while it was read: import it once more when it is complete",
            Self::Unreadable => "it could not be read on",
        }
    }
}
