//! Deals as their owner tells of them.
use jiff::{SignedDuration, Timestamp};
use throughline_proto::{
    deal::v1::{Closing, Cycle, Deal, DealKey, DealRetraction, DealState, Handoff, HandoffState, Span},
    event::v1::{TimeBound, TimeQuality},
    log::v1::entry_body::Body,
    tenant::v1::Rooftop,
    time::to_wire,
};

use crate::kit::Store;

pub fn exact(at: Timestamp) -> TimeBound {
    bounded(at, at)
}

pub fn bounded(earliest: Timestamp, latest: Timestamp) -> TimeBound {
    let quality = if earliest == latest { TimeQuality::Exact } else { TimeQuality::Bounded };
    TimeBound { earliest: Some(to_wire(earliest)), latest: Some(to_wire(latest)), quality: quality as i32 }
}

/// A deal at a revision, still without intervals; all that is added carries this revision.
#[derive(Clone)]
pub struct Told(pub Deal);

impl Told {
    pub fn new(store: Store, id: &str, revision: u64) -> Self {
        let key = |kind: &str, value: String| DealKey { kind: kind.to_owned(), value, ..Default::default() };
        Self(Deal {
            name: name(store, id),
            keys: vec![key("visit", format!("V-{id}")), key("subject", format!("S-{id}"))],
            state: DealState::InProgress as i32,
            revision,
            ..Default::default()
        })
    }

    pub fn opened(mut self, at: Timestamp) -> Self {
        self.0.opened = Some(exact(at));
        self
    }

    pub fn state(mut self, state: DealState, rework: u32) -> Self {
        (self.0.state, self.0.rework) = (state as i32, rework);
        self
    }

    /// A handoff; accepted if it has an end.
    pub fn handoff(self, name: &str, round: u32, offered: TimeBound, accepted: Option<TimeBound>) -> Self {
        let state = if accepted.is_some() { HandoffState::Accepted } else { HandoffState::Pending };
        self.handoff_in(state, name, round, offered, accepted)
    }

    pub fn handoff_in(
        mut self,
        state: HandoffState,
        name: &str,
        round: u32,
        offered: TimeBound,
        ended: Option<TimeBound>,
    ) -> Self {
        self.0.handoffs.push(Handoff {
            id: format!("handoff.{name}.{round}"),
            handoff: name.to_owned(),
            from_department: "sales".to_owned(),
            to_department: name.to_owned(),
            round,
            offered: Some(offered),
            ended,
            state: state as i32,
            revision: self.0.revision,
            ..Default::default()
        });
        self
    }

    pub fn stage(mut self, name: &str, round: u32, entered: TimeBound, left: Option<(TimeBound, Closing)>) -> Self {
        self.0.spans.push(Span {
            id: format!("stage.{name}.{round}"),
            stage: name.to_owned(),
            department: "desk".to_owned(),
            round,
            entered: Some(entered),
            closing: left.as_ref().map_or(0, |(_, closing)| *closing as i32),
            left: left.map(|(left, _)| left),
            revision: self.0.revision,
            ..Default::default()
        });
        self
    }

    pub fn cycle(mut self, name: &str, started: TimeBound, ended: Option<(TimeBound, Closing)>) -> Self {
        self.0.cycles.push(Cycle {
            id: format!("cycle.{name}.0"),
            cycle: name.to_owned(),
            department: "sales".to_owned(),
            started: Some(started),
            closing: ended.as_ref().map_or(0, |(_, closing)| *closing as i32),
            ended: ended.map(|(ended, _)| ended),
            revision: self.0.revision,
            ..Default::default()
        });
        self
    }

    pub fn body(self) -> Body {
        Body::Deal(self.0)
    }
}

/// A deal whose only handoff to F&I took so many seconds.
pub fn waited(store: Store, id: &str, revision: u64, offered: Timestamp, seconds: i64) -> Body {
    let accepted = offered + SignedDuration::from_secs(seconds);
    Told::new(store, id, revision).opened(offered).handoff("fi", 0, exact(offered), Some(exact(accepted))).body()
}

pub fn retracted(store: Store, id: &str, revision: u64) -> Body {
    Body::DealRetraction(DealRetraction { name: name(store, id), survivor: String::new(), revision })
}

pub fn rooftop(store: Store, zone: &str) -> Body {
    rooftop_with(store, Rooftop { zone: zone.to_owned(), ..Default::default() })
}

pub fn rooftop_with(store: Store, rooftop: Rooftop) -> Body {
    let name = format!("groups/{}/rooftops/{}", store.group, store.rooftop);
    Body::Rooftop(Rooftop { name, part: u32::from(store.part), ..rooftop })
}

fn name(store: Store, id: &str) -> String {
    format!("groups/{}/rooftops/{}/deals/{id}", store.group, store.rooftop)
}
