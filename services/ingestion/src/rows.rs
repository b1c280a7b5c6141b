//! The rows of a body: events by a profile, and every row accounted for.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use throughline_adapters::{Mapped, Mapper, Profile, Row, Rows};
use throughline_platform::{Failure, Principal};

use crate::{
    intake::MOST_EVENTS,
    known::{Known, Memory, Rooftops},
};

/// Rows read between two moments at which other work of the thread gets its turn.
const AT_A_STRETCH: u64 = 128;
/// Reasons that are told apart; the rest is counted together.
const MOST_REASONS: usize = 20;
/// Bytes of a reason that are told: it names columns, whose names a profile chooses.
const LONGEST_REASON: usize = 120;

const NO_ROOFTOP: &str = "it is of a rooftop that the group does not have";

/// What became of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    pub(crate) read: u64,
    /// That gave an event or more.
    pub(crate) kept: u64,
    /// That gave none, by why.
    pub(crate) dropped: BTreeMap<String, u64>,
    /// That could not be read, by why.
    pub(crate) broken: BTreeMap<String, u64>,
}

/// Events of a body as CloudEvents in JSON, and what became of its rows.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(crate) events: Vec<String>,
    pub(crate) tally: Tally,
}

/// Reads all rows of a body. `rooftop`: of which they are; empty if each says so itself.
///
/// # Errors
/// If it is no body of this profile, or gives too many events for one call.
pub(crate) async fn read(
    profile: &Profile,
    body: &[u8],
    rooftop: &str,
    memory: &Memory,
    principal: &Principal,
) -> Result<Made, Failure> {
    let mut rooftops = Mappers::load(profile, rooftop, memory, principal).await?;
    let mut rows = Rows::begin(profile, body).map_err(unreadable)?;
    let mut made = Made::default();
    while let Some(row) = rows.next().map_err(unreadable)? {
        made.tally.read += 1;
        if made.tally.read.is_multiple_of(AT_A_STRETCH) {
            tokio::task::yield_now().await;
        }
        let row = match row {
            Ok(row) => row,
            Err(broken) => {
                count(&mut made.tally.broken, &broken.why);
                continue;
            }
        };
        let mapped = match rooftops.of(&row).await? {
            Some(mapper) => mapper.map(&row),
            None => {
                count(&mut made.tally.dropped, NO_ROOFTOP);
                continue;
            }
        };
        match mapped {
            Mapped::Nothing(why) => count(&mut made.tally.dropped, &why.to_string()),
            Mapped::Events(events) => {
                made.tally.kept += 1;
                for event in events {
                    made.events.push(serde_json::to_string(&event.to_json()).map_err(Failure::internal)?);
                }
            }
        }
        if made.events.len() > MOST_EVENTS {
            let what = format!("gives more than {MOST_EVENTS} events: send fewer rows at once");
            return Err(Failure::invalid("body", what));
        }
    }
    Ok(made)
}

/// A mapper for each rooftop that rows are of.
struct Mappers<'p> {
    profile: &'p Profile,
    memory: &'p Memory,
    principal: &'p Principal,
    rooftops: Rooftops,
    looked: bool,
    one: Option<Mapper<'p>>,
    each: HashMap<String, Mapper<'p>>,
}

impl<'p> Mappers<'p> {
    async fn load(
        profile: &'p Profile,
        rooftop: &str,
        memory: &'p Memory,
        principal: &'p Principal,
    ) -> Result<Self, Failure> {
        let rooftops = memory.recall(principal).await?;
        let mut mappers = Self { profile, memory, principal, rooftops, looked: false, one: None, each: HashMap::new() };
        if !rooftop.is_empty() {
            let known = mappers.find(rooftop).await?.ok_or_else(|| Failure::not_found("rooftop", rooftop))?;
            mappers.one = Some(mappers.mapper(&known));
        }
        Ok(mappers)
    }

    /// The mapper for a row; none if the group has no such rooftop.
    async fn of(&mut self, row: &Row) -> Result<Option<&mut Mapper<'p>>, Failure> {
        if self.one.is_some() {
            return Ok(self.one.as_mut());
        }
        let Some(code) = self.profile.rooftop_column().and_then(|column| column.of(row)) else { return Ok(None) };
        let Some(known) = self.find(code).await? else { return Ok(None) };
        if !self.each.contains_key(&known.id) {
            let mapper = self.mapper(&known);
            self.each.insert(known.id.clone(), mapper);
        }
        Ok(self.each.get_mut(&known.id))
    }

    async fn find(&mut self, code: &str) -> Result<Option<std::sync::Arc<Known>>, Failure> {
        if let Some(known) = self.rooftops.find(code) {
            return Ok(Some(known.clone()));
        }
        if !self.looked {
            // It may have been added since, here or by another process.
            self.rooftops = self.memory.look(self.principal).await?;
            self.looked = true;
        }
        Ok(self.rooftops.find(code).cloned())
    }

    fn mapper(&self, known: &Known) -> Mapper<'p> {
        Mapper::new(self.profile, &known.id, self.rooftops.codes_of(&known.id), known.zone.clone())
    }
}

fn count(reasons: &mut BTreeMap<String, u64>, why: &str) {
    let why = &why[..why.floor_char_boundary(LONGEST_REASON)];
    let why = if reasons.len() < MOST_REASONS || reasons.contains_key(why) { why } else { "other reasons" };
    *reasons.entry(why.to_owned()).or_default() += 1;
}

/// What the reader says names columns of the profile, never what the body holds.
fn unreadable(error: std::io::Error) -> Failure {
    Failure::invalid("body", format!("cannot be read by the hook's profile: {error}"))
}
