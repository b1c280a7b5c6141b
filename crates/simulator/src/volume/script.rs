//! The course of a deal as one list, from which each deal takes what applies to it.

use crate::draw::Draw;
use crate::event::Role;

/// One event of the script: its type, who tells it, and the minutes since the one before.
pub(super) struct Beat {
    pub(super) kind: &'static str,
    pub(super) by: Option<Role>,
    pub(super) gap: f64,
    only: Only,
}

/// Which deals have a beat.
#[derive(Clone, Copy)]
enum Only {
    All,
    WithTrade,
    WalkOuts,
    WrittenUp,
    LostAtDesk,
    Sold,
    SoldInTwoRounds,
    Financed,
}

/// How a deal ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    WalksOut,
    LostAtDesk,
    Sold,
}

/// What a deal is, drawn when it is opened.
pub(super) struct Course {
    fate: Fate,
    trade: bool,
    two_rounds: bool,
    financed: bool,
    pub(super) used: bool,
}

impl Course {
    pub(super) fn draw(draw: &mut Draw) -> Self {
        let fate = match draw.unit() {
            luck if luck < 0.42 => Fate::WalksOut,
            luck if luck < 0.62 => Fate::LostAtDesk,
            _ => Fate::Sold,
        };
        let (trade, two_rounds, financed) = (draw.chance(0.42), draw.chance(0.35), draw.chance(0.82));
        Self { fate, trade, two_rounds, financed, used: draw.chance(0.45) }
    }

    /// The place in the script of the first beat from `place` on that this deal has.
    pub(super) fn next(&self, place: usize) -> Option<usize> {
        let left = SCRIPT.iter().enumerate().skip(place);
        left.filter(|(_, beat)| self.has(beat.only)).map(|(place, _)| place).next()
    }

    fn has(&self, only: Only) -> bool {
        let sold = self.fate == Fate::Sold;
        match only {
            Only::All => true,
            Only::WithTrade => self.trade,
            Only::WalkOuts => self.fate == Fate::WalksOut,
            Only::WrittenUp => self.fate != Fate::WalksOut,
            Only::LostAtDesk => self.fate == Fate::LostAtDesk,
            Only::Sold => sold,
            Only::SoldInTwoRounds => sold && self.two_rounds,
            Only::Financed => sold && self.financed,
        }
    }
}

/// The place in the script where a second round at the desk begins.
pub(super) const SECOND_ROUND: usize = 10;

pub(super) static SCRIPT: [Beat; 29] = {
    use Only::{All, Financed, LostAtDesk, Sold, SoldInTwoRounds, WalkOuts, WithTrade, WrittenUp};
    use Role::{Appraiser, DeskManager, Detailer, FiManager, Lender, Office, Salesperson};
    [
        beat("deal.opened", Some(Salesperson), 0.0, All),
        beat("trade.appraisal.requested", Some(Salesperson), 20.0, WithTrade),
        beat("deal.demo.started", Some(Salesperson), 2.0, All),
        beat("trade.appraisal.started", Some(Appraiser), 10.0, WithTrade),
        beat("trade.appraised", Some(Appraiser), 18.0, WithTrade),
        beat("deal.lost", Some(Salesperson), 15.0, WalkOuts),
        beat("deal.writeup.submitted", Some(Salesperson), 15.0, WrittenUp),
        beat("deal.desk.started", Some(DeskManager), 6.0, WrittenUp),
        beat("deal.pencil.presented", Some(DeskManager), 11.0, WrittenUp),
        beat("deal.lost", Some(Salesperson), 13.0, LostAtDesk),
        beat("deal.writeup.submitted", Some(Salesperson), 12.0, SoldInTwoRounds),
        beat("deal.desk.started", Some(DeskManager), 6.0, SoldInTwoRounds),
        beat("deal.pencil.presented", Some(DeskManager), 11.0, SoldInTwoRounds),
        beat("deal.agreed", Some(Salesperson), 13.0, Sold),
        beat("deal.credit.submitted", None, 4.0, Financed),
        beat("deal.vehicle.get_ready_started", Some(Detailer), 5.0, Sold),
        beat("deal.credit.decisioned", Some(Lender), 8.0, Financed),
        beat("deal.fi.started", Some(FiManager), 15.0, Sold),
        beat("deal.menu.presented", Some(FiManager), 24.0, Sold),
        beat("deal.vehicle.ready", Some(Detailer), 10.0, Sold),
        beat("deal.contract.signed", Some(FiManager), 27.0, Sold),
        beat("deal.fi.finished", Some(FiManager), 5.0, Sold),
        beat("deal.delivery.started", Some(Salesperson), 5.0, Sold),
        beat("deal.delivered", Some(Salesperson), 32.0, Sold),
        beat("deal.jacket.submitted", Some(Office), 900.0, Sold),
        beat("deal.jacket.accepted", Some(Office), 90.0, Sold),
        beat("deal.contract.submitted", Some(Office), 60.0, Financed),
        beat("deal.contract.received", Some(Lender), 600.0, Financed),
        beat("deal.funded", Some(Lender), 4_000.0, Sold),
    ]
};

const fn beat(kind: &'static str, by: Option<Role>, gap: f64, only: Only) -> Beat {
    Beat { kind, by, gap, only }
}
