//! Instants between the wire and the domain.
use jiff::Timestamp;

/// The wire form of an instant; exact to the nanosecond.
pub fn to_wire(at: Timestamp) -> prost_types::Timestamp {
    // jiff keeps second and nanosecond of one sign; the wire wants nanoseconds in 0..1e9.
    let nanos = at.as_nanosecond();
    prost_types::Timestamp {
        seconds: nanos.div_euclid(1_000_000_000) as i64,
        nanos: nanos.rem_euclid(1_000_000_000) as i32,
    }
}

/// The domain form of an instant, or `None` if it lies outside the years -9999 to 9999.
pub fn from_wire(at: &prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::from_nanosecond(i128::from(at.seconds) * 1_000_000_000 + i128::from(at.nanos)).ok()
}

/// A non-negative span of seconds and nanoseconds.
pub fn duration_to_wire(of: std::time::Duration) -> prost_types::Duration {
    prost_types::Duration { seconds: i64::try_from(of.as_secs()).unwrap_or(i64::MAX), nanos: of.subsec_nanos() as i32 }
}

/// The domain form of a span; negative ones become zero.
pub fn duration_from_wire(of: &prost_types::Duration) -> std::time::Duration {
    std::time::Duration::new(
        u64::try_from(of.seconds).unwrap_or(0),
        u32::try_from(of.nanos).unwrap_or(0).min(999_999_999),
    )
}
