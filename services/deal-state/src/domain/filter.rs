//! The filter of ListDeals, a documented subset of AIP-160, and its order.
//!
//! ```text
//! filter = [ term { "AND" term } ]
//! term   = "state" ("=" | "!=") STATE | "key" "=" VALUE | "open" "=" ("true" | "false")
//!        | ("opened_at" | "last_event_at") COMPARE INSTANT | "rework" COMPARE NUMBER
//! ```
//!
//! `COMPARE` is one of `=`, `<`, `<=`, `>`, `>=`; values stand bare or in double quotes. Words are matched exactly. A mistake is told
//! by its place and never repeated: somebody may look for a customer's name.

mod token;

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use throughline_process::deal::DealState;

use self::token::{Compare, Token, TokenText, tokens};

const LONGEST: usize = 2048;
const MOST_TERMS: usize = 20;
const STATES: [DealState; 6] = [
    DealState::InProgress,
    DealState::Agreed,
    DealState::Delivered,
    DealState::Funded,
    DealState::Lost,
    DealState::Unwound,
];

/// Why a filter or an order cannot be read: where, and what would do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at character {at}")]
pub struct Error {
    /// From 1.
    pub at: usize,
    pub problem: String,
}

/// Instants from `from` on and before `until`; the store keeps microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instants {
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// Which deals are asked for: all that pass every part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub states: Vec<DealState>,
    /// The deal is known by each of these numbers.
    pub keys: Vec<String>,
    pub opened_at: Instants,
    pub last_event_at: Instants,
    /// Inclusive; nothing passes if the first is above the second.
    pub rework: (i32, i32),
    pub open: Option<bool>,
    /// Terms contradict each other.
    pub nothing: bool,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            states: STATES.to_vec(),
            keys: Vec::new(),
            opened_at: Instants::default(),
            last_event_at: Instants::default(),
            rework: (0, i32::MAX),
            open: None,
            nothing: false,
        }
    }
}

impl Filter {
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > LONGEST {
            return Err(Error { at: LONGEST, problem: format!("the filter is longer than {LONGEST} bytes") });
        }
        let tokens = tokens(text)?;
        let end = text.chars().count() + 1;
        let mut rest = tokens.as_slice();
        let mut filter = Self::default();
        let mut terms = 0;
        while !rest.is_empty() {
            if terms > 0 {
                match rest {
                    [Token { text: TokenText::Word(word), .. }, after @ ..] if word == "AND" && !after.is_empty() => {
                        rest = after;
                    }
                    [token, ..] => return Err(Error { at: token.at, problem: "terms are joined by AND".to_owned() }),
                    [] => break,
                }
            }
            terms += 1;
            if terms > MOST_TERMS {
                return Err(Error { at: rest[0].at, problem: format!("there are more than {MOST_TERMS} terms") });
            }
            let [field, compare, value, after @ ..] = rest else {
                return Err(Error { at: end, problem: "a term needs a field, a comparison and a value".to_owned() });
            };
            filter.term(field, compare, value)?;
            rest = after;
        }
        Ok(filter)
    }

    fn term(&mut self, field: &Token, compare: &Token, value: &Token) -> Result<(), Error> {
        let TokenText::Word(name) = &field.text else {
            return Err(Error { at: field.at, problem: "a term begins with a field".to_owned() });
        };
        let TokenText::Compare(compared) = compare.text else {
            return Err(Error { at: compare.at, problem: "a field needs a comparison such as =".to_owned() });
        };
        let text = value.value()?;
        let wrong = |problem: String| Error { at: value.at, problem };
        match (name.as_str(), compared) {
            ("state", Compare::Equal | Compare::NotEqual) => {
                let state = STATES.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(text));
                let state = state.ok_or_else(|| wrong(format!("this is no state: {}", names())))?;
                let equal = compared == Compare::Equal;
                self.states.retain(|kept| (*kept == state) == equal);
                self.nothing |= self.states.is_empty();
            }
            ("key", Compare::Equal) if !text.is_empty() => self.keys.push(text.to_owned()),
            ("key", Compare::Equal) => return Err(wrong("a key is not empty".to_owned())),
            ("open", Compare::Equal) => {
                let open = match text {
                    "true" => true,
                    "false" => false,
                    _ => return Err(wrong("this is neither true nor false".to_owned())),
                };
                self.nothing |= self.open.is_some_and(|before| before != open);
                self.open = Some(open);
            }
            ("opened_at" | "last_event_at", Compare::NotEqual) | ("rework", Compare::NotEqual) => {
                return Err(Error { at: compare.at, problem: format!("{name} takes =, <, <=, > and >=") });
            }
            ("opened_at", _) => self.opened_at.narrow(compared, instant(text).map_err(wrong)?),
            ("last_event_at", _) => self.last_event_at.narrow(compared, instant(text).map_err(wrong)?),
            ("rework", _) => self.rework(compared, number(text).map_err(wrong)?),
            ("state" | "key" | "open", _) => {
                return Err(Error { at: compare.at, problem: format!("{name} cannot be compared so") });
            }
            _ => {
                let problem = "this is no field: state, key, open, opened_at, last_event_at, rework".to_owned();
                return Err(Error { at: field.at, problem });
            }
        }
        Ok(())
    }

    fn rework(&mut self, compare: Compare, number: i32) {
        let (least, most) = match compare {
            Compare::Less => (i32::MIN, number.saturating_sub(1)),
            Compare::AtMost => (i32::MIN, number),
            Compare::More => (number.saturating_add(1), i32::MAX),
            Compare::AtLeast => (number, i32::MAX),
            Compare::Equal | Compare::NotEqual => (number, number),
        };
        // Nothing is greater than the greatest.
        self.nothing |= compare == Compare::More && number == i32::MAX;
        self.rework = (self.rework.0.max(least), self.rework.1.min(most));
        self.nothing |= self.rework.0 > self.rework.1;
    }
}

impl Instants {
    fn narrow(&mut self, compare: Compare, at: Timestamp) {
        let next = at.checked_add(SignedDuration::from_micros(1)).unwrap_or(Timestamp::MAX);
        let (from, until) = match compare {
            Compare::Less => (None, Some(at)),
            Compare::AtMost => (None, Some(next)),
            Compare::More => (Some(next), None),
            Compare::AtLeast => (Some(at), None),
            Compare::Equal | Compare::NotEqual => (Some(at), Some(next)),
        };
        self.from = self.from.max(from);
        self.until = match (self.until, until) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

/// What deals are ordered by; ties by id, in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub by: OrderBy,
    pub descending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderBy {
    OpenedAt,
    LastEventAt,
}

impl Order {
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut words = text.split_ascii_whitespace();
        let by = match words.next() {
            None => return Ok(Self { by: OrderBy::LastEventAt, descending: true }),
            Some("opened_at") => OrderBy::OpenedAt,
            Some("last_event_at") => OrderBy::LastEventAt,
            Some(_) => {
                return Err(Error { at: 1, problem: "this is no order: opened_at or last_event_at".to_owned() });
            }
        };
        let descending = match (words.next(), words.next()) {
            (None, _) => false,
            (Some("desc"), None) => true,
            _ => {
                return Err(Error {
                    at: 1,
                    problem: "an order is one field, and desc behind it or nothing".to_owned(),
                });
            }
        };
        Ok(Self { by, descending })
    }
}

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "this is no instant such as \"2026-09-07T00:00:00Z\"".to_owned())
}

fn number(text: &str) -> Result<i32, String> {
    text.parse().map_err(|_| "this is no whole number".to_owned())
}

fn names() -> impl fmt::Display {
    STATES.map(|state| state.as_str().to_uppercase()).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn the_documented_terms_are_read() {
        let filter = Filter::parse(
            r#"state != FUNDED AND state != LOST AND key = "D100" AND opened_at >= "2026-09-07T00:00:00Z" AND open = true AND rework > 0"#,
        )
        .expect("it is documented");
        use DealState::{Agreed, Delivered, InProgress, Lost, Unwound};
        assert_eq!(filter.states, [InProgress, Agreed, Delivered, Unwound]);
        assert_eq!(filter.keys, ["D100"]);
        assert_eq!(filter.opened_at.from, Some(at("2026-09-07T00:00:00Z")));
        assert_eq!((filter.open, filter.rework, filter.nothing), (Some(true), (1, i32::MAX), false));
        assert_eq!(Filter::parse("  ").expect("empty"), Filter::default());
        assert_eq!(Filter::parse("state=LOST").expect("no blanks").states, [Lost]);
    }

    #[test]
    fn a_comparison_of_instants_is_half_open() {
        let filter =
            Filter::parse("opened_at > 2026-01-01T00:00:00Z AND opened_at <= 2026-01-02T00:00:00Z").expect("fine");
        assert_eq!(filter.opened_at.from, Some(at("2026-01-01T00:00:00.000001Z")));
        assert_eq!(filter.opened_at.until, Some(at("2026-01-02T00:00:00.000001Z")));
    }

    #[test]
    fn terms_that_contradict_each_other_pass_nothing() {
        for text in ["state = LOST AND state = FUNDED", "open = true AND open = false", "rework > 1 AND rework < 2"] {
            assert!(Filter::parse(text).expect("well formed").nothing, "{text}");
        }
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let cases = [
            ("colour = red", 1, "no field"),
            ("state = SOLD", 9, "no state"),
            ("state > LOST", 7, "cannot be compared so"),
            ("state = LOST OR state = FUNDED", 14, "joined by AND"),
            ("state = LOST AND", 14, "joined by AND"),
            ("state =", 8, "a field, a comparison and a value"),
            ("open = maybe", 8, "neither true nor false"),
            ("opened_at > monday", 13, "no instant"),
            ("rework != 1", 8, "takes"),
            ("key = \"D1", 7, "does not end"),
            ("key = \"\"", 7, "not empty"),
            ("rework ! 1", 8, "only before"),
        ];
        for (text, place, problem) in cases {
            let error = Filter::parse(text).expect_err(text);
            assert_eq!(error.at, place, "{text}: {error}");
            assert!(error.problem.contains(problem), "{text}: {error}");
        }
    }

    #[test]
    fn the_order_is_a_field_and_a_direction() {
        assert_eq!(Order::parse(""), Ok(Order { by: OrderBy::LastEventAt, descending: true }));
        assert_eq!(Order::parse("opened_at"), Ok(Order { by: OrderBy::OpenedAt, descending: false }));
        assert_eq!(Order::parse("opened_at  desc"), Ok(Order { by: OrderBy::OpenedAt, descending: true }));
        assert!(Order::parse("state").is_err() && Order::parse("opened_at asc").is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = Filter::parse(&text);
            let _ = Order::parse(&text);
        }

        #[test]
        fn a_quoted_key_is_read_as_it_is(key in "[^\\x00]{1,40}") {
            let quoted = key.replace('\\', "\\\\").replace('"', "\\\"");
            let filter = Filter::parse(&format!("key = \"{quoted}\"")).expect("quoted");
            prop_assert_eq!(filter.keys, vec![key]);
        }
    }
}
