//! ADF, the XML in which leads are sent: one document a file, a row for each `prospect`. A column is a path below it:
//! `vehicle/stock` is the text of an element, `id@source` an attribute, `prospect@status` one of the prospect itself.
//!
//! Senders write it by hand, so headers are passed over unread, names are read in any case, and quotes may be curly or
//! missing. What could make a document grow is never read: a document that declares anything is broken.
use std::{
    borrow::Cow,
    collections::VecDeque,
    io::{self, Read as _},
};

use quick_xml::{
    Reader,
    errors::{Error, SyntaxError},
    escape::resolve_xml_entity,
    events::{BytesRef, Event},
};

use super::{Broken, LONGEST_VALUE, Row, kept};

/// Longest document, bytes.
const LONGEST: usize = 1 << 20;
/// Prospects of one document.
const MOST_ROWS: usize = 1_000;
const DEEPEST: usize = 32;
/// Attributes of one element.
const MOST_ATTRIBUTES: usize = 64;

const ROOT: &str = "adf";
const PROSPECT: &str = "adf/prospect";

const DECLARES: &str = "it declares a document type, which is never read";
const NOT_WELL_FORMED: &str = "it is no well-formed XML";

type Why = Cow<'static, str>;
type Values = Result<Vec<Option<String>>, Why>;

pub(super) struct Rows<R> {
    from: R,
    wanted: Vec<Path>,
    /// What the document said; `None` before it is read.
    read: Option<VecDeque<Values>>,
    number: u64,
}

/// A wanted value: below the prospect, or at it if `element` is empty.
struct Path {
    column: String,
    element: String,
    attribute: Option<String>,
}

impl Path {
    fn parse(column: String) -> Self {
        let (element, attribute) = match column.split_once('@') {
            Some((element, attribute)) => (element, Some(attribute.to_ascii_lowercase())),
            None => (column.as_str(), None),
        };
        let element = if element == "prospect" { String::new() } else { element.to_ascii_lowercase() };
        Self { element, attribute, column }
    }
}

impl<R: io::BufRead> Rows<R> {
    pub(super) fn begin(from: R, wanted: Vec<String>) -> Self {
        Self { from, wanted: wanted.into_iter().map(Path::parse).collect(), read: None, number: 0 }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Result<Row, Broken>>> {
        let rows = match &mut self.read {
            Some(rows) => rows,
            None => {
                let mut document = Vec::new();
                self.from.by_ref().take(LONGEST as u64 + 1).read_to_end(&mut document)?;
                // All of a document or nothing of it.
                let rows = Document::read(&document, &self.wanted).unwrap_or_else(|why| VecDeque::from([Err(why)]));
                self.read.insert(rows)
            }
        };
        let Some(values) = rows.pop_front() else { return Ok(None) };
        self.number += 1;
        let number = self.number;
        Ok(Some(values.map(|values| Row { number, values }).map_err(|why| Broken { number, why })))
    }
}

/// A document while it is read.
struct Document<'w> {
    wanted: &'w [Path],
    /// The open elements, such as `adf/prospect/id`, and where each name ends.
    path: String,
    ends: Vec<usize>,
    values: Vec<Option<String>>,
    /// Texts of wanted elements that are open.
    texts: Vec<Option<String>>,
    too_long: Option<&'w str>,
    rows: VecDeque<Values>,
}

impl<'w> Document<'w> {
    fn read(document: &[u8], wanted: &'w [Path]) -> Result<VecDeque<Values>, Why> {
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

        let mut reader = Reader::from_str(&text[begin..]);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.allow_dangling_amp = true;
        // Names are compared here, in any case.
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        let none = || vec![None; wanted.len()];
        let (values, texts) = (none(), none());
        let mut read = Self {
            wanted,
            path: String::new(),
            ends: Vec::new(),
            values,
            texts,
            too_long: None,
            rows: VecDeque::new(),
        };
        loop {
            match reader.read_event() {
                Ok(Event::Start(element)) => read.open(element.name().as_ref(), element.attributes_raw())?,
                Ok(Event::End(element)) => read.close(element.name().as_ref())?,
                Ok(Event::Text(text)) => read.text(&text),
                Ok(Event::CData(text)) => read.text(&text),
                Ok(Event::GeneralRef(name)) => reference(&name, &mut |text| read.text(text))?,
                Ok(Event::DocType(_)) | Err(Error::Syntax(SyntaxError::UnclosedDoctype)) => {
                    return Err(DECLARES.into());
                }
                Ok(Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_)) => {}
                Ok(Event::Eof) => break,
                // The reader's own message may repeat what it read.
                Err(_) => return Err(NOT_WELL_FORMED.into()),
            }
        }
        if !read.ends.is_empty() {
            return Err("it ends before its elements do".into());
        }
        if read.rows.is_empty() {
            return Err("it has no prospect".into());
        }
        Ok(read.rows)
    }

    /// Where the reader stands below the prospect; empty at the prospect itself.
    fn below(path: &str) -> Option<&str> {
        let below = path.strip_prefix(PROSPECT)?;
        if below.is_empty() { Some(below) } else { below.strip_prefix('/') }
    }

    fn open(&mut self, name: &str, attributes: &str) -> Result<(), Why> {
        if self.ends.len() == DEEPEST {
            return Err("its elements lie more than 32 deep".into());
        }
        self.ends.push(self.path.len());
        if !self.path.is_empty() {
            self.path.push('/');
        }
        self.path.extend(name.chars().map(|letter| letter.to_ascii_lowercase()));

        let here = Self::below(&self.path);
        if here == Some("") {
            self.values.fill(None);
            self.too_long = None;
        }
        let wanted = self.wanted;
        let at = |attribute: Option<&str>| {
            let named = move |path: &Path| match (path.attribute.as_deref(), attribute) {
                (Some(wanted), Some(name)) => wanted.eq_ignore_ascii_case(name),
                (None, None) => true,
                _ => false,
            };
            wanted.iter().position(|path| here == Some(path.element.as_str()) && named(path))
        };
        // Of two elements of one name the first that says something counts.
        if let Some(place) = at(None).filter(|place| self.values[*place].is_none()) {
            self.texts[place] = Some(String::new());
        }
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
        for (place, text) in given {
            self.keep(place, &text);
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        let Some(here) = Self::below(&self.path) else { return };
        let place = self.wanted.iter().position(|path| path.attribute.is_none() && path.element == here);
        if let Some(open) = place.and_then(|place| self.texts[place].as_mut()) {
            open.push_str(text);
        }
    }

    fn close(&mut self, name: &str) -> Result<(), Why> {
        let begin = self.ends.pop().ok_or(NOT_WELL_FORMED)?;
        let opened = &self.path[begin..];
        if !opened.strip_prefix('/').unwrap_or(opened).eq_ignore_ascii_case(name) {
            return Err(NOT_WELL_FORMED.into());
        }
        if let Some(here) = Self::below(&self.path) {
            let at_prospect = here.is_empty();
            let place = self.wanted.iter().position(|path| path.attribute.is_none() && path.element == here);
            if let Some((place, text)) = place.and_then(|place| Some((place, self.texts[place].take()?))) {
                self.keep(place, &text);
            }
            if at_prospect {
                self.row()?;
            }
        }
        self.path.truncate(begin);
        Ok(())
    }

    fn keep(&mut self, place: usize, text: &str) {
        if self.values[place].is_some() {
            return;
        }
        let value = kept(text);
        if value.as_ref().is_some_and(|value| value.len() > LONGEST_VALUE) {
            self.too_long = Some(&self.wanted[place].column);
        } else {
            self.values[place] = value;
        }
    }

    fn row(&mut self) -> Result<(), Why> {
        if self.rows.len() == MOST_ROWS {
            return Err("it has more than 1000 prospects".into());
        }
        // A prospect that says nothing of its status is new.
        for (place, path) in self.wanted.iter().enumerate() {
            if path.element.is_empty() && path.attribute.as_deref() == Some("status") && self.values[place].is_none() {
                self.values[place] = Some("new".to_owned());
            }
        }
        self.rows.push_back(match self.too_long {
            Some(column) => Err(format!("the value of {column} is longer than {LONGEST_VALUE} bytes").into()),
            None => Ok(self.values.clone()),
        });
        Ok(())
    }
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

/// Attributes as they are written: quotes may be straight, curly or missing.
fn each_attribute(mut rest: &str, mut take: impl FnMut(&str, &str) -> Result<(), Why>) -> Result<(), Why> {
    let mut count = 0;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(());
        }
        count += 1;
        if count > MOST_ATTRIBUTES {
            return Err("an element has more than 64 attributes".into());
        }
        let end = rest.find(|letter: char| letter == '=' || letter.is_whitespace()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let Some(after) = after.trim_start().strip_prefix('=').map(str::trim_start) else {
            rest = after;
            continue;
        };
        let closing: &[char] = match after.chars().next() {
            Some('"') => &['"'],
            Some('\'') => &['\''],
            // Pairs are not always kept.
            Some('\u{201c}' | '\u{201d}') => &['\u{201c}', '\u{201d}', '"'],
            Some('\u{2018}' | '\u{2019}') => &['\u{2018}', '\u{2019}', '\''],
            _ => &[],
        };
        let value;
        (value, rest) = if closing.is_empty() {
            after.split_at(after.find(char::is_whitespace).unwrap_or(after.len()))
        } else {
            let mut inside = after.chars();
            inside.next();
            inside.as_str().split_once(closing).ok_or(NOT_WELL_FORMED)?
        };
        take(name, value)?;
    }
}

/// The text of an attribute's value, piece by piece.
fn resolved(mut value: &str, take: &mut impl FnMut(&str)) -> Result<(), Why> {
    while let Some(at) = value.find('&') {
        take(&value[..at]);
        value = &value[at + 1..];
        match value.find([';', '&']) {
            Some(end) if value[end..].starts_with(';') => {
                reference(&BytesRef::new(&value[..end]), take)?;
                value = &value[end + 1..];
            }
            _ => take("&"),
        }
    }
    take(value);
    Ok(())
}

/// What stands between `&` and `;`: a character or one of the five entities that XML itself has, never another.
fn reference(name: &BytesRef<'_>, take: &mut impl FnMut(&str)) -> Result<(), Why> {
    if name.is_char_ref() {
        let letter = name.resolve_char_ref().ok().flatten().ok_or(NOT_WELL_FORMED)?;
        take(letter.encode_utf8(&mut [0; 4]));
    } else if let Some(text) = resolve_xml_entity(name) {
        take(text);
    } else if name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_' | ':')) {
        return Err("it uses an entity, which is never expanded".into());
    } else {
        // An ampersand by itself, and a semicolon somewhere behind it.
        take("&");
        take(name);
        take(";");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
