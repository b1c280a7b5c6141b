//! Who calls, and what they may do.
use std::collections::BTreeSet;

use crate::{
    failure::{Failure, Reason},
    name::shown,
};

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everything in the group.
    Admin,
    /// Deals, boards, flags, reports.
    Read,
    /// Appending events.
    Ingest,
    /// Acknowledging, resolving, deciding.
    Review,
}

impl Scope {
    /// The scope of that name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "admin" => Some(Self::Admin),
            "read" => Some(Self::Read),
            "ingest" => Some(Self::Ingest),
            "review" => Some(Self::Review),
            _ => None,
        }
    }

    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Read => "read",
            Self::Ingest => "ingest",
            Self::Review => "review",
        }
    }
}

/// A source that a key may write: exact, or a prefix that ends in `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePattern(String);

impl SourcePattern {
    /// A pattern; a `*` stands at the end or nowhere.
    pub fn parse(text: &str) -> Option<Self> {
        let body = text.strip_suffix('*').unwrap_or(text);
        (!text.is_empty() && !body.contains('*')).then(|| Self(text.to_owned()))
    }

    /// Whether it covers a source.
    pub fn covers(&self, source: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => source.starts_with(prefix),
            None => source == self.0,
        }
    }
}

/// The caller, as its key says. The authentication layer puts it into each request.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The group that it belongs to; empty for a service until [`Principal::in_group`] names one.
    pub group: String,
    /// Which key it showed, for the log.
    pub key_id: String,
    /// What it may be used for.
    pub scopes: BTreeSet<Scope>,
    /// The rooftops that it may see; `None` means all of the group.
    pub rooftops: Option<BTreeSet<String>>,
    /// The sources that it may write; empty means all.
    pub sources: Vec<SourcePattern>,
    /// One of our own services: passes every check and may name any group.
    pub service: bool,
}

impl Principal {
    /// One of our own services.
    pub fn service() -> Self {
        Self {
            group: String::new(),
            key_id: "service".to_owned(),
            scopes: BTreeSet::from([Scope::Admin]),
            rooftops: None,
            sources: Vec::new(),
            service: true,
        }
    }

    /// The caller of a gRPC request.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<Self, Failure> {
        Self::from_extensions(request.extensions())
    }

    pub(crate) fn from_extensions(extensions: &http::Extensions) -> Result<Self, Failure> {
        extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Failure::internal("a call reached its handler without passing authentication"))
    }

    /// Refuses a key whose scopes do not include this one.
    pub fn require(&self, scope: Scope) -> Result<(), Failure> {
        if self.service || self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin) {
            return Ok(());
        }
        let message = format!("this key lacks the scope {:?}", scope.as_str());
        Err(Failure::permission(Reason::MethodNotAllowed, message).with("scope", scope.as_str()))
    }

    /// Refuses everybody but our own services.
    pub fn require_service(&self) -> Result<(), Failure> {
        if self.service {
            return Ok(());
        }
        Err(Failure::permission(Reason::MethodNotAllowed, "this method is for the services among themselves"))
    }

    /// The group that `groups/{group}` or any name below it says, if the caller belongs to it.
    pub fn require_group<'n>(&self, name: &'n str) -> Result<&'n str, Failure> {
        let group = name
            .strip_prefix("groups/")
            .and_then(|rest| rest.split('/').next())
            .filter(|group| crate::name::is_group_id(group))
            .ok_or_else(|| {
                Failure::invalid("parent", format!("{} does not start with groups/{{group}}", shown(name)))
            })?;
        if self.service || self.group == group {
            return Ok(group);
        }
        // A group that exists and one that does not look the same to a stranger.
        Err(Failure::permission(Reason::RooftopNotAllowed, format!("this key does not belong to group {group:?}"))
            .with("group", group))
    }

    /// The caller acting within the group that a name says: what [`crate::db::Db::read`] and `write` take. For a key it is
    /// the same caller; a service takes the group named.
    pub fn in_group(&self, name: &str) -> Result<Self, Failure> {
        let group = self.require_group(name)?.to_owned();
        Ok(Self { group, ..self.clone() })
    }

    /// Refuses a rooftop that the key may not see.
    pub fn require_rooftop(&self, rooftop: &str) -> Result<(), Failure> {
        if self.may_see(rooftop) {
            return Ok(());
        }
        Err(Failure::permission(Reason::RooftopNotAllowed, format!("this key may not see rooftop {}", shown(rooftop)))
            .with_sent("rooftop", rooftop))
    }

    /// Whether the key may see a rooftop of its group.
    pub fn may_see(&self, rooftop: &str) -> bool {
        self.service || self.rooftops.as_ref().is_none_or(|allowed| allowed.contains(rooftop))
    }

    /// The rooftops that a query must be held to, or `None` for all of the group.
    pub fn rooftop_filter(&self) -> Option<Vec<String>> {
        if self.service { None } else { self.rooftops.as_ref().map(|allowed| allowed.iter().cloned().collect()) }
    }

    /// Whether the key may write a source.
    pub fn may_write(&self, source: &str) -> bool {
        self.service || self.sources.is_empty() || self.sources.iter().any(|pattern| pattern.covers(source))
    }
}

/// For HTTP handlers: `principal: Principal` among the arguments.
impl<S: Sync> axum::extract::FromRequestParts<S> for Principal {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut http::request::Parts, _: &S) -> Result<Self, Failure> {
        Self::from_extensions(&parts.extensions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vendor() -> Principal {
        Principal {
            group: "summit".to_owned(),
            key_id: "k1".to_owned(),
            scopes: BTreeSet::from([Scope::Ingest]),
            rooftops: Some(BTreeSet::from(["north".to_owned()])),
            sources: vec![SourcePattern::parse("crm-*").unwrap(), SourcePattern::parse("dms").unwrap()],
            service: false,
        }
    }

    #[test]
    fn a_key_is_held_to_its_scopes_rooftops_and_sources() {
        let key = vendor();
        assert!(key.require(Scope::Ingest).is_ok());
        assert_eq!(key.require(Scope::Read).unwrap_err().reason(), Reason::MethodNotAllowed);
        assert!(key.require_rooftop("north").is_ok());
        assert_eq!(key.require_rooftop("south").unwrap_err().reason(), Reason::RooftopNotAllowed);
        assert!(key.may_write("crm-a") && key.may_write("dms"));
        assert!(!key.may_write("dms2") && !key.may_write("lender"));
    }

    #[test]
    fn another_groups_names_are_refused() {
        let key = vendor();
        assert_eq!(key.require_group("groups/summit/rooftops/north").unwrap(), "summit");
        assert_eq!(key.require_group("groups/other").unwrap_err().code(), tonic::Code::PermissionDenied);
        assert_eq!(key.require_group("rooftops/north").unwrap_err().code(), tonic::Code::InvalidArgument);
    }

    #[test]
    fn a_service_names_any_group_and_acts_within_it() {
        let within = Principal::service().in_group("groups/other").unwrap();
        assert_eq!(within.group, "other");
        assert!(within.may_see("any") && within.may_write("any") && within.require(Scope::Review).is_ok());
    }

    #[test]
    fn an_administrator_may_do_everything_in_the_group_only() {
        let admin =
            Principal { scopes: BTreeSet::from([Scope::Admin]), rooftops: None, sources: Vec::new(), ..vendor() };
        assert!(admin.require(Scope::Review).is_ok());
        assert!(admin.require_service().is_err());
        assert!(admin.in_group("groups/other").is_err());
    }

    #[test]
    fn a_star_stands_at_the_end_or_nowhere() {
        assert!(SourcePattern::parse("a*b").is_none());
        assert!(SourcePattern::parse("").is_none());
        assert!(SourcePattern::parse("*").unwrap().covers("anything"));
    }
}
