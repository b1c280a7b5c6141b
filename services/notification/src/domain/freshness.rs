//! Skips closed, acknowledged, retracted, imported, and stale flags.

use jiff::Timestamp;
use throughline_process::alert::{NotDue, not_due};

use super::Standing;

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
    /// Its deal was imported as history after the step.
    Imported,
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
            Self::Imported => "imported",
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
        () => not_due(step_at, flag.history_recorded_at, now).map(|why| match why {
            NotDue::Imported => Withheld::Imported,
            NotDue::TooOld => Withheld::TooOld,
        }),
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
        let flag =
            |closed, acknowledged, retracted| Standing { closed, acknowledged, retracted, ..Standing::default() };
        let imported = Standing { history_recorded_at: Some(now), ..Standing::default() };
        for (flag, route, why) in [
            (flag(true, false, false), RouteState::Open, Withheld::Closed),
            (flag(false, true, false), RouteState::Open, Withheld::Acknowledged),
            (flag(true, true, true), RouteState::Open, Withheld::Retracted),
            (imported, RouteState::Open, Withheld::Imported),
            (flag(false, false, false), RouteState::Disabled, Withheld::RouteDisabled),
            (flag(true, false, false), RouteState::Deleted, Withheld::RouteDeleted),
        ] {
            assert_eq!(withheld(flag, route, now, now), Some(why));
        }
    }
}
