//! Events as tests write them: a few words each.

use std::sync::Arc;

use throughline_process::{Bound, Deal, Definition, Event, Interval, Observed, Origin, Timestamp, fold};

pub fn def() -> Arc<Definition> {
    Definition::retail_deal()
}

/// A time on the day of the test deals: `10:00` or `10:00:30`, UTC.
pub fn at(time: &str) -> Timestamp {
    let seconds = if time.len() == 5 { ":00" } else { "" };
    format!("2026-10-03T{time}{seconds}Z").parse().unwrap()
}

/// A bound on that day.
pub fn between(earliest: &str, latest: &str) -> Bound {
    Bound::between(at(earliest), at(latest))
}

/// An event of the CRM with an exact time; its id is what it says.
pub fn event(event_type: &str, time: &str) -> Event {
    bounded(event_type, Bound::exact(at(time)))
}

pub fn bounded(event_type: &str, time: Bound) -> Event {
    Event {
        id: format!("{event_type} {}", time.latest),
        source: "//crm.example/S1".to_owned(),
        event_type: event_type.to_owned(),
        subject: Some("D1".to_owned()),
        occurred_at: None,
        observed_at: None,
        recorded_at: time.latest,
        time,
        source_sequence: None,
        actor: None,
        role: None,
        trade: None,
        keys: Default::default(),
        data: Default::default(),
        replaces: None,
        withdraws: None,
        origin: Origin::Live,
    }
}

/// What tests change of an event.
pub trait With: Sized {
    fn of_source(self, source: &str) -> Self;
    fn by(self, actor: &str, role: &str) -> Self;
    fn trade(self, trade: &str) -> Self;
    fn data(self, name: &str, value: &str) -> Self;
}

impl With for Event {
    fn of_source(mut self, source: &str) -> Self {
        source.clone_into(&mut self.source);
        self
    }

    fn by(mut self, actor: &str, role: &str) -> Self {
        self.actor = Some(actor.to_owned());
        self.role = Some(role.to_owned());
        self
    }

    fn trade(mut self, trade: &str) -> Self {
        self.trade = Some(trade.to_owned());
        self
    }

    fn data(mut self, name: &str, value: &str) -> Self {
        self.data.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// Events written as `type time` lines.
pub fn events(lines: &str) -> Vec<Event> {
    let line = |line: &str| {
        let (event_type, time) = line.trim().rsplit_once(' ').unwrap();
        event(event_type.trim(), time)
    };
    lines.lines().filter(|line| !line.trim().is_empty()).map(line).collect()
}

pub fn folded(events: &[Event]) -> Deal {
    fold(&def(), events, &Observed::everything()).deal
}

/// An interval as `name.round`, or `name[instance].round`.
pub fn label(interval: &Interval) -> String {
    let instance = interval.instance.as_ref().map(|instance| format!("[{instance}]")).unwrap_or_default();
    format!("{}{instance}.{}", interval.name, interval.round)
}
