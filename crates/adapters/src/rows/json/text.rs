//! A JSON text as its brackets and quotes show it, a value at a time.
use std::{
    borrow::Cow,
    io::{self, BufRead},
};

const DEEPEST: usize = 128;
/// Longest name that is compared, bytes.
const LONGEST_NAME: usize = 1_024;
pub(super) const NOT_WELL_FORMED: &str = "it is no well-formed JSON";
pub(super) const ENDS: &str = "it ends in the middle";

/// What ends a document before its end.
pub(super) enum Fault {
    /// The file cannot be read on.
    Read(io::Error),
    Why(Cow<'static, str>),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

impl From<&'static str> for Fault {
    fn from(why: &'static str) -> Self {
        Self::Why(why.into())
    }
}

/// What is held of a value: nothing more than so many bytes.
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    longest: usize,
    pub(super) too_long: bool,
}

impl Held {
    pub(super) fn new(longest: usize) -> Self {
        Self { bytes: Vec::new(), longest, too_long: false }
    }

    fn take(&mut self, piece: &[u8]) {
        self.too_long |= self.bytes.len() + piece.len() > self.longest;
        if self.too_long {
            self.bytes.clear();
        } else {
            self.bytes.extend_from_slice(piece);
        }
    }
}

pub(super) struct Text<R>(pub(super) R);

impl<R: BufRead> Text<R> {
    /// The next byte that is not blank, not yet read; `None` at the end.
    pub(super) fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            let bytes = self.0.fill_buf()?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let blank = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let found = bytes.get(blank).copied();
            self.0.consume(blank);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    pub(super) fn expect(&mut self, wanted: u8, otherwise: impl Fn() -> Fault) -> Result<(), Fault> {
        match self.peek()? {
            Some(byte) if byte == wanted => {
                self.0.consume(1);
                Ok(())
            }
            None => Err(ENDS.into()),
            Some(_) => Err(otherwise()),
        }
    }

    /// A member's name and the colon behind it; `None` if it is longer than any that is compared.
    pub(super) fn name(&mut self) -> Result<Option<String>, Fault> {
        match self.peek()? {
            Some(b'"') => {}
            None => return Err(ENDS.into()),
            Some(_) => return Err(NOT_WELL_FORMED.into()),
        }
        let mut name = Held::new(LONGEST_NAME);
        self.value(&mut name)?;
        self.expect(b':', || NOT_WELL_FORMED.into())?;
        if name.too_long {
            return Ok(None);
        }
        serde_json::from_slice(&name.bytes).map(Some).map_err(|_| NOT_WELL_FORMED.into())
    }

    /// Reads one value, as far as its brackets and quotes show.
    pub(super) fn value(&mut self, held: &mut Held) -> Result<(), Fault> {
        let Some(first) = self.peek()? else { return Err(ENDS.into()) };
        if !matches!(first, b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b'a'..=b'z') {
            return Err(NOT_WELL_FORMED.into());
        }
        let mut scan = Scan::default();
        loop {
            let bytes = self.0.fill_buf()?;
            if bytes.is_empty() {
                // A number or a word may end with the document.
                return if scan.is_bare() { Ok(()) } else { Err(ENDS.into()) };
            }
            let (read, ended) = scan.read(bytes)?;
            held.take(&bytes[..read]);
            self.0.consume(read);
            if ended {
                return Ok(());
            }
        }
    }
}

/// How far a value is read.
#[derive(Default)]
struct Scan {
    /// What closes the open brackets.
    closing: Vec<u8>,
    quoted: bool,
    escaped: bool,
    bare: bool,
}

impl Scan {
    fn is_bare(&self) -> bool {
        self.bare && self.closing.is_empty()
    }

    /// How many of these bytes are the value's, and whether it ends with them.
    fn read(&mut self, bytes: &[u8]) -> Result<(usize, bool), Fault> {
        for (at, byte) in bytes.iter().copied().enumerate() {
            if self.quoted {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.quoted = false,
                    _ => {}
                }
                if !self.quoted && self.closing.is_empty() {
                    return Ok((at + 1, true));
                }
                continue;
            }
            match byte {
                _ if self.is_bare() && (byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}')) => {
                    return Ok((at, true));
                }
                b'"' if self.is_bare() => return Err(NOT_WELL_FORMED.into()),
                b'"' => self.quoted = true,
                b'{' | b'[' if self.is_bare() => return Err(NOT_WELL_FORMED.into()),
                b'{' | b'[' if self.closing.len() == DEEPEST => return Err("its values lie more than 128 deep".into()),
                b'{' => self.closing.push(b'}'),
                b'[' => self.closing.push(b']'),
                b'}' | b']' => {
                    if self.closing.pop() != Some(byte) {
                        return Err(NOT_WELL_FORMED.into());
                    }
                    if self.closing.is_empty() {
                        return Ok((at + 1, true));
                    }
                }
                _ => self.bare |= self.closing.is_empty(),
            }
        }
        Ok((bytes.len(), false))
    }
}
