//! Routes, as callers write and read them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use throughline_platform::{Violation, name};
use throughline_proto::{
    self as pb,
    notification::v1::{LogChannel, WebhookChannel, route},
};

use crate::domain::{Loopback, Severity, parse_target};

/// Rooftops or measures that one route may list.
const MOST_LISTED: usize = 500;
/// Violations of a list that are worth telling.
const MOST_TOLD: usize = 10;

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    Log,
    Webhook { url: String },
}

/// What a caller says of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteContent {
    /// Sorted; empty: all.
    pub rooftops: Vec<String>,
    /// Sorted; empty: all.
    pub measures: Vec<String>,
    pub min_severity: Severity,
    pub channel: Channel,
}

/// A route as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRoute {
    pub id: String,
    pub content: RouteContent,
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
}

/// Reads a route that is to be made; all that is wrong with it at once.
pub fn parse_route(route: &pb::notification::v1::Route, loopback: Loopback) -> Result<RouteContent, Vec<Violation>> {
    let mut violations = Vec::new();
    let rooftops =
        list("route.rooftops", &route.rooftops, name::is_rooftop_id, "is not the id of a rooftop", &mut violations);
    let measures =
        list("route.measures", &route.measures, is_measure, "is not a measure such as handoff.fi", &mut violations);
    let min_severity = match pb::rule::v1::Severity::try_from(route.min_severity) {
        Ok(pb::rule::v1::Severity::Red) => Severity::Red,
        Ok(_) => Severity::Yellow,
        Err(_) => {
            violations.push(Violation::new("route.min_severity", format!("{} is unknown", route.min_severity)));
            Severity::Yellow
        }
    };
    let channel = match &route.channel {
        Some(route::Channel::Log(LogChannel {})) => Some(Channel::Log),
        Some(route::Channel::Webhook(WebhookChannel { url })) => match parse_target(url, loopback) {
            Ok(url) => Some(Channel::Webhook { url: url.into() }),
            Err(why) => {
                violations.push(Violation::new("route.webhook.url", why));
                None
            }
        },
        None => {
            violations.push(Violation::new("route.channel", "must be webhook or log"));
            None
        }
    };
    match channel {
        Some(channel) if violations.is_empty() => Ok(RouteContent { rooftops, measures, min_severity, channel }),
        _ => Err(violations),
    }
}

fn list(
    field: &str,
    given: &[String],
    proper: fn(&str) -> bool,
    wrong: &str,
    violations: &mut Vec<Violation>,
) -> Vec<String> {
    if given.len() > MOST_LISTED {
        violations.push(Violation::new(field, format!("must have at most {MOST_LISTED} items")));
    }
    let improper = given.iter().enumerate().filter(|(_, item)| !proper(item)).take(MOST_TOLD);
    violations
        .extend(improper.map(|(index, item)| {
            Violation::new(format!("{field}[{index}]"), format!("{} {wrong}", name::shown(item)))
        }));
    given.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

fn is_measure(measure: &str) -> bool {
    measure.len() <= 100
        && measure.starts_with(|char: char| char.is_ascii_alphanumeric())
        && measure.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// The wire form of a route.
pub fn render_route(group: &str, route: &StoredRoute) -> pb::notification::v1::Route {
    let content = &route.content;
    pb::notification::v1::Route {
        name: format!("groups/{group}/routes/{}", route.id),
        rooftops: content.rooftops.clone(),
        measures: content.measures.clone(),
        min_severity: match content.min_severity {
            Severity::Yellow => pb::rule::v1::Severity::Yellow.into(),
            Severity::Red => pb::rule::v1::Severity::Red.into(),
        },
        channel: Some(match &content.channel {
            Channel::Log => route::Channel::Log(LogChannel {}),
            Channel::Webhook { url } => route::Channel::Webhook(WebhookChannel { url: url.clone() }),
        }),
        create_time: Some(pb::time::to_wire(route.created_at)),
        disable_time: route.disabled_at.map(pb::time::to_wire),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let route = pb::notification::v1::Route {
            rooftops: vec!["north".to_owned(), "no rooftop".to_owned()],
            measures: vec![String::new()],
            min_severity: 9,
            channel: Some(route::Channel::Webhook(WebhookChannel { url: "http://10.0.0.1/".to_owned() })),
            ..Default::default()
        };
        let violations = parse_route(&route, Loopback::Allowed).unwrap_err();
        let fields: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["route.rooftops[1]", "route.measures[0]", "route.min_severity", "route.webhook.url"]);
        let nowhere = parse_route(&pb::notification::v1::Route::default(), Loopback::Allowed).unwrap_err();
        assert_eq!(nowhere[0].field, "route.channel");
    }

    #[test]
    fn what_is_kept_is_rendered_as_it_was_given() {
        let route = pb::notification::v1::Route {
            rooftops: vec!["south".to_owned(), "north".to_owned(), "north".to_owned()],
            min_severity: pb::rule::v1::Severity::Red.into(),
            channel: Some(route::Channel::Webhook(WebhookChannel { url: "https://hooks.example.com/a".to_owned() })),
            ..Default::default()
        };
        let content = parse_route(&route, Loopback::Refused).unwrap();
        let stored = StoredRoute { id: "r1".to_owned(), content, created_at: Timestamp::UNIX_EPOCH, disabled_at: None };
        let rendered = render_route("summit", &stored);
        assert_eq!(rendered.name, "groups/summit/routes/r1");
        assert_eq!(rendered.rooftops, ["north", "south"]);
        assert_eq!((rendered.min_severity, &rendered.channel), (route.min_severity, &route.channel));
    }
}
