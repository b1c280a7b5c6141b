//! What changes behind a snapshot.

use jiff::Timestamp;
use throughline_platform::{clock::Clock, failure::Failure};
use tokio::time::Instant;

use super::{Changes, Following, LOOK_EVERY, Live, LiveView, Step, Turn, overlap};

impl<V: LiveView> Live<V> {
    /// The next message, or the snapshot of rooftops that join; `None` when the process stops.
    pub(super) async fn changes(
        &mut self,
        mut following: Box<Following<V::Place>>,
    ) -> Result<Option<Turn<V::Message>>, Failure> {
        let heartbeat = Instant::now() + self.asked.heartbeat;
        loop {
            let message = self.consume(&mut following)?;
            if following.unfinished.as_ref().is_some_and(|snapshot| snapshot.overlap.is_passed(&self.positions)) {
                let finished = following.unfinished.take();
                let message = self.stamped(message.unwrap_or_default(), finished.as_ref(), Vec::new(), true);
                self.step = if self.asked.once { Step::Ended } else { Step::Changes(following) };
                return Ok(Some(Turn::Message(message)));
            }
            if let Some(message) = message {
                return Ok(Some(self.goes_on(following, message)));
            }
            let beats = Instant::now() >= heartbeat;
            // Within a snapshot that is not whole yet, nothing is sent but the rest of it.
            if following.unfinished.is_none() && (beats || self.is_look_due()) {
                if self.join(beats).await? {
                    return Ok(Some(Turn::Snapshot));
                }
                if let Some(message) = self.look(beats).await? {
                    return Ok(Some(self.goes_on(following, message)));
                }
            }
            if beats {
                return Ok(Some(self.goes_on(following, V::Message::default())));
            }
            let by = match following.unfinished {
                Some(_) => heartbeat,
                None => heartbeat.min(self.look_by()),
            };
            // What is to be looked up already waits for its turn.
            let alarm = alarm(self.log.platform().clock.clone(), self.view.look_at().filter(|_| !self.outdated));
            let read = tokio::select! {
                read = following.tail.next(by) => read?,
                () = alarm => {
                    // No entry says so; it is looked up as if one did.
                    self.outdated = true;
                    continue;
                }
            };
            let Some(entries) = read else { return Ok(None) };
            self.outdated |= !entries.is_empty();
            following.pending = entries;
            if following.pending.is_empty() {
                self.positions.extend(following.tail.positions());
            }
        }
    }

    /// Takes in pending entries until some of them make a message.
    fn consume(&mut self, following: &mut Following<V::Place>) -> Result<Option<V::Message>, Failure> {
        let Following { tail, pending, unfinished } = following;
        if pending.is_empty() {
            return Ok(None);
        }
        if let Some(snapshot) = unfinished {
            pending.retain(|entry| {
                let part = u16::try_from(entry.part).unwrap_or(u16::MAX);
                let place = self.view.place_of(entry).filter(|_| overlap::concerns(&snapshot.added, &entry.rooftop));
                !place.is_some_and(|place| snapshot.overlap.holds(part, entry.position, &place))
            });
        }
        let mut message = None;
        while message.is_none() && !pending.is_empty() {
            let changes: Changes<V::Message> = self.view.changes(pending)?;
            let taken = pending.drain(..changes.taken.clamp(1, pending.len()));
            let places = taken.map(|entry| (u16::try_from(entry.part).unwrap_or(u16::MAX), entry.position));
            self.positions.extend(places);
            message = changes.message;
        }
        if pending.is_empty() {
            // What was not the caller's, and what the snapshot holds, counts too.
            self.positions.extend(tail.positions());
        }
        Ok(message)
    }

    /// A message after which the stream goes on as before.
    fn goes_on(&mut self, following: Box<Following<V::Place>>, message: V::Message) -> Turn<V::Message> {
        let unfinished = following.unfinished.as_ref();
        let message = self.stamped(message, unfinished, Vec::new(), unfinished.is_none());
        self.step = Step::Changes(following);
        Turn::Message(message)
    }

    /// What no entry says, if anything may have changed.
    async fn look(&mut self, all: bool) -> Result<Option<V::Message>, Failure> {
        self.looked = Some(Instant::now());
        if !std::mem::take(&mut self.outdated) && !all {
            return Ok(None);
        }
        let rooftops = self.names();
        self.view.look(&rooftops, all).await
    }

    /// Whether it is time to look: entries arrived, or others' did, among which may be a rooftop that was created.
    fn is_look_due(&self) -> bool {
        let rested = self.looked.is_none_or(|looked| Instant::now() >= looked + LOOK_EVERY);
        rested && (self.outdated || self.has_moved())
    }

    /// Until when to wait for entries before looking.
    fn look_by(&self) -> Instant {
        let now = Instant::now();
        match self.outdated {
            true => self.looked.map_or(now, |looked| looked + LOOK_EVERY),
            // Heads are compared in memory, so this costs nothing while the log is quiet.
            false if self.may_join() => now + LOOK_EVERY,
            false => now + self.asked.heartbeat,
        }
    }

    /// Begins the snapshot of rooftops that were created, if there are any. Unless `always`, no query is made while no
    /// part of the log moves.
    async fn join(&mut self, always: bool) -> Result<bool, Failure> {
        if !always && !self.has_moved() {
            return Ok(false);
        }
        // Before the rooftops are read: what moves later is looked at again.
        self.head_sum = self.sum_of_heads();
        self.join_new().await
    }

    fn has_moved(&self) -> bool {
        self.may_join() && self.sum_of_heads() != self.head_sum
    }

    fn sum_of_heads(&self) -> u64 {
        self.seen_heads.borrow().iter().fold(0, |sum, head| sum.wrapping_add(head.position))
    }
}

/// Returns at an instant of the clock; never without one.
async fn alarm(clock: Clock, at: Option<Timestamp>) {
    match at {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}
