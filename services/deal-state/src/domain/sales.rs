//! Sales of cars: what several systems tell of one car on one day is of one deal, as long as that leaves no doubt.
//!
//! A CRM knows a deal by its visit, a DMS by its deal number, and neither by the other's. Both tell of the sale: which car,
//! which day. That joins them where there is one visit and one deal of the DMS; where there are more, each stands alone
//! and names the others, for a person to say. The answer depends on the set of what was told alone.

use std::collections::{BTreeMap, BTreeSet};

use throughline_process::{Key, KeyKind};

/// A sale that is told of under more keys than this is none: whatever sends it means something else by it. `linked.sql`
/// reaches for one more than these, so that the work for an event stays bounded and a sale that becomes crowded is seen to.
pub const MOST_TELLING: usize = 32;

/// A core, as far as sales are concerned.
#[derive(Debug)]
pub struct Core<'k> {
    best: Option<&'k Key>,
    visit: bool,
    dms_deal: bool,
    /// Under how many keys it tells of each sale.
    sales: BTreeMap<&'k str, usize>,
}

impl<'k> Core<'k> {
    /// Of the keys that hang together.
    pub fn of(keys: impl Iterator<Item = &'k Key>) -> Self {
        let mut core = Self { best: None, visit: false, dms_deal: false, sales: BTreeMap::new() };
        for key in keys {
            core.visit |= key.kind == KeyKind::Visit;
            core.dms_deal |= key.kind == KeyKind::DmsDeal;
            if key.kind == KeyKind::Sale {
                *core.sales.entry(&key.value).or_default() += 1;
            }
            core.best = Some(core.best.map_or(key, |best| best.min(key)));
        }
        core
    }

    /// The sales that it tells of.
    pub fn sales(&self) -> impl Iterator<Item = &'k str> + '_ {
        self.sales.keys().copied()
    }

    /// The key that names it best.
    pub fn best(&self) -> Option<&'k Key> {
        self.best
    }
}

/// What people decided, as pairs of cores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    pub links: Vec<(usize, usize)>,
    pub splits: Vec<(usize, usize)>,
}

/// Which cores are one deal.
#[derive(Debug, PartialEq, Eq)]
pub struct Grouping {
    /// For each core the first core of its group.
    pub group_of: Vec<usize>,
    /// For each core those of which nobody can say whether they are of the same deal.
    pub rivals: Vec<BTreeSet<usize>>,
}

/// Groups cores by what people decided, and then by the sales that they tell of.
pub fn group(cores: &[Core<'_>], decided: &Decided) -> Grouping {
    let units = Units::of(cores, decided);
    let mut group_of = units.of.clone();
    let mut rivals = vec![BTreeSet::new(); cores.len()];
    for together in sales(cores) {
        for part in units.parts(&together) {
            if units.are_one_deal(&part) {
                unite(&mut group_of, &part);
            } else {
                set_against(&mut rivals, &part);
            }
        }
    }
    // What is beyond doubt sale by sale may still come to two visits or two deals of the DMS by way of a third.
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (place, group) in group_of.iter().enumerate() {
        members.entry(*group).or_default().push(place);
    }
    for together in members.values().filter(|together| !units.are_one_deal(together)) {
        for place in together {
            group_of[*place] = units.of[*place];
        }
        set_against(&mut rivals, together);
    }
    // What one sale leaves in doubt another may have settled, or a person.
    for (place, against) in rivals.iter_mut().enumerate() {
        against.retain(|rival| group_of[*rival] != group_of[place] && !units.are_split(*rival, place));
    }
    Grouping { group_of, rivals }
}

/// The cores that tell of each sale, crowded sales left out.
fn sales(cores: &[Core<'_>]) -> Vec<Vec<usize>> {
    let mut of_sale: BTreeMap<&str, (usize, Vec<usize>)> = BTreeMap::new();
    for (place, core) in cores.iter().enumerate() {
        for (sale, keys) in &core.sales {
            let (telling, together) = of_sale.entry(sale).or_default();
            *telling += keys;
            together.push(place);
        }
    }
    of_sale.into_values().filter(|(telling, _)| *telling <= MOST_TELLING).map(|(_, together)| together).collect()
}

/// Cores that people linked are one, whatever numbers they have; and what people said is not one never is.
struct Units {
    /// For each core the first core of its unit.
    of: Vec<usize>,
    visit: Vec<bool>,
    dms_deal: Vec<bool>,
    /// Pairs of units, either way round.
    splits: BTreeSet<(usize, usize)>,
}

impl Units {
    fn of(cores: &[Core<'_>], decided: &Decided) -> Self {
        let mut of: Vec<usize> = (0..cores.len()).collect();
        for (one, other) in &decided.links {
            unite(&mut of, &[*one, *other]);
        }
        let (mut visit, mut dms_deal) = (vec![false; cores.len()], vec![false; cores.len()]);
        for (place, core) in cores.iter().enumerate() {
            visit[of[place]] |= core.visit;
            dms_deal[of[place]] |= core.dms_deal;
        }
        let pairs = decided.splits.iter().map(|(one, other)| (of[*one], of[*other]));
        let splits = pairs.flat_map(|(one, other)| [(one, other), (other, one)]).collect();
        Self { of, visit, dms_deal, splits }
    }

    fn are_split(&self, one: usize, other: usize) -> bool {
        self.splits.contains(&(self.of[one], self.of[other]))
    }

    /// Nothing speaks against it that these cores are one deal.
    fn are_one_deal(&self, together: &[usize]) -> bool {
        let units: BTreeSet<usize> = together.iter().map(|place| self.of[*place]).collect();
        let visits = units.iter().filter(|unit| self.visit[**unit]).count();
        let dms_deals = units.iter().filter(|unit| self.dms_deal[**unit]).count();
        let split =
            !self.splits.is_empty() && units.iter().any(|one| units.iter().any(|other| self.are_split(*one, *other)));
        visits <= 1 && dms_deals <= 1 && !split
    }

    /// The cores that tell of one sale, in the parts that may each be a deal: all of them, unless a person decided
    /// something about two of them. Then those part that cannot be one deal, and there is nothing left to ask about them.
    fn parts(&self, together: &[usize]) -> Vec<Vec<usize>> {
        let linked =
            together.iter().any(|one| together.iter().any(|other| one != other && self.of[*one] == self.of[*other]));
        let split = together.iter().any(|one| together.iter().any(|other| self.are_split(*one, *other)));
        if !linked && !split {
            return vec![together.to_vec()];
        }
        let mut part_of: Vec<usize> = (0..together.len()).collect();
        for one in 0..together.len() {
            for other in 0..one {
                if self.are_one_deal(&[together[one], together[other]]) {
                    unite(&mut part_of, &[one, other]);
                }
            }
        }
        let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, part) in part_of.into_iter().enumerate() {
            parts.entry(part).or_default().push(together[place]);
        }
        parts.into_values().collect()
    }
}

fn unite(group_of: &mut [usize], together: &[usize]) {
    let groups: BTreeSet<usize> = together.iter().map(|place| group_of[*place]).collect();
    if let Some(first) = groups.first() {
        group_of.iter_mut().filter(|group| groups.contains(group)).for_each(|group| *group = *first);
    }
}

fn set_against(rivals: &mut [BTreeSet<usize>], together: &[usize]) {
    for place in together {
        rivals[*place].extend(together.iter().filter(|other| *other != place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: KeyKind, value: &str) -> Key {
        Key { kind, scope: String::new(), value: value.to_owned() }
    }

    fn grouped(cores: &[Vec<Key>]) -> Grouping {
        decided(cores, &[], &[])
    }

    fn decided(cores: &[Vec<Key>], links: &[(usize, usize)], splits: &[(usize, usize)]) -> Grouping {
        let cores: Vec<Core<'_>> = cores.iter().map(|keys| Core::of(keys.iter())).collect();
        group(&cores, &Decided { links: links.to_vec(), splits: splits.to_vec() })
    }

    /// Two visits and a deal of the DMS tell of one sale.
    fn in_doubt() -> Vec<Vec<Key>> {
        use KeyKind::{DmsDeal, Sale, Visit};
        vec![
            vec![key(Visit, "1"), key(Sale, "N1/d")],
            vec![key(Visit, "2"), key(Sale, "N1/d")],
            vec![key(DmsDeal, "7"), key(Sale, "N1/d")],
        ]
    }

    #[test]
    fn what_a_person_links_is_one_deal_and_leaves_nothing_to_ask() {
        let told = decided(&in_doubt(), &[(2, 1)], &[]);
        assert_eq!(told.group_of, [0, 1, 1]);
        assert!(told.rivals.iter().all(BTreeSet::is_empty), "{told:?}");
        let told = decided(&in_doubt(), &[(0, 1)], &[]);
        assert_eq!(told.group_of, [0, 0, 0]);
    }

    #[test]
    fn what_a_person_splits_is_two_deals_and_leaves_the_other_candidate() {
        let told = decided(&in_doubt(), &[], &[(0, 2)]);
        assert_eq!(told.group_of, [0, 1, 1]);
        assert!(told.rivals.iter().all(BTreeSet::is_empty), "{told:?}");
        let told = decided(&in_doubt(), &[], &[(0, 2), (2, 1)]);
        assert_eq!(told.group_of, [0, 1, 2]);
        assert!(told.rivals.iter().all(BTreeSet::is_empty), "{told:?}");
    }

    #[test]
    fn a_split_holds_by_way_of_a_third() {
        use KeyKind::{Application, DmsDeal, Sale, Visit};
        let cores = [
            vec![key(Visit, "1"), key(Sale, "V1/d")],
            vec![key(Application, "A"), key(Sale, "V1/d"), key(Sale, "V2/d")],
            vec![key(DmsDeal, "7"), key(Sale, "V2/d")],
        ];
        assert_eq!(grouped(&cores).group_of, [0, 0, 0]);
        let told = decided(&cores, &[], &[(0, 2)]);
        assert_eq!(told.group_of, [0, 1, 2]);
        assert_eq!(told.rivals, [BTreeSet::from([1]), BTreeSet::from([0, 2]), BTreeSet::from([1])]);
    }

    #[test]
    fn one_visit_and_one_deal_of_a_sale_are_one_deal() {
        use KeyKind::{Application, DmsDeal, Sale, Visit};
        let told = grouped(&[
            vec![key(Visit, "1"), key(Sale, "N1/d")],
            vec![key(DmsDeal, "7"), key(Sale, "N1/d"), key(Sale, "V1/d")],
            vec![key(Application, "A"), key(Sale, "V1/d")],
            vec![key(Visit, "2"), key(Sale, "N2/d")],
        ]);
        assert_eq!(told.group_of, [0, 0, 0, 3]);
        assert!(told.rivals.iter().all(BTreeSet::is_empty));
    }

    #[test]
    fn what_is_in_doubt_stands_alone_and_names_the_others() {
        use KeyKind::{Application, DmsDeal, Sale, Visit};
        let told = grouped(&[
            vec![key(Visit, "1"), key(Sale, "N1/d")],
            vec![key(Visit, "2"), key(Sale, "N1/d")],
            vec![key(DmsDeal, "7"), key(Sale, "N1/d"), key(Sale, "V1/d")],
            vec![key(Application, "A"), key(Sale, "V1/d")],
        ]);
        assert_eq!(told.group_of, [0, 1, 2, 2]);
        assert_eq!(told.rivals[2], BTreeSet::from([0, 1]));
        assert!(told.rivals[3].is_empty());
    }

    #[test]
    fn no_deal_is_its_own_rival() {
        use KeyKind::{DmsDeal, Sale, Visit};
        let told = grouped(&[
            vec![key(Visit, "1"), key(Sale, "N1/d"), key(Sale, "V1/d")],
            vec![key(DmsDeal, "7"), key(Sale, "N1/d"), key(Sale, "V1/d")],
            vec![key(Visit, "2"), key(Sale, "N1/d")],
        ]);
        assert_eq!(told.group_of, [0, 0, 2]);
        assert_eq!(told.rivals, [BTreeSet::from([2]), BTreeSet::from([2]), BTreeSet::from([0, 1])]);
    }

    #[test]
    fn a_crowded_sale_is_none() {
        use KeyKind::{DmsDeal, Sale, Visit};
        let with = |others: usize| {
            let mut cores = vec![vec![key(Visit, "1"), key(Sale, "N1/d")], vec![key(DmsDeal, "7"), key(Sale, "N1/d")]];
            cores.extend((0..others).map(|other| vec![key(KeyKind::Subject, &other.to_string()), key(Sale, "N1/d")]));
            let told = grouped(&cores);
            (told.group_of[1] == 0, told.rivals.iter().all(BTreeSet::is_empty))
        };
        assert_eq!(with(MOST_TELLING - 2), (true, true));
        assert_eq!(with(MOST_TELLING - 1), (false, true));
    }

    #[test]
    fn doubt_that_comes_by_way_of_a_third_is_doubt() {
        use KeyKind::{Application, DmsDeal, Sale};
        let told = grouped(&[
            vec![key(DmsDeal, "7"), key(Sale, "V1/d")],
            vec![key(Application, "A"), key(Sale, "V1/d"), key(Sale, "V2/d")],
            vec![key(DmsDeal, "8"), key(Sale, "V2/d")],
        ]);
        assert_eq!(told.group_of, [0, 1, 2]);
        assert_eq!(told.rivals[0], BTreeSet::from([1, 2]));
    }
}
