//! Pages (AIP-158): a token is valid for the same caller and the same arguments, and is no authorization.
use sha2::{Digest, Sha256};

use super::Sealer;
use crate::{
    Principal,
    failure::{Code, Failure, Reason},
};

impl Sealer {
    /// The token of the page that begins after `payload`; give [`args_hash`] of everything else in the request.
    pub fn page_token(&self, purpose: &str, principal: &Principal, args_hash: &[u8; 32], payload: &[u8]) -> String {
        self.seal(purpose, &binding(principal, args_hash), payload)
    }

    /// What a page token holds; `None` for the empty token, which is the first page.
    pub fn open_page(
        &self,
        purpose: &str,
        principal: &Principal,
        args_hash: &[u8; 32],
        token: &str,
    ) -> Result<Option<Vec<u8>>, Failure> {
        if token.is_empty() {
            return Ok(None);
        }
        self.open(purpose, &binding(principal, args_hash), token).map(Some).ok_or_else(|| {
            let message = "the page token was not issued for this caller and these arguments: start without one";
            Failure::new(Code::InvalidArgument, Reason::InvalidPageToken, message).at_field("page_token")
        })
    }
}

/// The size of a page: 0 means the default, too many mean `max`, fewer than none are refused.
pub fn page_size(requested: i32, default: u32, max: u32) -> Result<u32, Failure> {
    match u32::try_from(requested) {
        Ok(0) => Ok(default),
        Ok(size) => Ok(size.min(max)),
        Err(_) => Err(Failure::invalid("page_size", format!("must not be negative, was {requested}"))),
    }
}

/// A fingerprint of the arguments that a page token is bound to (parent, filter, order; not the size of a page).
pub fn args_hash(args: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for arg in args {
        hash.update((arg.len() as u64).to_be_bytes());
        hash.update(arg);
    }
    hash.finalize().into()
}

fn binding(principal: &Principal, args_hash: &[u8; 32]) -> String {
    use std::fmt::Write;
    // A key may be replaced between two pages; the group may not, and the rooftops are checked anew with each page.
    let mut binding = format!("{}/", principal.group);
    for byte in args_hash {
        let _ = write!(binding, "{byte:02x}");
    }
    binding
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_token_is_held_to_its_group_and_arguments() {
        let sealer = Sealer::new([1; 32]);
        let caller = Principal::service().in_group("groups/summit").unwrap();
        let stranger = Principal::service().in_group("groups/other").unwrap();
        let args = args_hash(&["groups/summit", "stage=fi"]);
        let token = sealer.page_token("deals", &caller, &args, b"d-7");
        assert_eq!(sealer.open_page("deals", &caller, &args, &token).unwrap(), Some(b"d-7".to_vec()));
        assert_eq!(sealer.open_page("deals", &caller, &args, "").unwrap(), None);
        for (principal, args) in [(&stranger, args), (&caller, args_hash(&["groups/summit", "stage=desk"]))] {
            let failure = sealer.open_page("deals", principal, &args, &token).unwrap_err();
            assert_eq!(failure.reason(), Reason::InvalidPageToken);
        }
    }

    #[test]
    fn sizes_have_a_default_and_a_most() {
        assert_eq!(page_size(0, 50, 500).unwrap(), 50);
        assert_eq!(page_size(7, 50, 500).unwrap(), 7);
        assert_eq!(page_size(i32::MAX, 50, 500).unwrap(), 500);
        assert_eq!(page_size(-1, 50, 500).unwrap_err().code(), Code::InvalidArgument);
    }
}
