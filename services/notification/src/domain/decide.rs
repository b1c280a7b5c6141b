//! Which messages a flag calls for.

use jiff::Timestamp;

use super::{Flag, Route, RouteState, Severity, withheld};

/// To tell of one step of a flag on one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<'r> {
    pub route: &'r Route,
    pub step: Severity,
    pub step_at: Timestamp,
}

/// What a flag calls for as it now stands. Only the step that it stands at is told of: whoever hears of red needs no word
/// of yellow. That the same has been decided before is seen by its id.
pub fn decide<'r>(flag: &Flag, routes: &'r [Route], now: Timestamp) -> Vec<Decision<'r>> {
    let (step, step_at) = flag.step();
    if !is_due(flag, now) {
        return Vec::new();
    }
    let taken = routes.iter().filter(|route| route.takes(flag, step));
    taken.map(|route| Decision { route, step, step_at }).collect()
}

/// Whether a message is due for a flag as it stands, if a route takes it. Once none is due, time alone never makes one due.
pub fn is_due(flag: &Flag, now: Timestamp) -> bool {
    withheld(flag.standing(), RouteState::Open, flag.step().1, now).is_none()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{ChannelKind, FRESH_FOR};

    fn at(minutes: i64) -> Timestamp {
        "2026-09-07T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
    }

    fn yellow() -> Flag {
        Flag {
            group: "summit".to_owned(),
            rooftop: "north".to_owned(),
            id: "f1".to_owned(),
            continues: None,
            measure: "handoff.fi".to_owned(),
            severity: Severity::Yellow,
            opened_at: at(0),
            red_at: None,
            closed_at: None,
            acknowledged: false,
            history_recorded_at: None,
            revision: 1,
        }
    }

    fn red() -> Flag {
        Flag { severity: Severity::Red, red_at: Some(at(15)), ..yellow() }
    }

    fn route(id: &str) -> Route {
        Route {
            group: "summit".to_owned(),
            id: id.to_owned(),
            rooftops: Vec::new(),
            measures: Vec::new(),
            min_severity: Severity::Yellow,
            channel: ChannelKind::Log,
        }
    }

    fn told(flag: &Flag, route: Route, minutes: i64) -> Option<(Severity, Timestamp)> {
        decide(flag, &[route], at(minutes)).first().map(|decision| (decision.step, decision.step_at))
    }

    #[test]
    fn a_flag_is_told_of_at_the_step_where_it_stands() {
        assert_eq!(told(&yellow(), route("r"), 1), Some((Severity::Yellow, at(0))));
        assert_eq!(told(&red(), route("r"), 16), Some((Severity::Red, at(15))));
    }

    #[test]
    fn a_route_takes_its_rooftops_measures_and_severity_alone() {
        let listed = |list: &[&str]| list.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        for (route, takes) in [
            (Route { rooftops: listed(&["south", "north"]), ..route("r") }, true),
            (Route { rooftops: listed(&["south"]), ..route("r") }, false),
            (Route { measures: listed(&["handoff.fi"]), ..route("r") }, true),
            (Route { measures: listed(&["handoff.desk"]), ..route("r") }, false),
            (Route { min_severity: Severity::Red, ..route("r") }, false),
            (Route { group: "rival".to_owned(), ..route("r") }, false),
        ] {
            assert_eq!(told(&yellow(), route.clone(), 1).is_some(), takes, "{route:?}");
        }
        let red_only = Route { min_severity: Severity::Red, ..route("r") };
        assert_eq!(told(&red(), red_only, 16), Some((Severity::Red, at(15))));
    }

    #[test]
    fn closed_acknowledged_imported_and_stale_flags_send_no_notification() {
        for flag in [
            Flag { closed_at: Some(at(5)), ..yellow() },
            Flag { acknowledged: true, ..yellow() },
            Flag { history_recorded_at: Some(at(0)), ..yellow() },
            Flag { history_recorded_at: Some(at(15)), ..red() },
        ] {
            assert_eq!(told(&flag, route("r"), 16), None, "{flag:?}");
        }
        assert_eq!(told(&yellow(), route("r"), 121), None);
        // It opened long ago, or was imported yellow, but red is news.
        assert_eq!(told(&red(), route("r"), 130), Some((Severity::Red, at(15))));
        let imported_yellow = Flag { history_recorded_at: Some(at(14)), ..red() };
        assert_eq!(told(&imported_yellow, route("r"), 16), Some((Severity::Red, at(15))));
    }

    proptest! {
        #[test]
        fn whatever_is_decided_is_open_fresh_and_not_imported(
            history in prop::option::of(-300i64..300), acknowledged: bool, closed: bool, is_red: bool, opened in -300i64..300, red_after in 0i64..60,
            min_red: bool, mine: bool,
        ) {
            let flag = Flag {
                acknowledged,
                history_recorded_at: history.map(at),
                closed_at: closed.then(|| at(opened + 60)),
                severity: if is_red { Severity::Red } else { Severity::Yellow },
                opened_at: at(opened),
                red_at: is_red.then(|| at(opened + red_after)),
                ..yellow()
            };
            let routes = [Route {
                group: if mine { "summit" } else { "rival" }.to_owned(),
                min_severity: if min_red { Severity::Red } else { Severity::Yellow },
                ..route("r")
            }];
            let (step, step_at) = flag.step();
            let wanted = !acknowledged && !closed && mine && (is_red || !min_red)
                && history.is_none_or(|history| at(history) < step_at)
                && at(0).duration_since(step_at) <= FRESH_FOR;
            let decided = decide(&flag, &routes, at(0));
            prop_assert_eq!(decided.len(), usize::from(wanted));
            prop_assert!(decided.iter().all(|decision| (decision.step, decision.step_at) == (step, step_at)));
        }
    }
}
