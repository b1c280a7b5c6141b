//! Columns of which one row's may be unreadable: the others of the answer are read all the same.

use sqlx::{
    Decode, Postgres, Type,
    error::BoxDynError,
    postgres::{PgTypeInfo, PgValueRef},
};

/// The value of a column; none if it cannot be read.
#[derive(Clone, Copy, Debug)]
pub struct Readable<T>(pub Option<T>);

impl<T: Type<Postgres>> Type<Postgres> for Readable<T> {
    fn type_info() -> PgTypeInfo {
        T::type_info()
    }

    fn compatible(ty: &PgTypeInfo) -> bool {
        T::compatible(ty)
    }
}

impl<'r, T: Decode<'r, Postgres>> Decode<'r, Postgres> for Readable<T> {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(T::decode(value).ok()))
    }
}
