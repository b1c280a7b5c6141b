//! Consistency tokens and cursors: positions of a log's parts, packed and sealed.
use prost::Message;
use throughline_platform::{failure::Failure, seal::Sealer};
use throughline_proto::{
    error::v1::Reason,
    log::v1::{GetHeadsResponse, PartPosition},
};

use crate::PARTS;

const CONSISTENCY: &str = "consistency token";
const CURSOR: &str = "follow cursor";

/// Places in a log: at most one a part, in ascending order of parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions(Vec<(u16, u64)>);

impl Positions {
    /// The furthest position of each part; parts beyond 255 do not exist and are left out.
    pub fn new(all: impl IntoIterator<Item = (u16, u64)>) -> Self {
        let mut all: Vec<_> = all.into_iter().filter(|(part, _)| *part < PARTS).collect();
        all.sort_unstable();
        // ascending, so that the last of a part is its furthest
        all.reverse();
        all.dedup_by_key(|(part, _)| *part);
        all.reverse();
        Self(all)
    }

    pub fn iter(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.0.iter().copied()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As two arrays, which is how Postgres takes them.
    pub(crate) fn columns(&self) -> (Vec<i16>, Vec<i64>) {
        self.iter().map(|(part, position)| (part as i16, position as i64)).unzip()
    }

    // The wire message that already holds a log's positions serves as the packing; its text field takes the log's name.
    pub(crate) fn pack(&self, log: &str) -> Vec<u8> {
        let heads =
            self.iter().map(|(part, position)| PartPosition { part: u32::from(part), position }).collect::<Vec<_>>();
        GetHeadsResponse { heads, consistency_token: log.to_owned() }.encode_to_vec()
    }

    pub(crate) fn unpack(bytes: &[u8]) -> Option<(String, Self)> {
        let packed = GetHeadsResponse::decode(bytes).ok()?;
        let all = packed
            .heads
            .iter()
            .map(|head| {
                let part = u16::try_from(head.part).ok().filter(|part| *part < PARTS)?;
                i64::try_from(head.position).ok()?;
                Some((part, head.position))
            })
            .collect::<Option<Vec<_>>>()?;
        Some((packed.consistency_token, Self::new(all)))
    }
}

/// A token that says: everything of `log` up to these positions.
pub(crate) fn seal_token(sealer: &Sealer, log: &str, positions: &Positions) -> String {
    sealer.seal(CONSISTENCY, "", &positions.pack(log))
}

/// The log that a token speaks of, and the positions.
pub(crate) fn open_token(sealer: &Sealer, token: &str) -> Result<(String, Positions), Failure> {
    sealer.open(CONSISTENCY, "", token).as_deref().and_then(Positions::unpack).ok_or_else(|| {
        Failure::new(tonic::Code::InvalidArgument, Reason::InvalidToken, "the consistency token was not issued here")
    })
}

/// Whom a cursor was issued for: it is no use to anybody else, nor for another choice of rooftops.
pub(crate) fn cursor_bound_to(group: &str, log: &str, rooftops: &[String]) -> String {
    let mut rooftops: Vec<_> = rooftops.iter().map(String::as_str).collect();
    rooftops.sort_unstable();
    rooftops.dedup();
    format!("{group}\n{log}\n{}", rooftops.join("\n"))
}

pub(crate) fn seal_cursor(sealer: &Sealer, bound_to: &str, positions: &Positions) -> String {
    sealer.seal(CURSOR, bound_to, &positions.pack(""))
}

pub(crate) fn open_cursor(sealer: &Sealer, bound_to: &str, cursor: &str) -> Result<Positions, Failure> {
    sealer
        .open(CURSOR, bound_to, cursor)
        .as_deref()
        .and_then(Positions::unpack)
        .map(|(_, positions)| positions)
        .ok_or_else(|| {
            Failure::new(
                tonic::Code::InvalidArgument,
                Reason::InvalidToken,
                "the cursor was not issued for this caller, log and choice of rooftops",
            )
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn positions_survive_packing(all in proptest::collection::vec((0u16..300, 0u64..=i64::MAX as u64), 0..400), log in "[a-z]{0,9}") {
            let positions = Positions::new(all);
            prop_assert_eq!(Positions::unpack(&positions.pack(&log)), Some((log, positions)));
        }

        #[test]
        fn the_furthest_position_of_a_part_counts(all in proptest::collection::vec((0u16..4, 0u64..9), 0..20)) {
            let positions = Positions::new(all.clone());
            for (part, position) in positions.iter() {
                let furthest = all.iter().filter(|one| one.0 == part).map(|one| one.1).max();
                prop_assert_eq!(furthest, Some(position));
            }
            prop_assert!(positions.0.is_sorted_by(|a, b| a.0 < b.0));
        }

        #[test]
        fn no_bytes_make_unpacking_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Positions::unpack(&bytes);
        }
    }
}
