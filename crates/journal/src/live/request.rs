//! What a caller asks of a live view.

use std::{collections::BTreeSet, time::Duration};

use prost_types::Duration as WireDuration;
use throughline_platform::{
    Principal, Violation,
    failure::{Code, Failure, Reason},
    name,
    seal::Sealer,
};

use super::{MAX_ROOFTOPS, token::Resumed};

const HEARTBEAT: Duration = Duration::from_secs(10);
const MIN_HEARTBEAT: Duration = Duration::from_secs(1);
const MAX_HEARTBEAT: Duration = Duration::from_secs(60);

/// The fields that requests for live views have in common.
#[derive(Clone, Debug)]
pub struct LiveRequest {
    /// Names the kind of stream; its tokens are of no use to another kind.
    pub purpose: &'static str,
    /// `groups/{group}`.
    pub parent: String,
    /// Empty means all that the key may see.
    pub rooftops: Vec<String>,
    pub resume_token: String,
    /// Ends after the snapshot.
    pub once: bool,
    /// Real time, 1 to 60 s; `None` or 0 means 10 s.
    pub heartbeat: Option<WireDuration>,
    /// Other arguments that a resume token is bound to, as text.
    pub choice: &'static str,
}

/// A request that was checked.
pub(super) struct Asked {
    pub(super) purpose: &'static str,
    /// Sorted, each once.
    pub(super) rooftops: Vec<String>,
    pub(super) once: bool,
    pub(super) heartbeat: Duration,
    pub(super) bound_to: String,
    resume_token: String,
}

impl Asked {
    /// Checks everything that needs no look at what is stored.
    pub(super) fn parse(caller: &Principal, request: LiveRequest) -> Result<Self, Failure> {
        name::parse_field("parent", "groups/{group}", &request.parent)?;
        let mut violations = Vec::new();
        if request.rooftops.len() > MAX_ROOFTOPS {
            let problem = format!("must name at most {MAX_ROOFTOPS} rooftops, named {}", request.rooftops.len());
            violations.push(Violation::new("rooftops", problem));
        }
        let heartbeat = heartbeat(request.heartbeat.as_ref()).unwrap_or_else(|violation| {
            violations.push(violation);
            HEARTBEAT
        });
        if !violations.is_empty() {
            return Err(Failure::violations(violations));
        }
        for rooftop in &request.rooftops {
            caller.require_rooftop(rooftop)?;
        }
        let rooftops: Vec<String> = request.rooftops.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let bound_to = format!("{}\n{}\n{}", caller.group, request.choice, rooftops.join("\n"));
        Ok(Self {
            purpose: request.purpose,
            rooftops,
            once: request.once,
            heartbeat,
            bound_to,
            resume_token: request.resume_token,
        })
    }

    /// What the resume token holds; `None` if there is none or it does not matter.
    pub(super) fn resumed(&self, sealer: &Sealer) -> Result<Option<Resumed>, Failure> {
        if self.resume_token.is_empty() {
            return Ok(None);
        }
        let payload = sealer.open(self.purpose, &self.bound_to, &self.resume_token);
        let resumed = payload.as_deref().and_then(Resumed::unpack).ok_or_else(|| {
            let message =
                "the resume token was not issued for this caller and these arguments: start the stream without one";
            Failure::new(Code::InvalidArgument, Reason::InvalidToken, message).at_field("resume_token")
        })?;
        Ok(Some(resumed).filter(|_| !self.once))
    }
}

/// Reads the heartbeat interval of a request.
pub fn heartbeat(asked: Option<&WireDuration>) -> Result<Duration, Violation> {
    let Some(asked) = asked.filter(|asked| (asked.seconds, asked.nanos) != (0, 0)) else { return Ok(HEARTBEAT) };
    let read = u64::try_from(asked.seconds).ok().zip(u32::try_from(asked.nanos).ok().filter(|n| *n < 1_000_000_000));
    read.map(|(seconds, nanos)| Duration::new(seconds, nanos))
        .filter(|read| (MIN_HEARTBEAT..=MAX_HEARTBEAT).contains(read))
        .ok_or_else(|| {
            let problem = format!(
                "must be {} to {} s, or 0 for {} s, was {} s {} ns",
                MIN_HEARTBEAT.as_secs(),
                MAX_HEARTBEAT.as_secs(),
                HEARTBEAT.as_secs(),
                asked.seconds,
                asked.nanos
            );
            Violation::new("heartbeat", problem)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heartbeat_defaults_to_ten_seconds_and_is_held_to_its_range() {
        let read = |seconds, nanos| heartbeat(Some(&WireDuration { seconds, nanos }));
        assert_eq!(heartbeat(None), Ok(HEARTBEAT));
        assert_eq!(read(0, 0), Ok(HEARTBEAT));
        assert_eq!(read(1, 0), Ok(Duration::from_secs(1)));
        assert_eq!(read(2, 500_000_000), Ok(Duration::from_millis(2_500)));
        assert_eq!(read(60, 0), Ok(Duration::from_secs(60)));
        for (seconds, nanos) in
            [(0, 1), (0, 999_999_999), (60, 1), (61, 0), (-1, 0), (1, -1), (1, i32::MAX), (i64::MAX, 0)]
        {
            let violation = read(seconds, nanos).unwrap_err();
            assert_eq!(violation.field, "heartbeat", "{seconds} s {nanos} ns");
        }
    }
}
