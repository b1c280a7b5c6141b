//! Which event is which: 16 bytes say whose id it is, 16 more what it says. Half a BLAKE3 hash each, so a collision needs
//! about 2^64 events.

use uuid::Uuid;

/// Identity of an event: its id belongs to one source of one rooftop of one group.
pub(crate) fn event_key(group: &str, rooftop: &str, source: &str, id: &str) -> Uuid {
    hashed(&[group.as_bytes(), rooftop.as_bytes(), source.as_bytes(), id.as_bytes()])
}

/// What an event says: of its canonical encoding, which holds neither when nor how we got it.
pub(crate) fn content(encoded_event: &[u8]) -> Uuid {
    half(&blake3::hash(encoded_event))
}

/// Identity of a quarantined event: the same mistake sent again is the same row.
pub(crate) fn quarantine_id(group: &str, rooftop: &str, reason: &str, encoded_event: &[u8]) -> Uuid {
    hashed(&[group.as_bytes(), rooftop.as_bytes(), reason.as_bytes(), encoded_event])
}

/// Identity of a polled table: a profile's own, since another one may read another table of the same source.
pub(crate) fn polled_table(group: &str, rooftop: &str, source: &str, profile: &str) -> Uuid {
    hashed(&[group.as_bytes(), rooftop.as_bytes(), source.as_bytes(), profile.as_bytes()])
}

/// The lane in which a group's spoiled events are kept: they have no part.
pub(crate) fn lane_of(group: &str) -> usize {
    usize::from(hashed(&[group.as_bytes()]).as_bytes()[0])
}

fn hashed(parts: &[&[u8]]) -> Uuid {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        // Lengths keep ("a", "bc") and ("ab", "c") apart.
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    half(&hasher.finalize())
}

fn half(hash: &blake3::Hash) -> Uuid {
    let mut half = [0; 16];
    half.copy_from_slice(&hash.as_bytes()[..16]);
    Uuid::from_bytes(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_moved_is_another_event() {
        assert_eq!(event_key("g", "r", "s", "1"), event_key("g", "r", "s", "1"));
        assert_ne!(event_key("g", "r", "s", "1"), event_key("g", "rs", "", "1"));
        assert_ne!(event_key("g", "r", "s1", ""), event_key("g", "r", "s", "1"));
    }

    #[test]
    fn the_hashes_never_change() {
        // They are stored: another value here would accept old events again.
        insta::assert_snapshot!(event_key("g", "r", "s", "1"), @"09a6384f-5179-6378-471b-8e2aca5b6c7e");
        insta::assert_snapshot!(content(b"x"), @"3ae7d805-f678-9a64-02ac-b70ad4096a85");
    }
}
