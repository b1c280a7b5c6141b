//! Resource names (AIP-122) and the ids within them.
use crate::{failure::Failure, personal::looks_personal};

/// The ids of a name after a pattern such as `groups/{group}/rooftops/{rooftop}`; the field is called `name` in the failure.
pub fn parse<'n>(pattern: &'static str, name: &'n str) -> Result<Vec<&'n str>, Failure> {
    parse_field("name", pattern, name)
}

/// The same for a field that is called otherwise.
pub fn parse_field<'n>(field: &str, pattern: &'static str, name: &'n str) -> Result<Vec<&'n str>, Failure> {
    let wrong = || Failure::invalid(field, format!("{} does not have the form {pattern}", shown(name)));
    let mut ids = Vec::new();
    let mut given = name.split('/');
    for wanted in pattern.split('/') {
        let segment = given.next().ok_or_else(wrong)?;
        if wanted.starts_with('{') {
            if !is_segment(segment) {
                return Err(wrong());
            }
            ids.push(segment);
        } else if wanted != segment {
            return Err(wrong());
        }
    }
    if given.next().is_some() { Err(wrong()) } else { Ok(ids) }
}

/// Id of a group: `[a-z0-9][a-z0-9-]{0,62}`.
pub fn is_group_id(id: &str) -> bool {
    is_id(id, |c| c.is_ascii_lowercase() || c.is_ascii_digit(), |c| c == '-')
}

/// Id of a rooftop: `[A-Za-z0-9][A-Za-z0-9_-]{0,62}`.
pub fn is_rooftop_id(id: &str) -> bool {
    is_id(id, |c| c.is_ascii_alphanumeric(), |c| c == '-' || c == '_')
}

/// A request id: a UUID in its 36 character form.
pub fn is_request_id(id: &str) -> bool {
    id.len() == 36 && uuid::Uuid::try_parse(id).is_ok()
}

fn is_id(id: &str, anywhere: fn(char) -> bool, inside: fn(char) -> bool) -> bool {
    id.len() <= 63 && id.starts_with(anywhere) && id.chars().all(|c| anywhere(c) || inside(c))
}

/// Ids given by vendors (a deal's number) may hold anything printable but a slash.
fn is_segment(segment: &str) -> bool {
    !segment.is_empty() && segment.len() <= 255 && !segment.chars().any(char::is_control)
}

/// Whether a value is an id or a code by its look, and nothing that could be a person's; what is escaped cannot be judged.
pub(crate) fn may_show(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'%')
        && !looks_personal(value)
        && !value.split('/').any(looks_personal)
}

/// A value as an error may show it: an id in quotes, cut where it is long. What could be a person's is not repeated.
pub fn shown(value: &str) -> String {
    const LONGEST: usize = 80;
    if !may_show(value) {
        return format!("a text of {} characters", value.chars().count());
    }
    match value.get(..LONGEST) {
        Some(cut) if cut.len() < value.len() => format!("{cut:?}…"),
        _ => format!("{value:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEAL: &str = "groups/{group}/rooftops/{rooftop}/deals/{deal}";

    #[test]
    fn a_name_gives_its_ids_in_order() {
        assert_eq!(parse(DEAL, "groups/summit/rooftops/north/deals/d-1").unwrap(), ["summit", "north", "d-1"]);
    }

    #[test]
    fn a_name_of_another_form_is_refused_with_the_form() {
        for wrong in [
            "",
            "groups/summit",
            "groups//rooftops/n/deals/d",
            "groups/g/rooftops/n/deals/d/x",
            "group/g/rooftops/n/deals/d",
        ] {
            let failure = parse(DEAL, wrong).unwrap_err();
            assert!(failure.message().contains(DEAL), "{failure}");
        }
    }

    #[test]
    fn ids_are_short_and_plain() {
        assert!(is_group_id("summit-2") && !is_group_id("Summit") && !is_group_id("-a") && !is_group_id(""));
        assert!(is_rooftop_id("R_1") && !is_rooftop_id("a b") && !is_rooftop_id(&"x".repeat(64)));
    }

    #[test]
    fn a_value_is_shown_unless_it_could_be_a_persons() {
        assert_eq!(shown("RT\"1"), "\"RT\\\"1\"");
        assert_eq!(shown(&"x".repeat(81)), format!("\"{}\"…", "x".repeat(80)));
        for value in ["Jane Doe", "jane@example.invalid", "212-555-0123", "deals/1965-01-06", "Zoë", "a\nb"] {
            assert_eq!(shown(value), format!("a text of {} characters", value.chars().count()));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_name_makes_it_panic(name in ".*") {
            let _ = parse(DEAL, &name);
            let _ = shown(&name);
        }
    }
}
