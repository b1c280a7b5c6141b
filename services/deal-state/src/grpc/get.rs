//! One deal, by any of its ids or numbers.

use throughline_platform::{Failure, Violation, name, principal::Principal};
use throughline_process::KeyKind;
use throughline_proto::deal::v1 as pb;

use super::{Deals, known::Sought};
use crate::{
    domain::id::DealId,
    store::{self, Found},
    wire,
};

pub(super) const DEAL: &str = "groups/{group}/rooftops/{rooftop}/deals/{deal}";

/// Stands for any rooftop, or for the deal of a key.
const ANY: &str = "-";

/// So many candidates are named where several deals match.
const NAMED: usize = 10;

impl Deals {
    pub(super) async fn get(&self, principal: Principal, request: pb::GetDealRequest) -> Result<pb::Deal, Failure> {
        let ids = name::parse(DEAL, &request.name)?;
        let (rooftop, deal) = (ids[1].to_owned(), ids[2]);
        if rooftop != ANY {
            principal.require_rooftop(&rooftop)?;
        }
        match &request.key {
            Some(key) if deal == ANY => self.get_by_key(principal, rooftop, key.clone(), request.known_at).await,
            Some(_) => Err(Failure::invalid("key", "set it only with - for the deal in the name")),
            None if rooftop == ANY || deal == ANY => Err(Failure::invalid("key", "needed where the name holds -")),
            None => match request.known_at {
                Some(at) => self.get_known(principal, Sought { name: request.name, number: None }, &at).await,
                None => {
                    let body = self.deal_body(&principal, &request.name).await?.1;
                    self.shown_alone(&principal, &body).await
                }
            },
        }
    }

    /// The deal of that name, under whatever id it stands now.
    pub(super) async fn deal_body(&self, principal: &Principal, name: &str) -> Result<(DealId, Vec<u8>), Failure> {
        let ids = name::parse(DEAL, name)?;
        principal.require_rooftop(ids[1])?;
        let unknown = || Failure::not_found("deal", name);
        let id = DealId::parse(ids[2]).ok_or_else(unknown)?;
        let (group, rooftop) = (ids[0].to_owned(), ids[1].to_owned());
        let found = self
            .cx
            .platform
            .db
            .read(principal, move |tx| Box::pin(async move { store::by_id(tx, &group, &rooftop, id).await }))
            .await
            .map_err(|error: store::Error| Failure::from(error))?;
        found.ok_or_else(unknown)
    }

    async fn get_by_key(
        &self,
        principal: Principal,
        rooftop: String,
        key: pb::DealKey,
        known_at: Option<prost_types::Timestamp>,
    ) -> Result<pb::Deal, Failure> {
        let violations = key_violations(&key);
        if !violations.is_empty() {
            return Err(Failure::violations(violations));
        }
        let (group, value, number) = (principal.group.clone(), name::shown(&key.value), key.value.clone());
        let rooftops = if rooftop == ANY { principal.rooftop_filter() } else { Some(vec![rooftop]) };
        let found = self
            .cx
            .platform
            .db
            .read(&principal, move |tx| {
                Box::pin(async move {
                    let most = NAMED as i64 * KeyKind::NUMBERS.len() as i64;
                    let (kind, scope) = (some(&key.kind), some(&key.scope));
                    store::by_number(tx, &group, rooftops.as_deref(), &key.value, kind, scope, most).await
                })
            })
            .await
            .map_err(|error: store::Error| Failure::from(error))?;
        match (distinct(&found).as_slice(), &known_at) {
            ([], _) => Err(Failure::not_found("deal", value)),
            ([one], None) => self.shown_alone(&principal, &one.body).await,
            ([one], Some(at)) => {
                let name = wire::deal_name(&principal.group, &one.rooftop, one.id);
                let sought = Sought::by_key(&principal.group, &one.rooftop, name, &one.kind, &one.scope, &number);
                self.get_known(principal, sought, at).await
            }
            (several, _) => Err(ambiguous(&principal, several)),
        }
    }
}

fn key_violations(key: &pb::DealKey) -> Vec<Violation> {
    let mut violations = Vec::new();
    if key.value.is_empty() {
        violations.push(Violation::new("key.value", "must not be empty"));
    }
    let kind = KeyKind::parse(&key.kind).filter(|kind| KeyKind::NUMBERS.contains(kind));
    if !key.kind.is_empty() && kind.is_none() {
        let kinds = KeyKind::NUMBERS.map(KeyKind::as_str).join(", ");
        let description = format!("{} is no kind of key: {kinds}", name::shown(&key.kind));
        violations.push(Violation::new("key.kind", description));
    }
    if !key.scope.is_empty() && kind != Some(KeyKind::Subject) {
        violations.push(Violation::new("key.scope", "only keys of kind subject have one, their source"));
    }
    violations
}

/// Each deal once, by whichever key it was found.
fn distinct(found: &[Found]) -> Vec<&Found> {
    let mut distinct: Vec<&Found> = found.iter().collect();
    distinct.dedup_by_key(|found| found.id);
    distinct
}

fn ambiguous(principal: &Principal, several: &[&Found]) -> Failure {
    let named = several.iter().take(NAMED).map(|found| {
        let deal = wire::deal_name(&principal.group, &found.rooftop, found.id);
        let scope = if found.scope.is_empty() { String::new() } else { format!(" of {}", found.scope) };
        format!("{deal} (by {}{scope})", found.kind)
    });
    let named: Vec<String> = named.collect();
    let more = if several.len() > NAMED { " and more" } else { "" };
    let description = format!("several deals have this key: {}{more}; name one of them or the kind", named.join(", "));
    Failure::invalid("key", description)
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
