//! Nobody is told of what is over, taken or past.

use jiff::{SignedDuration, Timestamp};

use super::Standing;

/// A step that the flag reached longer ago than this is not told of any more.
pub const FRESH_FOR: SignedDuration = SignedDuration::from_hours(2);

/// What became of the route of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteState {
    Open,
    /// The receiver said that it is gone.
    Disabled,
    Deleted,
}

/// Why a message is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Withheld {
    Closed,
    Acknowledged,
    Retracted,
    TooOld,
    RouteDeleted,
    RouteDisabled,
}

impl Withheld {
    /// Its name in answers and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Acknowledged => "acknowledged",
            Self::Retracted => "retracted",
            Self::TooOld => "too_old",
            Self::RouteDeleted => "route_deleted",
            Self::RouteDisabled => "route_disabled",
        }
    }
}

/// Why a message about a step is not sent just now, and so never; none if it is.
pub fn withheld(flag: Standing, route: RouteState, step_at: Timestamp, now: Timestamp) -> Option<Withheld> {
    match route {
        RouteState::Deleted => return Some(Withheld::RouteDeleted),
        RouteState::Disabled => return Some(Withheld::RouteDisabled),
        RouteState::Open => {}
    }
    match () {
        () if flag.retracted => Some(Withheld::Retracted),
        () if flag.closed => Some(Withheld::Closed),
        () if flag.acknowledged => Some(Withheld::Acknowledged),
        () if now.duration_since(step_at) > FRESH_FOR => Some(Withheld::TooOld),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_step_is_fresh_for_two_hours_and_not_a_moment_longer() {
        let step_at = at("2026-09-07T10:00:00Z");
        let check = |now| withheld(Standing::default(), RouteState::Open, step_at, at(now));
        assert_eq!(check("2026-09-07T12:00:00Z"), None);
        assert_eq!(check("2026-09-07T12:00:00.000001Z"), Some(Withheld::TooOld));
        // Another clock may be a little ahead.
        assert_eq!(check("2026-09-07T09:59:00Z"), None);
    }

    #[test]
    fn each_reason_is_told_apart() {
        let now = at("2026-09-07T10:00:00Z");
        let flag = |closed, acknowledged, retracted| Standing { closed, acknowledged, retracted };
        for (flag, route, why) in [
            (flag(true, false, false), RouteState::Open, Withheld::Closed),
            (flag(false, true, false), RouteState::Open, Withheld::Acknowledged),
            (flag(true, true, true), RouteState::Open, Withheld::Retracted),
            (flag(false, false, false), RouteState::Disabled, Withheld::RouteDisabled),
            (flag(true, false, false), RouteState::Deleted, Withheld::RouteDeleted),
        ] {
            assert_eq!(withheld(flag, route, now, now), Some(why));
        }
    }
}
