//! How far a log is complete, and the proof of it. No input or output.
//!
//! A claim is proven in three steps, each after the one before has ended:
//!
//! 1. The promise is committed: an append that takes its advisory lock later reads it and records no earlier.
//! 2. The advisory locks are read: they name the transactions that are appending just now. Any other append has either
//!    ended, and a snapshot taken later shows its entries, or takes its lock after step 1.
//! 3. The heads are read. If nothing was in flight in step 2, everything recorded before the promise lies at or below the
//!    head. Otherwise that holds for the first head that is read after each transaction of step 2 was seen to have ended.
use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

/// Everything recorded before `until` is contained. Instants are compared within a clock step: a later step replaces what
/// was claimed in an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Claim {
    /// How often the log's clock was found to have stepped back.
    pub(crate) step: u64,
    /// On the injected clock.
    pub(crate) until: Timestamp,
}

/// Transactions that are appending, by part: names that Postgres never gives twice while it runs.
pub(crate) type InFlight = HashMap<u16, HashSet<String>>;

/// Claims that wait for the end of appends.
#[derive(Debug, Default)]
pub(crate) struct Pending(BTreeMap<u16, Waiting>);

#[derive(Debug)]
struct Waiting {
    claim: Claim,
    on: HashSet<String>,
}

impl Pending {
    /// What is proven of a part at the head that is read next, given what was promised before `in_flight` was read.
    pub(crate) fn prove(&mut self, part: u16, promised: Claim, in_flight: &InFlight) -> Option<Claim> {
        let Some(appending) = in_flight.get(&part).filter(|appending| !appending.is_empty()) else {
            self.0.remove(&part);
            return Some(promised);
        };
        let proven = self.resolve(part, in_flight);
        self.0.entry(part).or_insert_with(|| Waiting { claim: promised, on: appending.clone() });
        proven
    }

    /// The claim of a part whose transactions have ended by now, if there is one.
    pub(crate) fn resolve(&mut self, part: u16, in_flight: &InFlight) -> Option<Claim> {
        let waiting = self.0.get_mut(&part)?;
        match in_flight.get(&part) {
            Some(appending) => waiting.on.retain(|transaction| appending.contains(transaction)),
            None => waiting.on.clear(),
        }
        if waiting.on.is_empty() { self.0.remove(&part).map(|waiting| waiting.claim) } else { None }
    }

    /// Parts with a claim that waits.
    pub(crate) fn parts(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(second: i64) -> Claim {
        Claim { step: 0, until: Timestamp::from_second(second).unwrap() }
    }

    fn appending(transactions: &[&str]) -> InFlight {
        HashMap::from([(1, transactions.iter().map(|name| (*name).to_owned()).collect())])
    }

    #[test]
    fn quiet_part_is_complete_up_to_the_promise() {
        let mut pending = Pending::default();
        assert_eq!(pending.prove(1, claim(10), &InFlight::new()), Some(claim(10)));
        assert_eq!(pending.prove(2, claim(10), &appending(&["a"])), Some(claim(10)));
        assert_eq!(pending.parts().count(), 0);
    }

    #[test]
    fn stalled_append_holds_the_claim_however_many_others_come_and_go() {
        let mut pending = Pending::default();
        assert_eq!(pending.prove(1, claim(10), &appending(&["stalled", "a"])), None);
        assert_eq!(pending.prove(1, claim(20), &appending(&["stalled", "b"])), None);
        assert_eq!(pending.resolve(1, &appending(&["stalled"])), None);
        assert_eq!(pending.prove(1, claim(30), &InFlight::new()), Some(claim(30)));
    }

    #[test]
    fn busy_part_is_complete_up_to_the_promise_before_the_appends_that_have_ended() {
        let mut pending = Pending::default();
        assert_eq!(pending.prove(1, claim(10), &appending(&["a", "b"])), None);
        assert_eq!(pending.prove(1, claim(20), &appending(&["c"])), Some(claim(10)));
        assert_eq!(pending.resolve(1, &appending(&["c", "d"])), None);
        assert_eq!(pending.resolve(1, &appending(&["d"])), Some(claim(20)));
        assert_eq!(pending.resolve(1, &InFlight::new()), None);
    }

    #[test]
    fn later_clock_step_replaces_an_earlier_one() {
        let later = Claim { step: 1, ..claim(10) };
        assert!(later > claim(500));
        assert!(Claim { step: 1, ..claim(11) } > later);
    }
}
