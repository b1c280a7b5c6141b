//! One JSON object a line.
use std::io;

use super::{
    BoundedLines, Broken, Row, TooLong,
    object::{LONGEST, TOO_LONG, values},
};

pub(super) struct Rows<R> {
    lines: BoundedLines<R>,
    wanted: Vec<String>,
    number: u64,
}

impl<R: io::BufRead> Rows<R> {
    pub(super) fn begin(from: R, wanted: Vec<String>) -> Self {
        Self { lines: BoundedLines::new(from, LONGEST), wanted, number: 0 }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Result<Row, Broken>>> {
        let Some(line) = self.lines.next()? else { return Ok(None) };
        self.number += 1;
        let number = self.number;
        let values = match line {
            Err(TooLong) => Err(TOO_LONG),
            Ok(line) => values(line, &self.wanted),
        };
        Ok(Some(values.map(|values| Row { number, values }).map_err(|why| Broken { number, why: why.into() })))
    }
}
