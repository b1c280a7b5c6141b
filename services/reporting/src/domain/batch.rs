//! Entries of one part, reduced to what is left of them when all are applied.

use std::collections::{BTreeMap, btree_map::Entry};

use super::{DealKey, News};

/// When a rooftop's days begin and when it is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rooftop {
    /// IANA name.
    pub zone: String,
    /// As they are kept: encoded.
    pub calendars: Vec<u8>,
}

/// The newest of each deal, and what was last said of each rooftop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// By (group, rooftop).
    pub rooftops: BTreeMap<(String, String), Rooftop>,
    pub deals: BTreeMap<DealKey, News>,
}

impl Batch {
    /// Takes in what the log says of a rooftop.
    pub fn rooftop(&mut self, group: String, rooftop: String, told: Rooftop) {
        self.rooftops.insert((group, rooftop), told);
    }

    /// Takes in what the log says of a deal; only the highest revision is of interest.
    pub fn deal(&mut self, key: DealKey, news: News) {
        match self.deals.entry(key) {
            Entry::Vacant(place) => {
                place.insert(news);
            }
            Entry::Occupied(mut place) if place.get().revision() < news.revision() => {
                place.insert(news);
            }
            Entry::Occupied(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_highest_revision_of_a_deal_is_left() {
        let key = DealKey { group: "g".to_owned(), rooftop: "r".to_owned(), deal: "d".to_owned() };
        let mut batch = Batch::default();
        for revision in [2, 5, 3] {
            batch.deal(key.clone(), News::Retracted { revision });
        }
        assert_eq!(batch.deals[&key].revision(), 5);
    }

    #[test]
    fn the_last_zone_of_a_rooftop_holds() {
        let mut batch = Batch::default();
        for zone in ["UTC", "America/New_York"] {
            let told = Rooftop { zone: zone.to_owned(), ..Rooftop::default() };
            batch.rooftop("g".to_owned(), "r".to_owned(), told);
        }
        let zones: Vec<_> = batch.rooftops.values().map(|rooftop| rooftop.zone.as_str()).collect();
        assert_eq!(zones, ["America/New_York"]);
    }
}
