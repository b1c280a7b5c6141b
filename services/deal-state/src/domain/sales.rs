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

    /// The key that names it best.
    pub fn best(&self) -> Option<&'k Key> {
        self.best
    }
}

/// Which cores are one deal.
#[derive(Debug, PartialEq, Eq)]
pub struct Grouping {
    /// For each core the first core of its group.
    pub group_of: Vec<usize>,
    /// For each core the first of those that tell of a sale with it, directly or by way of others: what one of them does may
    /// change any of them.
    pub family_of: Vec<usize>,
    /// For each core those of which nobody can say whether they are of the same deal.
    pub rivals: Vec<BTreeSet<usize>>,
}

/// Groups cores by the sales that they tell of.
pub fn group(cores: &[Core<'_>]) -> Grouping {
    let mut of_sale: BTreeMap<&str, (usize, Vec<usize>)> = BTreeMap::new();
    for (place, core) in cores.iter().enumerate() {
        for (sale, keys) in &core.sales {
            let (telling, together) = of_sale.entry(sale).or_default();
            *telling += keys;
            together.push(place);
        }
    }
    let mut family_of: Vec<usize> = (0..cores.len()).collect();
    for (_, together) in of_sale.values() {
        unite(&mut family_of, together);
    }
    of_sale.retain(|_, (telling, _)| *telling <= MOST_TELLING);
    let mut group_of: Vec<usize> = (0..cores.len()).collect();
    let mut rivals = vec![BTreeSet::new(); cores.len()];
    for (_, together) in of_sale.values() {
        if is_one_deal(cores, together) {
            unite(&mut group_of, together);
        } else {
            set_against(&mut rivals, together);
        }
    }
    // What is beyond doubt sale by sale may still come to two visits or two deals of the DMS by way of a third.
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (place, group) in group_of.iter().enumerate() {
        members.entry(*group).or_default().push(place);
    }
    for together in members.values().filter(|together| !is_one_deal(cores, together)) {
        for place in together {
            group_of[*place] = *place;
        }
        set_against(&mut rivals, together);
    }
    // What one sale leaves in doubt another may have settled.
    for (place, against) in rivals.iter_mut().enumerate() {
        against.retain(|rival| group_of[*rival] != group_of[place]);
    }
    Grouping { group_of, family_of, rivals }
}

fn is_one_deal(cores: &[Core<'_>], together: &[usize]) -> bool {
    let visits = together.iter().filter(|place| cores[**place].visit).count();
    let dms_deals = together.iter().filter(|place| cores[**place].dms_deal).count();
    visits <= 1 && dms_deals <= 1
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
        let cores: Vec<Core<'_>> = cores.iter().map(|keys| Core::of(keys.iter())).collect();
        group(&cores)
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
