//! Ids of deals, keys and events: the first half of a hash of what they name.

use std::fmt;

use throughline_process::{Key, deal_id};
use uuid::Uuid;

/// The id of a deal; also what a key is stored under, for it is the id that a deal with that key alone has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DealId(pub Uuid);

impl DealId {
    /// The id that follows from the best of these keys; none without keys.
    pub fn of(group: &str, rooftop: &str, keys: &[Key]) -> Option<Self> {
        deal_id(group, rooftop, keys).as_deref().and_then(Self::parse)
    }

    /// From 32 hexadecimal digits in lower case.
    pub fn parse(digits: &str) -> Option<Self> {
        let plain = digits.len() == 32 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        plain.then(|| Uuid::try_parse(digits).ok().map(Self)).flatten()
    }
}

impl fmt::Display for DealId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

/// Names one event as encoded: the same content has the same id, so that a repetition is stored once.
pub fn event_id(encoded: &[u8]) -> Uuid {
    let hash = blake3::hash(encoded);
    let mut half = [0; 16];
    half.copy_from_slice(&hash.as_bytes()[..16]);
    Uuid::from_bytes(half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use throughline_process::KeyKind;

    #[test]
    fn an_id_reads_as_it_is_written() {
        let key = Key { kind: KeyKind::Visit, scope: String::new(), value: "V1".to_owned() };
        let id = DealId::of("g", "r", &[key]).expect("one key makes an id");
        assert_eq!(DealId::parse(&id.to_string()), Some(id));
        assert_eq!(DealId::parse("-"), None);
        assert_eq!(DealId::parse(&id.to_string().to_uppercase().replace(char::is_numeric, "A")), None);
    }
}
