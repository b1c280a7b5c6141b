//! Page tokens: the last item of a page, sealed for the caller and the other arguments.

use jiff::Timestamp;
use throughline_platform::{Failure, Principal, seal::Sealer};

use crate::store::After;

/// What a list's tokens are bound to.
pub(super) struct Pages<'a> {
    pub(super) sealer: &'a Sealer,
    pub(super) purpose: &'static str,
    pub(super) principal: &'a Principal,
    pub(super) args: [u8; 32],
}

impl Pages<'_> {
    /// Where the page that a token asks for begins; none for the first.
    pub(super) fn open(&self, token: &str) -> Result<Option<After>, Failure> {
        let payload = self.sealer.open_page(self.purpose, self.principal, &self.args, token)?;
        payload
            .map(|payload| parse(&payload).ok_or_else(|| Failure::internal("a sealed page token holds nonsense")))
            .transpose()
    }

    /// The token of the page after this item.
    pub(super) fn after(&self, last: &After) -> String {
        let payload = format!("{}/{}", last.at.as_microsecond(), last.id);
        self.sealer.page_token(self.purpose, self.principal, &self.args, payload.as_bytes())
    }

    /// Cuts the item that was read to see whether there is a next page, and says its token.
    pub(super) fn cut<T>(&self, items: &mut Vec<(After, T)>, size: usize) -> String {
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
