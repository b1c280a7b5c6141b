//! Why an event is refused or kept apart, as its sender is told. No message repeats a value that did not pass.

use std::time::Duration;

use throughline_platform::{Failure, Principal, Reason, Violation, failure::Code};

use crate::{
    domain::event::{Parsed, Why},
    known::Rooftops,
};

/// How the sources of what people decide and of what we find out ourselves begin: nobody else writes them.
const OUR_SOURCES: &str = "//throughline/";

/// Whether the key may bring an event of this source to this rooftop. What did not pass the edge is not held against it.
pub(crate) fn may_bring(principal: &Principal, parsed: &Parsed, rooftops: &Rooftops) -> Result<(), Failure> {
    let (source, rooftop) = (parsed.source(), parsed.rooftop());
    if source.starts_with(OUR_SOURCES) {
        let message = "sources that begin with //throughline/ are our own: use one of yours";
        return Err(Failure::permission(Reason::SourceNotAllowed, message).with("source", source));
    }
    if !source.is_empty() && !principal.may_write(source) {
        let message = "this key may not write that source";
        return Err(Failure::permission(Reason::SourceNotAllowed, message).with("source", source));
    }
    if !rooftop.is_empty() {
        // A rooftop that is not there and one that may not be seen look the same to a key that is held to some.
        let id = rooftops.find(rooftop).map_or(rooftop, |known| known.id.as_str());
        if !principal.may_see(id) {
            let message = "this key may not bring events to that rooftop";
            return Err(Failure::permission(Reason::RooftopNotAllowed, message).with("rooftop", rooftop));
        }
    }
    Ok(())
}

/// Why an entry is refused that is not even an event.
pub(crate) fn unreadable(at: usize) -> Failure {
    Failure::new(Code::InvalidArgument, Reason::InvalidField, "an entry of the batch is no json object")
        .at_field(format!("events[{at}]"))
}

/// Why an event is refused whose day its rooftop never had.
pub(crate) fn no_such_day(at: usize) -> Failure {
    Failure::new(Code::InvalidArgument, Reason::InvalidTime, "the day does not exist in the rooftop's zone")
        .at_field(format!("events[{at}].time"))
}

/// Why an event is kept apart that was read as `why`; its fields are named within the request, as `events[3].time`.
pub(crate) fn unsound(why: Why, at: usize) -> Failure {
    let violations = why.violations;
    let summary = match violations.as_slice() {
        [] => "the event is not sound".to_owned(),
        [one] => format!("{} {}", one.field, one.description),
        [first, rest @ ..] => format!("{} {} (and {} more)", first.field, first.description, rest.len()),
    };
    let named = violations
        .into_iter()
        .map(|violation| Violation::new(format!("events[{at}].{}", violation.field), violation.description));
    Failure::new(Code::InvalidArgument, why.reason, summary).with_violations(named)
}

/// Why an event waits whose rooftop the group does not have.
pub(crate) fn unknown_rooftop(rooftop: &str, at: usize) -> Failure {
    let message = format!("the group has no rooftop {rooftop:?}: add it, or its code, and replay");
    Failure::new(Code::NotFound, Reason::UnknownRooftop, message)
        .with("rooftop", rooftop)
        .at_field(format!("events[{at}].rooftop"))
}

/// Why an event is kept apart whose id stands for another content.
pub(crate) fn reused() -> Failure {
    let message =
        "the id was used for another content of this source: send a correction with an id of its own and `replaces`";
    Failure::new(Code::AlreadyExists, Reason::EventIdReused, message)
}

/// Why an event could not even be kept apart.
pub(crate) fn no_room() -> Failure {
    let message = "the group's quarantine is full: release or mend what is there, then send again";
    Failure::new(Code::ResourceExhausted, Reason::Overloaded, message).retry_after(Duration::from_secs(60))
}
