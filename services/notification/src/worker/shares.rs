//! Who is being served: one slow receiver, or one group with many of them, gets no more than its share.

use std::collections::HashMap;

use crate::store::Claimed;

/// Messages on their way at once.
pub const MOST: usize = 64;
/// Of one route; a claim may add as many to those that are on their way.
pub const OF_ROUTE: usize = 4;
/// Of one group; a claim may add as many to those that are on their way.
pub const OF_GROUP: usize = 16;

/// Whose message is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    route: String,
    group: String,
}

/// What is on its way, by route and by group.
#[derive(Debug, Default)]
pub struct Shares {
    routes: HashMap<String, usize>,
    groups: HashMap<String, usize>,
    all: usize,
}

impl Shares {
    /// Counts a message that sets out.
    pub fn take(&mut self, claimed: &Claimed) -> Share {
        *self.routes.entry(claimed.route.clone()).or_default() += 1;
        *self.groups.entry(claimed.group.clone()).or_default() += 1;
        self.all += 1;
        Share { route: claimed.route.clone(), group: claimed.group.clone() }
    }

    /// It has arrived, or not.
    pub fn give(&mut self, share: &Share) {
        less(&mut self.routes, &share.route);
        less(&mut self.groups, &share.group);
        self.all = self.all.saturating_sub(1);
    }

    /// How many more may set out.
    pub fn free(&self) -> usize {
        MOST.saturating_sub(self.all)
    }

    /// Routes that have their share.
    pub fn busy_routes(&self) -> Vec<String> {
        full(&self.routes, OF_ROUTE)
    }

    /// Groups that have their share.
    pub fn busy_groups(&self) -> Vec<String> {
        full(&self.groups, OF_GROUP)
    }
}

fn less(counts: &mut HashMap<String, usize>, key: &str) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

fn full(counts: &HashMap<String, usize>, most: usize) -> Vec<String> {
    counts.iter().filter(|(_, count)| **count >= most).map(|(key, _)| key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::{
        domain::{RouteState, Standing},
        store::Destination,
    };

    fn of(group: &str, route: &str) -> Claimed {
        Claimed {
            part: 0,
            group: group.to_owned(),
            id: Uuid::nil(),
            lease: Uuid::nil(),
            route: route.to_owned(),
            route_state: RouteState::Open,
            destination: Destination::Log,
            flag: Standing::default(),
            step_at: Timestamp::UNIX_EPOCH,
            attempts: 0,
            body: String::new(),
            trace: Default::default(),
        }
    }

    #[test]
    fn a_route_and_a_group_are_busy_while_they_have_their_share() {
        let mut shares = Shares::default();
        let taken: Vec<_> = (0..OF_ROUTE).map(|_| shares.take(&of("summit", "slow"))).collect();
        assert_eq!((shares.busy_routes(), shares.busy_groups()), (vec!["slow".to_owned()], vec![]));
        let others: Vec<_> = (OF_ROUTE..OF_GROUP).map(|n| shares.take(&of("summit", &n.to_string()))).collect();
        assert_eq!(shares.busy_groups(), ["summit"]);
        assert_eq!(shares.free(), MOST - OF_GROUP);
        taken.iter().chain(&others).for_each(|share| shares.give(share));
        assert_eq!((shares.busy_routes(), shares.busy_groups(), shares.free()), (vec![], vec![], MOST));
        assert!(shares.routes.is_empty() && shares.groups.is_empty());
    }
}
