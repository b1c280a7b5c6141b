//! Which entries behind the start of a snapshot it already holds. The pages of a snapshot are read one after the other
//! while the log grows, so each page holds a little more of the log than the one before it.

use std::collections::BTreeMap;

/// A stretch of a snapshot that was read at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece<P> {
    /// Its last place; `None`: everything behind the piece before it.
    pub upto: Option<P>,
    /// The piece holds what entries up to these positions say, by part. Parts that are not named have nothing new since
    /// the piece before it.
    pub seen: Vec<(u16, u64)>,
}

/// What the pages of one snapshot hold of the log behind its start.
#[derive(Debug)]
pub(super) struct Overlap<P> {
    /// Only where they moved: few, or one a page.
    pieces: Vec<Piece<P>>,
    /// What the last piece holds.
    seen: BTreeMap<u16, u64>,
}

impl<P> Default for Overlap<P> {
    fn default() -> Self {
        Self { pieces: Vec::new(), seen: BTreeMap::new() }
    }
}

impl<P: Ord> Overlap<P> {
    /// Takes in a piece that was read behind all others.
    pub(super) fn add(&mut self, piece: Piece<P>) {
        self.seen.extend(piece.seen.iter().copied());
        let quiet = piece.seen.is_empty();
        match self.pieces.last_mut() {
            // Read at the same place of the log: one longer piece.
            Some(last) if quiet => last.upto = piece.upto,
            _ => self.pieces.push(piece),
        }
    }

    /// What the pieces so far hold of each part that moved.
    pub(super) fn seen(&self) -> &BTreeMap<u16, u64> {
        &self.seen
    }

    /// Whether the snapshot holds what the entry at this position says of the item at this place.
    pub(super) fn holds(&self, part: u16, position: u64, place: &P) -> bool {
        let holder = self.pieces.iter().position(|piece| piece.upto.as_ref().is_none_or(|upto| place <= upto));
        let read = holder.map_or(&self.pieces[..], |holder| &self.pieces[..=holder]);
        let seen = read.iter().rev().find_map(|piece| piece.seen.iter().find(|(of, _)| *of == part));
        holder.is_some() && seen.is_some_and(|(_, seen)| position <= *seen)
    }

    /// Whether everything that any piece holds has been passed.
    pub(super) fn is_passed(&self, positions: &BTreeMap<u16, u64>) -> bool {
        self.seen.iter().all(|(part, seen)| positions.get(part).is_some_and(|position| position >= seen))
    }
}

/// The overlap of rooftops that joined says nothing of others.
pub(super) fn concerns(added: &[String], rooftop: &str) -> bool {
    added.is_empty() || added.iter().any(|added| added == rooftop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(upto: Option<u32>, seen: &[(u16, u64)]) -> Piece<u32> {
        Piece { upto, seen: seen.to_vec() }
    }

    #[test]
    fn entry_is_held_by_the_piece_in_whose_range_its_item_lies() {
        let mut overlap = Overlap::default();
        overlap.add(piece(Some(10), &[]));
        overlap.add(piece(Some(20), &[(7, 5)]));
        overlap.add(piece(Some(30), &[]));
        overlap.add(piece(None, &[(7, 9), (8, 2)]));
        let held = |position, place| overlap.holds(7, position, &place);
        assert!(!held(1, 10), "the first piece was read before anything moved");
        assert!(held(5, 11) && !held(6, 11));
        assert!(held(5, 30) && !held(6, 30), "a piece that saw nothing new is at the place of the one before it");
        assert!(held(9, 31) && !held(10, 31));
        assert!(overlap.holds(8, 2, &99) && !overlap.holds(8, 1, &30) && !overlap.holds(9, 1, &99));
    }

    #[test]
    fn overlap_is_passed_once_every_part_is_behind_the_last_piece() {
        let mut overlap = Overlap::default();
        assert!(overlap.is_passed(&BTreeMap::new()));
        overlap.add(piece(Some(1), &[(7, 5)]));
        overlap.add(piece(None, &[(7, 9), (8, 1)]));
        assert!(!overlap.is_passed(&[(7, 9)].into()));
        assert!(!overlap.is_passed(&[(7, 8), (8, 1)].into()));
        assert!(overlap.is_passed(&[(7, 9), (8, 3)].into()));
    }

    #[test]
    fn places_behind_the_last_piece_of_an_unfinished_snapshot_are_not_held() {
        let mut overlap = Overlap::default();
        overlap.add(piece(Some(1), &[(7, 5)]));
        assert!(!overlap.holds(7, 1, &2));
    }
}
