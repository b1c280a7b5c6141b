//! What staff and store events say of the floors: load, decide, save, in one transaction with the cursor.

use std::collections::BTreeMap;

use throughline_journal::{ApplyError, Entry};
use throughline_platform::db::Tx;
use throughline_process::{Event, floor::StaffState};
use throughline_proto::log::v1::entry_body::Body;

use super::{judge::refused, poison, rulebooks::RooftopKey};
use crate::{store, wire};

/// Takes in the staff and store events among these entries. An event that cannot be read, or whose floor cannot, parks the
/// entity of its entry, `store`.
pub(super) async fn learn(tx: &mut Tx, part: u16, entries: &[Entry]) -> Result<(), ApplyError> {
    let mut news: BTreeMap<RooftopKey, Vec<(&Entry, Event)>> = BTreeMap::new();
    for entry in entries {
        let Some(Body::Event(event)) = &entry.body else { continue };
        let event = wire::staff_event(event, entry.recorded_at).map_err(|why| poison(entry, why.to_string()))?;
        if let Some(event) = event {
            news.entry((entry.group.clone(), entry.rooftop.clone())).or_default().push((entry, event));
        }
    }
    if news.is_empty() {
        return Ok(());
    }
    let rooftops: Vec<&RooftopKey> = news.keys().collect();
    let mut stored = store::load_floors(tx, part, &rooftops).await.map_err(refused)?;
    let mut changed = Vec::new();
    for (rooftop, events) in news {
        let before = stored.remove(&rooftop);
        let mut state = match (&before, events.first()) {
            (Some(before), Some((entry, _))) => wire::staff(before).map_err(|why| poison(entry, why.to_string()))?,
            _ => StaffState::default(),
        };
        events.iter().for_each(|(_, event)| state.add(event));
        let after = wire::render_staff(&state);
        if before.as_ref() != Some(&after) {
            changed.push((rooftop, after));
        }
    }
    store::save_floors(tx, part, changed).await.map_err(refused)
}
