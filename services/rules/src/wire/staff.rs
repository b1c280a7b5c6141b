//! Staff and store events: as the deal log carries them, and as what is kept of them is stored.

use jiff::Timestamp;
use prost::Message;
use throughline_process::{
    Bound, Event, Quality,
    floor::{Mark, MarkKind, StaffState, Undoing, UndoneBy},
};
use throughline_proto as pb;
use throughline_wire::read_bound;

use super::Unreadable;

/// The event, if it reports something of the staff or the store or undoes such a report.
pub fn staff_event(wire: &pb::event::v1::Event, recorded_at: Timestamp) -> Result<Option<Event>, Unreadable> {
    if MarkKind::of(&wire.r#type).is_none() && wire.withdraws.is_empty() {
        return Ok(None);
    }
    Ok(Some(Event {
        id: wire.id.clone(),
        source: wire.source.clone(),
        event_type: wire.r#type.clone(),
        subject: None,
        occurred_at: None,
        observed_at: None,
        recorded_at,
        time: read_bound(wire.time.as_ref(), "event")?,
        source_sequence: Some(wire.source_sequence).filter(|sequence| *sequence > 0),
        actor: some(&wire.actor),
        role: some(&wire.role),
        trade: None,
        keys: Default::default(),
        data: Default::default(),
        replaces: some(&wire.replaces),
        withdraws: some(&wire.withdraws),
        origin: Default::default(),
    }))
}

/// Encodes what is kept: equal states to equal bytes.
pub fn render_staff(state: &StaffState) -> Vec<u8> {
    let mark = |mark: &Mark| StoredMark {
        kind: stored_kind(mark.kind),
        earliest: Some(pb::time::to_wire(mark.time.earliest)).filter(|_| mark.time.earliest != mark.time.latest),
        latest: Some(pb::time::to_wire(mark.time.latest)),
        quality: throughline_wire::render_quality(mark.time.quality) as i32,
        source: mark.source.clone(),
        id: mark.id.clone(),
        source_sequence: mark.source_sequence,
        staff: mark.staff.clone(),
        role: mark.role.clone(),
    };
    let undoing = |undoing: &Undoing| StoredUndoing {
        at: Some(pb::time::to_wire(undoing.at)),
        source: undoing.source.clone(),
        id: undoing.id.clone(),
        undone: undoing.undone.clone(),
        withdraws: undoing.by == UndoneBy::Withdrawal,
    };
    let stored =
        StoredStaff { marks: state.marks().map(mark).collect(), undoings: state.undoings().map(undoing).collect() };
    stored.encode_to_vec()
}

/// Decodes what is kept.
pub fn staff(stored: &[u8]) -> Result<StaffState, Unreadable> {
    let stored = StoredStaff::decode(stored).map_err(|why| Unreadable::new(format!("staff state ({why})")))?;
    let marks = stored.marks.into_iter().map(read_mark).collect::<Result<Vec<_>, _>>()?;
    let undoing = |undoing: StoredUndoing| {
        let at = super::instant(undoing.at.as_ref(), "time of a staff event's withdrawal")?;
        let by = if undoing.withdraws { UndoneBy::Withdrawal } else { UndoneBy::Replacement };
        Ok(Undoing { at, source: undoing.source, id: undoing.id, undone: undoing.undone, by })
    };
    let undoings = stored.undoings.into_iter().map(undoing).collect::<Result<Vec<_>, Unreadable>>()?;
    Ok(StaffState::new(marks, undoings))
}

fn read_mark(mark: StoredMark) -> Result<Mark, Unreadable> {
    let latest = super::instant(mark.latest.as_ref(), "time of a staff event")?;
    let earliest = super::optional_instant(mark.earliest.as_ref(), "time of a staff event")?.unwrap_or(latest);
    let quality: Quality = throughline_wire::read_quality(mark.quality);
    let kind = MarkKind::ALL.into_iter().find(|kind| stored_kind(*kind) == mark.kind);
    Ok(Mark {
        kind: kind.ok_or_else(|| Unreadable::new("kind of a staff event"))?,
        time: Bound { earliest, latest, quality },
        source: mark.source,
        id: mark.id,
        source_sequence: mark.source_sequence,
        staff: mark.staff,
        role: mark.role,
    })
}

fn stored_kind(kind: MarkKind) -> u32 {
    match kind {
        MarkKind::OnShift => 1,
        MarkKind::OffShift => 2,
        MarkKind::Opened => 3,
        MarkKind::Closed => 4,
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// What is stored: ours alone, no part of the published language.
#[derive(Clone, PartialEq, Message)]
struct StoredStaff {
    #[prost(message, repeated, tag = "1")]
    marks: Vec<StoredMark>,
    #[prost(message, repeated, tag = "2")]
    undoings: Vec<StoredUndoing>,
}

#[derive(Clone, PartialEq, Message)]
struct StoredMark {
    #[prost(uint32, tag = "1")]
    kind: u32,
    /// Unset: as `latest`.
    #[prost(message, optional, tag = "2")]
    earliest: Option<prost_types::Timestamp>,
    #[prost(message, optional, tag = "3")]
    latest: Option<prost_types::Timestamp>,
    #[prost(int32, tag = "4")]
    quality: i32,
    #[prost(string, tag = "5")]
    source: String,
    #[prost(string, tag = "6")]
    id: String,
    #[prost(uint64, optional, tag = "7")]
    source_sequence: Option<u64>,
    #[prost(string, optional, tag = "8")]
    staff: Option<String>,
    #[prost(string, optional, tag = "9")]
    role: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct StoredUndoing {
    #[prost(message, optional, tag = "1")]
    at: Option<prost_types::Timestamp>,
    #[prost(string, tag = "2")]
    source: String,
    #[prost(string, tag = "3")]
    id: String,
    #[prost(string, tag = "4")]
    undone: String,
    /// Else it replaces it.
    #[prost(bool, tag = "5")]
    withdraws: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staff_state_survives_storage() {
        let at = |second| pb::time::to_wire(Timestamp::from_second(second).unwrap());
        let event = |id: &str, event_type: &str, latest: i64, undoes: &str| pb::event::v1::Event {
            id: id.to_owned(),
            source: "//staff.example".to_owned(),
            r#type: event_type.to_owned(),
            actor: "s1".to_owned(),
            role: "salesperson".to_owned(),
            time: Some(pb::event::v1::TimeBound {
                earliest: Some(at(1_788_000_000)),
                latest: Some(at(1_788_000_000 + latest)),
                quality: pb::event::v1::TimeQuality::Bounded.into(),
            }),
            replaces: undoes.to_owned(),
            ..Default::default()
        };
        let mut state = StaffState::default();
        for (id, event_type, latest, undoes) in [
            ("1", "staff.on_shift", 0, ""),
            ("2", "staff.off_shift", 60, "1"),
            ("3", "store.opened", 0, ""),
            ("4", "store.closed", 5, ""),
        ] {
            let event = staff_event(&event(id, event_type, latest, undoes), Timestamp::UNIX_EPOCH).unwrap().unwrap();
            state.add(&event);
        }
        assert_eq!((state.marks().count(), state.undoings().count()), (4, 1));
        assert_eq!(staff(&render_staff(&state)), Ok(state));
        assert!(staff(b"no message").is_err());
    }
}
