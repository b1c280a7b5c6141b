//! What stands in a file, as long as it does not change.

use std::{
    fs::File,
    io::{self, Read as _},
};

use throughline_platform::Failure;
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::watch::Found;
use crate::{
    folder::watch::Stamp,
    imports::{Integrity, Piece},
};

/// Bytes that are read at once.
const CHUNK: usize = 1 << 18;

/// BLAKE3 of a file as it was found.
pub(super) fn hash(found: &Found, stopping: &CancellationToken) -> Result<[u8; 32], Failure> {
    read(found, stopping, |_| true).map(|hash| hash.unwrap_or_default())
}

/// Passes a file on, and its end only if all of it is what its hash was made of.
pub(super) fn feed(
    found: &Found,
    expected: &[u8; 32],
    pieces: &Sender<Piece>,
    stopping: &CancellationToken,
) -> Result<(), Failure> {
    if pieces.blocking_send(Piece::Begin { ordinal: 1 }).is_err() {
        return Ok(());
    }
    // Nobody reads on: whoever commits says why.
    let pass = |chunk: &[u8]| pieces.blocking_send(Piece::Chunk(chunk.to_vec())).is_ok();
    let Some(hash) = read(found, stopping, pass)? else { return Ok(()) };
    if hash != *expected {
        return Err(changed());
    }
    for piece in [Piece::End(Integrity::Whole), Piece::Finish] {
        if pieces.blocking_send(piece).is_err() {
            break;
        }
    }
    Ok(())
}

/// Whether a file stands where it was found, as it was found.
pub(super) fn is_unchanged(found: &Found) -> bool {
    found.path.symlink_metadata().is_ok_and(|file| Stamp::of(&file) == found.stamp)
}

/// Its reading ends; it is looked at again when it is complete.
pub(super) fn changed() -> Failure {
    Failure::precondition("the file was changed while it was read: it is read when it is complete")
}

/// The hash of what was read; none if `pass` does not go on.
fn read(
    found: &Found,
    stopping: &CancellationToken,
    mut pass: impl FnMut(&[u8]) -> bool,
) -> Result<Option<[u8; 32]>, Failure> {
    let mut file = File::open(&found.path).map_err(unreadable)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        if stopping.is_cancelled() {
            return Err(Failure::unavailable("this process", "it is being stopped"));
        }
        if Stamp::of(&file.metadata().map_err(unreadable)?) != found.stamp {
            return Err(changed());
        }
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Some(*hasher.finalize().as_bytes())),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                if !pass(&buffer[..read]) {
                    return Ok(None);
                }
            }
            Err(again) if again.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
}

/// An error of the system's own names no file.
fn unreadable(error: io::Error) -> Failure {
    Failure::unavailable("a dropped file", error)
}
