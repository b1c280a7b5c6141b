//! What a message says of itself in its headers, before anybody knows whether it is true.

use jiff::{SignedDuration, Timestamp};

/// How far the clock of a sender may be from ours: a message that is older may be one that somebody kept.
pub(crate) const WINDOW: SignedDuration = SignedDuration::from_mins(5);
/// So long after it was taken, no message signed for that moment is accepted any more.
pub(crate) const REMEMBERED: SignedDuration = SignedDuration::from_mins(10);

const LONGEST_ID: usize = 256;

/// The headers of Standard Webhooks, as sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signed<'h> {
    pub(crate) id: &'h str,
    pub(crate) timestamp: &'h str,
    pub(crate) signatures: &'h str,
}

/// Why a message is not even looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsigned {
    #[error("{0} is missing or malformed: sign with webhook-id, webhook-timestamp and webhook-signature")]
    Header(&'static str),
    #[error(
        "webhook-timestamp is more than 5 minutes away from our clock: set the sender's clock, and sign each try anew"
    )]
    Clock,
}

impl<'h> Signed<'h> {
    /// Reads the headers; `now` is the injected clock's.
    pub(crate) fn read(header: impl Fn(&'static str) -> Option<&'h str>, now: Timestamp) -> Result<Self, Unsigned> {
        let required = |name| header(name).filter(|value| !value.is_empty()).ok_or(Unsigned::Header(name));
        let signed = Self {
            id: required("webhook-id")?,
            timestamp: required("webhook-timestamp")?,
            signatures: required("webhook-signature")?,
        };
        if signed.id.len() > LONGEST_ID {
            return Err(Unsigned::Header("webhook-id"));
        }
        let digits = signed.timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let at = Some(signed.timestamp).filter(|_| digits).and_then(|text| text.parse().ok());
        let at = at.and_then(|seconds| Timestamp::from_second(seconds).ok());
        let at = at.ok_or(Unsigned::Header("webhook-timestamp"))?;
        if now.duration_since(at).abs() > WINDOW { Err(Unsigned::Clock) } else { Ok(signed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(id: &str, timestamp: &str, signatures: &str, now: i64) -> Result<(), Unsigned> {
        let header = |name: &'static str| match name {
            "webhook-id" => Some(id),
            "webhook-timestamp" => Some(timestamp),
            _ => Some(signatures),
        };
        Signed::read(header, Timestamp::from_second(now).unwrap()).map(|_| ())
    }

    #[test]
    fn five_minutes_either_way_and_no_second_more() {
        for (sent, accepted) in [(1_000, true), (700, true), (1_300, true), (699, false), (1_301, false)] {
            let wanted = if accepted { Ok(()) } else { Err(Unsigned::Clock) };
            assert_eq!(read("m", &sent.to_string(), "v1,x", 1_000), wanted, "{sent}");
        }
    }

    #[test]
    fn what_is_no_header_is_named() {
        assert_eq!(read("", "1000", "v1,x", 1_000), Err(Unsigned::Header("webhook-id")));
        assert_eq!(read(&"x".repeat(257), "1000", "v1,x", 1_000), Err(Unsigned::Header("webhook-id")));
        assert_eq!(read("m", "1000", "", 1_000), Err(Unsigned::Header("webhook-signature")));
        for wrong in ["", "+1000", "-1", "1000.0", "soon", "99999999999999999999", "9999999999999"] {
            assert_eq!(read("m", wrong, "v1,x", 1_000), Err(Unsigned::Header("webhook-timestamp")), "{wrong:?}");
        }
    }
}
