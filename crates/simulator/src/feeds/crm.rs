//! The CRM: a table of visits that is polled every five minutes, a row whenever something of a visit changed.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::clock::{utc, utc_unsaid};
use super::visit::Visit;
use super::{Store, table};

const HEADER: &str = "PolledUTC,VisitID,LeadID,DealerID,StartUTCDate,EndUTCDate,StockNumber,SalesRepID,BeBack,WalkAround,\
                      TradeAppraisal,DemoTestDrive,WriteUp,ManagerTurnOver,AfterMarketTurnOver,FinanceTurnOver,Desking,\
                      EndReason,LastUpdatedUTCDate,DeletedFlag";

/// Seconds between two polls.
const POLLED_EVERY: i64 = 300;

/// What each flag of the table says happened, in its order; some are always up, and some nobody uses.
const FLAGS: [Flag; 9] = [
    Flag::Never,
    Flag::Always,
    Flag::Since("trade.appraisal.requested"),
    Flag::Since("deal.demo.started"),
    Flag::Since("deal.writeup.submitted"),
    Flag::Since("deal.manager_to.started"),
    Flag::Never,
    Flag::Since("deal.fi.started"),
    Flag::Since("deal.desk.started"),
];

enum Flag {
    Never,
    Always,
    /// The first event of this type.
    Since(&'static str),
}

pub(super) fn visits(store: &Store<'_>, visits: &[Visit<'_>]) -> String {
    table(HEADER, visits.iter().flat_map(|visit| rows(store, visit)).collect())
}

fn rows(store: &Store<'_>, visit: &Visit<'_>) -> Vec<((Timestamp, usize), String)> {
    let Some(start) = visit.at("deal.opened") else { return Vec::new() };
    let end = match (visit.at("deal.delivered"), visit.at("deal.lost")) {
        (Some(delivered), _) => Some((delivered, "Sold")),
        (None, lost) => lost.map(|lost| (lost, "Not sold")),
    };
    let rises = |flag: &Flag| match flag {
        Flag::Never => None,
        Flag::Always => Some(start),
        Flag::Since(kind) => visit.at(kind),
    };
    let raised = FLAGS.map(|flag| rises(&flag));
    let changes = raised.iter().flatten().copied().chain(end.map(|(at, _)| at));
    let polls: BTreeSet<Timestamp> = changes.filter_map(next_poll).collect();
    let row = |poll: Timestamp| {
        let seen = end.filter(|(at, _)| *at <= poll);
        let ended = seen.map(|(at, _)| utc_unsaid(at)).unwrap_or_default();
        let reason = seen.map_or("", |(_, reason)| reason);
        let flags = raised.map(|at| if at.is_some_and(|at| at <= poll) { "1" } else { "0" }).join(",");
        let (start, updated, numbers) = (utc_unsaid(start), utc_unsaid(poll), &visit.numbers);
        let told = format!("{},{},{},{},{start},{ended}", utc(poll), numbers.visit, numbers.lead, store.rooftop);
        let by = visit.actor("deal.opened");
        ((poll, visit.number), format!("{told},{},{by},{flags},{reason},{updated},0", numbers.stock))
    };
    polls.into_iter().map(row).collect()
}

/// The first poll that shows what happened at an instant.
fn next_poll(at: Timestamp) -> Option<Timestamp> {
    let polls = at.as_millisecond().div_euclid(POLLED_EVERY * 1_000);
    let begun = at.as_millisecond().rem_euclid(POLLED_EVERY * 1_000) > 0;
    Timestamp::from_second((polls + i64::from(begun)) * POLLED_EVERY).ok()
}
