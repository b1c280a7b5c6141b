//! What is to be simulated: rooftops, their staff, their troubles, and how badly events travel.

use std::collections::HashSet;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::event::Role;

/// Days of several rooftops. The same plan gives the same events, to the byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub seed: u64,
    pub rooftops: Vec<RooftopPlan>,
    /// The first day, local to each rooftop.
    pub day: Date,
    /// How many calendar days from `day`; stores are closed on Sundays.
    pub days: u32,
    pub disorder: Disorder,
}

/// One store. Its random streams hang on `id` alone, so other rooftops of the plan don't move its day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RooftopPlan {
    pub id: String,
    /// IANA name of its time zone.
    pub zone: String,
    /// Customers that come in on the mean day of the week; a Saturday brings 3.4 times as many.
    pub ups_per_day: f64,
    /// People on shift on a Saturday; on other days two in three of them.
    pub sales: u32,
    pub desk: u32,
    pub fi: u32,
    pub detail: u32,
    pub appraisers: u32,
    pub conditions: Vec<Condition>,
}

/// What is out of the ordinary at a rooftop, on each of the plan's days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// A lender's people take `factor` times as long to decide.
    SlowLender {
        factor: f64,
    },
    /// One of the role is off shift between two local times, after the customer in hand; of two such conditions each takes
    /// another person. The last salesperson and the last detailer stay.
    ManagerAway {
        role: Role,
        from: Time,
        to: Time,
    },
    /// So many detailers did not come; one is always left.
    ShortDetail {
        missing: u32,
    },
    Normal,
}

/// How events travel to the edge. All zero: each arrives at the instant it happens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Disorder {
    /// Share of the events, 0 to 1, that arrive late.
    pub late_share: f64,
    /// Share of the events, 0 to 1, that arrive twice.
    pub repeat_share: f64,
    /// The longest delay; a repetition comes within as much again.
    pub max_late_minutes: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("rooftop {rooftop}: no time zone {zone}: give an IANA name such as America/New_York")]
    UnknownZone { rooftop: String, zone: String, source: jiff::Error },
    #[error("rooftop {rooftop}: no {role} in the plan: give it at least one and at most 10000")]
    Staff { rooftop: String, role: &'static str },
    #[error("rooftop {rooftop}: {name} is {value}: give a number from 0 to {most}")]
    Number { rooftop: String, name: &'static str, value: f64, most: f64 },
    #[error("disorder: {name} is {value}: give a share from 0 to 1")]
    Share { name: &'static str, value: f64 },
    #[error("rooftop {rooftop} is in the plan twice: give each an id of its own")]
    RepeatedRooftop { rooftop: String },
    #[error("rooftop {rooftop}: away from {from} to {to}: give a later time to come back")]
    Away { rooftop: String, from: Time, to: Time },
    #[error("days is {days}: give a number from 1 to 366")]
    Days { days: u32 },
    #[error("rooftop {rooftop}: a row can't be written as JSON")]
    Row { rooftop: String, source: serde_json::Error },
    #[error("the days from {day} can't be reckoned: give a date between the years 1 and 9990")]
    Calendar { day: Date, source: jiff::Error },
}

impl Plan {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(1..=366).contains(&self.days) {
            return Err(Error::Days { days: self.days });
        }
        let Disorder { late_share, repeat_share, .. } = self.disorder;
        for (name, value) in [("late_share", late_share), ("repeat_share", repeat_share)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(Error::Share { name, value });
            }
        }
        let mut ids = HashSet::new();
        for rooftop in &self.rooftops {
            if !ids.insert(&rooftop.id) {
                return Err(Error::RepeatedRooftop { rooftop: rooftop.id.clone() });
            }
            rooftop.check()?;
        }
        Ok(())
    }
}

impl RooftopPlan {
    fn check(&self) -> Result<(), Error> {
        let staff = [
            ("salesperson", self.sales),
            ("desk manager", self.desk),
            ("F&I manager", self.fi),
            ("detailer", self.detail),
            ("appraiser", self.appraisers),
        ];
        if let Some((role, _)) = staff.into_iter().find(|(_, people)| !(1..=10_000).contains(people)) {
            return Err(Error::Staff { rooftop: self.id.clone(), role });
        }
        self.number("ups_per_day", self.ups_per_day, 10_000.0)?;
        for condition in &self.conditions {
            match condition {
                Condition::SlowLender { factor } => self.number("factor", *factor, 100.0)?,
                Condition::ManagerAway { from, to, .. } if from >= to => {
                    return Err(Error::Away { rooftop: self.id.clone(), from: *from, to: *to });
                }
                Condition::ManagerAway { .. } | Condition::ShortDetail { .. } | Condition::Normal => {}
            }
        }
        Ok(())
    }

    fn number(&self, name: &'static str, value: f64, most: f64) -> Result<(), Error> {
        if (0.0..=most).contains(&value) {
            return Ok(());
        }
        Err(Error::Number { rooftop: self.id.clone(), name, value, most })
    }

    /// The zone of its clocks.
    pub(crate) fn time_zone(&self) -> Result<TimeZone, Error> {
        let unknown = |source| Error::UnknownZone { rooftop: self.id.clone(), zone: self.zone.clone(), source };
        TimeZone::get(&self.zone).map_err(unknown)
    }

    /// What the lenders' people take of their usual time.
    pub(crate) fn lender_factor(&self) -> f64 {
        let factors = self.conditions.iter().map(|condition| match condition {
            Condition::SlowLender { factor } => *factor,
            _ => 1.0,
        });
        factors.product()
    }

    pub(crate) fn detailers_missing(&self) -> u32 {
        let missing = self.conditions.iter().map(|condition| match condition {
            Condition::ShortDetail { missing } => *missing,
            _ => 0,
        });
        missing.fold(0, u32::saturating_add)
    }
}
