//! Pages of a list that is ordered by an instant and an id: the last item of a page, sealed for the caller and the other
//! arguments.
use jiff::Timestamp;

use crate::{Failure, Principal, seal::Sealer};

/// Where a page begins: after this one, in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    /// The item's instant, to the microsecond.
    pub at: Timestamp,
    /// The item's id, which decides among equal instants.
    pub id: String,
}

/// What a list's tokens are bound to.
pub struct Pages<'a> {
    /// What seals them.
    pub sealer: &'a Sealer,
    /// Which list it is.
    pub purpose: &'static str,
    /// Who asks.
    pub principal: &'a Principal,
    /// Hash of the other arguments, which must stay the same from page to page.
    pub args: [u8; 32],
}

impl Pages<'_> {
    /// Where the page that a token asks for begins; none for the first.
    pub fn open(&self, token: &str) -> Result<Option<After>, Failure> {
        let payload = self.sealer.open_page(self.purpose, self.principal, &self.args, token)?;
        payload
            .map(|payload| parse(&payload).ok_or_else(|| Failure::internal("a sealed page token holds nonsense")))
            .transpose()
    }

    /// The token of the page after this item.
    pub fn after(&self, last: &After) -> String {
        let payload = format!("{}/{}", last.at.as_microsecond(), last.id);
        self.sealer.page_token(self.purpose, self.principal, &self.args, payload.as_bytes())
    }

    /// Cuts the item that was read to see whether there is a next page, and says its token.
    pub fn cut<T>(&self, items: &mut Vec<(After, T)>, size: usize) -> String {
        if items.len() <= size {
            return String::new();
        }
        items.truncate(size);
        items.last().map(|(last, _)| self.after(last)).unwrap_or_default()
    }
}

fn parse(payload: &[u8]) -> Option<After> {
    let (at, id) = std::str::from_utf8(payload).ok()?.split_once('/')?;
    Some(After { at: Timestamp::from_microsecond(at.parse().ok()?).ok()?, id: id.to_owned() })
}
