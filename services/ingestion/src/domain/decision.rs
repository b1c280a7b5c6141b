//! People's decisions about which numbers are of one deal, as asked for.

use throughline_platform::Violation;
use throughline_proto::{
    event::v1::{DecisionKind, Key},
    ingestion::v1::IdentityDecision,
};

use super::grammar::{CODE, KEY, SOURCE};

/// Kinds of numbers that name one deal. A car's number may stand in two.
const KINDS: [&str; 4] = ["visit", "dms_deal", "application", "subject"];

/// The decision as it may be kept: what it says and nothing else.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn admit(asked: IdentityDecision) -> Result<IdentityDecision, Vec<Violation>> {
    let mut violations = Vec::new();
    if !matches!(asked.kind(), DecisionKind::Link | DecisionKind::Split) {
        violations.push(Violation::new("decision.kind", "is neither LINK nor SPLIT"));
    }
    check_key("decision.one", asked.one.as_ref(), &mut violations);
    check_key("decision.other", asked.other.as_ref(), &mut violations);
    if asked.one.is_some() && asked.one == asked.other {
        violations.push(Violation::new("decision.other", "is the same number as decision.one: name two"));
    }
    check_reason("decision.reason", &asked.reason, &mut violations);
    if !violations.is_empty() {
        return Err(violations);
    }
    let IdentityDecision { kind, one, other, reason, .. } = asked;
    Ok(IdentityDecision { kind, one, other, reason, ..IdentityDecision::default() })
}

/// A reason may be missing; a free note is none.
pub(crate) fn check_reason(field: &'static str, reason: &str, violations: &mut Vec<Violation>) {
    if !reason.is_empty() && !CODE.admits(reason) {
        violations.push(Violation::new(field, format!("is not {}", CODE.shape)));
    }
}

fn check_key(field: &'static str, key: Option<&Key>, violations: &mut Vec<Violation>) {
    let Some(Key { kind, scope, value }) = key else {
        violations.push(Violation::new(field, "is missing: name a number of a deal"));
        return;
    };
    if !KINDS.contains(&kind.as_str()) {
        let what = format!("is none of {}: a car's number may stand in two deals", KINDS.join(", "));
        violations.push(Violation::new(format!("{field}.kind"), what));
    }
    if !KEY.admits(value) {
        let what = format!("is not {}, or looks like personal data", KEY.shape);
        violations.push(Violation::new(format!("{field}.value"), what));
    }
    match kind.as_str() {
        "subject" if !SOURCE.admits(scope) => {
            let what = format!("is not the source that calls the deal so: {}", SOURCE.shape);
            violations.push(Violation::new(format!("{field}.scope"), what));
        }
        "subject" => {}
        _ if !scope.is_empty() => {
            violations
                .push(Violation::new(format!("{field}.scope"), "only keys of kind subject have one, their source"));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: &str, scope: &str, value: &str) -> Option<Key> {
        Some(Key { kind: kind.to_owned(), scope: scope.to_owned(), value: value.to_owned() })
    }

    fn fields(decision: IdentityDecision) -> Vec<String> {
        admit(decision).err().unwrap_or_default().into_iter().map(|violation| violation.field).collect()
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_and_nothing_else_is_kept() {
        let sound = IdentityDecision {
            kind: DecisionKind::Link as i32,
            one: key("visit", "", "V1"),
            other: key("subject", "//dms.example/north", "D1"),
            reason: "same customer".to_owned(),
            name: "of the caller's making".to_owned(),
            ..IdentityDecision::default()
        };
        let kept = admit(sound.clone()).unwrap();
        assert_eq!(kept, IdentityDecision { name: String::new(), ..sound.clone() });

        assert_eq!(fields(IdentityDecision::default()), ["decision.kind", "decision.one", "decision.other"]);
        let wrong = IdentityDecision {
            one: key("stock", "x", "555-12-3456"),
            other: key("subject", "", "D1"),
            reason: "Please call her".to_owned(),
            ..sound.clone()
        };
        let expected = [
            "decision.one.kind",
            "decision.one.value",
            "decision.one.scope",
            "decision.other.scope",
            "decision.reason",
        ];
        assert_eq!(fields(wrong), expected);
        let same = IdentityDecision { other: sound.one.clone(), ..sound };
        assert_eq!(fields(same), ["decision.other"]);
    }
}
