//! Which cars deals sell: written with the deals of a batch, and read by car.

use sqlx::{Error, query_file};
use throughline_platform::db::Tx;
use uuid::Uuid;

use super::small;
use crate::domain::{
    contests::{Car, MOST_SELLING},
    id::DealId,
};

/// What a batch changes about who sells which car.
#[derive(Debug, Default)]
pub struct Cars {
    sold: Columns,
    gone: Columns,
}

#[derive(Debug, Default)]
struct Columns {
    deals: Vec<Uuid>,
    kinds: Vec<String>,
    values: Vec<String>,
    groups: Vec<String>,
    rooftops: Vec<String>,
}

impl Columns {
    fn push(&mut self, deal: DealId, car: &Car) {
        self.deals.push(deal.0);
        self.kinds.push(car.kind.as_str().to_owned());
        self.values.push(car.value.clone());
        self.groups.push(car.group.clone());
        self.rooftops.push(car.rooftop.clone());
    }
}

impl Cars {
    pub fn sold(&mut self, deal: DealId, car: &Car) {
        self.sold.push(deal, car);
    }

    /// It sells that car no more.
    pub fn gone(&mut self, deal: DealId, car: &Car) {
        self.gone.push(deal, car);
    }

    pub(super) async fn save(self, tx: &mut Tx, part: i16) -> Result<(), Error> {
        let Self { sold, gone } = self;
        if !gone.deals.is_empty() {
            query_file!("sql/drop_cars.sql", part, &gone.deals, &gone.kinds, &gone.values).execute(tx.conn()).await?;
        }
        if !sold.deals.is_empty() {
            let Columns { deals, kinds, values, groups, rooftops } = sold;
            query_file!("sql/save_cars.sql", part, &deals, &kinds, &values, &groups, &rooftops)
                .execute(tx.conn())
                .await?;
        }
        Ok(())
    }
}

/// A deal that sells a car that was asked for.
#[derive(Clone, Debug)]
pub struct Seller {
    pub id: DealId,
    pub group: String,
    pub rooftop: String,
    pub blind: bool,
    /// Encoded.
    pub body: Vec<u8>,
}

/// Of one car, so many deals are reached for: one more than make its number mean nothing.
const REACHED: i64 = MOST_SELLING as i64 + 1;

/// The deals that sell one of these cars, but for those named.
pub async fn selling(
    tx: &mut Tx,
    part: u16,
    cars: impl Iterator<Item = &Car>,
    but: &[Uuid],
) -> Result<Vec<Seller>, Error> {
    let mut wanted = Columns::default();
    cars.for_each(|car| wanted.push(DealId(Uuid::nil()), car));
    let Columns { groups, rooftops, kinds, values, .. } = &wanted;
    let rows = query_file!("sql/selling.sql", small(part), groups, rooftops, kinds, values, but, REACHED)
        .fetch_all(tx.conn())
        .await?;
    let sellers = rows.into_iter().map(|row| Seller {
        id: DealId(row.deal_id),
        group: row.group_id,
        rooftop: row.rooftop,
        blind: row.blind,
        body: row.body,
    });
    Ok(sellers.collect())
}

/// Deals of a group that sell or took one of these cars, but for one, each with the car. `rooftops`: none means all of the
/// group.
pub async fn same_vehicle(
    tx: &mut Tx,
    group: &str,
    rooftops: Option<&[String]>,
    cars: &[String],
    but: DealId,
    most: i64,
) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let rows =
        query_file!("sql/same_vehicle.sql", group, cars, but.0, rooftops as _, most).fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| (row.value, row.body)).collect())
}

/// Deals of a rooftop that know one of these cars, but for one: those first that are agreed now or were once.
pub async fn knowing_car(
    tx: &mut Tx,
    group: &str,
    rooftop: &str,
    cars: &[String],
    but: DealId,
) -> Result<Vec<Uuid>, Error> {
    let rows = query_file!("sql/knowing_car.sql", group, rooftop, cars, but.0, REACHED).fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| row.deal_id).collect())
}
