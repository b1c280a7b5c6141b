//! Matches the reports of several sources to the occurrences of a step, by time.
//!
//! Two reports of one source are two occurrences. Reports of different sources can be one occurrence if no gap between
//! their bounds exceeds the clock skew. Three rules choose among the ways to match them:
//!
//! 1. As few occurrences as the reports allow.
//! 2. Then the least gap, in whole seconds: no reports are matched across a wider gap than rule 1 needs there.
//! 3. Always in order: if a source says that one occurrence was over before another began, no other source says the
//!    opposite of the two.
//!
//! Sources play no part except that they differ, so neither their names nor their order can change the result. See
//! `docs/adr/0018-occurrences-are-matched-by-time.md` for the proof and the cost.

use std::{cmp::Reverse, collections::BinaryHeap};

/// Rule 2 is applied to a clump of linked reports at most so many times; the rest of the clump keeps the gap found
/// last. One application settles all but contrived clumps.
const MAX_ROUNDS: usize = 8;

/// Gaps that differ by less are alike: most vendors write whole seconds.
const RESOLUTION: i128 = 1_000_000_000;

/// What matching reads of a report. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report {
    pub earliest: i128,
    pub latest: i128,
    /// A number that stands for the source.
    pub source: usize,
}

/// Groups reports by occurrence; each group holds places in the input, ascending.
///
/// `reports` must be ordered by `latest`; ties within one source must be in the source's own order.
pub(super) fn occurrences(reports: &[Report], skew: i128) -> Vec<Vec<usize>> {
    let mut by_earliest: Vec<usize> = (0..reports.len()).collect();
    by_earliest.sort_unstable_by_key(|at| reports[*at].earliest);
    let mut found = Vec::with_capacity(reports.len());
    let (mut from, mut reach) = (0, i128::MIN);
    for to in 0..=by_earliest.len() {
        // nothing links the reports before `to` to those after
        let apart = by_earliest.get(to).is_none_or(|at| reports[*at].earliest > reach + skew);
        if apart && from < to {
            resolve(reports, by_earliest[from..to].to_vec(), skew, &mut found);
            from = to;
        }
        reach = by_earliest.get(to).map_or(reach, |at| reach.max(reports[*at].latest));
    }
    found
}

/// Groups reports, given by `earliest`, that may be linked.
fn resolve(reports: &[Report], mut places: Vec<usize>, skew: i128, found: &mut Vec<Vec<usize>>) {
    places.sort_unstable();
    if is_one(reports, &places, skew) {
        found.push(places);
    } else {
        let clump = Clump::of(reports, places);
        let groups = clump.sweep(skew);
        clump.refine(reports, groups, MAX_ROUNDS, found);
    }
}

/// Whether a few reports are plainly of one occurrence.
fn is_one(reports: &[Report], places: &[usize], skew: i128) -> bool {
    const FEW: usize = 8;
    let Some(first) = places.first() else { return true };
    let close = |at: &usize| reports[*at].earliest - reports[*first].latest <= skew;
    let distinct = |(number, at): (usize, &usize)| {
        places[..number].iter().all(|other| reports[*other].source != reports[*at].source)
    };
    places.len() <= FEW && places.iter().all(close) && places.iter().enumerate().all(distinct)
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

/// A way to group the reports of a clump; groups are in order of time.
struct Groups {
    /// Group of each report.
    of: Vec<usize>,
    /// Widest gap between the bounds of two members of each group; 0 if all overlap.
    gaps: Vec<i128>,
}

impl Groups {
    fn len(&self) -> usize {
        self.gaps.len()
    }

    fn widest(&self) -> i128 {
        self.gaps.iter().copied().max().unwrap_or(0)
    }
}

impl Clump {
    /// `places` must ascend.
    fn of(all: &[Report], places: Vec<usize>) -> Self {
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

    /// The fewest groups with no gap above `tolerance`.
    ///
    /// The report that ends first needs a group. Reports that can share it begin at most `tolerance` after that end.
    /// From each source the sweep takes the one of those that ends first: any other can be matched later with
    /// whatever this one can be matched with.
    fn sweep(&self, tolerance: i128) -> Groups {
        let mut begun = self.by_earliest.iter().copied().peekable();
        let mut waiting: Vec<BinaryHeap<Reverse<usize>>> = vec![BinaryHeap::new(); self.sources];
        // sources with a report that waits
        let mut sources: Vec<usize> = Vec::with_capacity(self.sources);
        let mut groups = Groups { of: vec![usize::MAX; self.reports.len()], gaps: Vec::new() };

        for (at, first) in self.reports.iter().enumerate() {
            if groups.of[at] != usize::MAX {
                continue;
            }
            while let Some(at) = begun.next_if(|at| self.reports[*at].earliest - first.latest <= tolerance) {
                let source = self.reports[at].source;
                if waiting[source].is_empty() {
                    sources.push(source);
                }
                waiting[source].push(Reverse(at));
            }
            let mut gap = 0;
            sources.retain(|source| {
                if let Some(Reverse(at)) = waiting[*source].pop() {
                    groups.of[at] = groups.gaps.len();
                    gap = gap.max(self.reports[at].earliest - first.latest);
                }
                !waiting[*source].is_empty()
            });
            groups.gaps.push(gap);
        }
        groups
    }

    /// Applies rule 2 to groups that are as few as they can be.
    fn refine(&self, all: &[Report], groups: Groups, rounds: usize, found: &mut Vec<Vec<usize>>) {
        let settled = groups.len() == 1 || groups.len() == self.reports.len();
        let groups = if settled { groups } else { self.closest(groups) };
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); groups.len()];
        for (place, group) in self.places.iter().zip(&groups.of) {
            members[*group].push(*place);
        }
        let widest = groups.widest();
        if settled || widest == 0 || rounds == 0 {
            found.append(&mut members);
            return;
        }
        // groups that need this gap are settled; each run of others between them may need less
        let mut members = members.into_iter();
        for run in groups.gaps.chunk_by(|a, b| whole(*a) < whole(widest) && whole(*b) < whole(widest)) {
            if let [_] = run {
                found.extend(members.next());
                continue;
            }
            let mut places: Vec<usize> = members.by_ref().take(run.len()).flatten().collect();
            places.sort_unstable();
            let clump = Self::of(all, places);
            let groups = clump.sweep(run.iter().copied().max().unwrap_or(0));
            clump.refine(all, groups, rounds - 1, found);
        }
    }

    /// As many groups of the same reports across the least gap that allows it.
    fn closest(&self, groups: Groups) -> Groups {
        let overlapping = self.sweep(0);
        if overlapping.len() == groups.len() {
            return overlapping;
        }
        // more groups are needed at `low`, and no more at `high`
        let (mut low, mut high) = (0, whole(groups.widest()));
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let tried = self.sweep(middle * RESOLUTION);
            if tried.len() == groups.len() {
                high = whole(tried.widest());
            } else {
                low = middle;
            }
        }
        self.sweep(high * RESOLUTION)
    }
}

/// A gap in whole units of the resolution, rounded up.
fn whole(gap: i128) -> i128 {
    (gap + RESOLUTION - 1) / RESOLUTION
}

#[cfg(test)]
mod tests;
