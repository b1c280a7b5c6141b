//! What becomes of the rows of a deal when its log tells of it again.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Versioned;

/// A deal of a part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DealKey {
    pub group: String,
    pub rooftop: String,
    pub deal: String,
}

/// How a deal stands as a whole; numbered as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    InProgress = 1,
    Agreed = 2,
    Delivered = 3,
    Funded = 4,
    Lost = 5,
    Unwound = 6,
}

/// A deal as it stood at a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal {
    pub revision: u64,
    /// Its subject key, or its best key.
    pub subject: String,
    pub state: State,
    pub opened_at: Option<Timestamp>,
    /// Times that something had to be done again.
    pub rework: u32,
    pub intervals: Vec<Versioned>,
}

/// What the log says of a deal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    Stands(Deal),
    /// It no longer stands under this id.
    Retracted {
        revision: u64,
    },
}

impl News {
    pub fn revision(&self) -> u64 {
        match self {
            Self::Stands(deal) => deal.revision,
            Self::Retracted { revision } => *revision,
        }
    }

    pub fn intervals(&self) -> &[Versioned] {
        match self {
            Self::Stands(deal) => &deal.intervals,
            Self::Retracted { .. } => &[],
        }
    }
}

/// What is kept of a deal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    pub revision: u64,
    /// IDs of its intervals.
    pub intervals: BTreeSet<String>,
}

/// Which rows to write and which to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement<'a> {
    pub put: Vec<&'a Versioned>,
    /// IDs.
    pub remove: Vec<String>,
}

/// Replaces what is kept by news that are newer; `None` if they are not.
///
/// An interval that did not change keeps its revision, so what is kept already is not written again.
pub fn replace<'a>(kept: Option<&Kept>, news: &'a News) -> Option<Replacement<'a>> {
    let nothing = Kept::default();
    if kept.is_some_and(|kept| kept.revision >= news.revision()) {
        return None;
    }
    let kept = kept.unwrap_or(&nothing);
    let changed = |of: &&Versioned| of.revision > kept.revision || !kept.intervals.contains(&of.interval.id);
    let now: BTreeSet<&String> = news.intervals().iter().map(|of| &of.interval.id).collect();
    Some(Replacement {
        put: news.intervals().iter().filter(changed).collect(),
        remove: kept.intervals.iter().filter(|id| !now.contains(id)).cloned().collect(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::{collection::vec, option, prelude::*};
    use throughline_process::{Bound, Interval, IntervalKind, IntervalState};

    use super::*;

    /// The rows of one deal.
    #[derive(Debug, Default, PartialEq)]
    struct Rows {
        kept: Option<Kept>,
        intervals: BTreeMap<String, Versioned>,
    }

    impl Rows {
        fn apply(&mut self, news: &News) {
            let Some(replacement) = replace(self.kept.as_ref(), news) else { return };
            for id in &replacement.remove {
                assert!(self.intervals.remove(id).is_some(), "only what is there is removed");
            }
            for put in replacement.put {
                self.intervals.insert(put.interval.id.clone(), put.clone());
            }
            let intervals = news.intervals().iter().map(|of| of.interval.id.clone()).collect();
            self.kept = Some(Kept { revision: news.revision(), intervals });
        }

        fn content(&self) -> Vec<Versioned> {
            self.intervals.values().cloned().collect()
        }
    }

    /// A deal's life: at each revision some of five intervals with a content each, or a retraction; numbered as the
    /// owner of the log does it.
    fn life() -> impl Strategy<Value = Vec<News>> {
        vec(option::weighted(0.8, vec(option::of(0_i64..3), 5)), 1..12).prop_map(|states| {
            let mut before: BTreeMap<String, Versioned> = BTreeMap::new();
            let mut told = Vec::new();
            for (index, state) in states.into_iter().enumerate() {
                let revision = index as u64 + 1;
                let Some(contents) = state else {
                    before.clear();
                    told.push(News::Retracted { revision });
                    continue;
                };
                let now = contents.into_iter().enumerate().filter_map(|(id, content)| {
                    let mut next = interval(id, content?, revision);
                    if let Some(same) = before.get(&next.interval.id).filter(|was| was.interval == next.interval) {
                        next.revision = same.revision;
                    }
                    Some(next)
                });
                let intervals: Vec<Versioned> = now.collect();
                before = intervals.iter().map(|of| (of.interval.id.clone(), of.clone())).collect();
                told.push(News::Stands(deal(revision, intervals)));
            }
            told
        })
    }

    fn interval(id: usize, content: i64, revision: u64) -> Versioned {
        let at = Timestamp::from_second(content).expect("a small number");
        let interval = Interval {
            id: format!("stage.{id}.0"),
            kind: IntervalKind::Stage,
            name: id.to_string(),
            track: None,
            owner_department: "desk".to_owned(),
            offered_by_department: None,
            instance: None,
            round: 0,
            actor: None,
            start: Bound::exact(at),
            end: None,
            state: IntervalState::Open,
            closed_by: None,
            cut: None,
            end_observed: true,
            founded_by: Vec::new(),
        };
        Versioned { interval, revision }
    }

    fn deal(revision: u64, intervals: Vec<Versioned>) -> Deal {
        Deal { revision, subject: "D1".to_owned(), state: State::InProgress, opened_at: None, rework: 0, intervals }
    }

    proptest! {
        #[test]
        fn any_order_with_any_repetition_ends_as_the_last_revision(
            (told, order) in life().prop_flat_map(|told| {
                let all: Vec<usize> = (0..told.len()).collect();
                let again = vec(0..told.len(), 0..8);
                (Just(told), again.prop_map(move |again| [all.clone(), again].concat()).prop_shuffle())
            })
        ) {
            let mut rows = Rows::default();
            for index in order {
                rows.apply(&told[index]);
            }
            let last = told.last().expect("at least one");
            let mut expected = last.intervals().to_vec();
            expected.sort_by(|a, b| a.interval.id.cmp(&b.interval.id));
            prop_assert_eq!(rows.content(), expected);
            prop_assert_eq!(rows.kept.map(|kept| kept.revision), Some(last.revision()));
        }

        #[test]
        fn the_same_news_again_change_nothing(told in life()) {
            let mut rows = Rows::default();
            for news in &told {
                rows.apply(news);
                prop_assert_eq!(replace(rows.kept.as_ref(), news), None);
            }
        }

        #[test]
        fn what_did_not_change_is_not_written_again(told in life()) {
            let mut rows = Rows::default();
            for news in &told {
                let before = rows.intervals.clone();
                if let Some(replacement) = replace(rows.kept.as_ref(), news) {
                    for put in replacement.put {
                        prop_assert_ne!(before.get(&put.interval.id), Some(put));
                    }
                }
                rows.apply(news);
            }
        }
    }
}
