//! Files as they come, plain or gzip, unpacked while they are read, never held whole.
use std::{
    io::{self, BufRead, BufReader, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::read::MultiGzDecoder;

const BUFFER: usize = 1 << 18;
/// A gzip file that grows to more than this many times its size, and to more than `FREELY`, was made to do harm.
const MOST_GROWTH: u64 = 300;
const FREELY: u64 = 64 << 20;

/// Reads a file; gzip is told by its first two bytes.
///
/// # Errors
/// If it cannot be read.
pub fn unpack<R: Read + Send + 'static>(from: R) -> io::Result<Box<dyn BufRead + Send>> {
    let packed = Arc::new(AtomicU64::new(0));
    let mut file = BufReader::with_capacity(BUFFER, Counted { from, read: packed.clone() });
    // A byte may come alone.
    let mut first = [0; 2];
    let mut filled = 0;
    while filled < first.len() {
        match file.read(&mut first[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let file = io::Cursor::new(first[..filled].to_vec()).chain(file);
    if first[..filled] != [0x1f, 0x8b] {
        return Ok(Box::new(file));
    }
    let unpacked = Guarded { from: MultiGzDecoder::new(file), packed, unpacked: 0 };
    Ok(Box::new(BufReader::with_capacity(BUFFER, unpacked)))
}

struct Counted<R> {
    from: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

struct Guarded<R> {
    from: R,
    packed: Arc<AtomicU64>,
    unpacked: u64,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.unpacked += read as u64;
        if self.unpacked > FREELY && self.unpacked > self.packed.load(Ordering::Relaxed).saturating_mul(MOST_GROWTH) {
            let message =
                format!("it unpacks to more than {MOST_GROWTH} times its size: unpack it first if it is meant to");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    /// Gives a byte at a time.
    struct Slow<'b>(&'b [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(1);
            self.0.read(&mut buffer[..most])
        }
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(content).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn plain_and_gzip_read_alike_however_they_come() {
        for content in [&b""[..], b"x", b"\x1f", b"some text"] {
            for file in [content.to_vec(), gzip(content)] {
                let mut read = Vec::new();
                unpack(Slow(Box::leak(file.into_boxed_slice()))).unwrap().read_to_end(&mut read).unwrap();
                assert_eq!(read, content);
            }
        }
    }

    #[test]
    fn a_gzip_bomb_is_refused_before_it_has_unpacked() {
        let bomb = gzip(&vec![0; 200 << 20]);
        let refused = io::copy(&mut unpack(io::Cursor::new(bomb)).unwrap(), &mut io::sink()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData, "{refused}");
    }
}
