//! Source profiles: YAML that says how a vendor's rows become events. Checked when read, so that what is accepted works.
mod check;

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::{Row, canonical, time::Precision};

/// The profiles that come with the command: name and text.
pub const BUILT_IN: [(&str, &str); 9] = [
    ("adf", include_str!("../profiles/adf.yaml")),
    ("canonical", include_str!("../profiles/canonical.yaml")),
    ("crm-visits", include_str!("../profiles/crm-visits.yaml")),
    ("dms-fi-sales", include_str!("../profiles/dms-fi-sales.yaml")),
    ("finance-log", include_str!("../profiles/finance-log.yaml")),
    ("lender-status", include_str!("../profiles/lender-status.yaml")),
    ("recon-steps", include_str!("../profiles/recon-steps.yaml")),
    ("staff-shifts", include_str!("../profiles/staff-shifts.yaml")),
    ("star-deals", include_str!("../profiles/star-deals.yaml")),
];

/// Columns that one profile may name.
const MOST_COLUMNS: usize = 64;
const MOST_RULES: usize = 64;
/// Characters of a profile.
const LONGEST: usize = 64 * 1024;

/// The text of a built-in profile.
pub fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// How the rows of one vendor's file become events.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name, such as `lender-status`.
    pub profile: String,
    /// Raised whenever it maps rows otherwise than before.
    pub version: u32,
    /// What it reads, for people.
    pub title: String,
    pub format: Format,
    /// Of a JSON document: where in it the array of rows stands; nowhere if it is the document itself.
    #[serde(default)]
    pub(crate) array: Option<String>,
    /// Of an XML document: name of the elements that are rows.
    #[serde(default)]
    pub(crate) element: Option<String>,
    /// The events' `source`; `{rooftop}` stands for the rooftop's id.
    #[serde(default)]
    pub source: String,
    /// Of local times: `rooftop`, `UTC`, or a name of the IANA database.
    #[serde(default)]
    pub zone: String,
    /// The column with the vendor's code of the rooftop: rows of another are not taken.
    #[serde(default)]
    pub(crate) rooftop: Option<String>,
    /// The columns that tell a row from the others; the same values are the same row, sent again.
    #[serde(default)]
    pub(crate) row: Vec<String>,
    #[serde(default)]
    pub(crate) subject: Option<String>,
    /// Other systems' numbers: name of the key and its column.
    #[serde(default)]
    pub(crate) keys: BTreeMap<String, String>,
    /// When the vendor's system showed the row.
    #[serde(default)]
    pub(crate) observed: Option<Clock>,
    /// For tables that are polled: how the time of a flag is bounded.
    #[serde(default)]
    pub(crate) polled: Option<Polled>,
    #[serde(default)]
    pub(crate) events: Vec<Rule>,
}

/// The column of a profile's rows that names the rooftop.
#[derive(Clone, Copy, Debug)]
pub struct RooftopColumn(usize);

impl RooftopColumn {
    /// The vendor's code of the rooftop in a row of this profile.
    pub fn of<'r>(&self, row: &'r Row) -> Option<&'r str> {
        row.values.get(self.0)?.as_deref()
    }
}

/// The shape of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One XML document, a row for each `prospect`; columns are paths below it, such as `vehicle/stock` and `id@source`.
    Adf,
    /// Events that already are ours: a CloudEvent in JSON a line. Such a profile says nothing else.
    Canonical,
    /// Comma-separated, the names of the columns first.
    Csv,
    /// One JSON document, a row for each object of an array; columns are names, or paths such as `car/vin`.
    Json,
    /// One JSON object a line.
    JsonLines,
    /// One XML document, a row for each element of one name; columns are paths below it as in ADF.
    Xml,
}

/// One event that a row may give.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// Type of the event; `{COLUMN}` in it stands for the word of a column.
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    /// Column and the values that it must have one of, in any case.
    #[serde(default)]
    pub(crate) when: BTreeMap<String, Vec<String>>,
    /// Column that must say something, and the values that it must have none of.
    #[serde(default)]
    pub(crate) unless: BTreeMap<String, Vec<String>>,
    /// A polled column whose first true value is the event.
    #[serde(default)]
    pub(crate) flag: Option<String>,
    /// When; a flag has no time of its own.
    #[serde(default)]
    pub(crate) time: Option<When>,
    #[serde(default)]
    pub(crate) actor: Option<Said>,
    #[serde(default)]
    pub(crate) role: Option<Said>,
    #[serde(default)]
    pub(crate) trade: Option<Said>,
    #[serde(default)]
    pub(crate) data: BTreeMap<String, Said>,
    /// The sale of a car that it tells of: systems that know nothing of each other's numbers tell of the same one.
    #[serde(default)]
    pub(crate) sale: Option<Sale>,
}

impl Rule {
    /// What stands before, within and behind the braces of its type.
    pub(crate) fn worded(&self) -> Option<(&str, &str, &str)> {
        let (before, rest) = self.event_type.split_once('{')?;
        let (column, behind) = rest.split_once('}')?;
        Some((before, column, behind))
    }
}

/// The sale of a car: which, and on what day at the rooftop.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sale {
    /// Column of its stock number or VIN.
    pub(crate) car: String,
    /// A time of that day.
    pub(crate) on: Clock,
}

/// A value: given, or from a column, by way of a vocabulary if there is one.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    #[serde(default)]
    pub(crate) is: Option<String>,
    #[serde(default)]
    pub(crate) from: Option<String>,
    /// Vendor's word and ours; a word that is not in it is taken as it is, in small letters.
    #[serde(default)]
    pub(crate) map: BTreeMap<String, String>,
}

/// When the event of a rule happened.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub(crate) enum When {
    /// At a time in the row.
    At(Clock),
    /// Not before one time and not after the other.
    Between { after: Clock, before: Clock },
}

/// A time in a row.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clock {
    /// Columns whose values, joined by a space, are the time.
    pub(crate) columns: Vec<String>,
    /// `rfc3339`, or as strftime has it.
    pub(crate) format: String,
    /// Where it is not the profile's.
    #[serde(default)]
    pub(crate) zone: Option<String>,
    /// To what it is written: `second`, `minute`, `day`.
    #[serde(default)]
    pub(crate) to: Precision,
    /// A time that lies before this one is of the next day.
    #[serde(default)]
    pub(crate) not_before: Option<Box<Clock>>,
}

/// A table that is polled: a row whenever something of it changed.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Polled {
    /// When it was polled: a flag was set by then, and not yet at the poll before.
    pub(crate) at: Clock,
    /// Before this no flag can have been set.
    pub(crate) since: Clock,
    /// After this no flag can have been set, where it is there.
    #[serde(default)]
    pub(crate) until: Option<Clock>,
}

/// What is wrong with a profile, all of it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the profile cannot be used: {}", .0.join("; "))]
pub struct InvalidProfile(pub Vec<String>);

impl Profile {
    /// Reads and checks a profile.
    ///
    /// # Errors
    /// [`InvalidProfile`] with everything that is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidProfile> {
        if text.len() > LONGEST {
            return Err(InvalidProfile(vec![format!("longer than {LONGEST} bytes")]));
        }
        let profile: Self = serde_saphyr::from_str_with_options(text, serde_saphyr::options! { with_snippet: false })
            .map_err(|error| InvalidProfile(vec![check::plain(&error.to_string())]))?;
        let problems = check::problems(&profile);
        if problems.is_empty() { Ok(profile) } else { Err(InvalidProfile(problems)) }
    }

    /// The text of a profile as it may be kept: as JSON, without comments and with its name for a title, for somebody may have
    /// noted a row of the vendor's there. It reads as the text does.
    ///
    /// # Errors
    /// [`InvalidProfile`] with everything that is wrong.
    pub fn without_notes(text: &str) -> Result<String, InvalidProfile> {
        let mut profile = Self::parse(text)?;
        profile.title.clone_from(&profile.profile);
        serde_json::to_string(&profile).map_err(|error| InvalidProfile(vec![error.to_string()]))
    }

    /// Every column that it reads, each once: nothing else is taken from a file.
    pub fn columns(&self) -> Vec<&str> {
        if self.format == Format::Canonical {
            return canonical::COLUMNS.to_vec();
        }
        let mut columns: BTreeSet<&str> = self.row.iter().map(String::as_str).collect();
        columns.extend(self.rooftop.as_deref());
        columns.extend(self.subject.as_deref());
        columns.extend(self.keys.values().map(String::as_str));
        for rule in &self.events {
            columns.extend(rule.when.keys().chain(rule.unless.keys()).map(String::as_str));
            columns.extend(rule.worded().map(|(_, column, _)| column));
            columns.extend(rule.flag.as_deref());
            columns.extend(rule.sale.as_ref().map(|sale| sale.car.as_str()));
            let said = [&rule.actor, &rule.role, &rule.trade].into_iter().flatten().chain(rule.data.values());
            columns.extend(said.filter_map(|said| said.from.as_deref()));
        }
        columns.extend(self.clocks().into_iter().flat_map(|(_, clock)| &clock.columns).map(String::as_str));
        columns.into_iter().collect()
    }

    /// The source of the events of a rooftop.
    pub fn source_of(&self, rooftop: &str) -> String {
        self.source.replace("{rooftop}", rooftop)
    }

    /// Whether it reads a table that is polled: then what a row gives depends on the rows that came before, and something is
    /// remembered from one import to the next.
    pub fn is_polled(&self) -> bool {
        self.polled.is_some()
    }

    /// Where its rows say of which rooftop they are, if they do.
    pub fn rooftop_column(&self) -> Option<RooftopColumn> {
        let column = self.rooftop.as_deref()?;
        self.columns().iter().position(|known| *known == column).map(RooftopColumn)
    }

    /// The zone of its local times at a rooftop.
    pub(crate) fn zone(&self, named: Option<&str>, of_rooftop: &TimeZone) -> TimeZone {
        let named = named.unwrap_or(&self.zone);
        // Names were checked when the profile was read.
        if named == "rooftop" { of_rooftop.clone() } else { TimeZone::get(named).unwrap_or(TimeZone::UTC) }
    }

    fn clocks(&self) -> Vec<(String, &Clock)> {
        let mut clocks: Vec<(String, &Clock)> = Vec::new();
        let mut add = |place: String, clock| clocks.push((place, clock));
        if let Some(observed) = &self.observed {
            add("observed".to_owned(), observed);
        }
        if let Some(Polled { at, since, until }) = &self.polled {
            add("polled.at".to_owned(), at);
            add("polled.since".to_owned(), since);
            if let Some(until) = until {
                add("polled.until".to_owned(), until);
            }
        }
        for (index, rule) in self.events.iter().enumerate() {
            match &rule.time {
                Some(When::At(clock)) => add(format!("events[{index}].time.at"), clock),
                Some(When::Between { after, before }) => {
                    add(format!("events[{index}].time.between.after"), after);
                    add(format!("events[{index}].time.between.before"), before);
                }
                None => {}
            }
            if let Some(sale) = &rule.sale {
                add(format!("events[{index}].sale.on"), &sale.on);
            }
        }
        let bounds = clocks
            .iter()
            .filter_map(|(place, clock)| Some((format!("{place}.not_before"), clock.not_before.as_deref()?)));
        let bounds: Vec<_> = bounds.collect();
        clocks.extend(bounds);
        clocks
    }
}
