//! The pages of a snapshot: of all rooftops at first, and of those that join later.

use throughline_platform::failure::Failure;

use super::{Live, LiveView, MAX_ROOFTOPS, Page, Snapshot, Step, overlap::Overlap};

impl<V: LiveView> Live<V> {
    /// Sends the next page and says what comes after it.
    pub(super) async fn page(&mut self, mut snapshot: Snapshot<V::Place>) -> Result<V::Message, Failure> {
        let of = if snapshot.added.is_empty() { self.names() } else { snapshot.added.clone() };
        let mut seen = self.positions.clone();
        seen.extend(snapshot.overlap.seen());
        let seen: Vec<(u16, u64)> = seen.into_iter().collect();
        let first = snapshot.after.is_none();
        let Page { message, pieces, next } = self.view.page(&of, snapshot.after.take(), &seen).await?;
        for piece in pieces {
            snapshot.overlap.add(piece);
        }
        let joins = if first { snapshot.added.clone() } else { Vec::new() };
        if let Some(next) = next {
            snapshot.after = Some(next);
            let message = self.stamped(message, Some(&snapshot), joins, false);
            self.step = Step::Pages(snapshot);
            return Ok(message);
        }
        // With changes that the snapshot holds in part, it is whole only once the rest of them was sent.
        let complete = snapshot.overlap.is_passed(&self.positions);
        let message = self.stamped(message, Some(&snapshot), joins, complete);
        match (complete, self.asked.once) {
            (true, true) => self.step = Step::Ended,
            (true, false) => self.follow(None),
            (false, _) => self.follow(Some(snapshot)),
        }
        Ok(message)
    }

    /// Looks for rooftops that were created meanwhile and begins their snapshot; false if there are none.
    pub(super) async fn join_new(&mut self) -> Result<bool, Failure> {
        if !self.may_join() {
            return Ok(false);
        }
        // Before the rooftops are read: what is said of them later lies behind these heads.
        let heads = self.log.heads().await?;
        let room = MAX_ROOFTOPS.saturating_sub(self.rooftops.len());
        let new = self.view.rooftops(self.caller.rooftop_filter(), self.names(), room).await?;
        if new.is_empty() {
            return Ok(false);
        }
        for (_, part) in &new {
            let head = heads.iter().find(|(of, _)| of == part).map_or(0, |(_, head)| *head);
            // A part that was followed already goes on where it was.
            self.positions.entry(*part).or_insert(head);
        }
        let added = new.iter().map(|(rooftop, _)| rooftop.clone()).collect();
        self.rooftops.extend(new);
        self.step = Step::Pages(Snapshot { added, after: None, overlap: Overlap::default() });
        Ok(true)
    }

    /// Whether rooftops that are created later belong to the stream.
    pub(super) fn may_join(&self) -> bool {
        self.asked.rooftops.is_empty() && self.rooftops.len() < MAX_ROOFTOPS
    }
}
