//! One JSON document, a row for each object of an array: the document itself, or what stands at a path in it. Of the document
//! no more than one row is ever held, and the rest is passed over by its brackets and quotes.
use std::io::{self, BufRead};

mod text;

use text::{ENDS, Fault, Held, NOT_WELL_FORMED, Text};

use super::{
    Broken, Row,
    object::{LONGEST, TOO_LONG, values},
};

const BOM: &[u8] = "\u{feff}".as_bytes();

type Values = Result<Vec<Option<String>>, &'static str>;

pub(super) struct Rows<R> {
    text: Text<R>,
    /// Names on the way to the array; none if it is the document.
    path: Vec<String>,
    wanted: Vec<String>,
    place: Place,
    number: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    AtFirst,
    Within,
    Ended,
}

impl<R: BufRead> Rows<R> {
    pub(super) fn begin(from: R, array: Option<&str>, wanted: Vec<String>) -> Self {
        let path = array.map(|array| array.split('/').map(str::to_owned).collect()).unwrap_or_default();
        Self { text: Text(from), path, wanted, place: Place::Before, number: 0 }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Result<Row, Broken>>> {
        let why = match self.row() {
            Ok(None) => return Ok(None),
            Ok(Some(Ok(values))) => {
                self.number += 1;
                return Ok(Some(Ok(Row { number: self.number, values })));
            }
            Ok(Some(Err(why))) => why.into(),
            Err(Fault::Read(error)) => return Err(error),
            Err(Fault::Why(why)) => {
                self.place = Place::Ended;
                why
            }
        };
        self.number += 1;
        Ok(Some(Err(Broken { number: self.number, why })))
    }

    fn row(&mut self) -> Result<Option<Values>, Fault> {
        if self.place == Place::Before {
            self.find()?;
            self.place = Place::AtFirst;
        }
        if self.place == Place::Ended {
            return Ok(None);
        }
        match self.text.peek()? {
            Some(b']') => {
                self.text.0.consume(1);
                self.place = Place::Ended;
                self.finish()?;
                return Ok(None);
            }
            Some(b',') if self.place == Place::Within => self.text.0.consume(1),
            Some(_) if self.place == Place::AtFirst => {}
            Some(_) => return Err(NOT_WELL_FORMED.into()),
            None => return Err(ENDS.into()),
        }
        self.place = Place::Within;
        let mut row = Held::new(LONGEST);
        self.text.value(&mut row)?;
        Ok(Some(if row.too_long { Err(TOO_LONG) } else { values(&row.bytes, &self.wanted) }))
    }

    /// Reads up to the first row.
    fn find(&mut self) -> Result<(), Fault> {
        if self.text.0.fill_buf()?.starts_with(BOM) {
            self.text.0.consume(BOM.len());
        }
        for place in 0..self.path.len() {
            self.text.expect(b'{', || no_array(&self.path))?;
            let mut first = true;
            loop {
                match self.text.peek()? {
                    Some(b'}') => return Err(no_array(&self.path)),
                    Some(b',') if !first => self.text.0.consume(1),
                    _ if first => {}
                    None => return Err(ENDS.into()),
                    Some(_) => return Err(NOT_WELL_FORMED.into()),
                }
                first = false;
                if self.text.name()?.is_some_and(|name| name == self.path[place]) {
                    break;
                }
                self.text.value(&mut Held::new(0))?;
            }
        }
        self.text.expect(b'[', || no_array(&self.path))
    }

    /// Reads what stands behind the last row: a document that was cut off has rows that are missing.
    fn finish(&mut self) -> Result<(), Fault> {
        for _ in 0..self.path.len() {
            loop {
                match self.text.peek()? {
                    Some(b'}') => break self.text.0.consume(1),
                    Some(b',') => self.text.0.consume(1),
                    Some(_) => return Err(NOT_WELL_FORMED.into()),
                    None => return Err(ENDS.into()),
                }
                self.text.name()?;
                self.text.value(&mut Held::new(0))?;
            }
        }
        match self.text.peek()? {
            None => Ok(()),
            Some(_) => Err(NOT_WELL_FORMED.into()),
        }
    }
}

fn no_array(path: &[String]) -> Fault {
    let why = match path.is_empty() {
        true => "it is no array: the profile's `array` says where one stands in it".into(),
        false => format!("it has no array at {}", path.join("/")).into(),
    };
    Fault::Why(why)
}

#[cfg(test)]
mod tests;
