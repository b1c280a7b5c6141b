//! The lists that managers look at every day: what a deal stands on, and since when.
//!
//! By the names of `retail-deal`, as DOMAIN.md has them: a process that calls its steps otherwise has no such lists.

use jiff::{Timestamp, tz::TimeZone};
use throughline_process::{
    Bound, ClosedBy, Deal, Interval, IntervalKind, IntervalState, Observed,
    deal::{DealState, Holder},
};
use throughline_proto::deal::v1 as pb;

const REOPENED: &str = "deal.reopened";
const AGREED: &str = "deal.agreed";
const FI_STARTED: &str = "deal.fi.started";
const SIGNED: &str = "deal.contract.signed";
const DELIVERED: &str = "deal.delivered";
const JACKET_RETURNED: &str = "deal.jacket.returned";
const JACKET_ACCEPTED: &str = "deal.jacket.accepted";
const CONTRACT_SUBMITTED: &str = "deal.contract.submitted";
const CONTRACT_RETURNED: &str = "deal.contract.returned";
const FUNDED: &str = "deal.funded";
const APPRAISED: &str = "trade.appraised";
const ACQUIRED: &str = "trade.acquired";
const STEP_ENTERED: &str = "trade.recon.step_entered";

/// A list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum List {
    /// Past agreement, not funded, and the jacket is not with accounting.
    DealsLaying,
    SoldNotDelivered,
    DeliveredNotFunded,
    /// Submitted, and neither funded nor returned.
    ContractsInTransit,
    /// Acquired and neither retailed, wholesaled nor transferred, or appraised in a delivered deal and never acquired.
    TradesNotFinalized,
    /// Acquired, not finalized, and nobody works on the car.
    HolesInRecon,
}

impl List {
    pub const ALL: [Self; 6] = [
        Self::DealsLaying,
        Self::SoldNotDelivered,
        Self::DeliveredNotFunded,
        Self::ContractsInTransit,
        Self::TradesNotFinalized,
        Self::HolesInRecon,
    ];
}

/// Something that stands on a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub list: List,
    /// The trade that it is about; none where it is about the deal, or nobody said which trade.
    pub instance: Option<String>,
    pub since: Bound,
    /// Department that it waits for.
    pub department: String,
    /// False: no source of the rooftop has ever reported a step that would take it off the list, so its age says nothing.
    pub leaving_observed: bool,
}

/// What a deal stands on, by list and trade: a function of the deal and of what its rooftop's sources report.
pub fn worklists(deal: &Deal, observed: &Observed) -> Vec<Item> {
    let standing = Standing { deal, observed };
    let mut items = Vec::new();
    if !deal.state.is_over() {
        let of_deal = [standing.laying(), standing.sold(), standing.delivered(), standing.in_transit()];
        items.extend(of_deal.into_iter().flatten());
    }
    items.extend(standing.acquired());
    items.extend(standing.never_acquired());
    items.extend(standing.holes());
    let key = |item: &Item| (item.list, item.instance.clone());
    items.sort_by_key(|item| (key(item), item.since.latest));
    items.dedup_by_key(|item| key(item));
    items
}

/// Whether a deal that was told so may stand on a list; most of those under way may not yet.
pub fn may_stand(deal: &pb::Deal) -> bool {
    const FIRST: [&str; 5] = [AGREED, DELIVERED, FUNDED, CONTRACT_SUBMITTED, ACQUIRED];
    deal.milestones.iter().any(|milestone| FIRST.contains(&milestone.event_type.as_str()))
}

/// When the local day of an instant began.
pub fn day_began(now: Timestamp, zone: &TimeZone) -> Timestamp {
    now.to_zoned_datetime(zone.clone()).start_of_day().map_or(now, |began| began.timestamp())
}

struct Standing<'d> {
    deal: &'d Deal,
    observed: &'d Observed,
}

impl<'d> Standing<'d> {
    fn laying(&self) -> Option<Item> {
        let past_agreement = matches!(self.deal.state, DealState::Agreed | DealState::Delivered);
        if !past_agreement || self.first(FUNDED).is_some() || self.accounting_has_it() {
            return None;
        }
        let leaving_observed = [JACKET_ACCEPTED, FUNDED].into_iter().any(|step| self.observed.contains(step));
        Some(self.item(List::DealsLaying, self.agreed()?, self.paper_waits_for("fi"), leaving_observed))
    }

    fn sold(&self) -> Option<Item> {
        if self.deal.state != DealState::Agreed {
            return None;
        }
        let department = self.waits_for(self.deal.holders.customer.as_ref(), &["fi", "delivery"], "delivery");
        let leaving_observed = self.observed.contains(DELIVERED);
        Some(self.item(List::SoldNotDelivered, self.agreed()?, department, leaving_observed))
    }

    fn delivered(&self) -> Option<Item> {
        if self.deal.state != DealState::Delivered {
            return None;
        }
        let department = self.paper_waits_for("accounting");
        let leaving_observed = self.observed.contains(FUNDED);
        Some(self.item(List::DeliveredNotFunded, self.first(DELIVERED)?, department, leaving_observed))
    }

    /// After a reopening, since that: the fold lets what stood go on as a round of its own.
    fn in_transit(&self) -> Option<Item> {
        if self.first(FUNDED).is_some() {
            return None;
        }
        let funding = self.open("funding").last()?;
        let department = self.paper_waits_for(&funding.owner_department);
        Some(self.item(List::ContractsInTransit, funding.start, department, funding.end_observed))
    }

    fn acquired(&self) -> impl Iterator<Item = Item> {
        self.open("recon").map(|recon| Item {
            instance: recon.instance.clone(),
            ..self.item(List::TradesNotFinalized, recon.start, &recon.owner_department, recon.end_observed)
        })
    }

    /// Trades that were appraised in a deal that is delivered, and that nobody acquired.
    fn never_acquired(&self) -> Vec<Item> {
        let Some(delivered) = self.first(DELIVERED) else { return Vec::new() };
        let delivered_now = matches!(self.deal.state, DealState::Delivered | DealState::Funded);
        if !delivered_now || !self.deal.milestones.contains_key(APPRAISED) {
            return Vec::new();
        }
        let mut appraised = self.appraised();
        let acquired: Vec<Option<&str>> = self.stages("recon").map(|recon| recon.instance.as_deref()).collect();
        // One that goes by another key, in another system, may be any of those that are left: it stands for the first.
        let elsewhere = acquired.iter().filter(|trade| !appraised.contains(trade)).count();
        appraised.retain(|trade| !acquired.contains(trade));
        let department = self.stages("appraisal").next().map_or("used_car", |stage| stage.owner_department.as_str());
        let never = appraised.into_iter().skip(elsewhere).map(|trade| Item {
            instance: trade.map(str::to_owned),
            ..self.item(List::TradesNotFinalized, delivered, department, self.observed.contains(ACQUIRED))
        });
        never.collect()
    }

    /// The trades that were appraised, as they were; one of which nothing is known where no step says which.
    fn appraised(&self) -> Vec<Option<&'d str>> {
        let reported = |by: &Option<ClosedBy>| matches!(by, Some(ClosedBy::Event(step)) if step == APPRAISED);
        let ends = self.stages("appraisal").chain(self.deal.intervals.iter().filter(|i| i.kind == IntervalKind::Cycle));
        let ends = ends.filter(|interval| reported(&interval.closed_by));
        let ends = ends.filter_map(|interval| Some((interval.end?.latest, interval.instance.as_deref())));
        let mut ended: Vec<(Timestamp, Option<&str>)> = ends.collect();
        ended.sort_unstable();
        let mut trades = Vec::new();
        for (_, trade) in ended {
            if !trades.contains(&trade) {
                trades.push(trade);
            }
        }
        if trades.is_empty() {
            trades.push(None);
        }
        trades
    }

    /// Steps do not say of which trade they are. Beside another trade, a step under way may be this one's, and the last
    /// that was left may not have been.
    fn holes(&self) -> Vec<Item> {
        if self.open("recon_step").next().is_some() {
            return Vec::new();
        }
        let left = self.stages("recon_step").filter_map(|step| step.end).max_by_key(|left| left.latest);
        let alone = self.stages("recon").count() == 1;
        let holes = self.open("recon").map(|recon| {
            let left = left.filter(|left| left.latest >= recon.start.latest);
            let since = match left {
                None => recon.start,
                Some(left) if alone => left,
                Some(left) => Bound::between(recon.start.earliest, left.latest),
            };
            let leaving_observed = self.observed.contains(STEP_ENTERED);
            Item {
                instance: recon.instance.clone(),
                ..self.item(List::HolesInRecon, since, &recon.owner_department, leaving_observed)
            }
        });
        holes.collect()
    }

    fn item(&self, list: List, since: Bound, department: &str, leaving_observed: bool) -> Item {
        Item { list, instance: None, since, department: department.to_owned(), leaving_observed }
    }

    /// When accounting took the jacket, neither jacket nor contract has come back or been signed again since. A contract
    /// that came back and was submitted again is the lender's to deal with.
    fn accounting_has_it(&self) -> bool {
        let Some(accepted) = self.last(JACKET_ACCEPTED) else { return false };
        let again = |step| self.last(step).is_some_and(|at| at.latest > accepted.latest);
        if again(JACKET_RETURNED) || again(SIGNED) {
            return false;
        }
        // In a tie a contract comes back after the jacket was taken, and after it was submitted.
        match self.last(CONTRACT_RETURNED).filter(|returned| returned.latest >= accepted.latest) {
            None => true,
            Some(returned) => self.last(CONTRACT_SUBMITTED).is_some_and(|at| at.latest > returned.latest),
        }
    }

    /// When it was agreed: where nobody said, before whatever follows from that.
    fn agreed(&self) -> Option<Bound> {
        self.first(AGREED).or_else(|| {
            let follows = [FI_STARTED, SIGNED, DELIVERED, FUNDED].into_iter().filter_map(|step| self.first(step));
            let follows = follows.min_by_key(|at| at.latest)?;
            let reopened = self.deal.milestones.get(REOPENED).map(|told| told.last);
            let floor = reopened.or(self.deal.opened_at).unwrap_or(follows);
            Some(Bound::between(floor.earliest, follows.latest))
        })
    }

    /// When a step first happened; of a deal that was reopened, since then. Of several since then, only the last is known.
    fn first(&self, step: &str) -> Option<Bound> {
        let told = self.deal.milestones.get(step)?;
        [told.first, told.last].into_iter().find(|at| self.counts(*at))
    }

    fn last(&self, step: &str) -> Option<Bound> {
        self.deal.milestones.get(step).map(|told| told.last).filter(|at| self.counts(*at))
    }

    /// Whether it is of the deal as it goes on now: reopening begins anew.
    fn counts(&self, at: Bound) -> bool {
        self.deal.milestones.get(REOPENED).is_none_or(|reopened| at.latest >= reopened.last.latest)
    }

    fn stages(&self, name: &'static str) -> impl Iterator<Item = &'d Interval> {
        self.deal.intervals_of(IntervalKind::Stage, name)
    }

    fn open(&self, name: &'static str) -> impl Iterator<Item = &'d Interval> {
        self.stages(name).filter(|stage| stage.end.is_none())
    }

    fn paper_waits_for<'s>(&'s self, otherwise: &'s str) -> &'s str {
        self.waits_for(self.deal.holders.paper.as_ref(), &["fi", "jacket", "contract"], otherwise)
    }

    /// The holder's department, or the one that it was offered to last and that has not taken it.
    fn waits_for<'s>(&'s self, holder: Option<&'s Holder>, handoffs: &[&str], otherwise: &'s str) -> &'s str {
        let pending = |interval: &&Interval| {
            interval.kind == IntervalKind::Handoff
                && interval.state == IntervalState::Open
                && handoffs.contains(&interval.name.as_str())
        };
        let offered = self.deal.intervals.iter().rfind(pending).map(|handoff| handoff.owner_department.as_str());
        holder.map(|holder| holder.department.as_str()).or(offered).unwrap_or(otherwise)
    }
}

#[cfg(test)]
mod tests;
