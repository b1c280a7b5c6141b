//! Attributes and references, as senders write them by hand.
use quick_xml::{escape::resolve_xml_entity, events::BytesRef};

use super::{NOT_WELL_FORMED, Why};

/// Attributes of one element.
const MOST_ATTRIBUTES: usize = 64;

/// Attributes as they are written: quotes may be straight, curly or missing.
pub(super) fn each_attribute(mut rest: &str, mut take: impl FnMut(&str, &str) -> Result<(), Why>) -> Result<(), Why> {
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
pub(super) fn resolved(mut value: &str, take: &mut impl FnMut(&str)) -> Result<(), Why> {
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
pub(super) fn reference(name: &BytesRef<'_>, take: &mut impl FnMut(&str)) -> Result<(), Why> {
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
