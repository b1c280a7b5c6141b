//! Which events count where some replace or withdraw others.
//!
//! An event counts unless another one acts on it. A withdrawal acts if it counts. A replacement acts if it counts or is
//! itself replaced by one that acts: a second correction stands in for the first one and for what that corrected. So
//! what undoes an undoing brings the first event back. That leaves rings open.

/// (event, the event that it acts on), as places.
pub(crate) type Edge = (usize, usize);

/// Whether each of `len` events counts; none: it is in a ring of events that undo each other, or named from one.
pub(crate) fn counts(len: usize, replaces: Vec<Edge>, withdraws: Vec<Edge>) -> Vec<Option<bool>> {
    let (replaces, withdraws) = (Edges::new(replaces), Edges::new(withdraws));
    let mut fates = vec![Fate::default(); len];
    replaces.0.iter().for_each(|(_, target)| fates[*target].replacements += 1);
    withdraws.0.iter().for_each(|(_, target)| fates[*target].withdrawals += 1);
    let mut changed: Vec<usize> = (0..len).collect();
    while let Some(at) = changed.pop() {
        let before = fates[at];
        let after = before.judged();
        fates[at] = after;
        if let (None, Some(counts)) = (before.counts, after.counts) {
            for target in withdraws.of(at) {
                fates[target].withdrawals -= 1;
                fates[target].withdrawn |= counts;
                changed.push(target);
            }
        }
        if let (None, Some(acts)) = (before.acts, after.acts) {
            for target in replaces.of(at) {
                fates[target].replacements -= 1;
                fates[target].replaced |= acts;
                changed.push(target);
            }
        }
    }
    fates.into_iter().map(|fate| fate.counts).collect()
}

/// Sorted, each once.
struct Edges(Vec<Edge>);

impl Edges {
    fn new(mut edges: Vec<Edge>) -> Self {
        edges.retain(|(by, of)| by != of);
        edges.sort_unstable();
        edges.dedup();
        Self(edges)
    }

    fn of(&self, by: usize) -> impl Iterator<Item = usize> {
        let from = self.0.partition_point(|edge| edge.0 < by);
        self.0[from..].iter().take_while(move |edge| edge.0 == by).map(|edge| edge.1)
    }
}

/// What is known so far of whether an event counts and of whether it acts on those that it replaces.
#[derive(Clone, Copy, Default)]
struct Fate {
    /// Replacements and withdrawals of it that are not yet known to act.
    replacements: usize,
    withdrawals: usize,
    /// Some replacement or withdrawal acts.
    replaced: bool,
    withdrawn: bool,
    counts: Option<bool>,
    acts: Option<bool>,
}

impl Fate {
    fn judged(self) -> Self {
        let counts = match self {
            Self { replaced: true, .. } | Self { withdrawn: true, .. } => Some(false),
            Self { replacements: 0, withdrawals: 0, .. } => Some(true),
            Self { .. } => None,
        };
        let acts = match counts {
            _ if self.replaced => Some(true),
            Some(false) if self.replacements > 0 => None,
            known => known,
        };
        Self { counts, acts, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::counts;

    #[test]
    fn withdrawn_withdrawal_and_replaced_replacement_differ() {
        // 1 withdraws 0, and 2 withdraws 1: 0 counts again.
        assert_eq!(counts(3, vec![], vec![(1, 0), (2, 1)]), [Some(true), Some(false), Some(true)]);
        // 1 replaces 0, and 2 replaces 1: 2 stands in for both.
        assert_eq!(counts(3, vec![(1, 0), (2, 1)], vec![]), [Some(false), Some(false), Some(true)]);
        // 2 withdraws the replacement: 0 counts again.
        assert_eq!(counts(3, vec![(1, 0)], vec![(2, 1)]), [Some(true), Some(false), Some(true)]);
        // A ring stays open, and so does what it names.
        assert_eq!(counts(3, vec![], vec![(0, 1), (1, 0), (1, 2)]), [None, None, None]);
        // An event that names itself acts on nothing.
        assert_eq!(counts(1, vec![(0, 0)], vec![(0, 0)]), [Some(true)]);
    }
}
