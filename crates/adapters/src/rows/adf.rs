//! ADF, the XML in which leads are sent: [`super::xml`] with a row for each `prospect`, and what it takes to read it as it is
//! written by hand: headers are passed over unread, and what is not UTF-8 is Windows-1252. A document is taken whole or not
//! at all.
use std::{
    borrow::Cow,
    collections::VecDeque,
    io::{self, Read as _},
};

use super::{
    Broken, Row,
    xml::{DECLARES, Document, Fault, Values},
};

/// Longest document, bytes.
const LONGEST: usize = 1 << 20;
/// Prospects of one document.
const MOST_ROWS: usize = 1_000;

const ROOT: &str = "adf";
const PROSPECT: &str = "prospect";
/// A prospect that says nothing of its status is new.
const STATUS: [&str; 2] = ["prospect@status", "@status"];

pub(super) struct Rows<R> {
    from: R,
    wanted: Vec<String>,
    /// What the document said; `None` before it is read.
    read: Option<VecDeque<Values>>,
    number: u64,
}

impl<R: io::BufRead> Rows<R> {
    pub(super) fn begin(from: R, wanted: Vec<String>) -> Self {
        Self { from, wanted, read: None, number: 0 }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Result<Row, Broken>>> {
        let rows = match &mut self.read {
            Some(rows) => rows,
            None => {
                let mut document = Vec::new();
                self.from.by_ref().take(LONGEST as u64 + 1).read_to_end(&mut document)?;
                let rows = match read(&document, &self.wanted) {
                    Ok(rows) => rows,
                    Err(Fault::Why(why)) => VecDeque::from([Err(why)]),
                    Err(Fault::Read(error)) => return Err(error),
                };
                self.read.insert(rows)
            }
        };
        let Some(values) = rows.pop_front() else { return Ok(None) };
        self.number += 1;
        let number = self.number;
        Ok(Some(values.map(|values| Row { number, values }).map_err(|why| Broken { number, why })))
    }
}

fn read(document: &[u8], wanted: &[String]) -> Result<VecDeque<Values>, Fault> {
    if document.len() > LONGEST {
        return Err("it is longer than a megabyte".into());
    }
    let text = decoded(document);
    let begin = root(text.as_bytes());
    let header = &text.as_bytes()[..begin.unwrap_or(text.len())];
    if contains(header, b"<!doctype") || contains(header, b"<!entity") {
        return Err(DECLARES.into());
    }
    let Some(begin) = begin else { return Err("it has no element adf".into()) };
    let status = wanted.iter().position(|column| STATUS.iter().any(|status| status.eq_ignore_ascii_case(column)));
    let mut document = Document::begin(&text.as_bytes()[begin..], PROSPECT, wanted.to_vec());
    let mut rows = VecDeque::new();
    while let Some(values) = document.next()? {
        if rows.len() == MOST_ROWS {
            return Err("it has more than 1000 prospects".into());
        }
        rows.push_back(values.map(|mut values| {
            if let Some(status) = status {
                values[status].get_or_insert_with(|| "new".to_owned());
            }
            values
        }));
    }
    if rows.is_empty() {
        return Err("it has no prospect".into());
    }
    Ok(rows)
}

/// The text of a document; what is not UTF-8 is taken for Windows-1252, in which old senders write.
fn decoded(document: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(document) {
        Ok(text) => text.into(),
        Err(_) => document
            .iter()
            .map(|byte| match byte {
                0x91 => '\u{2018}',
                0x92 => '\u{2019}',
                0x93 => '\u{201c}',
                0x94 => '\u{201d}',
                byte => char::from(*byte),
            })
            .collect(),
    }
}

/// Where the root element begins.
fn root(document: &[u8]) -> Option<usize> {
    document.windows(ROOT.len() + 2).position(|bytes| {
        let (name, after) = bytes.split_at(ROOT.len() + 1);
        name[0] == b'<'
            && name[1..].eq_ignore_ascii_case(ROOT.as_bytes())
            && (after[0].is_ascii_whitespace() || matches!(after[0], b'>' | b'/'))
    })
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|bytes| bytes.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests;
