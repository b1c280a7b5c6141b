//! A customer's visit as its events tell it: what the systems look at.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Store;
use super::numbers::{self, Numbers};
use crate::event::{CloudEvent, Name};

pub(super) struct Visit<'e> {
    /// In the order in which customers were greeted.
    pub(super) number: usize,
    /// What it truly is.
    pub(super) deal: &'e Name,
    pub(super) numbers: Numbers,
    events: Vec<&'e CloudEvent>,
}

/// The visits of a store, from its events in order of time.
pub(super) fn visits<'e>(store: &Store<'_>, events: &'e [CloudEvent]) -> Vec<Visit<'e>> {
    let mut places: BTreeMap<&Name, usize> = BTreeMap::new();
    let mut visits: Vec<Visit<'e>> = Vec::new();
    for event in events {
        let Some(deal) = &event.subject else { continue };
        let place = *places.entry(deal).or_insert(visits.len());
        if place == visits.len() {
            let numbers = Numbers::new(store, place, event.data.kind);
            visits.push(Visit { number: place, deal, numbers, events: Vec::new() });
        }
        visits[place].events.push(event);
    }
    numbers::confuse(store, &mut visits);
    visits
}

impl<'e> Visit<'e> {
    /// The events of a type, in order of time.
    pub(super) fn every(&self, kind: &'static str) -> impl Iterator<Item = &'e CloudEvent> {
        self.events.iter().copied().filter(move |event| event.kind == kind)
    }

    pub(super) fn first(&self, kind: &'static str) -> Option<&'e CloudEvent> {
        self.every(kind).next()
    }

    /// When the first of a type happened.
    pub(super) fn at(&self, kind: &'static str) -> Option<Timestamp> {
        self.first(kind).map(|event| event.time)
    }

    /// Who did the first of a type; nobody is nothing.
    pub(super) fn actor(&self, kind: &'static str) -> &'e str {
        self.first(kind).and_then(|event| event.data.actor.as_ref()).map_or("", Name::as_str)
    }

    pub(super) fn is_sold(&self) -> bool {
        self.first("deal.delivered").is_some()
    }

    pub(super) fn is_financed(&self) -> bool {
        self.first("deal.credit.submitted").is_some()
    }

    pub(super) fn shows_trade(&self) -> bool {
        self.first("trade.appraisal.requested").is_some()
    }

    pub(super) fn leaves_trade(&self) -> bool {
        self.first("trade.acquired").is_some()
    }
}
