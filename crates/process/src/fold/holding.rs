//! Who holds the customer, the car and the paper, step by step.

use std::collections::BTreeMap;

use super::step::Step;
use crate::{
    deal::{Holder, Holders},
    definition::{Effects, Held, Move},
    event::Bound,
};

/// A holder as the fold goes through the steps.
#[derive(Clone, Copy, Debug)]
struct Holding<'a> {
    department: &'a str,
    role: Option<&'a str>,
    actor: Option<&'a str>,
    since: Bound,
    presumed: bool,
}

/// Who holds what, and who is assigned to which role.
#[derive(Debug, Default)]
pub(super) struct Hands<'a> {
    held: [Option<Holding<'a>>; 3],
    assigned: BTreeMap<&'a str, &'a str>,
}

impl<'a> Hands<'a> {
    /// What a step moves; `awaited` tells whether some source of the rooftop reports a type.
    pub(super) fn take(&mut self, effects: &'a Effects, step: &Step<'a>, awaited: impl Fn(&str) -> bool) {
        for moved in &effects.moves {
            self.move_to(moved, step, &awaited);
        }
        if effects.assigns {
            self.assign(step);
        }
    }

    fn move_to(&mut self, moved: &'a Move, step: &Step<'a>, awaited: &impl Fn(&str) -> bool) {
        let held = &mut self.held[place(moved.what)];
        let Some(department) = moved.department.as_deref() else {
            *held = None;
            return;
        };
        let role = moved.role.as_deref();
        let presumed = moved.awaits.is_some();
        if moved.awaits.as_deref().is_some_and(awaited) {
            *held = None;
            return;
        }
        // who offers it is not who holds it then
        let reported =
            step.actor().filter(|_| !presumed && (role.is_none() || step.role().is_none_or(|r| Some(r) == role)));
        let actor = reported.or_else(|| self.assigned.get(role?).copied());
        let before = held.filter(|before| !before.presumed && (before.department, before.role) == (department, role));
        *held = Some(match before {
            Some(before) if !presumed && actor.is_none_or(|actor| before.actor == Some(actor)) => before,
            _ => Holding { department, role, actor, since: step.at, presumed },
        });
    }

    /// Somebody works the deal in a role from now on, and holds what is held in it; without a role, the customer.
    fn assign(&mut self, step: &Step<'a>) {
        let Some(actor) = step.actor() else { return };
        let role = step.role();
        if let Some(role) = role {
            self.assigned.insert(role, actor);
        }
        for (at, held) in self.held.iter_mut().enumerate() {
            if let Some(holding) = held
                && (role.is_some() && holding.role == role || role.is_none() && at == place(Held::Customer))
                && holding.actor != Some(actor)
            {
                *holding = Holding { actor: Some(actor), since: step.at, ..*holding };
            }
        }
    }

    /// The deal is over: nobody holds anything of it.
    pub(super) fn let_go(&mut self) {
        self.held = [None; 3];
    }

    pub(super) fn into_parts(self) -> (Holders, BTreeMap<String, String>) {
        let holder = |what: Held| {
            self.held[place(what)].map(|holding| Holder {
                department: holding.department.to_owned(),
                role: holding.role.map(str::to_owned),
                actor: holding.actor.map(str::to_owned),
                since: holding.since,
                presumed: holding.presumed,
            })
        };
        let holders = Holders { customer: holder(Held::Customer), car: holder(Held::Car), paper: holder(Held::Paper) };
        let assigned = self.assigned.iter().map(|(role, actor)| ((*role).to_owned(), (*actor).to_owned()));
        (holders, assigned.collect())
    }
}

fn place(what: Held) -> usize {
    match what {
        Held::Customer => 0,
        Held::Car => 1,
        Held::Paper => 2,
    }
}
