//! What requests have in common: parents, people, codes.

use throughline_platform::{
    Failure, Principal, Violation, name,
    personal::{STAFF_ID, is_staff_id},
};

const PARENT: &str = "groups/{group}/rooftops/{rooftop}";

/// Whose things are asked for.
pub(super) struct Within {
    /// The caller, acting in the group.
    pub(super) principal: Principal,
    /// None: all of the group.
    pub(super) rooftops: Option<Vec<String>>,
}

/// Reads `groups/{group}` or `groups/{group}/rooftops/{rooftop}` and holds the caller to what its key may see.
pub(super) fn within(principal: &Principal, parent: &str) -> Result<Within, Failure> {
    let principal = principal.in_group(parent)?;
    if !parent.contains("/rooftops/") {
        name::parse_field("parent", "groups/{group}", parent)?;
        return Ok(Within { rooftops: principal.rooftop_filter(), principal });
    }
    let ids = name::parse_field("parent", PARENT, parent)?;
    let rooftop = ids.get(1).copied().unwrap_or_default();
    principal.require_rooftop(rooftop)?;
    Ok(Within { rooftops: Some(vec![rooftop.to_owned()]), principal })
}

/// Something of a rooftop, such as a flag.
pub(super) struct Named {
    /// The caller, acting in the group.
    pub(super) principal: Principal,
    pub(super) rooftop: String,
    pub(super) id: String,
}

/// Reads a name after a pattern of (group, rooftop, id) and holds the caller to what its key may see.
pub(super) fn named(principal: &Principal, field: &str, pattern: &'static str, name: &str) -> Result<Named, Failure> {
    let ids = name::parse_field(field, pattern, name)?;
    let principal = principal.in_group(name)?;
    let (rooftop, id) = (ids.get(1).copied().unwrap_or_default(), ids.get(2).copied().unwrap_or_default());
    principal.require_rooftop(rooftop)?;
    Ok(Named { principal, rooftop: rooftop.to_owned(), id: id.to_owned() })
}

/// A staff id: required, and never a name.
pub(super) fn check_actor(actor: &str, violations: &mut Vec<Violation>) {
    if actor.is_empty() {
        violations.push(Violation::new("actor", "must name the staff id on whose behalf this is done"));
    } else if !is_staff_id(actor) {
        violations.push(Violation::new("actor", format!("is not {STAFF_ID}")));
    }
}

/// A code, `[a-z_]`, at most 40 characters: no free text, which could hold a customer's data.
pub(super) fn check_code(field: &str, code: &str, required: bool, violations: &mut Vec<Violation>) {
    let form = if required { "[a-z_]{1,40}" } else { "[a-z_]{0,40}" };
    let proper = code.len() <= 40 && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if !proper || (required && code.is_empty()) {
        violations.push(Violation::new(field, format!("{} does not have the form {form}", name::shown(code))));
    }
}

/// All violations at once.
pub(super) fn refuse(violations: Vec<Violation>) -> Result<(), Failure> {
    if violations.is_empty() { Ok(()) } else { Err(Failure::violations(violations)) }
}
