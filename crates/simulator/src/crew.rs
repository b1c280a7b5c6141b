//! The people of one role: who is on shift, who is free, and who waits for them.

use std::collections::VecDeque;

use crate::event::{Name, Role};
use crate::week::Millis;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    No,
    /// Called away: goes as soon as the customer in hand is done.
    WhenFree,
    /// After closing: stays while any customer in the store may still need the role.
    WhenDone,
}

#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) name: Name,
    pub(crate) on_shift: bool,
    pub(crate) busy: bool,
    pub(crate) leaving: Leaving,
    free_since: Millis,
}

/// The people of one role and the line of visits before them, first come first served.
#[derive(Clone, Debug)]
pub(crate) struct Crew {
    pub(crate) role: Role,
    pub(crate) people: Vec<Person>,
    pub(crate) line: VecDeque<usize>,
}

impl Crew {
    pub(crate) fn new(rooftop: &str, role: Role, prefix: &str, people: u32) -> Self {
        let people = (1..=people)
            .map(|number| Person {
                name: Name::from(format!("{rooftop}-{prefix}{number}")),
                on_shift: false,
                busy: false,
                leaving: Leaving::No,
                free_since: Millis::MIN,
            })
            .collect();
        Self { role, people, line: VecDeque::new() }
    }

    /// The first in line with the person who takes them, if anyone is free.
    pub(crate) fn next(&mut self) -> Option<(usize, usize)> {
        let person = self.free()?;
        let visit = self.line.pop_front()?;
        self.people[person].busy = true;
        Some((visit, person))
    }

    /// Who has been free for longest, of those on shift.
    pub(crate) fn free(&self) -> Option<usize> {
        let free = self.people.iter().enumerate().filter(|(_, person)| person.on_shift && !person.busy);
        free.min_by_key(|(_, person)| person.free_since).map(|(person, _)| person)
    }

    pub(crate) fn is_free(&self, person: usize) -> bool {
        self.people[person].on_shift && !self.people[person].busy
    }

    pub(crate) fn release(&mut self, person: usize, now: Millis) {
        self.people[person].busy = false;
        self.people[person].free_since = now;
    }

    /// Takes a visit out of the line; false when it did not stand there.
    pub(crate) fn drop_out(&mut self, visit: usize) -> bool {
        let before = self.line.len();
        self.line.retain(|waiting| *waiting != visit);
        self.line.len() < before
    }

    pub(crate) fn name(&self, person: usize) -> &Name {
        &self.people[person].name
    }
}
