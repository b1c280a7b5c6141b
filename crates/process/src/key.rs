//! Keys, not merges: the numbers by which systems know a deal, and the id that follows from the best of them.

use serde::{Deserialize, Serialize};

use crate::event::Event;

/// What kind of number a key is. The order is how well it names one deal, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// CRM visit.
    Visit,
    /// Deal number of the DMS.
    DmsDeal,
    /// Lender application.
    Application,
    /// What a source itself calls the deal; scoped to that source.
    Subject,
    /// Stock number. Finds deals, never links them: one car may stand in two deals.
    Stock,
    /// VIN. Finds deals, never links them.
    Vin,
    /// Lead of a CRM. Finds deals, never links them: a customer may come twice.
    Lead,
    /// The trade: its VIN, or what a source calls it. Finds deals, never links them: a customer may show it twice.
    Trade,
    /// The sale of a car: its stock number or VIN and the local day, such as `N2392/2026d250`. Deals of one sale are one
    /// deal as long as that leaves no doubt.
    Sale,
    /// What a person decided about two numbers. No event carries it among its numbers.
    Decision,
}

impl KeyKind {
    pub const ALL: [Self; 10] = [
        Self::Visit,
        Self::DmsDeal,
        Self::Application,
        Self::Subject,
        Self::Stock,
        Self::Vin,
        Self::Lead,
        Self::Trade,
        Self::Sale,
        Self::Decision,
    ];
    /// Those that people know a deal by.
    pub const NUMBERS: [Self; 8] =
        [Self::Visit, Self::DmsDeal, Self::Application, Self::Subject, Self::Stock, Self::Vin, Self::Lead, Self::Trade];

    /// The stable name, as in `Event::keys` and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::DmsDeal => "dms_deal",
            Self::Application => "application",
            Self::Subject => "subject",
            Self::Stock => "stock",
            Self::Vin => "vin",
            Self::Lead => "lead",
            Self::Trade => "trade",
            Self::Sale => "sale",
            Self::Decision => "decision",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether two events that share such a key are of one deal, whatever else they say.
    pub fn links(self) -> bool {
        matches!(self, Self::Visit | Self::DmsDeal | Self::Application | Self::Subject)
    }
}

/// A number by which some system of a rooftop knows a deal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    pub kind: KeyKind,
    /// The source for a `subject`; empty for the others, which mean the same in every source of the rooftop.
    pub scope: String,
    pub value: String,
}

/// A key as an event holds it.
pub(crate) type KeyRef<'a> = (KeyKind, &'a str, &'a str);

pub(crate) fn key_refs_of(event: &Event) -> impl Iterator<Item = KeyRef<'_>> {
    let subject = event
        .subject
        .as_deref()
        .filter(|value| !value.is_empty())
        .map(|value| (KeyKind::Subject, event.source.as_str(), value));
    let others = event.keys.iter().filter_map(|(name, value)| {
        let own = |kind: &KeyKind| matches!(kind, KeyKind::Subject | KeyKind::Trade | KeyKind::Decision);
        let kind = KeyKind::parse(name).filter(|kind| !own(kind))?;
        (!value.is_empty()).then_some((kind, "", value.as_str()))
    });
    let trade = event.trade.as_deref().filter(|value| !value.is_empty()).map(|value| (KeyKind::Trade, "", value));
    subject.into_iter().chain(trade).chain(others)
}

/// The keys that an event carries, sorted. Names that are no [`KeyKind`] are no keys; empty values neither.
pub fn keys_of(event: &Event) -> Vec<Key> {
    let mut keys: Vec<Key> = key_refs_of(event).map(owned).collect();
    keys.sort_unstable();
    keys
}

pub(crate) fn owned((kind, scope, value): KeyRef<'_>) -> Key {
    Key { kind, scope: scope.to_owned(), value: value.to_owned() }
}

/// The id of the deal that has these keys: 32 hexadecimal digits, the same in whatever order the keys were learnt.
///
/// It derives from the best key (the least of the best kind), so a better key learnt later gives another id, and the
/// former one becomes an alias. A stock number or VIN decides only where nothing else is known, because two deals may
/// share it. None without keys: no deal.
pub fn deal_id(group: &str, rooftop: &str, keys: &[Key]) -> Option<String> {
    let best = keys.iter().min()?;
    let mut hasher = blake3::Hasher::new();
    for part in [group, rooftop, best.kind.as_str(), &best.scope, &best.value] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    Some(hasher.finalize().to_hex()[..32].to_owned())
}
