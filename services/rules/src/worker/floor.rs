//! Judging floors: what stands about a rooftop as a whole.

use jiff::Timestamp;
use throughline_journal::ApplyError;
use throughline_platform::{db::Tx, trace::TraceContext};
use throughline_process::Origin;

use super::judge::{Bench, Case, Verdicts, refused};
use crate::{
    domain::{Subject, judge_floor},
    store::{self, DealKey},
};

impl Bench {
    /// Judges the floor of a rooftop: everything recorded before `now` is known.
    pub(super) async fn judge_floor(
        &self,
        tx: &mut Tx,
        part: u16,
        (group, rooftop): (&str, &str),
        now: Timestamp,
        verdicts: &mut Verdicts,
    ) -> Result<(), ApplyError> {
        let key = DealKey { group: group.to_owned(), rooftop: rooftop.to_owned(), deal: store::FLOOR.to_owned() };
        let case = Case {
            key,
            told: None,
            takes_over: Vec::new(),
            now,
            origin: Origin::Live,
            recorded_at: now,
            trace: TraceContext::default(),
        };
        let rulebooks = self.rulebooks.of(tx, part, std::slice::from_ref(&case)).await?;
        let rulebook = rulebooks.get(&(group.to_owned(), rooftop.to_owned())).cloned().unwrap_or_default();
        let floor = Subject::floor(group, rooftop);
        let ids = rulebook.floor_flag_ids(&floor, now);
        let stored = store::load_floor_flags(tx, part, (group, rooftop), &ids).await.map_err(refused)?;
        let judged = judge_floor(&floor, &rulebook, stored, now);
        store::save_floor(tx, part, (group, rooftop), now, judged.next_change).await.map_err(refused)?;
        let flags: Vec<_> = judged.changes.iter().map(|change| (&case.key, &change.flag)).collect();
        store::save_flags(tx, part, &flags).await.map_err(refused)?;
        verdicts.add(part, &case, judged, &[]);
        Ok(())
    }
}
