//! Comma-separated values, a field at a time: neither a long field nor a long row takes memory.
use std::{borrow::Cow, io};

use csv_core::{ReadFieldResult, Reader};

use super::{Broken, LONGEST_VALUE, Row, kept};

/// Columns of a file that are looked at.
const MOST_COLUMNS: usize = 4_096;
const BOM: &[u8] = "\u{feff}".as_bytes();

pub(super) struct Rows<R> {
    from: R,
    reader: Reader,
    wanted: Vec<String>,
    /// For each column of the file, which of the wanted ones it is.
    places: Vec<Option<u16>>,
    field: [u8; LONGEST_VALUE],
    number: u64,
    ended: bool,
}

/// A field as far as it was held.
struct Field {
    length: usize,
    too_long: bool,
    last: bool,
}

impl<R: io::BufRead> Rows<R> {
    pub(super) fn begin(mut from: R, wanted: Vec<String>) -> io::Result<Self> {
        if from.fill_buf()?.starts_with(BOM) {
            from.consume(BOM.len());
        }
        let field = [0; LONGEST_VALUE];
        let mut rows = Self { from, reader: Reader::new(), wanted, places: Vec::new(), field, number: 0, ended: false };
        while let Some(Field { length, too_long, last }) = rows.field()? {
            if rows.places.len() == MOST_COLUMNS {
                let message = format!("its header has more than {MOST_COLUMNS} columns");
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            let name = std::str::from_utf8(&rows.field[..length]).ok().filter(|_| !too_long).map(str::trim);
            let place = name.and_then(|name| rows.wanted.iter().position(|wanted| wanted == name));
            // Of two columns of one name the first counts.
            let place = place.map(|place| place as u16).filter(|place| !rows.places.contains(&Some(*place)));
            rows.places.push(place);
            if last {
                break;
            }
        }
        Ok(rows)
    }

    pub(super) fn lacks(&self, column: &str) -> bool {
        let place = self.wanted.iter().position(|wanted| wanted == column);
        !self.places.iter().flatten().any(|known| Some(usize::from(*known)) == place)
    }

    pub(super) fn absent(&self) -> Vec<&str> {
        self.wanted.iter().map(String::as_str).filter(|column| self.lacks(column)).collect()
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Result<Row, Broken>>> {
        let mut values = vec![None; self.wanted.len()];
        let mut why: Option<Cow<'static, str>> = None;
        let mut column = 0;
        loop {
            let Some(Field { length, too_long, last }) = self.field()? else {
                return Ok(None);
            };
            if column == 0 {
                self.number += 1;
            }
            if let Some(place) = self.places.get(column).copied().flatten().map(usize::from) {
                match std::str::from_utf8(&self.field[..length]) {
                    _ if too_long => {
                        why = Some(
                            format!("the value of {} is longer than {LONGEST_VALUE} bytes", self.wanted[place]).into(),
                        )
                    }
                    Ok(text) => values[place] = kept(text),
                    Err(_) => why = Some(format!("the value of {} is not UTF-8", self.wanted[place]).into()),
                }
            }
            column += 1;
            if last {
                break;
            }
        }
        if column != self.places.len() {
            why = Some("it has another number of columns than the header".into());
        }
        Ok(Some(match why {
            Some(why) => Err(Broken { number: self.number, why }),
            None => Ok(Row { number: self.number, values }),
        }))
    }

    /// Reads the next field into `self.field`; what does not fit is passed over.
    fn field(&mut self) -> io::Result<Option<Field>> {
        if self.ended {
            return Ok(None);
        }
        let (mut length, mut too_long) = (0, false);
        loop {
            let input = self.from.fill_buf()?;
            let (result, read, written) = self.reader.read_field(input, &mut self.field[length..]);
            self.from.consume(read);
            length += written;
            match result {
                // With an empty buffer this is asked once more, which is how the reader is told of the end.
                ReadFieldResult::InputEmpty => {}
                ReadFieldResult::OutputFull => {
                    too_long = true;
                    length = 0;
                }
                ReadFieldResult::Field { record_end } => return Ok(Some(Field { length, too_long, last: record_end })),
                ReadFieldResult::End => {
                    self.ended = true;
                    return Ok(None);
                }
            }
        }
    }
}
