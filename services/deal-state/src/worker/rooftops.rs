//! Under what the deals of each rooftop are folded, and what a batch changes about that.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use prost::Message;
use throughline_journal::{ApplyError, Entry};
use throughline_platform::{Failure, db::Tx};
use throughline_process::{Observed, Watch};
use throughline_proto::tenant::v1 as tenant;

use super::{
    Folder,
    folding::read,
    intake::{Intake, Name, poison},
};
use crate::{
    domain::{capacity::KEPT, folding::Rooftop},
    store::{self, RooftopRow, Saving},
    wire,
};

/// So many types that its definition does not name are remembered of a rooftop. Those that it names are always.
const MOST_UNKNOWN: usize = 500;

/// A type that was reported.
struct Reported {
    event_type: String,
    recorded_at: Timestamp,
    day: Date,
    /// When it is no longer observed unless it is reported again; none: not within the calendars' horizon.
    expires_at: Option<Timestamp>,
}

/// The day of an instant in UTC: exact to a day is all that expiry needs.
pub(super) fn day_of(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// The rooftops of a batch as they stand behind it.
pub struct Rooftops {
    all: BTreeMap<Name, Arc<Rooftop>>,
    /// By what their sources are judged.
    watches: BTreeMap<Name, Watch>,
    /// Types that are observed for the first time, again, or on another day.
    reported: BTreeMap<Name, Vec<Reported>>,
    /// Sweeps that begin: (group, rooftop, every deal).
    pub refolds: Vec<(String, String, bool)>,
}

impl Folder {
    /// One rooftop as it stands.
    pub(super) async fn rooftop(
        &self,
        tx: &mut Tx,
        part: u16,
        group: &str,
        id: &str,
    ) -> Result<Arc<Rooftop>, ApplyError> {
        let rows = store::rooftops(tx, part, &[group.to_owned()], &[id.to_owned()]).await?;
        let row = rows.into_iter().next().ok_or_else(|| Failure::internal("a rooftop asked for was not answered"))?;
        let (rooftop, _) = self.known(&row)?;
        Ok(Arc::new(rooftop))
    }

    /// The rooftops of a batch: what is stored, and over it what the batch brings.
    pub(super) async fn rooftops(
        &self,
        tx: &mut Tx,
        part: u16,
        entries: &[Entry],
        intake: &Intake,
    ) -> Result<Rooftops, ApplyError> {
        let names = intake.names();
        let mut rooftops =
            Rooftops { all: BTreeMap::new(), watches: BTreeMap::new(), reported: BTreeMap::new(), refolds: Vec::new() };
        if names.is_empty() {
            return Ok(rooftops);
        }
        let (groups, ids): (Vec<String>, Vec<String>) = names.into_iter().cloned().unzip();
        for row in store::rooftops(tx, part, &groups, &ids).await? {
            let name = (row.group.clone(), row.rooftop.clone());
            let ((mut rooftop, said), unread) = match self.known(&row) {
                Ok(known) => (known, false),
                // What the directory says now takes the place of what cannot be read.
                Err(ApplyError::Poison { .. }) if intake.directory.contains_key(&name) => {
                    (self.known(&RooftopRow { body: None, ..row.clone() })?, true)
                }
                Err(error) => return Err(error),
            };
            let mut every_deal = false;
            if let Some((place, news)) = intake.directory.get(&name) {
                rooftop.definition = self.definitions.read(&news.definition_json).map_err(|error| {
                    let cause = format!("the process definition of the rooftop cannot be read: {error}");
                    // The follower parks the directory's entry; deals go on under the former definition.
                    poison(&entries[*place], cause)
                })?;
                every_deal = unread || row.body.is_some() && news.definition_json != said.definition_json;
            }
            let says = intake.directory.get(&name).map_or(&said, |(_, news)| news);
            let watch = wire::watch(says);
            let types = intake.types.get(&name).into_iter().flatten();
            let mut unknown = row.observed.iter().filter(|known| !rooftop.definition.knows(known)).count();
            let days: BTreeMap<&String, Option<Date>> = row.observed.iter().zip(row.days.iter().copied()).collect();
            let (mut reported, mut sees_more) = (Vec::new(), false);
            for (event_type, (first, last)) in types {
                let named = rooftop.definition.knows(event_type);
                let new = (named || unknown < MOST_UNKNOWN) && rooftop.observed.insert(event_type);
                unknown += usize::from(new && !named);
                // A type that the definition does not name changes nothing.
                sees_more |= new && named;
                let day = day_of(*last);
                let another_day = days.get(event_type).is_some_and(|known| known.is_none_or(|known| known < day));
                if new || another_day {
                    let expires_at = watch.calendars.after_open_days(*last, rooftop.definition.observed_for_open_days);
                    reported.push(Reported { event_type: event_type.clone(), recorded_at: *first, day, expires_at });
                }
            }
            if every_deal || sees_more {
                rooftops.refolds.push((name.0.clone(), name.1.clone(), every_deal));
            }
            rooftops.reported.insert(name.clone(), reported);
            rooftops.watches.insert(name.clone(), watch);
            rooftops.all.insert(name, Arc::new(rooftop));
        }
        Ok(rooftops)
    }

    /// A rooftop as stored, and what the directory said of it.
    fn known(&self, row: &RooftopRow) -> Result<(Rooftop, tenant::Rooftop), ApplyError> {
        let said = match &row.body {
            Some(body) => read::<tenant::Rooftop>(body, "rooftop")?,
            None => tenant::Rooftop::default(),
        };
        let definition = self.definitions.read(&said.definition_json).map_err(|error| ApplyError::Poison {
            entity: String::new(),
            cause: format!("a stored process definition cannot be read: {error}"),
        })?;
        let observed = Observed::of(row.observed.iter().cloned());
        Ok((Rooftop { group: row.group.clone(), id: row.rooftop.clone(), definition, observed, keeps: KEPT }, said))
    }
}

impl Rooftops {
    /// The rooftop of that name; every name of the batch was asked for.
    pub fn get(&self, name: &Name) -> Option<Arc<Rooftop>> {
        self.all.get(name).cloned()
    }

    /// By what the sources of the rooftop of that name are judged.
    pub fn watch(&self, name: &Name) -> Option<&Watch> {
        self.watches.get(name)
    }

    /// What the batch changes about rooftops.
    pub fn note(&self, saving: &mut Saving, intake: &Intake) {
        for ((group, rooftop), (_, news)) in &intake.directory {
            saving.rooftop(group, rooftop, news.encode_to_vec());
        }
        for ((group, rooftop), reported) in &self.reported {
            for Reported { event_type, recorded_at, day, expires_at } in reported {
                saving.observed((group, rooftop), event_type, *recorded_at, *day, *expires_at);
            }
        }
    }
}
