//! Events that a source profile made of a row, as the edge reads what is sent.

use std::borrow::Cow;

use throughline_adapters::{Event, Moment, Quality};

use crate::domain::{
    event::{Attribute, Sent, SentData},
    instant::{SentTime, SentTimes},
    scalar::Scalar,
};

/// The event as if it had been sent: it is checked like any other. `data` is [`data`] of it.
pub(crate) fn sent<'e>(event: &'e Event, data: &'e [u8]) -> Sent<'e> {
    let Moment { earliest, latest, quality } = event.time;
    let exact = quality == Quality::Exact;
    let bound = |at| (!exact).then_some(SentTime::Instant(at));
    Sent {
        id: text(&event.id),
        source: text(&event.source),
        event_type: text(&event.event_type),
        subject: event.subject.as_deref().and_then(text),
        rooftop: text(&event.rooftop),
        sequence: None,
        times: SentTimes {
            time: exact.then_some(SentTime::Instant(earliest)),
            earliest: bound(earliest),
            latest: bound(latest),
            observed_at: event.observed_at.map(SentTime::Instant),
            quality: (!exact).then_some(quality.as_str()),
        },
        quality_malformed: false,
        data: SentData::Json(Cow::Borrowed(data)),
    }
}

/// The data of an event, as JSON.
pub(crate) fn data(event: &Event) -> Vec<u8> {
    event.facts.to_json().to_string().into_bytes()
}

fn text(text: &str) -> Attribute<'_> {
    Some(Scalar::Text(text.into()))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use throughline_adapters::{Mapped, Mapper, Profile, Rows, built_in};

    use super::*;
    use crate::{
        domain::event::{Parsed, parse},
        wire::json::{self, Entry, split_one},
    };

    const VISITS: &str = "PolledUTC,VisitID,DealerID,StartUTCDate,EndUTCDate,StockNumber,SalesRepID,WriteUp,Desking,EndReason,DemoTestDrive,TradeAppraisal,FinanceTurnOver,ManagerTurnOver\n\
        2026-09-07T14:05:00Z,V1,north,2026-09-07T14:01:50,,STK1,s1,1,1,,1,1,1,1\n";

    #[test]
    fn an_event_of_a_row_is_read_as_if_it_had_come_as_json() {
        let profile = Profile::parse(built_in("crm-visits").unwrap()).unwrap();
        let mut mapper = Mapper::new(&profile, "north", [], TimeZone::UTC);
        let mut rows = Rows::begin(&profile, VISITS.as_bytes()).unwrap();
        let Mapped::Events(events) = mapper.map(&rows.next().unwrap().unwrap().unwrap()) else { panic!() };
        assert_eq!(events.len(), 7);
        let now = "2026-09-08T00:00:00Z".parse().unwrap();
        for event in events {
            let written = serde_json::Value::from(event.to_json()).to_string();
            let split = split_one(written.as_bytes()).unwrap();
            let Entry::Event(came) = json::parse(split[0]) else { panic!() };
            let data = data(&event);
            let parsed = parse(&sent(&event, &data), now);
            assert!(matches!(parsed, Parsed::Sound(_)), "{parsed:?}");
            assert_eq!(parsed, parse(&came.sent(), now));
        }
    }
}
