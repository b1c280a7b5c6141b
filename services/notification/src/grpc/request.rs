//! What requests have in common: parents, people.

use throughline_platform::{Failure, Principal, Violation, name};

/// Reads `groups/{group}` and answers with the caller, acting in it.
pub(super) fn within(principal: &Principal, parent: &str) -> Result<Principal, Failure> {
    name::parse_field("parent", "groups/{group}", parent)?;
    principal.in_group(parent)
}

/// A staff id, if one is said: an id, never a name.
pub(super) fn check_actor(actor: &str) -> Option<Violation> {
    let wrong = match actor {
        actor if actor.len() > 128 => "must have at most 128 bytes",
        actor if !actor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) => {
            "must be a staff id: letters, digits, dots, dashes and underscores"
        }
        _ => return None,
    };
    Some(Violation::new("actor", wrong))
}
