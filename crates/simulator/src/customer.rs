//! What a customer wants and how long each step takes them, drawn before they come in.
//!
//! Means in minutes follow what is published of the trade: 61 in the F&I office, 32 for a delivery, 18 to look at a trade.

use crate::draw::Draw;
use crate::week::{Millis, minutes};

pub(crate) struct Customer {
    pub(crate) kind: &'static str,
    pub(crate) trade: bool,
    /// How long they wait on the lot for a salesperson before they drive on, unseen by any system.
    pub(crate) patience: Millis,
    pub(crate) needs: Millis,
    pub(crate) drives: bool,
    /// The demo drive, or the talk in its place.
    pub(crate) shown: Millis,
    pub(crate) appraisal: Millis,
    /// Leaves when the cars have been shown.
    pub(crate) walks: bool,
    pub(crate) prepares: Millis,
    pub(crate) rounds: Vec<Round>,
    pub(crate) credit: Option<Credit>,
    pub(crate) get_ready: Millis,
    pub(crate) menu_after: Millis,
    pub(crate) signs_after: Millis,
    /// What the F&I manager does with the papers when the customer is out of the office.
    pub(crate) wraps_up: Millis,
    pub(crate) handover: Millis,
}

/// One round at the desk: the manager's pencil and what the customer makes of it.
pub(crate) struct Round {
    pub(crate) pencil: Millis,
    /// The manager goes to the customer so long after the pencil.
    pub(crate) turn_over: Option<Millis>,
    pub(crate) thinks: Millis,
    pub(crate) verdict: Verdict,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Agrees,
    Counters,
    Leaves(&'static str),
}

pub(crate) struct Credit {
    /// Sent with the first write-up, before any pencil.
    pub(crate) early: bool,
    pub(crate) lenders: usize,
    pub(crate) submits: Millis,
    /// Decided by a machine, in seconds: no lender is slow at that.
    pub(crate) automatic: bool,
    pub(crate) decides: Millis,
    pub(crate) result: &'static str,
    /// How long the salesperson chases the paper that a condition asks for.
    pub(crate) stip: Option<Millis>,
}

impl Customer {
    pub(crate) fn draw(draw: &mut Draw) -> Self {
        Self {
            kind: if draw.chance(0.55) { "new" } else { "used" },
            trade: draw.chance(0.42),
            patience: minutes(draw.between(15.0, 40.0)),
            needs: draw.lasting(20.0, 0.4),
            drives: draw.chance(0.7),
            shown: draw.lasting(26.0, 0.35),
            appraisal: draw.lasting(18.0, 0.45),
            walks: draw.chance(0.42),
            prepares: draw.lasting(9.0, 0.5),
            rounds: rounds(draw),
            credit: credit(draw),
            get_ready: draw.lasting(42.0, 0.4),
            menu_after: draw.lasting(24.0, 0.3),
            signs_after: draw.lasting(37.0, 0.35),
            wraps_up: draw.lasting(5.0, 0.4),
            handover: draw.lasting(32.0, 0.35),
        }
    }

    pub(crate) fn is_denied(&self) -> bool {
        self.credit.as_ref().is_some_and(|credit| credit.result == "denied")
    }
}

fn rounds(draw: &mut Draw) -> Vec<Round> {
    // of each round: the share that agrees, and the share that leaves; the rest comes back with a counter-offer, but never
    // from the last
    [(0.46, 0.18), (0.50, 0.25), (0.62, 1.0)]
        .into_iter()
        .map(|(agrees, leaves)| {
            let luck = draw.unit();
            let reason = draw.pick(&["payment", "trade_value", "thinking_it_over", "other_store"]);
            let pencil = draw.lasting(11.0, 0.45);
            let thinks = draw.lasting(13.0, 0.5);
            let turn_over = draw.chance(0.2).then_some(thinks / 4);
            let verdict = match luck {
                luck if luck < agrees => Verdict::Agrees,
                luck if luck < agrees + leaves => Verdict::Leaves(reason),
                _ => Verdict::Counters,
            };
            Round { pencil, turn_over, thinks, verdict }
        })
        .collect()
}

fn credit(draw: &mut Draw) -> Option<Credit> {
    let (financed, early, automatic) = (draw.chance(0.82), draw.chance(0.12), draw.chance(0.65));
    let (seconds, by_hand) = (draw.between(0.2, 1.0), draw.lasting(24.0, 0.5));
    let (luck, stip) = (draw.unit(), draw.lasting(25.0, 0.6));
    let (lenders, submits) = (1 + draw.below(4), draw.lasting(4.0, 0.3));
    let result = match luck {
        // a machine says yes or hands on; people deny
        luck if luck < 0.05 && !automatic && !early => "denied",
        luck if luck < 0.20 => "conditional",
        _ => "approved",
    };
    financed.then(|| Credit {
        early,
        lenders,
        submits,
        automatic,
        decides: if automatic { minutes(seconds) } else { by_hand },
        result,
        stip: (result == "conditional").then_some(stip),
    })
}
