//! What the deal log says, read.

use jiff::Timestamp;
use throughline_process::{Bound, KeyKind, Quality};
use throughline_proto::{deal::v1 as pb, event::v1 as event, time::from_wire};

use super::Unreadable;
use crate::domain::{Deal, DealKey, End, Interval, IntervalKey, Kind, News, Standing, State};

/// A deal as it now stands. Its name must lie within the rooftop that the entry belongs to.
pub fn news_of_deal(group: &str, rooftop: &str, deal: &pb::Deal) -> Result<(DealKey, News), Unreadable> {
    let key = key(group, rooftop, &deal.name)?;
    let stages = deal.spans.iter().map(stage);
    let handoffs = deal.handoffs.iter().map(handoff);
    let cycles = deal.cycles.iter().map(cycle);
    let intervals = stages.chain(handoffs).chain(cycles).collect::<Result<Vec<_>, _>>()?;
    let opened_at = match (&deal.opened, &deal.opened_at) {
        (Some(bound), _) => Some(instant(bound.latest.as_ref(), "opened")?),
        (None, Some(at)) => Some(instant(Some(at), "opened_at")?),
        (None, None) => None,
    };
    let news = News::Stands(Deal {
        revision: revision(deal.revision)?,
        subject: subject(&deal.keys),
        state: state(deal.state)?,
        opened_at,
        rework: deal.rework,
        intervals,
    });
    Ok((key, news))
}

/// A deal that no longer stands under its id.
pub fn news_of_retraction(
    group: &str,
    rooftop: &str,
    retraction: &pb::DealRetraction,
) -> Result<(DealKey, News), Unreadable> {
    let key = key(group, rooftop, &retraction.name)?;
    Ok((key, News::Retracted { revision: revision(retraction.revision)? }))
}

fn key(group: &str, rooftop: &str, name: &str) -> Result<DealKey, Unreadable> {
    let id = match name.split('/').collect::<Vec<_>>()[..] {
        ["groups", of_group, "rooftops", of_rooftop, "deals", id] if of_group == group && of_rooftop == rooftop => id,
        _ => return Err(Unreadable::new("name")),
    };
    if id.is_empty() {
        return Err(Unreadable::new("name"));
    }
    Ok(DealKey { group: group.to_owned(), rooftop: rooftop.to_owned(), deal: id.to_owned() })
}

/// Revisions count from 1, and Postgres keeps them signed.
fn revision(revision: u64) -> Result<u64, Unreadable> {
    if (1..=i64::MAX as u64).contains(&revision) { Ok(revision) } else { Err(Unreadable::new("revision")) }
}

/// What a source itself calls the deal, else its best key.
fn subject(keys: &[pb::DealKey]) -> String {
    let order = |key: &&pb::DealKey| {
        let kind = KeyKind::parse(&key.kind);
        (kind != Some(KeyKind::Subject), kind.is_none(), kind, key.scope.clone(), key.value.clone())
    };
    keys.iter().min_by_key(order).map(|key| key.value.clone()).unwrap_or_default()
}

fn state(state: i32) -> Result<State, Unreadable> {
    match pb::DealState::try_from(state) {
        Ok(pb::DealState::InProgress) => Ok(State::InProgress),
        Ok(pb::DealState::Agreed) => Ok(State::Agreed),
        Ok(pb::DealState::Delivered) => Ok(State::Delivered),
        Ok(pb::DealState::Funded) => Ok(State::Funded),
        Ok(pb::DealState::Lost) => Ok(State::Lost),
        Ok(pb::DealState::Unwound) => Ok(State::Unwound),
        Ok(pb::DealState::Unspecified) | Err(_) => Err(Unreadable::new("state")),
    }
}

fn stage(span: &pb::Span) -> Result<Interval, Unreadable> {
    let standing = Standing::of(end(span.left.is_some(), span.closing), !span.leaving_unobserved);
    let (started, ended) = times(&span.id, standing, span.entered.as_ref(), span.left.as_ref())?;
    Ok(Interval {
        key: IntervalKey { kind: Kind::Stage, id: span.id.clone() },
        measure: measure(Kind::Stage, &span.stage),
        department: span.department.clone(),
        round: span.round,
        started,
        ended,
        standing,
        revision: span.revision,
    })
}

fn cycle(cycle: &pb::Cycle) -> Result<Interval, Unreadable> {
    let standing = Standing::of(end(cycle.ended.is_some(), cycle.closing), !cycle.end_unobserved);
    let (started, ended) = times(&cycle.id, standing, cycle.started.as_ref(), cycle.ended.as_ref())?;
    Ok(Interval {
        key: IntervalKey { kind: Kind::Cycle, id: cycle.id.clone() },
        measure: measure(Kind::Cycle, &cycle.cycle),
        department: cycle.department.clone(),
        round: cycle.round,
        started,
        ended,
        standing,
        revision: cycle.revision,
    })
}

fn handoff(handoff: &pb::Handoff) -> Result<Interval, Unreadable> {
    let standing = match pb::HandoffState::try_from(handoff.state) {
        Ok(pb::HandoffState::Pending) => Standing::Open,
        Ok(pb::HandoffState::Accepted) => Standing::Ended,
        Ok(pb::HandoffState::NotObserved) => Standing::NotObserved,
        Ok(pb::HandoffState::Void) => Standing::Void,
        Ok(pb::HandoffState::Unspecified) | Err(_) => {
            return Err(Unreadable::new(format!("state of {}", handoff.id)));
        }
    };
    let (started, ended) = times(&handoff.id, standing, handoff.offered.as_ref(), handoff.ended.as_ref())?;
    Ok(Interval {
        key: IntervalKey { kind: Kind::Handoff, id: handoff.id.clone() },
        measure: measure(Kind::Handoff, &handoff.handoff),
        department: handoff.to_department.clone(),
        round: handoff.round,
        started,
        ended,
        standing,
        revision: handoff.revision,
    })
}

fn measure(kind: Kind, name: &str) -> String {
    format!("{}.{name}", kind.prefix())
}

fn end(ended: bool, closing: i32) -> End {
    match (ended, pb::Closing::try_from(closing)) {
        (false, _) => End::Standing,
        (true, Ok(pb::Closing::DealEnded)) => End::CutShort,
        (true, _) => End::Reached,
    }
}

/// The times of an interval, and whether they suffice for how it stands.
fn times(
    id: &str,
    standing: Standing,
    started: Option<&event::TimeBound>,
    ended: Option<&event::TimeBound>,
) -> Result<(Bound, Option<Bound>), Unreadable> {
    let started = started.ok_or_else(|| Unreadable::new(format!("start of {id}")))?;
    let ended = ended.map(|ended| bound(ended, id)).transpose()?;
    if standing == Standing::Ended && ended.is_none() {
        return Err(Unreadable::new(format!("end of {id}")));
    }
    Ok((bound(started, id)?, ended))
}

fn bound(bound: &event::TimeBound, of: &str) -> Result<Bound, Unreadable> {
    let quality = match event::TimeQuality::try_from(bound.quality) {
        Ok(event::TimeQuality::DateOnly) => Quality::DateOnly,
        Ok(event::TimeQuality::Exact) => Quality::Exact,
        _ => Quality::Bounded,
    };
    let (earliest, latest) = (instant(bound.earliest.as_ref(), of)?, instant(bound.latest.as_ref(), of)?);
    Ok(Bound { earliest, latest, quality })
}

fn instant(at: Option<&prost_types::Timestamp>, of: &str) -> Result<Timestamp, Unreadable> {
    at.and_then(from_wire).ok_or_else(|| Unreadable::new(format!("time of {of}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: &str, scope: &str, value: &str) -> pb::DealKey {
        pb::DealKey { kind: kind.to_owned(), scope: scope.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn a_deal_is_called_as_its_source_calls_it_or_by_its_best_key() {
        let visit = key("visit", "", "V1");
        let stock = key("stock", "", "1234");
        let dms = key("subject", "//dms", "D2");
        let crm = key("subject", "//crm", "D1");
        for (keys, expected) in [
            (vec![visit.clone(), dms.clone(), crm], "D1"),
            (vec![stock.clone(), visit.clone(), dms], "D2"),
            (vec![stock.clone(), visit], "V1"),
            (vec![key("badge", "", "B1"), stock], "1234"),
            (vec![], ""),
        ] {
            assert_eq!(subject(&keys), expected, "{keys:?}");
        }
    }

    #[test]
    fn a_deal_of_another_rooftop_is_not_read() {
        let deal = |name: &str| pb::Deal { name: name.to_owned(), revision: 1, state: 1, ..Default::default() };
        assert!(news_of_deal("g", "r", &deal("groups/g/rooftops/r/deals/d")).is_ok());
        for name in ["groups/h/rooftops/r/deals/d", "groups/g/rooftops/s/deals/d", "groups/g/rooftops/r/deals/", "d"] {
            assert_eq!(news_of_deal("g", "r", &deal(name)), Err(Unreadable::new("name")), "{name}");
        }
    }

    #[test]
    fn what_is_said_to_have_ended_must_say_when() {
        let at = prost_types::Timestamp { seconds: 1, nanos: 0 };
        let offered = event::TimeBound { earliest: Some(at), latest: Some(at), quality: 1 };
        let told = pb::Handoff {
            id: "handoff.fi.0".to_owned(),
            offered: Some(offered),
            state: pb::HandoffState::Accepted as i32,
            ..Default::default()
        };
        assert_eq!(handoff(&told), Err(Unreadable::new("end of handoff.fi.0")));
    }
}
