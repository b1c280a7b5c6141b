//! What a stream of entries has to send next: which parts have more, in turn, and what may be said of their completeness.
//! No input or output.
use std::collections::VecDeque;

use throughline_platform::failure::{Code, Failure, Reason};

use crate::{PARTS, claim::Claim, heads::Head};

/// A read whose bodies weigh less together was not cut short: well below what `read.sql` cuts at (a megabyte, counting
/// 200 bytes an entry beside the body) for the 1,000 entries that are read at most.
pub(crate) const READ_CUT: usize = 1_048_576 - 200 * 1_001;

/// A stretch of a part: everything after one position, up to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) part: u16,
    pub(crate) after: u64,
    pub(crate) upto: u64,
}

/// Stretches as the arrays that Postgres unnests: part, after, up to.
pub(crate) fn columns(stretches: &[Stretch]) -> (Vec<i16>, Vec<i64>, Vec<i64>) {
    stretches.iter().map(|stretch| (stretch.part as i16, stretch.after as i64, stretch.upto as i64)).collect()
}

/// A cursor lies before what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooOld {
    pub(crate) part: u16,
    pub(crate) position: u64,
    pub(crate) first: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    wanted: bool,
    queued: bool,
    /// A position of it was missing: nothing is said of its completeness any more.
    holed: bool,
    position: u64,
    head: u64,
    claim: Option<(u64, Claim)>,
    told: Option<Claim>,
}

pub(crate) struct Feed {
    parts: Vec<Sent>,
    ready: VecDeque<u16>,
}

impl Feed {
    /// Of these parts, each after a position already processed.
    pub(crate) fn new(after: impl IntoIterator<Item = (u16, u64)>) -> Self {
        let mut parts = vec![Sent::default(); usize::from(PARTS)];
        for (part, position) in after {
            if let Some(sent) = parts.get_mut(usize::from(part)) {
                (sent.wanted, sent.position) = (true, position);
            }
        }
        Self { parts, ready: VecDeque::new() }
    }

    /// Takes in where the parts end now.
    pub(crate) fn absorb(&mut self, heads: &[Head]) -> Result<(), TooOld> {
        for (part, (sent, head)) in self.parts.iter_mut().zip(heads).enumerate().filter(|(_, (sent, _))| sent.wanted) {
            let part = part as u16;
            if sent.position + 1 < head.first {
                return Err(TooOld { part, position: sent.position, first: head.first });
            }
            sent.head = sent.head.max(head.position);
            if head.complete.is_some() {
                // The one that waits for entries to be sent goes first: a busy part would never get to a later one. One of an
                // earlier clock step is void.
                let waits = sent
                    .claim
                    .is_some_and(|(position, claim)| position > sent.position && Some(claim.step) == head.step());
                if !waits {
                    sent.claim = head.complete;
                }
            }
            if sent.head > sent.position && !sent.queued {
                sent.queued = true;
                self.ready.push_back(part);
            }
        }
        Ok(())
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.ready.is_empty()
    }

    /// What to read next: a fair piece of each part that has more, `most` entries together.
    pub(crate) fn next_read(&self, most: u64) -> Vec<Stretch> {
        let each = (most / (self.ready.len() as u64).max(1)).max(1);
        let mut left = most;
        let mut stretches = Vec::new();
        for part in &self.ready {
            let sent = &self.parts[usize::from(*part)];
            let entries = (sent.head - sent.position).min(each).min(left);
            if entries == 0 {
                break;
            }
            left -= entries;
            stretches.push(Stretch { part: *part, after: sent.position, upto: sent.position + entries });
        }
        // The first in turn takes what the others leave.
        if let Some(first) = stretches.first_mut() {
            first.upto = (first.upto + left).min(self.parts[usize::from(first.part)].head);
        }
        stretches
    }

    /// Entries of a part up to a position have been sent.
    pub(crate) fn sent(&mut self, part: u16, position: u64) {
        let sent = &mut self.parts[usize::from(part)];
        sent.position = sent.position.max(position);
    }

    /// These stretches were read to their ends; where less came, positions are missing. True for each part that has a hole now.
    pub(crate) fn exhausted(&mut self, stretch: Stretch) -> bool {
        let sent = &mut self.parts[usize::from(stretch.part)];
        if sent.position >= stretch.upto {
            return false;
        }
        sent.position = stretch.upto;
        !std::mem::replace(&mut sent.holed, true)
    }

    /// Moves the parts that were read to the back, or out if they have no more.
    pub(crate) fn turn(&mut self, read: &[Stretch]) {
        for _ in 0..read.len().min(self.ready.len()) {
            let Some(part) = self.ready.pop_front() else { return };
            let sent = &mut self.parts[usize::from(part)];
            sent.queued = sent.head > sent.position;
            if sent.queued {
                self.ready.push_back(part);
            }
        }
    }

    /// What may be said of completeness now and was not said before.
    pub(crate) fn completeness(&mut self) -> Vec<(u16, Claim)> {
        let mut said = Vec::new();
        for (part, sent) in self.parts.iter_mut().enumerate() {
            let Some((position, claim)) = sent.claim else { continue };
            if position > sent.position || sent.holed {
                continue;
            }
            sent.claim = None;
            if sent.told < Some(claim) {
                sent.told = Some(claim);
                said.push((part as u16, claim));
            }
        }
        said
    }

    pub(crate) fn positions(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.parts.iter().enumerate().filter(|(_, sent)| sent.wanted).map(|(part, sent)| (part as u16, sent.position))
    }
}

pub(crate) fn too_old(log: &str, old: TooOld) -> Failure {
    Failure::new(
        Code::OutOfRange,
        Reason::CursorTooOld,
        format!(
            "position {} of part {} lies before {}, the first that log {log:?} keeps: start from a snapshot",
            old.position, old.part, old.first
        ),
    )
    .with("log", log)
    .with("part", old.part.to_string())
    .with("position", old.position.to_string())
    .with("first_position", old.first.to_string())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn claim(step: u64, second: i64) -> Claim {
        Claim { step, until: Timestamp::from_second(second).unwrap() }
    }

    fn heads(of: &[(u64, Option<(u64, i64)>)]) -> Vec<Head> {
        of.iter()
            .map(|(position, complete)| Head {
                position: *position,
                first: 1,
                complete: complete.map(|(position, second)| (position, claim(0, second))),
            })
            .collect()
    }

    #[test]
    fn parts_take_turns_and_share_a_read() {
        let mut feed = Feed::new([(0, 0), (1, 0), (2, 5)]);
        feed.absorb(&heads(&[(1_000_000, None), (3, None), (5, None)])).unwrap();
        let read = feed.next_read(100);
        assert_eq!(read, [Stretch { part: 0, after: 0, upto: 97 }, Stretch { part: 1, after: 0, upto: 3 }]);
        feed.sent(0, 97);
        feed.sent(1, 3);
        feed.turn(&read);
        assert_eq!(feed.next_read(100), [Stretch { part: 0, after: 97, upto: 197 }]);
    }

    #[test]
    fn more_parts_than_entries_are_served_in_turn() {
        let mut feed = Feed::new((0..10).map(|part| (part, 0)));
        feed.absorb(&heads(&[(7, None); 10])).unwrap();
        let read = feed.next_read(4);
        assert_eq!(read.iter().map(|stretch| stretch.part).collect::<Vec<_>>(), [0, 1, 2, 3]);
        feed.turn(&read);
        assert_eq!(feed.next_read(4).iter().map(|stretch| stretch.part).collect::<Vec<_>>(), [4, 5, 6, 7]);
    }

    #[test]
    fn completeness_is_said_once_its_entries_are_sent_however_busy_the_part_is() {
        let mut feed = Feed::new([(0, 0)]);
        feed.absorb(&heads(&[(10, Some((10, 100)))])).unwrap();
        assert!(feed.completeness().is_empty());
        // More comes before the first ten were sent.
        feed.absorb(&heads(&[(20, Some((20, 200)))])).unwrap();
        feed.sent(0, 10);
        assert_eq!(feed.completeness(), [(0, claim(0, 100))]);
        feed.absorb(&heads(&[(30, Some((30, 300)))])).unwrap();
        assert!(feed.completeness().is_empty());
    }

    #[test]
    fn claim_of_a_later_clock_step_replaces_one_that_lies_ahead_of_it() {
        let mut feed = Feed::new([(0, 10), (1, 0)]);
        feed.absorb(&heads(&[(10, Some((10, 900))), (10, Some((10, 900)))])).unwrap();
        assert_eq!(feed.completeness(), [(0, claim(0, 900))]);
        let mut stepped = heads(&[(10, None), (12, None)]);
        stepped[0].complete = Some((10, claim(1, 100)));
        stepped[1].complete = Some((12, claim(1, 100)));
        feed.absorb(&stepped).unwrap();
        assert_eq!(feed.completeness(), [(0, claim(1, 100))]);
        // What waited for entries in the earlier step is not said once they were sent.
        feed.sent(1, 10);
        assert_eq!(feed.completeness(), []);
        feed.sent(1, 12);
        assert_eq!(feed.completeness(), [(1, claim(1, 100))]);
    }

    #[test]
    fn a_missing_tail_is_said_once_and_completeness_never_again() {
        let mut feed = Feed::new([(0, 0)]);
        feed.absorb(&heads(&[(10, Some((10, 100)))])).unwrap();
        let read = feed.next_read(100);
        feed.sent(0, 8);
        assert!(feed.exhausted(read[0]));
        assert!(!feed.exhausted(read[0]));
        feed.turn(&read);
        assert!(feed.is_idle());
        assert!(feed.completeness().is_empty());
    }

    #[test]
    fn a_cursor_before_what_is_kept_is_too_old() {
        let mut feed = Feed::new([(0, 3)]);
        let mut heads = heads(&[(10, None)]);
        heads[0].first = 4;
        feed.absorb(&heads).unwrap();
        heads[0].first = 5;
        assert_eq!(feed.absorb(&heads), Err(TooOld { part: 0, position: 3, first: 5 }));
    }
}
