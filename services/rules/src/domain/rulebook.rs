//! By what a rooftop's deals are judged.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use throughline_process::{
    Calendars, Definition, Evidence, Flags, Schedule,
    definition::Targets,
    flag::{FlagInterval, flags, silent_feeds},
};

use super::{Subject, flag_id};

/// The process definition, the targets with the rooftop's overrides, and when it and its departments are open.
#[derive(Clone, Debug)]
pub struct Rulebook {
    pub definition: Arc<Definition>,
    pub targets: Arc<Targets>,
    pub schedule: Arc<Schedule>,
    /// Until when its sources would have reported what happened.
    pub evidence: Evidence,
}

impl Rulebook {
    /// Overrides are (yellow, red) in seconds by measure. The version of the rule set names what they are, so that two
    /// rooftops with the same overrides have the same one.
    pub fn new(definition: Arc<Definition>, overrides: &BTreeMap<String, (u64, u64)>, schedule: Schedule) -> Self {
        let shipped = &definition.document().targets;
        let targets = match overrides.is_empty() {
            true => shipped.clone(),
            false => shipped.overridden(&format!("{}+{}", shipped.version, fingerprint(overrides)), overrides),
        };
        Self { definition, targets: Arc::new(targets), schedule: Arc::new(schedule), evidence: Evidence::default() }
    }

    /// The same with what is known of the rooftop's sources.
    pub fn with_evidence(&self, evidence: Evidence) -> Self {
        Self { evidence, ..self.clone() }
    }

    /// IDs of the flags that the floor may have now.
    pub fn floor_flag_ids(&self, floor: &Subject, now: Timestamp) -> Vec<String> {
        self.floor_flags(now).intervals.iter().map(|interval| flag_id(&floor.name, &interval.id)).collect()
    }

    /// The flags of the rooftop's floor as known now.
    pub fn floor_flags(&self, now: Timestamp) -> Flags {
        silent_feeds(&self.evidence, now)
    }

    /// The flags of a deal as known now.
    pub fn flags(&self, subject: &Subject, now: Timestamp) -> Flags {
        flags(&subject.intervals, &self.definition, &self.targets, &self.schedule, &self.evidence, now)
    }

    /// By whose hours a flag is measured, if it is by open hours.
    pub fn hours_of(&self, interval: &FlagInterval) -> &Calendars {
        match interval.measure.starts_with("cycle.") {
            true => self.schedule.rooftop(),
            false => self.schedule.of(&interval.department),
        }
    }

    /// What people call a department.
    pub fn department<'a>(&'a self, id: &'a str) -> &'a str {
        let named = self.definition.departments.iter().find(|department| department.id == id);
        named.map_or(id, |department| &department.title)
    }
}

impl Default for Rulebook {
    /// The shipped retail deal, UTC, always open.
    fn default() -> Self {
        Self::new(Definition::retail_deal(), &BTreeMap::new(), Schedule::default())
    }
}

fn fingerprint(overrides: &BTreeMap<String, (u64, u64)>) -> String {
    let mut hasher = blake3::Hasher::new();
    for (measure, (yellow, red)) in overrides {
        hasher.update(&(measure.len() as u64).to_le_bytes());
        hasher.update(measure.as_bytes());
        hasher.update(&yellow.to_le_bytes());
        hasher.update(&red.to_le_bytes());
    }
    hasher.finalize().to_hex()[..8].to_owned()
}
