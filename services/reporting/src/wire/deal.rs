//! What the deal log says, read.

use throughline_process::KeyKind;
use throughline_proto::deal::v1 as pb;
use throughline_wire::{Unreadable, read_instant, read_interval};

use crate::domain::{Deal, DealKey, News, State, Versioned};

/// A deal as it now stands. Its name must lie within the rooftop that the entry belongs to.
pub fn news_of_deal(group: &str, rooftop: &str, deal: &pb::Deal) -> Result<(DealKey, News), Unreadable> {
    let key = key(group, rooftop, &deal.name)?;
    let intervals = deal.intervals.iter().map(versioned).collect::<Result<Vec<_>, _>>()?;
    let opened_at = match (&deal.opened, &deal.opened_at) {
        (Some(bound), _) => Some(read_instant(bound.latest.as_ref(), "opened")?),
        (None, Some(at)) => Some(read_instant(Some(at), "opened_at")?),
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

fn versioned(interval: &pb::Interval) -> Result<Versioned, Unreadable> {
    Ok(Versioned { interval: read_interval(interval)?, revision: interval.revision })
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
}
