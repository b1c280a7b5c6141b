//! Links: numbers of different systems that stand in one deal.
use std::collections::{BTreeMap, BTreeSet};

use super::{Deal, Number, Review, Truth, pairs, share};

/// Pairs of numbers of different kinds. Only numbers whose deal the truth knows are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Pairs that stand in one deal of the suite.
    pub made: u64,
    /// Of them, those that are true.
    pub made_true: u64,
    /// True pairs whose two numbers both occur in the rooftop's files, or in deals where these are not at hand.
    pub all_true: u64,
    /// Of them, those that stand in two deals, while an open review item names both deals.
    pub in_review: u64,
}

impl Links {
    pub fn of(truth: &Truth, deals: &[Deal], reviews: &[Review]) -> Self {
        let mut places: BTreeMap<&Number, Vec<&Deal>> = BTreeMap::new();
        let mut made = BTreeSet::new();
        for deal in deals {
            let known: BTreeSet<&Number> = deal.numbers.iter().filter(|number| truth.knows(number)).collect();
            made.extend(pairs(&known));
            known.into_iter().for_each(|number| places.entry(number).or_default().push(deal));
        }
        let mut links = Self { made: made.len() as u64, ..Self::default() };
        for pair @ (one, other) in truth.pairs() {
            let (ones, others) = (places.get(one), places.get(other));
            if !truth.occurs(one, ones.is_some()) || !truth.occurs(other, others.is_some()) {
                continue;
            }
            links.all_true += 1;
            let (Some(ones), Some(others)) = (ones, others) else { continue };
            if made.contains(&pair) {
                links.made_true += 1;
            } else if reviews.iter().any(|review| names_any(review, ones) && names_any(review, others)) {
                links.in_review += 1;
            }
        }
        links
    }

    pub fn add(&mut self, other: &Self) {
        self.made += other.made;
        self.made_true += other.made_true;
        self.all_true += other.all_true;
        self.in_review += other.in_review;
    }

    /// Of the links made, the share that is true.
    pub fn precision(&self) -> Option<f64> {
        share(self.made_true, self.made)
    }

    /// Of the true links that could be made, the share that was.
    pub fn recall(&self) -> Option<f64> {
        share(self.made_true, self.all_true)
    }

    /// The same, with those that wait for a person's judgement.
    pub fn recall_with_review(&self) -> Option<f64> {
        share(self.made_true + self.in_review, self.all_true)
    }
}

fn names_any(review: &Review, deals: &[&Deal]) -> bool {
    deals.iter().any(|deal| names(review, deal))
}

/// Whether a review item is about a deal, or says its id or one of its numbers.
fn names(review: &Review, deal: &Deal) -> bool {
    let values = deal.numbers.iter().map(|number| number.value.as_str());
    deal.ids.contains(&review.deal)
        || deal.ids.iter().map(String::as_str).chain(values).any(|value| says(&review.text, value))
}

/// Whether a text holds a value as a word of its own, not as a part of a longer one.
fn says(text: &str, value: &str) -> bool {
    let ends_word = |next: Option<char>| !next.is_some_and(char::is_alphanumeric);
    !value.is_empty()
        && text.match_indices(value).any(|(at, _)| {
            ends_word(text[..at].chars().next_back()) && ends_word(text[at + value.len()..].chars().next())
        })
}

#[cfg(test)]
mod tests {
    use super::{super::Kind, *};

    fn numbers(of: &[(Kind, &str)]) -> BTreeSet<Number> {
        of.iter().map(|(kind, value)| Number::new(*kind, value)).collect()
    }

    fn deal(id: &str, of: &[(Kind, &str)]) -> Deal {
        Deal { ids: [id.to_owned()].into(), numbers: numbers(of), ..Deal::default() }
    }

    /// Two deals, each with a visit, a DMS deal and an application.
    fn truth() -> Truth {
        let mut truth = Truth::default();
        for (deal, visit, dms, application) in [("T1", "1", "48001", "A1"), ("T2", "2", "48002", "A2")] {
            truth.link(Number::new(Kind::Visit, visit), deal);
            truth.link(Number::new(Kind::DmsDeal, dms), deal);
            truth.link(Number::new(Kind::Application, application), deal);
        }
        truth
    }

    #[test]
    fn whole_deals_are_right_and_complete() {
        let deals = [
            deal("a", &[(Kind::Visit, "1"), (Kind::DmsDeal, "48001"), (Kind::Application, "A1")]),
            deal("b", &[(Kind::Visit, "2"), (Kind::DmsDeal, "48002"), (Kind::Application, "A2")]),
        ];
        let links = Links::of(&truth(), &deals, &[]);
        assert_eq!(links, Links { made: 6, made_true: 6, all_true: 6, in_review: 0 });
        assert_eq!((links.precision(), links.recall(), links.recall_with_review()), (Some(1.0), Some(1.0), Some(1.0)));
    }

    #[test]
    fn a_false_link_costs_precision_and_a_missing_one_recall() {
        let deals = [
            deal("a", &[(Kind::Visit, "1"), (Kind::DmsDeal, "48002")]),
            deal("b", &[(Kind::DmsDeal, "48001"), (Kind::Application, "A1")]),
        ];
        let links = Links::of(&truth(), &deals, &[]);
        assert_eq!(links, Links { made: 2, made_true: 1, all_true: 3, in_review: 0 });
    }

    #[test]
    fn what_the_truth_does_not_know_or_the_suite_never_saw_is_not_judged() {
        // Visit 9 was no sale; application A1 occurs in no feed.
        let deals = [
            deal("a", &[(Kind::Visit, "1"), (Kind::DmsDeal, "48001")]),
            deal("b", &[(Kind::Visit, "9"), (Kind::DmsDeal, "x")]),
        ];
        let links = Links::of(&truth(), &deals, &[]);
        assert_eq!(links, Links { made: 1, made_true: 1, all_true: 1, in_review: 0 });
        assert_eq!(Links::of(&truth(), &[], &[]).precision(), None, "nothing was judged");
    }

    #[test]
    fn what_stands_in_the_files_and_got_into_no_deal_is_missing() {
        let mut truth = truth();
        truth.occur(["1", "48001", "A1"].map(str::to_owned));
        let deals = [deal("a", &[(Kind::Visit, "1"), (Kind::DmsDeal, "48001")])];
        assert_eq!(Links::of(&truth, &deals, &[]), Links { made: 1, made_true: 1, all_true: 3, in_review: 0 });
    }

    #[test]
    fn numbers_of_one_kind_in_one_deal_are_no_link_but_their_cross_links_are_judged() {
        let deals = [deal("a", &[(Kind::Visit, "1"), (Kind::Visit, "2"), (Kind::DmsDeal, "48001")])];
        assert_eq!(Links::of(&truth(), &deals, &[]), Links { made: 2, made_true: 1, all_true: 1, in_review: 0 });
    }

    #[test]
    fn a_true_pair_in_two_deals_counts_with_review_if_one_item_names_both() {
        let deals =
            [deal("a", &[(Kind::Visit, "1")]), deal("b", &[(Kind::DmsDeal, "48001"), (Kind::Application, "A1")])];
        let in_review = |deal: &str, text: &str| {
            let review = Review { deal: deal.to_owned(), text: text.to_owned() };
            Links::of(&truth(), &deals, &[review]).in_review
        };
        assert_eq!(in_review("a", "candidates: 48001, 48007"), 2, "the visit to the deal and to its application");
        assert_eq!(in_review("b", "visit:1 shows the same stock"), 2);
        assert_eq!(in_review("b", "may be deal a"), 2);
        assert_eq!(in_review("z", "deals 1 and 48001"), 2, "an item of a third deal that names both");
        assert_eq!(in_review("a", "candidates: 480011"), 0, "a longer number is another");
        assert_eq!(in_review("a", "nothing fits"), 0);
        assert_eq!(in_review("z", "candidates: 48001"), 0, "it names only one of the two");
    }
}
