//! Rows that already are canonical events: what of a CloudEvent in JSON the edge keeps, and nothing else.
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    Event, Facts, Moment, Quality,
    mapper::Unmapped,
    time::{self, Precision},
};

/// Everything that is read of an event.
pub(crate) const COLUMNS: [&str; 28] = [
    "id",
    "source",
    "type",
    "subject",
    "rooftop",
    "sequence",
    "time",
    "earliest",
    "latest",
    "observedat",
    "timequality",
    "data/actor",
    "data/role",
    "data/trade",
    "data/replaces",
    "data/withdraws",
    "data/keys/application",
    "data/keys/dms_deal",
    "data/keys/sale",
    "data/keys/stock",
    "data/keys/vin",
    "data/keys/visit",
    "data/kind",
    "data/lenders",
    "data/reason",
    "data/result",
    "data/round",
    "data/step",
];
const KEYS: &str = "data/keys/";
const DATA: &str = "data/";
const OWN_FIELDS: [&str; 5] = ["actor", "role", "trade", "replaces", "withdraws"];

/// The event as it was written, at `rooftop` if it names none.
pub(crate) fn event<'r>(
    value: impl Fn(&str) -> Option<&'r str>,
    rooftop: &str,
    codes: Option<&[String]>,
    zone: &TimeZone,
) -> Result<Event, Unmapped> {
    if let (Some(named), Some(codes)) = (value("rooftop"), codes)
        && !codes.iter().any(|known| known == named)
    {
        return Err(Unmapped::OtherRooftop);
    }
    let owned = |column: &str| value(column).map(str::to_owned);
    let required = |column: &str| owned(column).ok_or_else(|| Unmapped::NoIdentity(column.to_owned()));
    let (time, claimed) = moment(&value, zone)?;
    let below = |prefix: &str| {
        let members = COLUMNS.iter().filter_map(|column| Some((column.strip_prefix(prefix)?, owned(column)?)));
        let members = members.filter(|(name, _)| !name.contains('/') && !OWN_FIELDS.contains(name));
        members.map(|(name, value)| (name.to_owned(), value)).collect()
    };
    Ok(Event {
        id: required("id")?,
        source: required("source")?,
        event_type: owned("type").ok_or(Unmapped::NoRule)?,
        subject: owned("subject"),
        rooftop: rooftop.to_owned(),
        time,
        claimed,
        observed_at: value("observedat").map(|text| instant("observedat", text)).transpose()?,
        sequence: owned("sequence"),
        facts: Facts {
            actor: owned("data/actor"),
            role: owned("data/role"),
            trade: owned("data/trade"),
            replaces: owned("data/replaces"),
            withdraws: owned("data/withdraws"),
            keys: below(KEYS),
            said: below(DATA),
        },
    })
}

/// When it happened, and the instant that is claimed within that: as the edge reads it.
fn moment<'r>(
    value: &impl Fn(&str) -> Option<&'r str>,
    zone: &TimeZone,
) -> Result<(Moment, Option<Timestamp>), Unmapped> {
    let no_time = || Unmapped::NoTime("time".to_owned());
    let at = |column: &str| value(column).map(|text| instant(column, text)).transpose();
    let (earliest, latest) = (at("earliest")?, at("latest")?);
    let bounded = earliest.is_some() || latest.is_some();
    let quality = match value("timequality") {
        None if bounded => Quality::Bounded,
        None | Some("exact") => Quality::Exact,
        Some("bounded") => Quality::Bounded,
        Some("date") => Quality::DateOnly,
        Some(_) => return Err(Unmapped::NoTime("timequality".to_owned())),
    };
    if quality == Quality::DateOnly && !bounded {
        let day = value("time").and_then(|text| text.get(..10)).ok_or_else(no_time)?;
        return Ok((time::read(day, "%Y-%m-%d", zone, Precision::Day).ok_or_else(no_time)?, None));
    }
    let time = at("time")?;
    if quality == Quality::Exact {
        return Ok((Moment::exact(time.ok_or_else(no_time)?), None));
    }
    let (earliest, latest) = (earliest.or(time).ok_or_else(no_time)?, latest.or(time).ok_or_else(no_time)?);
    let reversed = || Unmapped::Reversed("latest".to_owned(), "earliest".to_owned());
    let bounds = Moment::between(earliest, latest).ok_or_else(reversed)?;
    Ok((Moment { quality, ..bounds }, time.filter(|_| quality != Quality::DateOnly)))
}

fn instant(column: &str, text: &str) -> Result<Timestamp, Unmapped> {
    text.parse().map_err(|_| Unmapped::NoTime(column.to_owned()))
}
