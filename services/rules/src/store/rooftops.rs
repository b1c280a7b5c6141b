//! Rooftops and what they say of how deals are judged.

use prost::Message;
use throughline_platform::db::Tx;
use throughline_proto::tenant::v1::Rooftop;

use super::{Error, stored_part};

/// A rooftop as it was last told of.
#[derive(Debug, PartialEq, Eq)]
pub struct StoredRooftop {
    pub group: String,
    pub rooftop: String,
    /// Encoded `Rooftop`.
    pub body: Vec<u8>,
}

impl StoredRooftop {
    pub fn rooftop(&self) -> Result<Rooftop, Error> {
        Rooftop::decode(&*self.body).map_err(|why| Error::unreadable("rooftop")(&why))
    }
}

/// Those of the wanted (group, rooftop) that are known, in any order.
pub async fn load_rooftops(tx: &mut Tx, wanted: &[(&str, &str)]) -> Result<Vec<StoredRooftop>, Error> {
    let (groups, rooftops): (Vec<_>, Vec<_>) = wanted.iter().map(|(g, r)| ((*g).to_owned(), (*r).to_owned())).unzip();
    let rows = sqlx::query_file!("sql/load_rooftops.sql", &groups, &rooftops).fetch_all(tx.conn()).await?;
    let stored =
        rows.into_iter().map(|row| StoredRooftop { group: row.group_id, rooftop: row.rooftop, body: row.body });
    Ok(stored.collect())
}

pub async fn save_rooftop(tx: &mut Tx, part: u16, rooftop: &StoredRooftop) -> Result<(), Error> {
    let StoredRooftop { group, rooftop, body } = rooftop;
    sqlx::query_file!("sql/save_rooftop.sql", group, rooftop, stored_part(part), body).execute(tx.conn()).await?;
    Ok(())
}
