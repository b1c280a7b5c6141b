//! The roster: who came on, and when they were to go, which is not when they went.

use jiff::civil::Time;

use super::{Store, table};
use crate::event::{CloudEvent, Role};
use crate::week::CLOSES;

pub(super) fn shifts(store: &Store<'_>, events: &[CloudEvent]) -> String {
    let on = events.iter().filter(|event| event.kind == "staff.on_shift");
    let rows = on.filter_map(|event| {
        let (who, role) = (event.data.actor.as_ref()?, role(event.data.role?)?);
        let off = format!("{} {}", store.clock.day(event.time), nominal(CLOSES));
        let row = format!("{},{who},{role},{},{off}", store.rooftop, store.clock.second(event.time));
        Some((event.time, row))
    });
    table("Store,Employee,Role,On,Off", rows.collect())
}

fn nominal(at: Time) -> String {
    at.strftime("%I:%M:%S %p").to_string()
}

/// None for those who are on no roster.
fn role(role: Role) -> Option<&'static str> {
    match role {
        Role::Salesperson => Some("salesperson"),
        Role::DeskManager => Some("desk_manager"),
        Role::FiManager => Some("fi_manager"),
        Role::Detailer => Some("detailer"),
        Role::Appraiser => Some("appraiser"),
        Role::Lender | Role::Office => None,
    }
}
