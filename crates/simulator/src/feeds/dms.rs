//! The DMS: F&I deals as deltas, with a status code, days without a time, and customers.

use jiff::Timestamp;
use serde::Serialize;

use super::Store;
use super::canary::Canary;
use super::clock::{later, utc};
use super::visit::Visit;

/// One delta, its members named and ordered as the DMS does.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'r> {
    deal_no: &'r str,
    store_id: &'r str,
    stock_no: &'r str,
    vin: &'r str,
    deal_type: &'static str,
    sale_type: &'static str,
    cust_no: usize,
    name1: &'r str,
    birth_date: &'r str,
    ssn_last4: &'r str,
    address: &'r str,
    home_phone: &'r str,
    email1: &'r str,
    #[serde(rename = "tradeVIN")]
    trade_vin: &'r str,
    fi_mgr1: &'r str,
    creation_date: String,
    fi_wip_status_code: &'static str,
    contract_date: String,
    accounting_date: String,
    host_item_id: String,
    delta_at: String,
}

/// The most minutes that it takes somebody to key in what has happened.
const KEYED_WITHIN: f64 = 12.0;

pub(super) fn sales(store: &Store<'_>, visits: &[Visit<'_>]) -> Result<String, serde_json::Error> {
    let mut rows = Vec::new();
    for visit in visits.iter().filter(|visit| visit.is_sold()) {
        rows.extend(deltas(store, visit)?);
    }
    rows.sort_by_key(|(at, _)| *at);
    // A connection that broke off: the row in the middle is sent again, letter by letter.
    if let Some((at, row)) = rows.get(rows.len() / 2).cloned() {
        rows.insert(rows.len() / 2, (at, row));
    }
    Ok(rows.into_iter().map(|(_, row)| row + "\n").collect())
}

/// Booked once the customer sits in F&I, delivered, finalized when accounting has the jacket.
fn deltas(store: &Store<'_>, visit: &Visit<'_>) -> Result<Vec<(Timestamp, String)>, serde_json::Error> {
    let day = |kind| visit.at(kind).map(|at| store.clock.date(at)).unwrap_or_default();
    let (created, signed, accounted) = (day("deal.agreed"), day("deal.contract.signed"), day("deal.jacket.accepted"));
    let steps = [
        ("deal.fi.started", "B", "", ""),
        ("deal.delivered", "D", signed.as_str(), ""),
        ("deal.jacket.accepted", "F", signed.as_str(), accounted.as_str()),
    ];
    let mut draw = store.draw("dms", visit.number);
    let customer = Canary::new(visit.number);
    let mut rows = Vec::new();
    for (number, (kind, code, contract, accounting)) in (1..).zip(steps) {
        let keyed_after = draw.between(1.0, KEYED_WITHIN);
        let Some(at) = visit.at(kind).map(|at| later(at, keyed_after)) else { continue };
        let row = Row {
            deal_no: &visit.numbers.deal,
            store_id: store.rooftop,
            stock_no: &visit.numbers.stock,
            vin: &visit.numbers.vin,
            deal_type: if visit.is_financed() { "Finance" } else { "Cash" },
            sale_type: "R",
            cust_no: 270_000 + visit.number,
            name1: &customer.name,
            birth_date: &customer.birth_date,
            ssn_last4: &customer.ssn_last4,
            address: &customer.street,
            home_phone: &customer.phone,
            email1: &customer.email,
            trade_vin: if visit.leaves_trade() { &visit.numbers.trade } else { "" },
            fi_mgr1: visit.actor("deal.fi.started"),
            creation_date: created.clone(),
            fi_wip_status_code: code,
            contract_date: contract.to_owned(),
            accounting_date: accounting.to_owned(),
            host_item_id: format!("{}*{number}", visit.numbers.deal),
            delta_at: utc(at),
        };
        rows.push((at, serde_json::to_string(&row)?));
    }
    Ok(rows)
}
