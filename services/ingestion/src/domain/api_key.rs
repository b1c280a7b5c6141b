//! What a new key may be: never more than the key that makes it.

use std::collections::BTreeSet;

use throughline_platform::{
    Failure, Principal, Reason, Violation, name,
    principal::{Scope, SourcePattern},
};
use throughline_proto::tenant::v1::ApiKey;

use super::grammar::SOURCE;

/// Keys of a group that may be live at once.
pub(crate) const MOST_KEYS: i64 = 1_000;
const MOST_ROOFTOPS: usize = 500;
const MOST_SOURCES: usize = 100;
const LONGEST_LABEL: usize = 128;

/// The key that a caller asks for, its scopes sorted, or why it can't have it.
pub(crate) fn admit(wanted: ApiKey, caller: &Principal) -> Result<ApiKey, Failure> {
    let mut violations = Vec::new();
    let mut fault = |field: String, what: String| violations.push(Violation::new(format!("api_key.{field}"), what));
    let label = &wanted.display_name;
    if label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) {
        fault("display_name".into(), format!("is longer than {LONGEST_LABEL} characters or holds control characters"));
    }
    if wanted.scopes.is_empty() {
        fault("scopes".into(), "is empty: name some of admin, read, ingest, review".into());
    }
    for (at, scope) in wanted.scopes.iter().enumerate().take(10) {
        if Scope::parse(scope).is_none() {
            fault(format!("scopes[{at}]"), format!("{} is none of admin, read, ingest, review", name::shown(scope)));
        }
    }
    for (field, found, most) in [
        ("rooftops", wanted.rooftops.len(), MOST_ROOFTOPS),
        ("sources", wanted.sources.len(), MOST_SOURCES),
        ("scopes", wanted.scopes.len(), 10),
    ] {
        if found > most {
            fault(field.into(), format!("has {found} entries, {most} at most"));
        }
    }
    for (at, rooftop) in wanted.rooftops.iter().enumerate().take(MOST_ROOFTOPS) {
        if !name::is_rooftop_id(rooftop) {
            fault(format!("rooftops[{at}]"), format!("{} is no id of a rooftop", name::shown(rooftop)));
        }
    }
    for (at, source) in wanted.sources.iter().enumerate().take(MOST_SOURCES) {
        let body = source.strip_suffix('*').unwrap_or(source);
        if SourcePattern::parse(source).is_none() || !(body.is_empty() || SOURCE.admits(body)) {
            fault(
                format!("sources[{at}]"),
                format!("{} is no source, nor a prefix that ends in *", name::shown(source)),
            );
        }
    }
    if !violations.is_empty() {
        return Err(Failure::violations(violations));
    }
    within(&wanted.rooftops, &wanted.sources, caller)?;
    let scopes: BTreeSet<String> = wanted.scopes.into_iter().collect();
    Ok(ApiKey { scopes: scopes.into_iter().collect(), ..wanted })
}

/// Refuses rooftops and sources beyond those of the caller: a key could otherwise make itself a wider one, or revoke one.
pub(crate) fn within(rooftops: &[String], sources: &[String], caller: &Principal) -> Result<(), Failure> {
    if caller.service {
        return Ok(());
    }
    if let Some(own) = &caller.rooftops {
        if rooftops.is_empty() {
            let message = "this key is held to some rooftops: name some of them, because none means all";
            return Err(Failure::permission(Reason::RooftopNotAllowed, message));
        }
        if let Some(other) = rooftops.iter().find(|rooftop| !own.contains(*rooftop)) {
            caller.require_rooftop(other)?;
        }
    }
    if !caller.sources.is_empty() {
        // A pattern lies within another if its longest fixed part does, and a prefix never within an exact one.
        let covered = |wanted: &String| match wanted.strip_suffix('*') {
            None => caller.may_write(wanted),
            Some(prefix) => caller.sources.iter().any(|own| own.covers(prefix) && own.covers(&format!("{prefix}*"))),
        };
        if sources.is_empty() || !sources.iter().all(covered) {
            let message = "this key is held to some sources: name some within them, because none means all";
            return Err(Failure::permission(Reason::SourceNotAllowed, message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(rooftops: &[&str], sources: &[&str]) -> Principal {
        Principal {
            group: "summit".into(),
            rooftops: Some(rooftops.iter().map(|id| (*id).to_owned()).collect())
                .filter(|set: &BTreeSet<String>| !set.is_empty()),
            sources: sources.iter().map(|source| SourcePattern::parse(source).unwrap()).collect(),
            service: false,
            ..Principal::service()
        }
    }

    fn key(scopes: &[&str], rooftops: &[&str], sources: &[&str]) -> ApiKey {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        ApiKey { scopes: owned(scopes), rooftops: owned(rooftops), sources: owned(sources), ..ApiKey::default() }
    }

    #[test]
    fn a_key_makes_none_wider_than_itself() {
        let all = caller(&[], &[]);
        assert_eq!(admit(key(&["read", "ingest", "read"], &[], &[]), &all).unwrap().scopes, ["ingest", "read"]);
        let narrow = caller(&["north"], &["crm-*", "dms"]);
        for (rooftops, sources, reason) in [
            (&["north"][..], &["crm-a", "crm-b*", "dms"][..], None),
            (&[], &["dms"], Some(Reason::RooftopNotAllowed)),
            (&["south"], &["dms"], Some(Reason::RooftopNotAllowed)),
            (&["north"], &[], Some(Reason::SourceNotAllowed)),
            (&["north"], &["*"], Some(Reason::SourceNotAllowed)),
            (&["north"], &["dms*"], Some(Reason::SourceNotAllowed)),
            (&["north"], &["crm*"], Some(Reason::SourceNotAllowed)),
            (&["north"], &["lender"], Some(Reason::SourceNotAllowed)),
        ] {
            let refused = admit(key(&["ingest"], rooftops, sources), &narrow).err().map(|failure| failure.reason());
            assert_eq!(refused, reason, "{rooftops:?} {sources:?}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        let failure = admit(key(&["root"], &["a b"], &["a*b", "jane@example.invalid"]), &caller(&[], &[])).unwrap_err();
        let fields: Vec<&str> = failure.field_violations().iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["api_key.scopes[0]", "api_key.rooftops[0]", "api_key.sources[0]", "api_key.sources[1]"]);
    }
}
