//! The scores of a record. Pure: deals, reviews and the truth go in, counts come out.
mod links;
mod steps;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

pub use links::Links;
pub use steps::Steps;

/// A kind of number by which people know a deal, the best first; the first three name one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// CRM visit.
    Visit,
    /// Deal number of the DMS.
    DmsDeal,
    /// Lender application.
    Application,
    /// Stock number of the car that is sold.
    Stock,
    /// Its VIN.
    Vin,
    /// CRM lead.
    Lead,
    /// VIN of the trade.
    Trade,
}

impl Kind {
    const ALL: [Self; 7] =
        [Self::Visit, Self::DmsDeal, Self::Application, Self::Stock, Self::Vin, Self::Lead, Self::Trade];

    /// As deals name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::DmsDeal => "dms_deal",
            Self::Application => "application",
            Self::Stock => "stock",
            Self::Vin => "vin",
            Self::Lead => "lead",
            Self::Trade => "trade",
        }
    }

    /// None for kinds that are not judged.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A number by which some system of a rooftop knows a deal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number {
    /// Which system's.
    pub kind: Kind,
    /// The number itself.
    pub value: String,
}

impl Number {
    pub fn new(kind: Kind, value: &str) -> Self {
        Self { kind, value: value.to_owned() }
    }
}

/// What really happened at one rooftop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    deals: BTreeMap<Number, BTreeSet<String>>,
    /// The values that occur in the rooftop's files, where these are at hand.
    occurring: Option<BTreeSet<String>>,
    instants: BTreeMap<String, BTreeMap<String, Vec<Timestamp>>>,
    types: BTreeSet<String>,
}

impl Truth {
    /// A number is of a deal.
    pub fn link(&mut self, number: Number, deal: &str) {
        self.deals.entry(number).or_default().insert(deal.to_owned());
    }

    /// The rooftop's files are at hand, and hold these values, among others.
    pub fn occur(&mut self, values: impl IntoIterator<Item = String>) {
        self.occurring.get_or_insert_default().extend(values);
    }

    /// Whether a number occurs in the rooftop's files; without these, whether it got into a deal.
    fn occurs(&self, number: &Number, got_into_a_deal: bool) -> bool {
        self.occurring.as_ref().map_or(got_into_a_deal, |values| values.contains(&number.value))
    }

    /// The values that the truth knows.
    pub fn values(&self) -> BTreeSet<&str> {
        self.deals.keys().map(|number| number.value.as_str()).collect()
    }

    /// A step of a deal happened.
    pub fn happened(&mut self, deal: &str, event_type: &str, at: Timestamp) {
        self.types.insert(event_type.to_owned());
        self.instants.entry(deal.to_owned()).or_default().entry(event_type.to_owned()).or_default().push(at);
    }

    /// Whether the truth says whose this number is.
    pub fn knows(&self, number: &Number) -> bool {
        self.deals.contains_key(number)
    }

    /// The true deal of a deal, by the best of its numbers that the truth knows. A car alone names none: several visits may
    /// show the same one.
    pub fn of<'t>(&'t self, deal: &Deal) -> Option<&'t str> {
        let mut naming = deal.numbers.iter().filter(|number| number.kind <= Kind::Application);
        naming.find_map(|number| self.deals.get(number)?.first()).map(String::as_str)
    }

    /// When a step of a true deal happened; empty if it did not.
    fn instants(&self, deal: &str, event_type: &str) -> &[Timestamp] {
        self.instants.get(deal).and_then(|steps| steps.get(event_type)).map_or(&[], Vec::as_slice)
    }

    /// Pairs of numbers of different kinds that are of one deal, each pair once.
    pub fn pairs(&self) -> BTreeSet<(&Number, &Number)> {
        let mut numbers: BTreeMap<&str, BTreeSet<&Number>> = BTreeMap::new();
        for (number, deals) in &self.deals {
            for deal in deals {
                numbers.entry(deal).or_default().insert(number);
            }
        }
        numbers.values().flat_map(|numbers| pairs(numbers)).collect()
    }
}

/// A deal of the suite, as far as it is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deal {
    /// Its id and the ids that it had before.
    pub ids: BTreeSet<String>,
    /// The numbers that link it.
    pub numbers: BTreeSet<Number>,
    /// How often it counts each type of step, over all sources.
    pub counted: BTreeMap<String, u32>,
    /// Its timeline; only needed of deals whose truth is known.
    pub timeline: Vec<Step>,
}

/// A step of a timeline, as its source reported it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Event type.
    pub event_type: String,
    /// Who reports it.
    pub source: String,
    /// Earliest possible instant, inclusive.
    pub earliest: Timestamp,
    /// Latest possible instant, inclusive.
    pub latest: Timestamp,
    /// The source claims an instant.
    pub exact: bool,
}

/// An open review item about a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Review {
    /// Id of the deal that it is about.
    pub deal: String,
    /// Everything that it says: its detail and its keys.
    pub text: String,
}

/// What the record of one or several rooftops scores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Deals of the suite.
    pub deals: u64,
    /// Links between numbers.
    pub links: Links,
    /// Steps, against what happened.
    pub steps: Steps,
}

impl Score {
    /// Scores one rooftop.
    pub fn of(rooftop: &str, truth: &Truth, deals: &[Deal], reviews: &[Review]) -> Self {
        Self {
            deals: deals.len() as u64,
            links: Links::of(truth, deals, reviews),
            steps: Steps::of(rooftop, truth, deals),
        }
    }

    /// Adds another rooftop's.
    pub fn add(&mut self, other: &Self) {
        self.deals += other.deals;
        self.links.add(&other.links);
        self.steps.add(&other.steps);
    }
}

/// A share; none of nothing.
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Pairs of different kinds, the better kind first.
fn pairs<'n>(numbers: &BTreeSet<&'n Number>) -> Vec<(&'n Number, &'n Number)> {
    let of = |one: &'n Number| {
        let others = numbers.iter().copied().filter(move |other| one.kind < other.kind);
        others.map(move |other| (one, other))
    };
    numbers.iter().copied().flat_map(of).collect()
}
