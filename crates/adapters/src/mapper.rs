//! Events of a row.
use std::collections::{BTreeMap, HashMap};

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    Event, Facts, Format, Memory, Moment, Profile, Row, canonical,
    memory::row_hash,
    profile::{Clock, Polled, Rule, Said, Sale, When},
    time,
};

/// Longest word of a vendor's that becomes part of a type, bytes.
const LONGEST_WORD: usize = 32;

/// Makes events of the rows of files, in their order.
pub struct Mapper<'p> {
    profile: &'p Profile,
    rooftop: String,
    /// What the vendor may call the rooftop; `None` while a profile is tried on a sample.
    codes: Option<Vec<String>>,
    zone: TimeZone,
    columns: HashMap<&'p str, usize>,
    source: String,
    /// Of a table that is polled; of others nothing is remembered.
    memory: Memory,
}

/// What a row gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mapped {
    Events(Vec<Event>),
    /// Nothing, and why.
    Nothing(Unmapped),
}

/// Why a row gave no event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Unmapped {
    #[error("it is of another rooftop")]
    OtherRooftop,
    #[error("nothing in it is new")]
    NothingNew,
    #[error("no rule of the profile takes it")]
    NoRule,
    #[error("{0} is empty, and tells rows apart")]
    NoIdentity(String),
    #[error("{0} is no time of the profile's format")]
    NoTime(String),
    #[error("{0} lies before {1}")]
    Reversed(String, String),
}

impl<'p> Mapper<'p> {
    /// For one rooftop, known to the vendor by `codes` as well as by its id.
    pub fn new(profile: &'p Profile, rooftop: &str, codes: impl IntoIterator<Item = String>, zone: TimeZone) -> Self {
        let codes = codes.into_iter().chain([rooftop.to_owned()]).collect();
        Self { codes: Some(codes), ..Self::on_trial(profile, rooftop, zone) }
    }

    /// Takes the rows of whichever rooftop as those of one: to see what a profile makes of a sample.
    pub fn on_trial(profile: &'p Profile, rooftop: &str, zone: TimeZone) -> Self {
        let columns = profile.columns().into_iter().enumerate().map(|(place, column)| (column, place)).collect();
        let mapper = Self {
            profile,
            rooftop: rooftop.to_owned(),
            codes: None,
            zone,
            columns,
            source: profile.source_of(rooftop),
            memory: Memory::default(),
        };
        mapper.remembering(Memory::default())
    }

    /// Goes on from what was remembered of the table.
    #[must_use]
    pub fn remembering(mut self, memory: Memory) -> Self {
        self.memory = memory;
        if self.profile.is_polled() {
            self.memory.expect(self.profile.events.iter().map(|rule| rule.event_type.as_str()));
        }
        self
    }

    /// What is remembered by now.
    pub fn memory(&mut self) -> &mut Memory {
        &mut self.memory
    }

    /// The events of one row. All of a row or nothing of it: what cannot be read in one place is not guessed in another.
    pub fn map(&mut self, row: &Row) -> Mapped {
        match self.events(row) {
            Ok(events) => Mapped::Events(events),
            Err(why) => Mapped::Nothing(why),
        }
    }

    fn events(&mut self, row: &Row) -> Result<Vec<Event>, Unmapped> {
        let profile = self.profile;
        if profile.format == Format::Canonical {
            let codes = self.codes.as_deref();
            return canonical::event(|column| self.value(row, column), &self.rooftop, codes, &self.zone)
                .map(|event| vec![event]);
        }
        if let (Some(column), Some(codes)) = (&profile.rooftop, &self.codes)
            && self.value(row, column).is_none_or(|code| !codes.iter().any(|known| known == code))
        {
            return Err(Unmapped::OtherRooftop);
        }
        let mut identity = Vec::with_capacity(profile.row.len());
        for column in &profile.row {
            identity.push(self.value(row, column).ok_or_else(|| Unmapped::NoIdentity(column.clone()))?);
        }
        let identity = identity.join("\u{1f}");
        let observed_at = self.clock(row, profile.observed.as_ref())?.map(|moment| moment.latest);
        let bound = match &profile.polled {
            Some(polled) => Some(self.polled(row, polled)?),
            None => None,
        };

        let hash = row_hash(&identity);
        let mut given = self.memory.given(&hash);
        let (mut events, mut taken) = (Vec::new(), false);
        for rule in &profile.events {
            if !self.applies(row, rule) {
                continue;
            }
            let time = match (&rule.time, bound) {
                (Some(when), _) => self.when(row, when)?,
                (None, Some(bound)) => Some(bound),
                (None, None) => None,
            };
            // A step that has not happened yet has no time.
            let Some(time) = time else { continue };
            taken = true;
            let bit = self.memory.bit(&rule.event_type);
            if given & bit != 0 {
                continue;
            }
            given |= bit;
            events.push(self.event(row, rule, &identity, time, observed_at));
        }
        if profile.is_polled() && given != 0 {
            self.memory.remember(hash, given);
        }
        match (events.is_empty(), taken) {
            (false, _) => Ok(events),
            (true, true) => Err(Unmapped::NothingNew),
            (true, false) => Err(Unmapped::NoRule),
        }
    }

    fn value<'r>(&self, row: &'r Row, column: &str) -> Option<&'r str> {
        row.values.get(*self.columns.get(column)?)?.as_deref()
    }

    fn applies(&self, row: &Row, rule: &Rule) -> bool {
        let has = |column: &str, any_of: &[String]| {
            self.value(row, column).is_some_and(|value| any_of.iter().any(|wanted| wanted.eq_ignore_ascii_case(value)))
        };
        let set = |flag: &String| {
            self.value(row, flag)
                .is_some_and(|value| ["1", "true", "y", "yes"].iter().any(|truth| truth.eq_ignore_ascii_case(value)))
        };
        rule.when.iter().all(|(column, any_of)| has(column, any_of))
            && rule.unless.iter().all(|(column, none_of)| self.value(row, column).is_some() && !has(column, none_of))
            && rule.flag.as_ref().is_none_or(set)
    }

    /// The stretch in which whatever is new in a polled row happened.
    fn polled(&mut self, row: &Row, polled: &Polled) -> Result<Moment, Unmapped> {
        let required =
            |clock: &Clock, moment: Option<Moment>| moment.ok_or_else(|| Unmapped::NoTime(clock.columns.join(" ")));
        let at = required(&polled.at, self.clock(row, Some(&polled.at))?)?.latest;
        let since = required(&polled.since, self.clock(row, Some(&polled.since))?)?.earliest;
        let until = self.clock(row, polled.until.as_ref())?.map(|until| until.latest);
        // The row was not new at the poll before, whichever row of the table shows that there was one.
        let before = self.memory.poll(at);
        let latest = until.map_or(at, |until| until.min(at));
        let earliest = before.map_or(since, |before| before.max(since)).min(latest);
        Moment::between(earliest, latest)
            .filter(|_| since <= at)
            .ok_or_else(|| Unmapped::Reversed(polled.at.columns.join(" "), polled.since.columns.join(" ")))
    }

    /// A time of the row; `None` where its last column is empty.
    fn clock(&self, row: &Row, clock: Option<&Clock>) -> Result<Option<Moment>, Unmapped> {
        let Some(clock) = clock else { return Ok(None) };
        let mut words = Vec::with_capacity(clock.columns.len());
        for column in &clock.columns {
            let Some(word) = self.value(row, column) else { return Ok(None) };
            words.push(word);
        }
        let zone = self.profile.zone(clock.zone.as_deref(), &self.zone);
        let no_time = || Unmapped::NoTime(clock.columns.join(" "));
        let moment = time::read(&words.join(" "), &clock.format, &zone, clock.to).ok_or_else(no_time)?;
        match self.clock(row, clock.not_before.as_deref())? {
            Some(bound) if moment.latest < bound.earliest => moment.next_day(&zone).map(Some).ok_or_else(no_time),
            _ => Ok(Some(moment)),
        }
    }

    fn when(&self, row: &Row, when: &When) -> Result<Option<Moment>, Unmapped> {
        match when {
            When::At(clock) => self.clock(row, Some(clock)),
            When::Between { after, before } => {
                let (Some(earliest), Some(latest)) = (self.clock(row, Some(after))?, self.clock(row, Some(before))?)
                else {
                    return Ok(None);
                };
                let reversed = || Unmapped::Reversed(before.columns.join(" "), after.columns.join(" "));
                Moment::between(earliest.earliest, latest.latest).map(Some).ok_or_else(reversed)
            }
        }
    }

    fn event(&self, row: &Row, rule: &Rule, identity: &str, time: Moment, observed_at: Option<Timestamp>) -> Event {
        let said = |said: &Option<Said>| said.as_ref().and_then(|said| self.said(row, said));
        let named = |(name, column): (&String, &String)| Some((name.clone(), self.value(row, column)?.to_owned()));
        let data = |(name, said): (&String, &Said)| Some((name.clone(), self.said(row, said)?.to_ascii_lowercase()));
        let mut keys: BTreeMap<String, String> = self.profile.keys.iter().filter_map(named).collect();
        keys.extend(rule.sale.as_ref().and_then(|sale| Some(("sale".to_owned(), self.sale(row, sale)?))));
        let event_type = self.event_type(row, rule);
        Event {
            id: id(&self.profile.profile, &event_type, identity),
            source: self.source.clone(),
            event_type,
            subject: self.profile.subject.as_ref().and_then(|column| self.value(row, column)).map(str::to_owned),
            rooftop: self.rooftop.clone(),
            time,
            claimed: None,
            observed_at,
            sequence: None,
            facts: Facts {
                actor: said(&rule.actor),
                role: said(&rule.role).map(|role| role.to_ascii_lowercase()),
                trade: said(&rule.trade),
                replaces: None,
                withdraws: None,
                keys,
                said: rule.data.iter().filter_map(data).collect(),
            },
        }
    }

    fn event_type(&self, row: &Row, rule: &Rule) -> String {
        match rule.worded() {
            Some((before, column, behind)) => format!("{before}{}{behind}", word(self.value(row, column))),
            None => rule.event_type.clone(),
        }
    }

    /// Car and local day, such as `N2392/2026d250`; none where either is missing.
    fn sale(&self, row: &Row, sale: &Sale) -> Option<String> {
        let car = self.value(row, &sale.car)?.to_ascii_uppercase();
        let at = self.clock(row, Some(&sale.on)).ok()??.earliest;
        let day = self.zone.to_datetime(at).date();
        Some(format!("{car}/{}d{:03}", day.year(), day.day_of_year()))
    }

    fn said(&self, row: &Row, said: &Said) -> Option<String> {
        if let Some(given) = &said.is {
            return Some(given.clone());
        }
        let word = self.value(row, said.from.as_deref()?)?;
        let ours = said.map.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(word)).map(|(_, ours)| ours.as_str());
        Some(ours.unwrap_or(word).to_owned())
    }
}

/// A vendor's word as part of a type: letters of one case and what joins them, as enumerations are written. What is written
/// otherwise may be anything, a name too, and is but another word.
fn word(said: Option<&str>) -> String {
    let fits = |said: &&str| {
        said.len() <= LONGEST_WORD
            && said.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'))
            && !(said.contains(|letter: char| letter.is_ascii_lowercase())
                && said.contains(|letter: char| letter.is_ascii_uppercase()))
    };
    said.filter(fits).map_or_else(|| "other".to_owned(), |said| said.to_ascii_lowercase().replace('-', "_"))
}

/// The same row gives the same id. In letters alone: a run of digits could be taken for somebody's number.
fn id(profile: &str, event_type: &str, identity: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [profile, event_type, identity] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let letters: String = hasher.finalize().as_bytes()[..12]
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|four_bits| char::from(b'a' + four_bits))
        .collect();
    format!("{event_type}.{letters}")
}

#[cfg(test)]
mod tests;
