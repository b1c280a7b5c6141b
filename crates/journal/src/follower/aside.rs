//! What is set aside of one part, as its owner remembers it. The truth is in the tables `parked` and `parked_timer`.
use std::{collections::HashSet, sync::Arc};

use crate::EntityKey;

/// Entities of a part whose entries or timer failed three times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Aside {
    /// Entities whose entries are parked: later ones queue behind them.
    pub(super) entries: HashSet<EntityKey>,
    /// Entities whose timers are parked: their entries are applied as ever.
    pub(super) timers: Arc<HashSet<EntityKey>>,
}

/// How many entities are set aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) entries: usize,
    pub(super) timers: usize,
}

impl Aside {
    pub(super) fn add(&mut self, entity: EntityKey, timer: bool) {
        if timer {
            self.park_timer(entity);
        } else {
            self.entries.insert(entity);
        }
    }

    pub(super) fn park_timer(&mut self, entity: EntityKey) {
        Arc::make_mut(&mut self.timers).insert(entity);
    }

    pub(super) fn unpark_timer(&mut self, entity: &EntityKey) {
        if self.timers.contains(entity) {
            Arc::make_mut(&mut self.timers).remove(entity);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.timers.is_empty()
    }

    pub(super) fn counts(&self) -> Counts {
        Counts { entries: self.entries.len(), timers: self.timers.len() }
    }
}
