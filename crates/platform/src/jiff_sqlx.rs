//! Instants and days in Postgres: what the crate `jiff-sqlx` does, for the jiff that we use (jiff-sqlx 0.2 is held to jiff
//! 0.2). The same names, so that `use throughline_platform::jiff_sqlx;` is all that a module needs.
//!
//! Postgres keeps microseconds: finer instants are rounded down.
use jiff::{SignedDuration, civil};
use sqlx::{
    Postgres, Type,
    encode::{Encode, IsNull},
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueFormat, PgValueRef, types::Oid},
};

/// 2000-01-01T00:00:00Z, from which Postgres counts, in seconds of Unix.
const EPOCH_SECONDS: i64 = 946_684_800;
const EPOCH_DAY: civil::Date = civil::Date::constant(2000, 1, 1);

/// A `timestamptz`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

/// A `date`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(civil::Date);

/// Wraps for a query.
pub trait ToSqlx {
    /// What Postgres is given.
    type Target;

    /// Wraps.
    fn to_sqlx(self) -> Self::Target;
}

impl ToSqlx for jiff::Timestamp {
    type Target = Timestamp;

    fn to_sqlx(self) -> Timestamp {
        Timestamp(self)
    }
}

impl ToSqlx for civil::Date {
    type Target = Date;

    fn to_sqlx(self) -> Date {
        Date(self)
    }
}

impl Timestamp {
    /// The instant.
    pub fn to_jiff(self) -> jiff::Timestamp {
        self.0
    }
}

impl Date {
    /// The day.
    pub fn to_jiff(self) -> civil::Date {
        self.0
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(at: jiff::Timestamp) -> Self {
        Self(at)
    }
}

impl From<Timestamp> for jiff::Timestamp {
    fn from(at: Timestamp) -> Self {
        at.0
    }
}

impl From<civil::Date> for Date {
    fn from(day: civil::Date) -> Self {
        Self(day)
    }
}

impl From<Date> for civil::Date {
    fn from(day: Date) -> Self {
        day.0
    }
}

macro_rules! postgres_type {
    ($name:ident, $oid:literal, $array:literal) => {
        impl Type<Postgres> for $name {
            fn type_info() -> PgTypeInfo {
                PgTypeInfo::with_oid(Oid($oid))
            }
        }

        impl PgHasArrayType for $name {
            fn array_type_info() -> PgTypeInfo {
                PgTypeInfo::with_oid(Oid($array))
            }
        }
    };
}

postgres_type!(Timestamp, 1184, 1185);
postgres_type!(Date, 1082, 1182);

impl Encode<'_, Postgres> for Timestamp {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let micros = self.0.as_nanosecond().div_euclid(1_000);
        let since = i64::try_from(micros - i128::from(EPOCH_SECONDS) * 1_000_000)?;
        <i64 as Encode<Postgres>>::encode(since, buf)
    }
}

impl<'r> sqlx::Decode<'r, Postgres> for Timestamp {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        match value.format() {
            PgValueFormat::Binary => {
                let since: i64 = sqlx::Decode::<Postgres>::decode(value)?;
                // Infinity and what lies outside the years -9999 to 9999 are errors, not panics.
                let micros = i128::from(since) + i128::from(EPOCH_SECONDS) * 1_000_000;
                Ok(Self(jiff::Timestamp::from_microsecond(i64::try_from(micros)?)?))
            }
            PgValueFormat::Text => Ok(Self(value.as_str()?.parse()?)),
        }
    }
}

impl Encode<'_, Postgres> for Date {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let hours = self.0.duration_since(EPOCH_DAY).as_hours();
        <i32 as Encode<Postgres>>::encode(i32::try_from(hours / 24)?, buf)
    }
}

impl<'r> sqlx::Decode<'r, Postgres> for Date {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        match value.format() {
            PgValueFormat::Binary => {
                let days: i32 = sqlx::Decode::<Postgres>::decode(value)?;
                Ok(Self(EPOCH_DAY.checked_add(SignedDuration::from_hours(i64::from(days) * 24))?))
            }
            PgValueFormat::Text => Ok(Self(value.as_str()?.parse()?)),
        }
    }
}
