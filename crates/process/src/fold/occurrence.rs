//! Matches the reports of several sources to the occurrences of a step, by time.
//!
//! Two reports of one source are two occurrences. Reports of different sources can be one occurrence if no gap between
//! their bounds exceeds the clock skew. Three rules choose among the ways to match them:
//!
//! 1. As few occurrences as the reports allow.
//! 2. Then the least gap: no group of reports is matched across a wider gap than rule 1 needs there.
//! 3. Always in order: if a source says that one occurrence was over before another began, no other source says the
//!    opposite of the two.
//!
//! Sources play no part except that they differ, so neither their names nor their order can change the result. See
//! `docs/adr/0018-occurrences-are-matched-by-time.md` for the proof and the cost.

use std::{cmp::Reverse, collections::BinaryHeap};

/// Rule 2 is applied to a clump of linked reports at most so many times; the rest of the clump keeps the gap found
/// last. One application settles all but contrived clumps.
const MAX_ROUNDS: usize = 8;

/// What matching reads of a report. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report {
    pub earliest: i128,
    pub latest: i128,
    /// A number that stands for the source.
    pub source: usize,
}

/// Reports of one occurrence.
#[derive(Clone, Debug)]
struct Group {
    /// Places in the input, ascending.
    members: Vec<usize>,
    /// Widest gap between the bounds of two members; 0 if all overlap.
    gap: i128,
}

/// Groups reports by occurrence; each group holds places in the input, ascending.
///
/// `reports` must be ordered by `latest`; ties within one source must be in the source's own order.
pub(super) fn occurrences(reports: &[Report], skew: i128) -> Vec<Vec<usize>> {
    let mut found = Vec::with_capacity(reports.len());
    for places in linked(reports, skew) {
        if let [alone] = places[..] {
            found.push(Group { members: vec![alone], gap: 0 });
            continue;
        }
        let clump = Clump::of(reports, places);
        let groups = clump.sweep(skew);
        clump.refine(reports, groups, MAX_ROUNDS, &mut found);
    }
    found.into_iter().map(|group| group.members).collect()
}

/// Splits the reports where nothing links those before to those after.
fn linked(reports: &[Report], skew: i128) -> Vec<Vec<usize>> {
    let mut by_earliest: Vec<usize> = (0..reports.len()).collect();
    by_earliest.sort_unstable_by_key(|at| reports[*at].earliest);
    let mut clumps: Vec<Vec<usize>> = Vec::new();
    let mut reach = i128::MIN;
    for at in by_earliest {
        match clumps.last_mut() {
            Some(clump) if reports[at].earliest <= reach + skew => clump.push(at),
            _ => clumps.push(vec![at]),
        }
        reach = reach.max(reports[at].latest);
    }
    clumps
}

/// Reports that are matched together.
struct Clump {
    /// By `latest`, as in the input. Their sources are numbered from 0.
    reports: Vec<Report>,
    /// Place of each in the input.
    places: Vec<usize>,
    /// The same reports by `earliest`, as indices of `reports`.
    by_earliest: Vec<usize>,
    sources: usize,
}

impl Clump {
    fn of(all: &[Report], mut places: Vec<usize>) -> Self {
        places.sort_unstable();
        let mut sources: Vec<usize> = places.iter().map(|place| all[*place].source).collect();
        sources.sort_unstable();
        sources.dedup();
        let number = |source| sources.partition_point(|other| *other < source);
        let reports: Vec<Report> =
            places.iter().map(|place| Report { source: number(all[*place].source), ..all[*place] }).collect();
        let mut by_earliest: Vec<usize> = (0..reports.len()).collect();
        by_earliest.sort_unstable_by_key(|at| reports[*at].earliest);
        Self { sources: sources.len(), reports, places, by_earliest }
    }

    /// The fewest groups with no gap above `tolerance`, in order of time.
    ///
    /// The report that ends first needs a group. Reports that can share it begin at most `tolerance` after that end.
    /// From each source the sweep takes the one of those that ends first: any other can be matched later with
    /// whatever this one can be matched with.
    fn sweep(&self, tolerance: i128) -> Vec<Group> {
        let mut begun = self.by_earliest.iter().copied().peekable();
        let mut waiting: Vec<BinaryHeap<Reverse<usize>>> = vec![BinaryHeap::new(); self.sources];
        // sources with a report that waits
        let mut sources: Vec<usize> = Vec::with_capacity(self.sources);
        let mut taken = vec![false; self.reports.len()];

        let mut groups = Vec::new();
        for (at, first) in self.reports.iter().enumerate() {
            if taken[at] {
                continue;
            }
            while let Some(at) = begun.next_if(|at| self.reports[*at].earliest - first.latest <= tolerance) {
                let source = self.reports[at].source;
                if waiting[source].is_empty() {
                    sources.push(source);
                }
                waiting[source].push(Reverse(at));
            }
            let mut group = Group { members: Vec::with_capacity(sources.len()), gap: 0 };
            for Reverse(at) in sources.iter().filter_map(|source| waiting[*source].pop()) {
                taken[at] = true;
                group.members.push(self.places[at]);
                group.gap = group.gap.max(self.reports[at].earliest - first.latest);
            }
            sources.retain(|source| !waiting[*source].is_empty());
            group.members.sort_unstable();
            groups.push(group);
        }
        groups
    }

    /// Applies rule 2 to groups that are as few as they can be.
    fn refine(&self, all: &[Report], groups: Vec<Group>, rounds: usize, found: &mut Vec<Group>) {
        if groups.len() == 1 || groups.len() == self.reports.len() {
            found.extend(groups);
            return;
        }
        let groups = self.closest(groups);
        let gap = widest(&groups);
        if gap == 0 || rounds == 0 {
            found.extend(groups);
            return;
        }
        // groups that need this gap are settled; each run of others between them may need less
        for run in groups.chunk_by(|a, b| a.gap < gap && b.gap < gap) {
            let members = run.iter().flat_map(|group| group.members.iter().copied()).collect();
            Self::of(all, members).refine(all, run.to_vec(), rounds - 1, found);
        }
    }

    /// As many groups of the same reports across the least gap that allows it.
    fn closest(&self, groups: Vec<Group>) -> Vec<Group> {
        let overlapping = self.sweep(0);
        if overlapping.len() == groups.len() {
            return overlapping;
        }
        // more groups are needed at `low`, and no more at `high`
        let (mut low, mut high) = (0, widest(&groups));
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let tried = self.sweep(middle);
            if tried.len() == groups.len() {
                high = widest(&tried);
            } else {
                low = middle;
            }
        }
        self.sweep(high)
    }
}

fn widest(groups: &[Group]) -> i128 {
    groups.iter().map(|group| group.gap).max().unwrap_or(0)
}

#[cfg(test)]
mod tests;
