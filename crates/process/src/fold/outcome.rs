//! How a deal stands as a whole.

use super::step::Step;
use crate::{
    deal::DealState,
    definition::{Definition, Effects, Outcome, TypeId},
};

/// What the steps so far say of the deal as a whole; reopening begins anew.
#[derive(Debug, Default)]
pub(super) struct Progress<'a> {
    agreed: bool,
    delivered: bool,
    funded: bool,
    over: Option<Over<'a>>,
}

#[derive(Debug)]
struct Over<'a> {
    state: DealState,
    by: TypeId,
    reason: Option<&'a str>,
}

impl<'a> Progress<'a> {
    pub(super) fn take(&mut self, effects: &Effects, step: &Step<'a>) {
        let over = |state| Some(Over { state, by: step.type_id, reason: step.fact("reason") });
        match effects.outcome {
            None => {}
            Some(Outcome::Agreed) => self.agreed = true,
            Some(Outcome::Delivered) => self.delivered = true,
            Some(Outcome::Funded) => self.funded = true,
            Some(Outcome::Lost) => self.over = over(DealState::Lost),
            Some(Outcome::Unwound) => self.over = over(DealState::Unwound),
            Some(Outcome::Reopened) => *self = Self::default(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.is_some()
    }

    pub(super) fn over_by(&self) -> Option<TypeId> {
        self.over.as_ref().map(|over| over.by)
    }

    pub(super) fn lost_reason(&self) -> Option<&'a str> {
        self.over.as_ref().filter(|over| over.state == DealState::Lost)?.reason
    }

    /// Paid for and handed over are two things: funded counts once the car is delivered, if the process delivers at all.
    pub(super) fn state(&self, def: &Definition) -> DealState {
        match self {
            Self { over: Some(over), .. } => over.state,
            Self { funded: true, delivered, .. } if *delivered || !def.index().delivers => DealState::Funded,
            Self { delivered: true, .. } => DealState::Delivered,
            Self { agreed, funded, .. } if *agreed || *funded => DealState::Agreed,
            Self { .. } => DealState::InProgress,
        }
    }
}
