//! Signatures after Standard Webhooks 1.0.0: of what we send, and of what is sent to us.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// Signatures of one message that are looked at: a sender that rotates its secret sends two.
const MOST_SIGNATURES: usize = 8;

/// What messages are signed with. Shown once, when it is made.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// As it was kept.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// 256 random bits.
    pub fn generate() -> Self {
        Self(rand::random::<[u8; 32]>().to_vec())
    }

    /// To be kept.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// `whsec_…`, as the other side is given it.
    pub fn reveal(&self) -> String {
        format!("whsec_{}", BASE64_STANDARD.encode(&self.0))
    }

    /// What stands for a text where the text itself may not be kept: it says nothing to anybody without the secret. Two
    /// purposes never give the same for one text.
    pub fn fingerprint(&self, purpose: &str, text: &[u8]) -> Uuid {
        let mut half = [0; 16];
        if let Some(mac) = self.mac(&[purpose.as_bytes(), b"\n", text]) {
            half.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        }
        Uuid::from_bytes(half)
    }

    /// HMAC takes keys of any length: `None` never happens, and would sign and verify nothing.
    fn mac(&self, parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0).ok()?;
        for part in parts {
            mac.update(part);
        }
        Some(mac)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The `webhook-signature` of a message: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, the timestamp in
/// seconds of Unix.
pub fn sign(secret: &Secret, id: &str, timestamp: i64, body: &[u8]) -> String {
    let timestamp = timestamp.to_string();
    match secret.mac(&[id.as_bytes(), b".", timestamp.as_bytes(), b".", body]) {
        Some(mac) => format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())),
        None => String::new(),
    }
}

/// Whether one of the signatures that a `webhook-signature` lists is this secret's of exactly these bytes. `id` and `timestamp`
/// are the headers as sent. A near miss takes as long as a far one.
pub fn is_signed(secret: &Secret, id: &str, timestamp: &str, body: &[u8], signatures: &str) -> bool {
    let Some(mac) = secret.mac(&[id.as_bytes(), b".", timestamp.as_bytes(), b".", body]) else { return false };
    let mut signed = false;
    for signature in signatures.split_ascii_whitespace().take(MOST_SIGNATURES) {
        let Some(given) = signature.strip_prefix("v1,").and_then(|given| BASE64_STANDARD.decode(given).ok()) else {
            continue;
        };
        signed |= mac.clone().verify_slice(&given).is_ok();
    }
    signed
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
            sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_secret_does_not_show_in_a_log() {
        assert_eq!(format!("{:?}", Secret::new(vec![7; 32])), "Secret");
    }

    #[test]
    fn any_of_several_signatures_will_do_and_nothing_else() {
        let (ours, other) = (Secret::new(vec![1; 32]), Secret::new(vec![2; 32]));
        let (good, bad) = (sign(&ours, "m", 7, b"body"), sign(&other, "m", 7, b"body"));
        let signed = |list: &str| is_signed(&ours, "m", "7", b"body", list);
        assert!(signed(&good) && signed(&format!("{bad} {good}")) && signed(&format!("v1a,x v1,!! {good}")));
        for wrong in ["", "v1,", &bad, &good[3..], &good.replace("v1,", "v2,"), &good[..good.len() - 4]] {
            assert!(!signed(wrong), "{wrong:?} was taken");
        }
        let late = format!("{}{good}", format!("{bad} ").repeat(MOST_SIGNATURES));
        assert!(!signed(&late), "no more than so many are looked at");
    }

    #[test]
    fn a_fingerprint_is_the_secrets_and_the_purposes() {
        let secret = Secret::new(vec![1; 32]);
        let one = secret.fingerprint("id", b"m");
        assert_eq!(one, secret.fingerprint("id", b"m"));
        assert_ne!(one, secret.fingerprint("body", b"m"));
        assert_ne!(one, Secret::new(vec![2; 32]).fingerprint("id", b"m"));
    }

    proptest! {
        #[test]
        fn what_was_signed_is_and_one_flipped_bit_is_not(body in prop::collection::vec(any::<u8>(), 1..60), at in 0i64..4_000_000_000, bit in 0usize..480) {
            let secret = Secret::new(vec![3; 32]);
            let signature = sign(&secret, "m", at, &body);
            prop_assert!(is_signed(&secret, "m", &at.to_string(), &body, &signature));
            let mut other = body.clone();
            let bit = bit % (8 * body.len());
            other[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!is_signed(&secret, "m", &at.to_string(), &other, &signature));
        }

        #[test]
        fn another_id_time_body_or_secret_is_another_signature(body in ".{0,40}", at in 0i64..4_000_000_000, key in any::<[u8; 32]>()) {
            let secret = Secret::new(key.to_vec());
            let signature = sign(&secret, "a", at, body.as_bytes());
            prop_assert_ne!(&signature, &sign(&secret, "b", at, body.as_bytes()));
            prop_assert_ne!(&signature, &sign(&secret, "a", at + 1, body.as_bytes()));
            prop_assert_ne!(&signature, &sign(&secret, "a", at, format!("{body} ").as_bytes()));
            let mut other = key;
            other[0] ^= 1;
            prop_assert_ne!(&signature, &sign(&Secret::new(other.to_vec()), "a", at, body.as_bytes()));
        }
    }
}
