//! What requests have in common: parents, people.

use throughline_platform::{
    Failure, Principal, Violation, name,
    personal::{STAFF_ID, is_staff_id},
};

/// Reads `groups/{group}` and answers with the caller, acting in it.
pub(super) fn within(principal: &Principal, parent: &str) -> Result<Principal, Failure> {
    name::parse_field("parent", "groups/{group}", parent)?;
    principal.in_group(parent)
}

/// A staff id, if one is said: an id, never a name.
pub(super) fn check_actor(actor: &str) -> Option<Violation> {
    let wrong = !actor.is_empty() && !is_staff_id(actor);
    wrong.then(|| Violation::new("actor", format!("is not {STAFF_ID}")))
}
