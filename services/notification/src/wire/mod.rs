//! Between the wire, the messages and the domain.

mod delivery;
mod flag;
mod message;
mod route;

pub use delivery::{Delivery, DeliveryState, render_delivery};
pub use flag::{Told, flag_name, parse_flag, parse_retraction};
pub use message::Message;
pub use route::{Channel, RouteContent, StoredRoute, parse_route, render_route};
