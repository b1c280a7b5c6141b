//! A reader that gives no more than so many bytes until it is renewed, so that nothing behind it can gather more.
use std::io::{self, BufRead, Read};

pub(super) struct Metered<R> {
    from: R,
    left: usize,
    spent: bool,
}

impl<R: BufRead> Metered<R> {
    pub(super) fn new(from: R, left: usize) -> Self {
        Self { from, left, spent: false }
    }

    pub(super) fn renew(&mut self, left: usize) {
        self.left = left;
    }

    /// Whether more was wanted than was left.
    pub(super) fn spent(&self) -> bool {
        self.spent
    }
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = self.left;
        let available = self.from.fill_buf()?;
        if left == 0 && !available.is_empty() {
            self.spent = true;
            return Err(io::Error::other("more than may be held"));
        }
        Ok(&available[..available.len().min(left)])
    }

    fn consume(&mut self, read: usize) {
        self.left = self.left.saturating_sub(read);
        self.from.consume(read);
    }
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}
