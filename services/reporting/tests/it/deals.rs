//! Deals as their owner tells of them.
use jiff::{SignedDuration, Timestamp};
use throughline_proto::{
    deal::v1::{Closing, Deal, DealKey, DealRetraction, DealState, EventRef, Interval, IntervalKind, IntervalState},
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
        let state = if accepted.is_some() { IntervalState::Ended } else { IntervalState::Open };
        self.handoff_in(state, name, round, offered, accepted)
    }

    pub fn handoff_in(
        self,
        state: IntervalState,
        name: &str,
        round: u32,
        offered: TimeBound,
        ended: Option<TimeBound>,
    ) -> Self {
        let closing = if ended.is_some() { Closing::Reported } else { Closing::Unspecified };
        self.interval(IntervalKind::Handoff, name, round, offered, ended, closing, state)
    }

    pub fn stage(self, name: &str, round: u32, start: TimeBound, end: Option<(TimeBound, Closing)>) -> Self {
        self.timed(IntervalKind::Stage, name, round, start, end)
    }

    pub fn cycle(self, name: &str, start: TimeBound, end: Option<(TimeBound, Closing)>) -> Self {
        self.timed(IntervalKind::Cycle, name, 0, start, end)
    }

    fn timed(
        self,
        kind: IntervalKind,
        name: &str,
        round: u32,
        start: TimeBound,
        end: Option<(TimeBound, Closing)>,
    ) -> Self {
        let (end, closing) = end.unzip();
        let closing = closing.unwrap_or(Closing::Unspecified);
        let state = match closing {
            Closing::Unspecified => IntervalState::Open,
            Closing::Reported | Closing::Inferred => IntervalState::Ended,
            Closing::DealEnded => IntervalState::Void,
        };
        self.interval(kind, name, round, start, end, closing, state)
    }

    #[expect(clippy::too_many_arguments, reason = "each is a field of the interval")]
    fn interval(
        mut self,
        kind: IntervalKind,
        name: &str,
        round: u32,
        start: TimeBound,
        end: Option<TimeBound>,
        closing: Closing,
        state: IntervalState,
    ) -> Self {
        let id = format!("{}.{name}.{round}", kind.as_str_name().trim_start_matches("INTERVAL_KIND_").to_lowercase());
        let owner_department = match kind {
            IntervalKind::Handoff => name,
            IntervalKind::Cycle => "sales",
            _ => "desk",
        };
        self.0.intervals.push(Interval {
            founded_by: vec![EventRef { source: "crm".to_owned(), id: id.clone() }],
            id,
            kind: kind.into(),
            name: name.to_owned(),
            owner_department: owner_department.to_owned(),
            round,
            start: Some(start),
            end,
            state: state.into(),
            closing: closing.into(),
            end_observed: state != IntervalState::NotObserved,
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
