//! Signatures after Standard Webhooks 1.0.0.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What the messages of one route are signed with. Shown once, when the route is made.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// `whsec_…`, as receivers are given it.
    pub fn reveal(&self) -> String {
        format!("whsec_{}", BASE64_STANDARD.encode(&self.0))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The `webhook-signature` of a message: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, the timestamp in
/// seconds of Unix.
pub fn sign(secret: &Secret, id: &str, timestamp: i64, body: &str) -> String {
    // HMAC takes keys of any length: the empty signature never happens, and would verify nothing.
    let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(&secret.0) else { return String::new() };
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body.as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_published_vector_is_reproduced() {
        let secret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let secret = Secret::new(BASE64_STANDARD.decode(secret).unwrap());
        assert_eq!(secret.reveal(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        assert_eq!(
            sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_secret_does_not_show_in_a_log() {
        assert_eq!(format!("{:?}", Secret::new(vec![7; 32])), "Secret");
    }

    proptest! {
        #[test]
        fn another_id_time_body_or_secret_is_another_signature(body in ".{0,40}", at in 0i64..4_000_000_000, key in any::<[u8; 32]>()) {
            let secret = Secret::new(key.to_vec());
            let signature = sign(&secret, "a", at, &body);
            prop_assert_ne!(&signature, &sign(&secret, "b", at, &body));
            prop_assert_ne!(&signature, &sign(&secret, "a", at + 1, &body));
            prop_assert_ne!(&signature, &sign(&secret, "a", at, &format!("{body} ")));
            let mut other = key;
            other[0] ^= 1;
            prop_assert_ne!(&signature, &sign(&Secret::new(other.to_vec()), "a", at, &body));
        }
    }
}
