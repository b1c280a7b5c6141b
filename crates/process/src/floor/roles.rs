//! To which department a role belongs.

use crate::{definition::Definition, interval::IntervalKind};

/// A role that works in a department and belongs to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SharedRole {
    pub role: String,
    /// Department that it belongs to: there its people are listed.
    pub department: String,
}

/// The department of a role: as the definition says, else that of the first stage in which the role works.
pub(super) fn department_of<'d>(definition: &'d Definition, role: &str) -> Option<&'d str> {
    let named = definition.roles.iter().find(|named| named.id == role).map(|named| named.department.as_str());
    let works = || definition.intervals.iter().find(|interval| interval.role.as_deref() == Some(role));
    named.or_else(|| works().map(|interval| interval.owner_department.as_str()))
}

/// Roles that work in the stages of a department and belong to others, sorted.
pub(super) fn shared(definition: &Definition, department: &str) -> Vec<SharedRole> {
    let stages = definition.intervals.iter().filter(|interval| interval.kind == IntervalKind::Stage);
    let roles = stages.filter(|stage| stage.owner_department == department).filter_map(|stage| stage.role.as_deref());
    let shared =
        roles.filter_map(|role| Some((role, department_of(definition, role).filter(|own| *own != department)?)));
    let mut shared: Vec<SharedRole> = shared
        .map(|(role, department)| SharedRole { role: role.to_owned(), department: department.to_owned() })
        .collect();
    shared.sort_unstable();
    shared.dedup();
    shared
}
