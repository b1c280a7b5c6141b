//! What a resume token holds.

use std::collections::BTreeMap;

use throughline_platform::seal::args_hash;

use crate::Positions;

/// A place from which a stream goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resumed {
    /// Up to here everything was sent.
    pub(super) positions: BTreeMap<u16, u64>,
    /// Digest of the rooftops that the stream showed.
    pub(super) rooftops: String,
    /// What the view keeps.
    pub(super) memo: String,
}

impl Resumed {
    pub(super) fn pack(&self) -> Vec<u8> {
        let positions = Positions::new(self.positions.iter().map(|(part, position)| (*part, *position)));
        positions.pack(&format!("{}\n{}", self.rooftops, self.memo))
    }

    pub(super) fn unpack(bytes: &[u8]) -> Option<Self> {
        let (text, positions) = Positions::unpack(bytes)?;
        let (rooftops, memo) = text.split_once('\n')?;
        Some(Self { positions: positions.iter().collect(), rooftops: rooftops.to_owned(), memo: memo.to_owned() })
    }
}

/// Short digest of a set of rooftops. It only tells sets apart: the token around it is sealed.
pub(super) fn digest(rooftops: &[String]) -> String {
    let mut sorted: Vec<&str> = rooftops.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    args_hash(&sorted).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resumed_place_survives_packing_and_other_bytes_are_refused() {
        let names = |of: &[&str]| of.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let resumed = Resumed {
            positions: [(0, 0), (7, 12), (255, u64::MAX >> 1)].into(),
            rooftops: digest(&names(&["a", "b"])),
            memo: "2026-09-07T10:00:00Z".to_owned(),
        };
        assert_eq!(Resumed::unpack(&resumed.pack()), Some(resumed.clone()));
        assert_eq!(Resumed::unpack(b"\xff\xff"), None);
        assert_eq!(Resumed::unpack(b""), None, "a token without rooftops is none of ours");
        assert_eq!(digest(&names(&["b", "a"])), resumed.rooftops);
        assert_ne!(digest(&names(&["ab"])), resumed.rooftops);
    }
}
