//! Why the numbers of a deal are of one deal: each beside the number by which its source calls the deal, with the rule
//! that joined them and what it rests on.

use std::collections::BTreeMap;

use throughline_process::Key;

use super::{
    capacity::Input,
    mention,
    partition::{By, Joined, TRADE},
};

/// Why two numbers are of one deal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub one: Key,
    pub other: Key,
    pub rule: Rule,
    /// What it rests on.
    pub reason: String,
}

/// What joined them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// One event carries both.
    SameEvent,
    /// Both tell of the sale of one car on one day.
    SameSale,
    /// One took the trade of which the other tells.
    SameTrade,
    /// A person said so, by the decision of that id.
    Person(String),
}

/// The links of a deal, from its events and what holds its cores together. The earliest event that says so is named.
pub fn of(joined: &Joined, inputs: &[Input]) -> Vec<Link> {
    let mut said: BTreeMap<(Key, Key), &Input> = BTreeMap::new();
    for input in inputs {
        let numbers = mention::numbers(&input.event);
        let Some((anchor, others)) = numbers.split_first() else { continue };
        // What a person split from this deal is no number of it.
        for other in others.iter().filter(|other| joined.keys.values().any(|key| key == *other)) {
            let pair = (anchor.min(other).clone(), anchor.max(other).clone());
            said.entry(pair).and_modify(|known| *known = earlier(known, input)).or_insert(input);
        }
    }
    let mut links: Vec<Link> = said
        .into_iter()
        .map(|((one, other), input)| {
            let reason = format!("event {} of {}", input.event.id, input.event.source);
            Link { one, other, rule: Rule::SameEvent, reason }
        })
        .collect();
    for tie in &joined.ties {
        let (rule, reason) = match &tie.by {
            By::Sale(told) => match told.strip_prefix(TRADE) {
                Some(trade) => (Rule::SameTrade, trade.to_owned()),
                None => (Rule::SameSale, told.clone()),
            },
            By::Person(id) => (Rule::Person(id.clone()), given(id, inputs)),
        };
        links.push(Link { one: tie.one.clone(), other: tie.other.clone(), rule, reason });
    }
    links
}

fn earlier<'i>(one: &'i Input, other: &'i Input) -> &'i Input {
    let order =
        |input: &&Input| (input.event.time.latest, input.event.source.clone(), input.event.id.clone(), input.id);
    if order(&one) <= order(&other) { one } else { other }
}

/// The reason that a person gave.
fn given(id: &str, inputs: &[Input]) -> String {
    let event = inputs.iter().map(|input| &input.event).find(|event| event.id == id);
    event.and_then(|event| event.data.get("reason")).cloned().unwrap_or_default()
}
