//! XML, an element at a time: a row for each element of one name, of which no more than a megabyte is ever held. A column is a
//! path below it: `vehicle/stock` is the text of an element, `id@source` an attribute, `@status` one of the row's element
//! itself. Names are compared in any case and without a namespace's prefix.
//!
//! What could make a document grow is never read: one that declares anything is broken.
use std::{
    borrow::Cow,
    io::{self, BufRead},
};

use quick_xml::{
    Reader,
    errors::{Error, SyntaxError},
    events::Event,
};

mod attributes;
mod metered;

use attributes::{each_attribute, reference, resolved};
use metered::Metered;

use super::{Broken, LONGEST_VALUE, Row, kept};

/// Longest row, bytes; and longest piece of what stands between rows.
const LONGEST: usize = 1 << 20;
const DEEPEST: usize = 32;

pub(super) const DECLARES: &str = "it declares a document type, which is never read";
pub(super) const NOT_WELL_FORMED: &str = "it is no well-formed XML";

pub(super) type Why = Cow<'static, str>;
/// Of one row.
pub(super) type Values = Result<Vec<Option<String>>, Why>;

/// What ends a document before its end.
pub(super) enum Fault {
    /// The file cannot be read on.
    Read(io::Error),
    /// The document is broken.
    Why(Why),
}

impl From<&'static str> for Fault {
    fn from(why: &'static str) -> Self {
        Self::Why(why.into())
    }
}

/// The rows of a document as they come: what stands before a fault is taken.
pub(super) struct Rows<R> {
    document: Document<R>,
    number: u64,
    ended: bool,
}

impl<R: BufRead> Rows<R> {
    pub(super) fn begin(from: R, element: &str, wanted: Vec<String>) -> Self {
        Self { document: Document::begin(from, element, wanted), number: 0, ended: false }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Result<Row, Broken>>> {
        if self.ended {
            return Ok(None);
        }
        let values = match self.document.next() {
            Ok(Some(values)) => values,
            Ok(None) => {
                self.ended = true;
                if self.number > 0 {
                    return Ok(None);
                }
                Err(format!("it has no element {}", self.document.walk.element).into())
            }
            Err(Fault::Why(why)) => {
                self.ended = true;
                Err(why)
            }
            Err(Fault::Read(error)) => return Err(error),
        };
        self.number += 1;
        let number = self.number;
        Ok(Some(values.map(|values| Row { number, values }).map_err(|why| Broken { number, why })))
    }
}

/// A document while it is read.
pub(super) struct Document<R> {
    reader: Reader<Metered<R>>,
    buffer: Vec<u8>,
    walk: Walk,
}

impl<R: BufRead> Document<R> {
    pub(super) fn begin(from: R, element: &str, wanted: Vec<String>) -> Self {
        let mut reader = Reader::from_reader(Metered::new(from, LONGEST));
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.allow_dangling_amp = true;
        // Names are compared here, in any case.
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        Self { reader, buffer: Vec::new(), walk: Walk::new(element, wanted) }
    }

    /// The next row; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Values>, Fault> {
        loop {
            if self.walk.row.is_none() {
                self.reader.get_mut().renew(LONGEST);
            }
            self.buffer.clear();
            match self.reader.read_event_into(&mut self.buffer) {
                Ok(Event::Start(element)) => self.walk.open(element.name().as_ref(), element.attributes_raw())?,
                Ok(Event::End(element)) => {
                    if let Some(values) = self.walk.close(element.name().as_ref())? {
                        return Ok(Some(values));
                    }
                }
                Ok(Event::Text(text)) => self.walk.text(&text),
                Ok(Event::CData(text)) => self.walk.text(&text),
                Ok(Event::GeneralRef(name)) => {
                    let walk = &mut self.walk;
                    reference(&name, &mut |text| walk.text(text))?;
                }
                Ok(Event::DocType(_)) | Err(Error::Syntax(SyntaxError::UnclosedDoctype)) => return Err(DECLARES.into()),
                Ok(Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_)) => {}
                Ok(Event::Eof) if self.walk.ends.is_empty() => return Ok(None),
                Ok(Event::Eof) => return Err("it ends before its elements do".into()),
                Err(Error::Io(_)) if self.reader.get_ref().spent() => {
                    return Err("a row, or what stands between two, is longer than a megabyte".into());
                }
                Err(Error::Io(error)) => return Err(Fault::Read(io::Error::new(error.kind(), error.to_string()))),
                Err(Error::Encoding(_)) => return Err("it is not UTF-8".into()),
                // The reader's own message may repeat what it read.
                Err(_) => return Err(NOT_WELL_FORMED.into()),
            }
        }
    }
}

/// A wanted value: below the row's element, or at it if `element` is empty.
struct Path {
    column: String,
    element: String,
    attribute: Option<String>,
}

impl Path {
    fn parse(column: String, row: &str) -> Self {
        let (element, attribute) = match column.split_once('@') {
            Some((element, attribute)) => (element, Some(attribute.to_ascii_lowercase())),
            None => (column.as_str(), None),
        };
        // `id@source`, or as XPath has it, `id/@source`.
        let element = element.trim_end_matches('/').to_ascii_lowercase();
        Self { element: if element == row { String::new() } else { element }, attribute, column }
    }
}

/// Where the reader stands, and what it has found of the row.
struct Walk {
    /// Name of the elements that are rows, in small letters.
    element: String,
    wanted: Vec<Path>,
    /// The open elements, such as `adf/prospect/id`, and where each name ends.
    path: String,
    ends: Vec<usize>,
    /// How many elements are open around the row that is read, and where its own name ends in the path.
    row: Option<(usize, usize)>,
    values: Vec<Option<String>>,
    /// Texts of wanted elements that are open.
    texts: Vec<Option<String>>,
    too_long: Option<usize>,
}

impl Walk {
    fn new(element: &str, wanted: Vec<String>) -> Self {
        let element = element.to_ascii_lowercase();
        let wanted: Vec<Path> = wanted.into_iter().map(|column| Path::parse(column, &element)).collect();
        let none = || vec![None; wanted.len()];
        let (values, texts) = (none(), none());
        Self { element, path: String::new(), ends: Vec::new(), row: None, values, texts, too_long: None, wanted }
    }

    /// Where the reader stands below the row's element: empty at that itself, `None` outside.
    fn below(&self) -> Option<&str> {
        let below = &self.path[self.row?.1..];
        Some(below.strip_prefix('/').unwrap_or(below))
    }

    fn open(&mut self, name: &str, attributes: &str) -> Result<(), Why> {
        if self.ends.len() == DEEPEST {
            return Err("its elements lie more than 32 deep".into());
        }
        let around = self.ends.len();
        self.ends.push(self.path.len());
        if !self.path.is_empty() {
            self.path.push('/');
        }
        let name = local(name);
        self.path.extend(name.chars().map(|letter| letter.to_ascii_lowercase()));
        if self.row.is_none() && self.element.eq_ignore_ascii_case(name) {
            self.row = Some((around, self.path.len()));
            self.values.fill(None);
            self.texts.fill(None);
            self.too_long = None;
        }

        let here = self.below();
        let wanted = &self.wanted;
        let at = |attribute: Option<&str>| {
            let named = move |path: &Path| match (path.attribute.as_deref(), attribute) {
                (Some(wanted), Some(name)) => wanted.eq_ignore_ascii_case(local(name)),
                (None, None) => true,
                _ => false,
            };
            wanted.iter().position(|path| here == Some(path.element.as_str()) && named(path))
        };
        let opened = at(None).filter(|place| self.values[*place].is_none());
        let mut given = Vec::new();
        each_attribute(attributes, |name, value| {
            match at(Some(name)) {
                Some(place) => {
                    let mut text = String::new();
                    resolved(value, &mut |part| text.push_str(part))?;
                    given.push((place, text));
                }
                None => resolved(value, &mut |_| {})?,
            }
            Ok(())
        })?;
        // Of two elements of one name the first that says something counts.
        if let Some(place) = opened {
            self.texts[place] = Some(String::new());
        }
        for (place, text) in given {
            self.keep(place, &text);
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(open) = self.wanted_text().and_then(|place| self.texts[place].as_mut()) {
            open.push_str(text);
        }
    }

    /// The wanted value that is the text of the element at which the reader stands.
    fn wanted_text(&self) -> Option<usize> {
        let here = self.below()?;
        self.wanted.iter().position(|path| path.attribute.is_none() && path.element == here)
    }

    /// The values of the row that ends here, if one does.
    fn close(&mut self, name: &str) -> Result<Option<Values>, Why> {
        let begin = self.ends.pop().ok_or(NOT_WELL_FORMED)?;
        let opened = &self.path[begin..];
        if !opened.strip_prefix('/').unwrap_or(opened).eq_ignore_ascii_case(local(name)) {
            return Err(NOT_WELL_FORMED.into());
        }
        if let Some((place, text)) = self.wanted_text().and_then(|place| Some((place, self.texts[place].take()?))) {
            self.keep(place, &text);
        }
        self.path.truncate(begin);
        if self.row.is_none_or(|(around, _)| around != self.ends.len()) {
            return Ok(None);
        }
        self.row = None;
        Ok(Some(match self.too_long {
            Some(place) => {
                let column = &self.wanted[place].column;
                Err(format!("the value of {column} is longer than {LONGEST_VALUE} bytes").into())
            }
            None => Ok(self.values.clone()),
        }))
    }

    fn keep(&mut self, place: usize, text: &str) {
        if self.values[place].is_some() {
            return;
        }
        let value = kept(text);
        if value.as_ref().is_some_and(|value| value.len() > LONGEST_VALUE) {
            self.too_long = Some(place);
        } else {
            self.values[place] = value;
        }
    }
}

impl From<Why> for Fault {
    fn from(why: Why) -> Self {
        Self::Why(why)
    }
}

/// A name without the prefix of its namespace.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

#[cfg(test)]
mod tests;
