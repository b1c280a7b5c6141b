//! What vendors' systems show of a simulated store: the hard cases are there, and nothing of a customer but canaries.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use proptest::prelude::*;
use serde_json::Value;
use throughline_process::{CheckDigit, check_digit};
use throughline_simulator::{Outcome, Plan, RooftopFeeds, feeds, late_saturday, truth};

use crate::plans;

const TABLES: [&str; 5] = [
    "crm/showroom_visits.csv",
    "lender/contract_status.csv",
    "fni/finance_log.csv",
    "recon/steps.csv",
    "staff/shifts.csv",
];

/// The fields of a DMS row that name a customer.
const PERSONAL: [&str; 6] = ["name1", "birthDate", "ssnLast4", "address", "homePhone", "email1"];

fn late(seed: u64) -> Plan {
    late_saturday(seed, 2, date(2026, 9, 1), 1)
}

fn text<'f>(rooftop: &'f RooftopFeeds, path: &str) -> &'f str {
    let file = rooftop.files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}"));
    std::str::from_utf8(&file.bytes).unwrap()
}

fn leads(rooftop: &RooftopFeeds) -> Vec<&str> {
    let leads = rooftop.files.iter().filter(|file| file.path.starts_with("crm/leads/"));
    leads.map(|file| std::str::from_utf8(&file.bytes).unwrap()).collect()
}

/// The rows of a table by the names of its columns. No value of ours holds a comma.
fn rows<'f>(rooftop: &'f RooftopFeeds, path: &str) -> Vec<BTreeMap<&'f str, &'f str>> {
    let mut lines = text(rooftop, path).lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &'f str| {
        let values: Vec<&str> = line.split(',').collect();
        assert_eq!(values.len(), header.len(), "{path}: {line}");
        header.iter().copied().zip(values).collect()
    };
    lines.map(row).collect()
}

fn deltas(rooftop: &RooftopFeeds) -> Vec<Value> {
    text(rooftop, "dms/fi_sales.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn column<'f>(rows: &[BTreeMap<&str, &'f str>], name: &str) -> Vec<&'f str> {
    rows.iter().map(|row| row[name]).collect()
}

#[test]
fn the_same_seed_gives_the_same_files_and_another_seed_others() {
    let files = feeds(&late(42)).unwrap();
    assert_eq!(files, feeds(&late(42)).unwrap());
    assert_ne!(files, feeds(&late(43)).unwrap());
    let alone = Plan { rooftops: late(42).rooftops[1..].to_vec(), ..late(42) };
    assert_eq!(files[1..], feeds(&alone).unwrap(), "a rooftop's files do not hang on the others");
}

#[test]
fn sold_deals_leave_doubt_about_who_is_who() {
    let (mut cash, mut reconditioned) = (0, 0);
    for seed in 0..20 {
        for rooftop in feeds(&late(seed)).unwrap() {
            let keys = rows(&rooftop, "keys.csv");
            let stocks = column(&keys, "stock");
            let distinct: BTreeSet<&str> = stocks.iter().copied().collect();
            assert_eq!(distinct.len() + 1, stocks.len(), "one stock number is that of two sold cars: {stocks:?}");
            for name in ["visit", "lead", "deal_no", "app", "vin", "truth_deal"] {
                let values = column(&keys, name);
                assert_eq!(values.iter().collect::<BTreeSet<_>>().len(), values.len(), "{name}: {values:?}");
            }

            let visits = rows(&rooftop, "crm/showroom_visits.csv");
            let lost = visits.iter().filter(|visit| visit["EndReason"] == "Not sold");
            assert!(lost.clone().any(|visit| distinct.contains(visit["StockNumber"])), "others look at sold cars");
            assert!(lost.clone().any(|visit| !distinct.contains(visit["StockNumber"])));

            let at_lenders: BTreeSet<&str> =
                column(&rows(&rooftop, "lender/contract_status.csv"), "Application").into_iter().collect();
            cash += keys.iter().filter(|deal| !at_lenders.contains(deal["app"])).count();
            assert!(!at_lenders.is_empty());

            let trades: BTreeSet<&str> = column(&keys, "trade_vin").into_iter().filter(|vin| !vin.is_empty()).collect();
            let steps = rows(&rooftop, "recon/steps.csv");
            assert!(column(&steps, "VIN").iter().all(|vin| trades.contains(vin)), "{steps:?}");
            reconditioned += steps.iter().filter(|step| step["Step"] == "Frontline").count();
        }
    }
    assert!(cash > 40, "{cash} sold deals of which no lender knows");
    assert!(reconditioned > 40, "{reconditioned} trades that somebody may buy");
}

#[test]
fn every_system_has_its_flaws() {
    for seed in 0..20 {
        let shown = feeds(&late(seed)).unwrap();
        for rooftop in &shown {
            let deltas = deltas(rooftop);
            let lines: Vec<&str> = text(rooftop, "dms/fi_sales.jsonl").lines().collect();
            assert_eq!(lines.iter().collect::<BTreeSet<_>>().len() + 1, lines.len(), "one row is sent twice");
            let codes: BTreeSet<&str> = deltas.iter().map(|row| row["fiWipStatusCode"].as_str().unwrap()).collect();
            assert_eq!(codes, BTreeSet::from(["B", "D", "F"]));

            let leads = leads(rooftop);
            assert!(leads.iter().any(|lead| lead.starts_with("<?ADF VERSION \"1.0\"?>\n<?XML VERSION \"1.0\"?>")));
            assert!(
                leads.iter().any(|lead| lead.contains("status=\u{201c}new\u{201d}") && lead.contains("Cars & Trucks"))
            );
            assert!(leads.iter().any(|lead| lead.contains("status=\"resend\"")));
            let visited: BTreeSet<&str> =
                column(&rows(rooftop, "crm/showroom_visits.csv"), "LeadID").into_iter().collect();
            let id = |lead: &str| lead.split("</id>").next().unwrap().rsplit('>').next().unwrap().to_owned();
            assert!(leads.iter().any(|lead| !visited.contains(id(lead).as_str())), "a lead of somebody who never came");

            for poll in column(&rows(rooftop, "crm/showroom_visits.csv"), "PolledUTC") {
                let at: jiff::Timestamp = poll.parse().unwrap();
                assert_eq!(at.as_second() % 300, 0, "{poll}");
            }
        }
        let log = rows(&shown[0], "fni/finance_log.csv");
        assert!(log.iter().any(|row| row["In"].ends_with("PM") && row["Out"].ends_with("AM")), "seed {seed}: {log:?}");
    }
    let missing = (0..20).flat_map(|seed| feeds(&late(seed)).unwrap()).flat_map(|rooftop| {
        let rows = rows(&rooftop, "lender/contract_status.csv");
        rows.iter().map(|row| row["Deal Number"].is_empty()).collect::<Vec<_>>()
    });
    let missing: Vec<bool> = missing.collect();
    let share = missing.iter().filter(|missing| **missing).count() as f64 / missing.len() as f64;
    assert!((0.15..0.25).contains(&share), "{share} of the lenders' rows have no deal number");
}

#[test]
fn whatever_looks_like_a_customer_is_a_canary_and_stands_where_vendors_put_it() {
    for rooftop in feeds(&late(7)).unwrap() {
        for row in deltas(&rooftop) {
            let [name, birth, ssn, address, phone, email] =
                PERSONAL.map(|field| row[field].as_str().unwrap().to_owned());
            assert!(name.starts_with("CANARY-") && address.starts_with("CANARY-"), "{row}");
            assert!(birth.starts_with("19") && ssn.len() == 4 && phone.starts_with("555-01"), "{row}");
            assert!(email.starts_with("canary") && email.ends_with("@example.invalid"), "{row}");
        }
        assert!(leads(&rooftop).iter().all(|lead| lead.contains("CANARY-") && lead.contains("@example.invalid")));
        for path in TABLES.iter().chain(&["truth.jsonl", "keys.csv"]) {
            assert!(!text(&rooftop, path).to_lowercase().contains("canary"), "{path}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_was_delivered_is_in_the_keys_and_every_vin_is_one(plan in plans::any()) {
        let shown = feeds(&plan).unwrap();
        let truths = truth(&plan).unwrap();
        for (rooftop, planned) in shown.iter().zip(&plan.rooftops) {
            prop_assert_eq!((&rooftop.rooftop, &rooftop.zone), (&planned.id, &planned.zone));
            let keys = rows(rooftop, "keys.csv");
            let of_rooftop = truths.iter().filter(|deal| *deal.rooftop == *planned.id);
            let delivered: BTreeSet<&str> =
                of_rooftop.clone().filter(|deal| deal.outcome == Outcome::Delivered).map(|deal| &*deal.deal).collect();
            prop_assert_eq!(column(&keys, "truth_deal").into_iter().collect::<BTreeSet<_>>(), delivered);
            let visits = rows(rooftop, "crm/showroom_visits.csv");
            let ended = visits.iter().filter(|visit| !visit["EndReason"].is_empty()).count();
            prop_assert_eq!(ended, of_rooftop.count(), "each visit ends once");
            for vin in column(&keys, "vin").into_iter().chain(column(&keys, "trade_vin")).filter(|vin| !vin.is_empty()) {
                prop_assert_eq!(check_digit(vin), CheckDigit::Right, "{}", vin);
            }
            for path in TABLES {
                rows(rooftop, path);
            }
        }
    }
}
