//! Lines of a file, of which no more than so much is ever held.
use std::io::{self, BufRead, Read as _};

/// Reads lines up to a length; longer ones are passed over.
pub struct BoundedLines<R> {
    from: R,
    longest: usize,
    line: Vec<u8>,
    number: u64,
}

/// The line was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl<R: BufRead> BoundedLines<R> {
    /// Lines of at most `longest` bytes, without what ends them.
    pub fn new(from: R, longest: usize) -> Self {
        Self { from, longest, line: Vec::new(), number: 0 }
    }

    /// The next line that is not blank, without the blanks around it; `None` at the end.
    ///
    /// # Errors
    /// If the file cannot be read on.
    #[expect(clippy::should_implement_trait, reason = "it can fail in two ways, and lends")]
    pub fn next(&mut self) -> io::Result<Option<Result<&[u8], TooLong>>> {
        loop {
            self.line.clear();
            let read = self.from.by_ref().take(self.longest as u64 + 1).read_until(b'\n', &mut self.line)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if read > self.longest && self.line.last() != Some(&b'\n') {
                self.skip_rest()?;
                return Ok(Some(Err(TooLong)));
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(Some(Ok(self.line.trim_ascii())));
            }
        }
    }

    /// Of the line read last, from 1; blank ones count.
    pub fn number(&self) -> u64 {
        self.number
    }

    fn skip_rest(&mut self) -> io::Result<()> {
        loop {
            let available = self.from.fill_buf()?;
            let (read, ended) = match available.iter().position(|byte| *byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (available.len(), available.is_empty()),
            };
            self.from.consume(read);
            if ended {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_just_as_long_as_may_be_is_read_and_the_next_one_too() {
        let mut lines = BoundedLines::new(&b"1234\n12345\n\n  \n12\n123456"[..], 4);
        let mut read = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let line = line.map(|line| String::from_utf8(line.to_vec()).unwrap());
            read.push((line, lines.number()));
        }
        let line = |text: &str| Ok(text.to_owned());
        assert_eq!(read, [(line("1234"), 1), (Err(TooLong), 2), (line("12"), 5), (Err(TooLong), 6)]);
    }
}
