//! Tokens that only we can make: page tokens, cursors, consistency tokens. Sealed, not secret: their payload can be read.
mod page;

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub use page::{args_hash, page_size};

use crate::{
    Failure,
    db::{Db, Role},
};

const TAG_BYTES: usize = 16;
// Ours are short; nothing longer is worth decoding.
const LONGEST: usize = 16 * 1024;

/// Makes and opens tokens with the secret of this installation.
#[derive(Clone)]
pub struct Sealer(Arc<[u8; 32]>);

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// With a given secret.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(Arc::new(secret))
    }

    /// With the secret that the database keeps.
    pub async fn load(db: &Db) -> Result<Self, Failure> {
        let secret = db
            .work(Role::Worker, |tx| {
                Box::pin(async move {
                    Ok::<_, Failure>(sqlx::query_file!("sql/secret.sql").fetch_one(tx.conn()).await?.bytes)
                })
            })
            .await?;
        let secret = <[u8; 32]>::try_from(secret.as_slice())
            .map_err(|_| Failure::internal(format!("platform.secret holds {} bytes instead of 32", secret.len())))?;
        Ok(Self::new(secret))
    }

    /// A token for one purpose (`page`, `cursor`), valid only where it is opened with the same purpose and binding.
    pub fn seal(&self, purpose: &str, bound_to: &str, payload: &[u8]) -> String {
        let mut token = self.tag(purpose, bound_to, payload).to_vec();
        token.extend_from_slice(payload);
        BASE64_URL_SAFE_NO_PAD.encode(token)
    }

    /// The payload, if the token was made here for this purpose and binding.
    pub fn open(&self, purpose: &str, bound_to: &str, token: &str) -> Option<Vec<u8>> {
        if token.len() > LONGEST {
            return None;
        }
        let token = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (tag, payload) = token.split_at_checked(TAG_BYTES)?;
        // The comparison takes as long for a near miss as for a far one.
        self.mac(purpose, bound_to, payload)?.verify_truncated_left(tag).ok()?;
        Some(payload.to_vec())
    }

    fn tag(&self, purpose: &str, bound_to: &str, payload: &[u8]) -> [u8; TAG_BYTES] {
        let mut tag = [0; TAG_BYTES];
        if let Some(mac) = self.mac(purpose, bound_to, payload) {
            tag.copy_from_slice(&mac.finalize().into_bytes()[..TAG_BYTES]);
        }
        tag
    }

    fn mac(&self, purpose: &str, bound_to: &str, payload: &[u8]) -> Option<Hmac<Sha256>> {
        // HMAC takes keys of any length: `None` never happens, and would open nothing.
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.0.as_slice()).ok()?;
        for part in [purpose.as_bytes(), bound_to.as_bytes(), payload] {
            // Lengths first, so that no two triples read the same.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Some(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer() -> Sealer {
        Sealer::new([7; 32])
    }

    proptest::proptest! {
        #[test]
        fn what_was_sealed_opens_for_the_same_purpose_and_binding_alone(payload: Vec<u8>, purpose in "[a-z]{0,8}", bound in ".{0,20}") {
            let token = sealer().seal(&purpose, &bound, &payload);
            proptest::prop_assert_eq!(sealer().open(&purpose, &bound, &token), Some(payload));
            proptest::prop_assert_eq!(sealer().open("other purpose", &bound, &token), None);
            let another = format!("{bound}x");
            proptest::prop_assert_eq!(sealer().open(&purpose, &another, &token), None);
            proptest::prop_assert_eq!(Sealer::new([8; 32]).open(&purpose, &bound, &token), None);
        }

        #[test]
        fn nothing_else_opens(token in ".{0,200}") {
            proptest::prop_assert_eq!(sealer().open("page", "", &token), None);
        }

        #[test]
        fn a_changed_token_does_not_open(payload in proptest::collection::vec(0u8.., 1..40), at: usize, flip in 1u8..) {
            let token = sealer().seal("page", "g", &payload);
            let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(token).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= flip;
            proptest::prop_assert_eq!(sealer().open("page", "g", &BASE64_URL_SAFE_NO_PAD.encode(bytes)), None);
        }
    }

    #[test]
    fn purpose_and_binding_do_not_run_into_each_other() {
        let token = sealer().seal("ab", "c", b"x");
        assert_eq!(sealer().open("a", "bc", &token), None);
    }
}
