//! A call between reading and commit: which of its events goes to which lane, and where its answer will be found.

use throughline_platform::Failure;
use throughline_proto::ingestion::v1::Outcome;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use super::Settled;
use crate::{
    commit::{Receipt, Submission, Taken},
    domain::{event::Parsed, identity::lane_of},
    known::Rooftops,
    placed::{Placed, spoiled},
    refusal::{no_room, no_such_day, reused, unknown_rooftop, unsound},
};

/// A call that is read and placed, and not yet committed.
pub(crate) struct Prepared {
    pub(super) events: Vec<Pending>,
    /// One submission per lane.
    pub(super) lanes: Box<[Submission]>,
    /// Given back when the call is committed, or given up.
    pub(super) room: OwnedSemaphorePermit,
}

pub(super) struct Pending {
    id: String,
    dropped_fields: Vec<String>,
    stage: Stage,
}

enum Stage {
    Refused(Failure),
    /// Sound: the n-th of its lane.
    Placed {
        lane: usize,
        nth: usize,
    },
    /// To be kept apart: the n-th of its lane.
    Spoiled {
        lane: usize,
        nth: usize,
        why: Failure,
    },
}

impl Prepared {
    pub(super) fn refuse(&mut self, id: String, dropped_fields: Vec<String>, why: Failure) {
        self.events.push(Pending { id, dropped_fields, stage: Stage::Refused(why) });
    }

    pub(super) fn place(
        &mut self,
        id: String,
        dropped_fields: Vec<String>,
        rested: Option<Uuid>,
        parsed: Parsed,
        rooftops: &Rooftops,
        at: usize,
    ) {
        let (draft, why) = match parsed {
            Parsed::Sound(draft) => match rooftops.find(&draft.rooftop) {
                Some(rooftop) => {
                    let id_of = |told: &str| rooftops.find(told).map(|known| known.id.clone());
                    match Placed::new(draft, &self.lanes[0].group, rooftop, id_of) {
                        Some(placed) => {
                            let lane = usize::from(placed.claim.part) % self.lanes.len();
                            let nth = self.lanes[lane].placed.len();
                            self.lanes[lane].placed.push(Placed { rested, ..placed });
                            self.events.push(Pending { id, dropped_fields, stage: Stage::Placed { lane, nth } });
                            return;
                        }
                        None => {
                            self.refuse(id, dropped_fields, no_such_day(at));
                            return;
                        }
                    }
                }
                None => {
                    let why = unknown_rooftop(&draft.rooftop, at);
                    let times = draft.times;
                    (draft.with(Some(times)), why)
                }
            },
            Parsed::Spoiled(draft, why) => (draft, unsound(why, at)),
        };
        if rested.is_some() {
            // It stays where it rests.
            self.events.push(Pending { id, dropped_fields, stage: Stage::Refused(why) });
            return;
        }
        let row = spoiled(draft, &why, &self.lanes[0].group);
        let lane = lane_of(&row.group) % self.lanes.len();
        let nth = self.lanes[lane].spoiled.len();
        self.lanes[lane].spoiled.push(row);
        self.events.push(Pending { id, dropped_fields, stage: Stage::Spoiled { lane, nth, why } });
    }
}

impl Pending {
    pub(super) fn settled(self, receipts: &[Receipt]) -> Settled {
        let (outcome, why) = match self.stage {
            Stage::Refused(why) => (Outcome::Refused, Some(why)),
            Stage::Placed { lane, nth } => match receipts[lane].placed[nth] {
                Taken::Accepted => (Outcome::Accepted, None),
                Taken::Duplicate => (Outcome::Duplicate, None),
                Taken::Conflict => (Outcome::Quarantined, Some(reused())),
                Taken::ConflictNotKept => (Outcome::Refused, Some(no_room())),
            },
            Stage::Spoiled { lane, nth, why } => {
                if receipts[lane].kept[nth] {
                    (Outcome::Quarantined, Some(why))
                } else {
                    (Outcome::Refused, Some(no_room()))
                }
            }
        };
        Settled { id: self.id, outcome, why, dropped_fields: self.dropped_fields }
    }
}
