//! Values that look like a person's: the second line behind the closed allow-list, for fields that do pass.
//!
//! Digits say most of it. What they are separated by and how they are grouped tells a telephone, social security or card
//! number from a number that a vendor counts up. Bare runs of digits can't be told apart, so each field has a limit of
//! its own for them.

/// Longest sequence of digit groups that matters: a card number's four, and one before.
const GROUPS: usize = 5;

/// Whether a value looks like an e-mail address, a telephone number, a social security number, a card number or a date
/// (of birth, for all we know).
pub fn looks_personal(value: &str) -> bool {
    if value.contains('@') {
        return true;
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    digits >= 6 && (has_grouped_number(value.as_bytes()) || is_date(value.as_bytes()))
}

/// What a staff id may look like, for people.
pub const STAFF_ID: &str = "a staff id: 1 to 64 characters of [A-Za-z0-9._-]";

/// Whether a text is a staff id, never a name: on whose behalf something is done, or who did it. Nine digits could be a
/// social security number, ten a telephone's.
pub fn is_staff_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        && longest_digit_run(text) <= 8
        && !looks_personal(text)
}

/// Length of the longest run of digits.
pub fn longest_digit_run(value: &str) -> usize {
    value.as_bytes().split(|byte| !byte.is_ascii_digit()).map(<[u8]>::len).max().unwrap_or(0)
}

fn has_grouped_number(value: &[u8]) -> bool {
    // A run is a sequence of all-digit groups with nothing but separators between them.
    let mut run = Run::default();
    let mut at = 0;
    while at < value.len() {
        let start = at;
        while at < value.len() && value[at].is_ascii_alphanumeric() {
            at += 1;
        }
        if at > start {
            let token = &value[start..at];
            if token.iter().all(u8::is_ascii_digit) {
                let international = start > 0 && value[start - 1] == b'+';
                if international && token.len() >= 7 || run.push(token.len()) {
                    return true;
                }
            } else if run.end() {
                return true;
            }
        } else {
            if !matches!(value[at], b'-' | b'.' | b' ' | b'_' | b'(' | b')') && run.end() {
                return true;
            }
            at += 1;
        }
    }
    run.end()
}

/// Lengths of the last groups of digits seen.
#[derive(Default)]
struct Run {
    lengths: [usize; GROUPS],
    count: usize,
}

impl Run {
    /// Takes a group in; true if the run now ends like a full telephone, social security or card number.
    fn push(&mut self, length: usize) -> bool {
        self.lengths.rotate_left(1);
        self.lengths[GROUPS - 1] = length;
        self.count += 1;
        self.ends_with(&[3, 3, 4]) || self.ends_with(&[3, 2, 4]) || self.ends_with(&[4, 4, 4, 4])
    }

    /// Ends the run; true if the whole of it was a local telephone number.
    fn end(&mut self) -> bool {
        let local = self.count == 2 && self.ends_with(&[3, 4]);
        self.count = 0;
        local
    }

    fn ends_with(&self, lengths: &[usize]) -> bool {
        self.count >= lengths.len() && self.lengths.ends_with(lengths)
    }
}

/// Whether the whole value is a date such as `1980-01-31`, `1/31/1980` or `31.1.1980`.
fn is_date(value: &[u8]) -> bool {
    let mut parts = [0_usize; 3];
    let mut count = 0;
    for part in value.split(|byte| matches!(byte, b'-' | b'/' | b'.')) {
        if count == 3 || !part.iter().all(u8::is_ascii_digit) {
            return false;
        }
        parts[count] = part.len();
        count += 1;
    }
    count == 3 && matches!(parts, [4, 1 | 2, 1 | 2] | [1 | 2, 1 | 2, 4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_persons_is_seen() {
        for value in [
            "jane@example.invalid",
            "555-0123",
            "212-555-0123",
            "(212) 555-0123",
            "1.212.555.0123",
            "212_555_0123",
            "tel:+12125550123",
            "call 212 555 0123 today",
            "078-05-1120",
            "ssn-078-05-1120",
            "4111-1111-1111-1111",
            "1980-01-31",
            "1/31/1980",
            "31.1.1980",
        ] {
            assert!(looks_personal(value), "{value:?} was not seen");
        }
    }

    #[test]
    fn what_vendors_count_up_is_left_alone() {
        for value in [
            "6d5e7a0c-f7c1-3920-f6be-baa7aa5ac917",
            "12345678-1234-1234-1234-123456789012",
            "RT001-D00000027",
            "RT001-T00000032",
            "700001",
            "1750000000123",
            "APP5001",
            "1ATH77839TB374068",
            "visit/2026/11/24/700001",
            "missing signature",
            "",
        ] {
            assert!(!looks_personal(value), "{value:?} was taken for a person's");
        }
    }

    #[test]
    fn a_staff_id_is_no_name_and_no_number_of_a_person() {
        for id in ["S17", "RT001-fi0", "n-gm", "jane.d", "12345678"] {
            assert!(is_staff_id(id), "{id}");
        }
        for text in [
            "",
            "Jane Doe",
            "jane@example.invalid",
            "2125550123",
            "212-555-0123",
            "078-05-1120",
            "1965-01-06",
            "a\nb",
            "é",
        ] {
            assert!(!is_staff_id(text), "{text:?}");
        }
        assert!(!is_staff_id(&"x".repeat(65)));
    }

    #[test]
    fn runs_of_digits_are_measured() {
        assert_eq!(longest_digit_run("a12b3456-7"), 4);
        assert_eq!(longest_digit_run(""), 0);
    }

    proptest::proptest! {
        #[test]
        fn no_value_makes_it_panic(value in ".*") {
            looks_personal(&value);
        }

        #[test]
        fn a_number_is_seen_wherever_it_stands(before in "[a-z ]{0,8}", after in "[a-z ]{0,8}", a in 100..999_u32, b in 10..99_u32, c in 1000..9999_u32) {
            let written = [
                format!("{before} {a}-{b}-{c} {after}"),
                format!("{before} {a}-{a}-{c} {after}"),
                format!("{before}.{a}.{c}:{after}"),
            ];
            for value in written {
                proptest::prop_assert!(looks_personal(&value), "{:?} was not seen", value);
            }
        }
    }
}
