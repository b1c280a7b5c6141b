//! What values may look like. Each field that passes the edge has one of these; all are ASCII, short and closed.

use super::personal::{STAFF_ID, longest_digit_run, looks_personal};

/// Which values a field may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grammar {
    /// The same for people, in messages.
    pub(crate) shape: &'static str,
    longest: usize,
    bytes: u128,
    /// Bare runs of digits longer than this may be a telephone or social security number.
    longest_digits: usize,
    most_words: usize,
}

impl Grammar {
    /// Values of up to `longest` bytes out of `classes`, such as `a-z0-9_.`; a `-` that stands last means itself.
    const fn new(shape: &'static str, longest: usize, classes: &str) -> Self {
        Self { shape, longest, bytes: set(classes.as_bytes()), longest_digits: usize::MAX, most_words: usize::MAX }
    }

    pub(crate) const fn digits(self, longest_digits: usize) -> Self {
        Self { longest_digits, ..self }
    }

    const fn words(self, most_words: usize) -> Self {
        Self { most_words, ..self }
    }

    /// Whether a value may pass.
    pub(crate) fn admits(&self, value: &str) -> bool {
        !value.is_empty()
            && value.len() <= self.longest
            && value.bytes().all(|byte| byte < 128 && (self.bytes >> byte) & 1 == 1)
            && (self.longest_digits == usize::MAX || longest_digit_run(value) <= self.longest_digits)
            && (self.most_words == usize::MAX || value.split(' ').count() <= self.most_words)
            && !looks_personal(value)
    }
}

const fn set(classes: &[u8]) -> u128 {
    let mut bytes = 0_u128;
    let mut at = 0;
    while at < classes.len() {
        let first = classes[at];
        let ranged = at + 2 < classes.len() && classes[at + 1] == b'-';
        let last = if ranged { classes[at + 2] } else { first };
        let mut byte = first;
        while byte <= last {
            bytes |= 1 << byte;
            byte += 1;
        }
        at += if ranged { 3 } else { 1 };
    }
    bytes
}

/// A source's id of an event. Neither `%` nor `@`: what is escaped can't be judged.
pub(crate) const EVENT_ID: Grammar =
    Grammar::new("1 to 128 characters of [A-Za-z0-9._:/=+#~,|-]", 128, "A-Za-z0-9._:/=+#~,|-");
/// CloudEvents `source`: a URI reference without escapes.
pub(crate) const SOURCE: Grammar =
    Grammar::new("1 to 256 characters of a uri reference: [A-Za-z0-9._~:/?#&=+,;!-]", 256, "A-Za-z0-9._~:/?#&=+,;!-");
/// Type of an event.
pub(crate) const TYPE: Grammar = Grammar::new("1 to 128 characters of [a-z0-9_.]", 128, "a-z0-9_.");
/// A rooftop's id or a vendor's code for it.
pub(crate) const ROOFTOP: Grammar = Grammar::new("1 to 64 characters of [A-Za-z0-9._:/-]", 64, "A-Za-z0-9._:/-");
/// A number by which some system knows a deal, an application or a car.
pub(crate) const KEY: Grammar = Grammar::new("1 to 64 characters of [A-Za-z0-9._:/-]", 64, "A-Za-z0-9._:/-");
/// Id of a person on the staff: [`personal::is_staff_id`](super::personal::is_staff_id).
pub(crate) const STAFF: Grammar = Grammar::new(STAFF_ID, 64, "A-Za-z0-9._-").digits(8);
/// A word or a few of a vocabulary, never a note.
pub(crate) const CODE: Grammar =
    Grammar::new("a code: up to 4 words of [a-z0-9_-], 40 characters", 40, "a-z0-9 _-").digits(6).words(4);
/// A vehicle identification number, before it is put into capitals.
pub(crate) const VIN: Grammar = Grammar::new("17 letters and digits", 17, "A-Za-z0-9");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grammar_admits_its_own_and_nothing_else() {
        assert!(EVENT_ID.admits("6d5e7a0c-f7c1-3920-f6be-baa7aa5ac917"));
        assert!(SOURCE.admits("//dms.example/RT001") && SOURCE.admits("urn:crm:1"));
        assert!(TYPE.admits("deal.manager_to.started") && !TYPE.admits("Deal.Opened"));
        assert!(STAFF.admits("RT001-fi0") && !STAFF.admits("Jane Doe") && !STAFF.admits("2125550123"));
        assert!(CODE.admits("no write-up") && !CODE.admits("Jane Doe") && !CODE.admits("please call jane about it"));
        assert!(KEY.admits("RT001-D00000027") && !KEY.admits("212-555-0123") && !KEY.admits(""));
        for grammar in [EVENT_ID, SOURCE, TYPE, ROOFTOP, KEY, STAFF, CODE, VIN] {
            assert!(!grammar.admits("ünïcode") && !grammar.admits("nul\0") && !grammar.admits(&"x".repeat(257)));
            assert!(!grammar.admits("jane@example.invalid") && !grammar.admits("078-05-1120"));
        }
    }

    proptest::proptest! {
        #[test]
        fn a_staff_id_is_the_same_for_everybody(text in "[A-Za-z0-9._ @-]{0,12}|[0-9.-]{0,14}") {
            proptest::prop_assert_eq!(STAFF.admits(&text), crate::domain::personal::is_staff_id(&text));
        }
    }

    #[test]
    fn a_dash_that_stands_last_means_itself() {
        assert!(KEY.admits("a-b") && !TYPE.admits("a-b"));
    }
}
