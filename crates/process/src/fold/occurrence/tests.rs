use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};

use super::*;

/// Reports as (earliest, width, source), in seconds, in the order that matching wants.
fn reports(given: &[(i128, i128, usize)]) -> Vec<Report> {
    let report = |&(earliest, width, source): &(i128, i128, usize)| Report {
        earliest: earliest * RESOLUTION,
        latest: (earliest + width) * RESOLUTION,
        source,
    };
    let mut reports: Vec<Report> = given.iter().map(report).collect();
    reports.sort_by_key(|report| (report.latest, report.source));
    reports
}

/// Groups within a skew in seconds.
fn groups(reports: &[Report], skew: i128) -> BTreeSet<Vec<usize>> {
    occurrences(reports, skew * RESOLUTION).into_iter().collect()
}

/// Widest gap between two members of a group.
fn gap(reports: &[Report], group: &[usize]) -> i128 {
    let earliest = group.iter().map(|at| reports[*at].earliest).max().unwrap();
    let latest = group.iter().map(|at| reports[*at].latest).min().unwrap();
    (earliest - latest).max(0)
}

/// The fewest groups and the least widest gap of so few, by trying every way to group the reports.
fn best(reports: &[Report], skew: i128) -> (usize, i128) {
    fn place(reports: &[Report], skew: i128, at: usize, groups: &mut Vec<Vec<usize>>, best: &mut (usize, i128)) {
        if at == reports.len() {
            let widest = groups.iter().map(|group| gap(reports, group)).max().unwrap_or(0);
            *best = (*best).min((groups.len(), widest));
            return;
        }
        for group in 0..groups.len() {
            groups[group].push(at);
            let members = &groups[group];
            let another = members.iter().filter(|other| reports[**other].source == reports[at].source).count() == 1;
            if another && gap(reports, members) <= skew {
                place(reports, skew, at + 1, groups, best);
            }
            groups[group].pop();
        }
        groups.push(vec![at]);
        place(reports, skew, at + 1, groups, best);
        groups.pop();
    }
    let mut best = (usize::MAX, i128::MAX);
    place(reports, skew, 0, &mut Vec::new(), &mut best);
    best
}

fn given(count: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<Report>> {
    let width = prop_oneof![3 => Just(0), 2 => 0..8i128, 1 => 0..40i128];
    vec((0..40i128, width, 0..4usize), count).prop_map(|given| reports(&given))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn groups_are_as_few_and_as_close_as_any_grouping_allows(reports in given(0..8), skew in 0..12i128) {
        let found = groups(&reports, skew);
        let widest = found.iter().map(|group| gap(&reports, group)).max().unwrap_or(0);
        prop_assert_eq!((found.len(), widest), match reports.len() { 0 => (0, 0), _ => best(&reports, skew * RESOLUTION) });
    }

    #[test]
    fn groups_hold_each_report_once_one_of_each_source_and_in_order(reports in given(0..60), skew in 0..12i128) {
        let found = groups(&reports, skew);
        let mut held: Vec<usize> = found.iter().flatten().copied().collect();
        held.sort_unstable();
        prop_assert_eq!(held, (0..reports.len()).collect::<Vec<_>>());
        for group in &found {
            let sources: BTreeSet<usize> = group.iter().map(|at| reports[*at].source).collect();
            prop_assert_eq!(sources.len(), group.len());
            prop_assert!(gap(&reports, group) <= skew * RESOLUTION);
        }
        // whether some source says that the first group was over before the second began
        let before = |first: &[usize], second: &[usize]| {
            let over = |a: &Report, b: &Report| a.source == b.source && a.latest < b.earliest;
            first.iter().any(|a| second.iter().any(|b| over(&reports[*a], &reports[*b])))
        };
        for first in &found {
            for second in &found {
                prop_assert!(!(before(first, second) && before(second, first)), "{first:?} and {second:?} cross");
            }
        }
    }

    #[test]
    fn groups_do_not_depend_on_what_sources_are_called(
        given in vec((0..40i128, prop_oneof![Just(0), 0..20i128], 0..4usize), 0..40),
        skew in 0..12i128,
        names in Just([0usize, 1, 2, 3]).prop_shuffle(),
    ) {
        // a report is told by its source and its place among that source's
        let named = |names: [usize; 4]| -> BTreeSet<BTreeSet<(usize, usize)>> {
            let renamed: Vec<_> = given.iter().map(|(earliest, width, source)| (*earliest, *width, names[*source])).collect();
            let reports = reports(&renamed);
            let name = |at: usize| {
                let source = reports[at].source;
                let place = reports[..at].iter().filter(|other| other.source == source).count();
                (names.iter().position(|name| *name == source).unwrap(), place)
            };
            groups(&reports, skew).into_iter().map(|group| group.into_iter().map(name).collect()).collect()
        };
        prop_assert_eq!(named([0, 1, 2, 3]), named(names));
    }

    #[test]
    fn groups_are_the_truth_where_occurrences_are_far_enough_apart(
        truth in vec((1..20i128, vec((any::<bool>(), 0..=12i128, 0..=1i128), 4)), 0..12),
        widths in [0..30i128, 0..30i128, 0..30i128, 0..30i128],
    ) {
        let skew = 12;
        let mut widest = widths;
        widest.sort_unstable();
        let (mut time, mut given) = (0, Vec::new());
        for (occurrence, (more, shown)) in truth.iter().enumerate() {
            time += 2 * skew + widest[3] + widest[2] + more;
            for (source, (_, ahead, late)) in shown.iter().enumerate().filter(|(_, (reported, ..))| *reported) {
                given.push(((time + ahead - late * widths[source], widths[source], source), occurrence));
            }
        }
        given.sort_by_key(|((earliest, width, source), _)| (earliest + width, *source));
        let reports = reports(&given.iter().map(|(report, _)| *report).collect::<Vec<_>>());
        let of = |occurrence: usize| -> Vec<usize> {
            (0..given.len()).filter(|at| given[*at].1 == occurrence).collect()
        };
        let truth: BTreeSet<Vec<usize>> = (0..truth.len()).map(of).filter(|group| !group.is_empty()).collect();
        prop_assert_eq!(groups(&reports, skew), truth);
    }
}

#[test]
fn a_wide_report_does_not_loosen_what_it_links() {
    // (0, 100) of source 0 and 100 of source 1, beside a pair that needs a gap of 110 and a report over all of them
    let reports = reports(&[(0, 0, 0), (100, 0, 0), (100, 0, 1), (5000, 0, 0), (5110, 0, 1), (0, 9000, 2)]);
    let times = |group: Vec<usize>| group.into_iter().map(|at| reports[at].earliest / RESOLUTION).collect::<Vec<_>>();
    let found: BTreeSet<Vec<i128>> = groups(&reports, 120).into_iter().map(times).collect();
    assert_eq!(found, BTreeSet::from([vec![0, 0], vec![100, 100], vec![5000, 5110]]));
}
