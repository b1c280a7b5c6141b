//! What a hook may be: never wider than the key that makes it, and with a profile by which every body can be read.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use throughline_adapters::{BUILT_IN, InvalidProfile, Profile};
use throughline_platform::{
    Failure, Principal, Violation, name,
    principal::{Scope, SourcePattern},
};
use throughline_proto::ingestion::v1::InboundHook;

use super::{api_key::within, grammar::SOURCE};

/// Hooks that a group may have.
pub(crate) const MOST_HOOKS: i64 = 200;
/// The profile of bodies that hold CloudEvents.
pub(crate) const CANONICAL: &str = "canonical";

const LONGEST_LABEL: usize = 128;
/// What stands in a profile's source for the rooftop's id.
const ROOFTOP: &str = "{rooftop}";

/// Those that come with the service, read once. One that could not be read would be none; a test holds that all can.
static PROFILES: LazyLock<BTreeMap<&'static str, Arc<Profile>>> = LazyLock::new(|| {
    let read = |(name, text): (&'static str, &str)| Some((name, Arc::new(Profile::parse(text).ok()?)));
    BUILT_IN.into_iter().filter_map(read).collect()
});

/// A hook, without what the service itself sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) display_name: String,
    /// Empty: of the group.
    pub(crate) rooftop: String,
    pub(crate) profile: String,
    pub(crate) profile_yaml: String,
    pub(crate) source: String,
}

/// How a body is read.
#[derive(Clone, Debug)]
pub(crate) enum Reader {
    /// A CloudEvent in JSON or an array of them.
    Canonical,
    /// Rows of a profile.
    Rows(Arc<Profile>),
}

impl Reader {
    /// By the name of a profile, and its text if it is the group's own.
    pub(crate) fn load(profile: &str, yaml: &str) -> Result<Self, InvalidProfile> {
        if !yaml.is_empty() {
            return Profile::parse(yaml).map(|profile| Self::Rows(Arc::new(profile)));
        }
        if profile == CANONICAL {
            return Ok(Self::Canonical);
        }
        PROFILES.get(profile).cloned().map(Self::Rows).ok_or_else(|| {
            let known: Vec<&str> = [CANONICAL].into_iter().chain(PROFILES.keys().copied()).collect();
            InvalidProfile(vec![format!("{} is none of {}", name::shown(profile), known.join(", "))])
        })
    }
}

impl Content {
    /// What the caller asks for, or everything that is wrong with it.
    pub(crate) fn admit(wanted: InboundHook, caller: &Principal) -> Result<Self, Failure> {
        let mut faults = Faults::default();
        let label = &wanted.display_name;
        if label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) {
            let what = format!("is longer than {LONGEST_LABEL} characters or holds control characters");
            faults.add("display_name", what);
        }
        if !wanted.rooftop.is_empty() && !name::is_rooftop_id(&wanted.rooftop) {
            faults.add("rooftop", format!("{} is no id of a rooftop", name::shown(&wanted.rooftop)));
        }
        let (profile, source) = match Reader::load(&wanted.profile, &wanted.profile_yaml) {
            Ok(Reader::Canonical) => {
                faults.source(&wanted.source, "source");
                (CANONICAL.to_owned(), wanted.source)
            }
            Ok(Reader::Rows(profile)) => {
                faults.rows(&profile, &wanted.profile, &wanted.rooftop);
                let source = sources_of(&profile, &wanted.rooftop);
                faults.source(&source, "profile_yaml");
                (profile.profile.clone(), source)
            }
            Err(InvalidProfile(problems)) => {
                let field = if wanted.profile_yaml.is_empty() { "profile" } else { "profile_yaml" };
                for problem in problems.into_iter().take(20) {
                    faults.add(field, problem);
                }
                (String::new(), String::new())
            }
        };
        if !faults.0.is_empty() {
            return Err(Failure::violations(faults.0));
        }
        let profile_yaml = match wanted.profile_yaml.as_str() {
            "" => String::new(),
            text => Profile::without_notes(text)
                .map_err(|invalid| Failure::invalid("inbound_hook.profile_yaml", invalid.to_string()))?,
        };
        let rooftops: Vec<String> = Some(wanted.rooftop.clone()).filter(|id| !id.is_empty()).into_iter().collect();
        within(&rooftops, std::slice::from_ref(&source), caller)?;
        Ok(Self { display_name: wanted.display_name, rooftop: wanted.rooftop, profile, profile_yaml, source })
    }
}

/// A hook as a caller: it appends events of its sources to its rooftop, and does nothing else.
pub(crate) fn principal(group: &str, hook_id: &str, rooftop: &str, source: &str) -> Option<Principal> {
    Some(Principal {
        group: group.to_owned(),
        key_id: hook_id.to_owned(),
        scopes: BTreeSet::from([Scope::Ingest]),
        rooftops: Some(rooftop).filter(|id| !id.is_empty()).map(|id| BTreeSet::from([id.to_owned()])),
        // No pattern would mean every source.
        sources: vec![SourcePattern::parse(source)?],
        service: false,
    })
}

/// The sources that a profile's events may have: of one rooftop one, of a group all that begin alike.
fn sources_of(profile: &Profile, rooftop: &str) -> String {
    match profile.source.split_once(ROOFTOP) {
        Some((before, _)) if rooftop.is_empty() => format!("{before}*"),
        _ => profile.source.replace(ROOFTOP, rooftop),
    }
}

/// Why bodies of a polled table are not taken. What a row gives there depends on the rows that came before: an import loads up to
/// 100,000 of them once, which is too much for each body.
fn needs_memory(profile: &Profile) -> Option<&'static str> {
    profile.is_polled().then_some(
        "reads a polled table, and a hook does not remember from one body to the next which flags were set: import its files",
    )
}

#[derive(Default)]
struct Faults(Vec<Violation>);

impl Faults {
    fn add(&mut self, field: &str, description: impl Into<String>) {
        self.0.push(Violation::new(format!("inbound_hook.{field}"), description));
    }

    fn source(&mut self, source: &str, field: &str) {
        let body = source.strip_suffix('*').unwrap_or(source);
        // Every source: `*` says so, and an empty one does not.
        let sound = SourcePattern::parse(source).is_some() && (body.is_empty() || SOURCE.admits(body));
        if !sound {
            let what = format!("{} is no source, nor a prefix that ends in *", name::shown(source));
            self.add(field, what);
        }
    }

    fn rows(&mut self, profile: &Profile, named: &str, rooftop: &str) {
        if !named.is_empty() && named != profile.profile {
            let what = format!("{} is not what the profile calls itself, {:?}", name::shown(named), profile.profile);
            self.add("profile", what);
        }
        if rooftop.is_empty() && profile.rooftop_column().is_none() {
            self.add("rooftop", "is missing: the rows of this profile name none");
        }
        if let Some(why) = needs_memory(profile) {
            self.add("profile", why);
        }
    }
}

#[cfg(test)]
mod tests {
    use throughline_platform::Reason;

    use super::*;

    fn hook(rooftop: &str, profile: &str, source: &str) -> InboundHook {
        InboundHook {
            rooftop: rooftop.to_owned(),
            profile: profile.to_owned(),
            source: source.to_owned(),
            ..InboundHook::default()
        }
    }

    fn faults(wanted: InboundHook) -> Vec<String> {
        let failure = Content::admit(wanted, &Principal::service()).unwrap_err();
        failure.field_violations().iter().map(|violation| violation.field.clone()).collect()
    }

    #[test]
    fn every_profile_that_comes_with_the_service_can_be_read() {
        assert_eq!(PROFILES.len(), BUILT_IN.len());
    }

    #[test]
    fn a_hook_has_the_sources_of_its_profile() {
        let admit = |wanted| Content::admit(wanted, &Principal::service()).unwrap();
        let of_one = admit(hook("north", "finance-log", ""));
        assert!(of_one.source.ends_with("north") && !of_one.source.ends_with('*'), "{}", of_one.source);
        let of_group = admit(hook("", "finance-log", "ignored"));
        assert!(of_group.source.starts_with("//") && of_group.source.ends_with('*'), "{}", of_group.source);
        assert_eq!(admit(hook("", CANONICAL, "//crm.example/*")).source, "//crm.example/*");
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_every_reason() {
        assert_eq!(faults(hook("a b", CANONICAL, "")), ["inbound_hook.rooftop", "inbound_hook.source"]);
        assert_eq!(faults(hook("north", "no-such", "")), ["inbound_hook.profile"]);
        assert_eq!(
            faults(InboundHook { profile_yaml: "profile: [".into(), ..hook("north", "", "") }),
            ["inbound_hook.profile_yaml"]
        );
        assert_eq!(faults(hook("north", CANONICAL, "jane@example.invalid")), ["inbound_hook.source"]);
    }

    #[test]
    fn a_polled_table_is_refused_as_long_as_nothing_is_remembered() {
        assert_eq!(faults(hook("north", "crm-visits", "")), ["inbound_hook.profile"]);
    }

    #[test]
    fn a_hook_brings_no_more_than_the_key_that_makes_it() {
        let key = principal("summit", "k", "north", "//crm.example/*").unwrap();
        let refused = |wanted| Content::admit(wanted, &key).unwrap_err().reason();
        assert_eq!(refused(hook("", CANONICAL, "//crm.example/a")), Reason::RooftopNotAllowed);
        assert_eq!(refused(hook("south", CANONICAL, "//crm.example/a")), Reason::RooftopNotAllowed);
        assert_eq!(refused(hook("north", CANONICAL, "//dms.example/a")), Reason::SourceNotAllowed);
        assert_eq!(refused(hook("north", "finance-log", "")), Reason::SourceNotAllowed);
        assert!(Content::admit(hook("north", CANONICAL, "//crm.example/north*"), &key).is_ok());
    }
}
