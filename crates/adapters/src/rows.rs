//! Rows of a file, a bounded piece of memory at a time: the values of the wanted columns alone are ever held.
mod adf;
mod csv;
mod json;
mod json_lines;
mod lines;
mod object;
mod xml;

use std::{borrow::Cow, io};

pub use lines::{BoundedLines, TooLong};

use crate::{Format, Profile};

/// Longest value that is read, bytes: no number or code is longer.
pub(crate) const LONGEST_VALUE: usize = 256;

/// The wanted values of one row, in the order of [`Profile::columns`]; empty ones are absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// From 1; of a CSV file the header is not counted.
    pub number: u64,
    pub(crate) values: Vec<Option<String>>,
}

/// A row that cannot be read. What it says is never repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {number}: {why}")]
pub struct Broken {
    /// From 1.
    pub number: u64,
    /// The same words for the same fault, to be counted by.
    pub why: Cow<'static, str>,
}

/// Reads the rows of one file.
pub struct Rows<R>(Reader<R>);

enum Reader<R> {
    Adf(adf::Rows<R>),
    Csv(Box<csv::Rows<R>>),
    Json(json::Rows<R>),
    JsonLines(json_lines::Rows<R>),
    Xml(Box<xml::Rows<R>>),
}

impl<R: io::BufRead> Rows<R> {
    /// Begins to read; of a CSV file this reads the header.
    ///
    /// # Errors
    /// If it cannot be read, or (as `InvalidData`) has no column of those that tell its rows apart.
    pub fn begin(profile: &Profile, reader: R) -> io::Result<Self> {
        let columns: Vec<String> = profile.columns().into_iter().map(str::to_owned).collect();
        Ok(Self(match profile.format {
            Format::Csv => {
                let rows = csv::Rows::begin(reader, columns)?;
                let absent: Vec<&str> =
                    profile.row.iter().map(String::as_str).filter(|column| rows.lacks(column)).collect();
                if !absent.is_empty() {
                    let message = format!(
                        "it has no column {}: is it a file of profile {}?",
                        absent.join(" and no column "),
                        profile.profile
                    );
                    return Err(io::Error::new(io::ErrorKind::InvalidData, message));
                }
                Reader::Csv(Box::new(rows))
            }
            Format::Adf => Reader::Adf(adf::Rows::begin(reader, columns)),
            Format::Json => Reader::Json(json::Rows::begin(reader, profile.array.as_deref(), columns)),
            Format::Canonical | Format::JsonLines => Reader::JsonLines(json_lines::Rows::begin(reader, columns)),
            Format::Xml => {
                let element = profile.element.as_deref().unwrap_or_default();
                Reader::Xml(Box::new(xml::Rows::begin(reader, element, columns)))
            }
        }))
    }

    /// Columns of the profile that the file does not have; none are known of the other formats.
    pub fn absent(&self) -> Vec<&str> {
        match &self.0 {
            Reader::Csv(rows) => rows.absent(),
            Reader::Adf(_) | Reader::Json(_) | Reader::JsonLines(_) | Reader::Xml(_) => Vec::new(),
        }
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// If the file cannot be read on.
    #[expect(clippy::should_implement_trait, reason = "it can fail in two ways")]
    pub fn next(&mut self) -> io::Result<Option<Result<Row, Broken>>> {
        match &mut self.0 {
            Reader::Adf(rows) => rows.next(),
            Reader::Csv(rows) => rows.next(),
            Reader::Json(rows) => rows.next(),
            Reader::JsonLines(rows) => rows.next(),
            Reader::Xml(rows) => rows.next(),
        }
    }
}

/// A value that is not empty, without the blanks around it.
pub(crate) fn kept(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
