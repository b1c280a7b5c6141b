//! A filter's words, comparisons and quoted values, each with its place.

use super::Error;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenText {
    Word(String),
    Quoted(String),
    Compare(Compare),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// From 1.
    pub(super) at: usize,
    pub(super) text: TokenText,
}

impl Token {
    pub(super) fn value(&self) -> Result<&str, Error> {
        match &self.text {
            TokenText::Word(text) | TokenText::Quoted(text) => Ok(text),
            TokenText::Compare(_) => Err(Error { at: self.at, problem: "a value is missing".to_owned() }),
        }
    }
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Error> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().zip(1..).peekable();
    while let Some((c, at)) = chars.next() {
        let text = match c {
            c if c.is_whitespace() => continue,
            '=' => TokenText::Compare(Compare::Equal),
            '!' if chars.next_if(|next| next.0 == '=').is_some() => TokenText::Compare(Compare::NotEqual),
            '!' => return Err(Error { at, problem: "! stands only before =".to_owned() }),
            '<' if chars.next_if(|next| next.0 == '=').is_some() => TokenText::Compare(Compare::AtMost),
            '<' => TokenText::Compare(Compare::Less),
            '>' if chars.next_if(|next| next.0 == '=').is_some() => TokenText::Compare(Compare::AtLeast),
            '>' => TokenText::Compare(Compare::More),
            '"' => TokenText::Quoted(
                quoted(&mut chars).ok_or_else(|| Error { at, problem: "this quotation does not end".to_owned() })?,
            ),
            c => {
                let mut word = String::from(c);
                let of_word = |c: char| !c.is_whitespace() && !"=!<>\"".contains(c);
                while let Some((c, _)) = chars.next_if(|next| of_word(next.0)) {
                    word.push(c);
                }
                TokenText::Word(word)
            }
        };
        tokens.push(Token { at, text });
    }
    Ok(tokens)
}

/// Up to the closing quote; a backslash takes the next character as it is.
fn quoted(chars: &mut impl Iterator<Item = (char, usize)>) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()?.0 {
            '"' => return Some(text),
            '\\' => text.push(chars.next()?.0),
            c => text.push(c),
        }
    }
}
