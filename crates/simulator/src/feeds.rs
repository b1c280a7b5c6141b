//! What vendors' systems would show of a simulated store, in the shapes in which they hand it over.
//!
//! Each system knows the deal by a number of its own and tells of it in its own clock and its own words: flags without a
//! time, dates without a time, local times without a zone, rows that come twice. Beside the feeds stands what really
//! happened, to hold a record against. Whatever looks like a customer is a canary that must be found nowhere later.

mod canary;
mod clock;
mod crm;
mod dms;
mod finance;
mod leads;
mod lender;
mod numbers;
mod recon;
mod staff;
mod visit;

use crate::draw::Draw;
use crate::event::CloudEvent;
use crate::plan::{Error, Plan, RooftopPlan};
use crate::store;

use self::clock::Clock;

/// One rooftop's files, and what it takes to import them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RooftopFeeds {
    pub rooftop: String,
    /// IANA name of the zone in which its local times are.
    pub zone: String,
    pub files: Vec<File>,
}

/// A file below the folder of its rooftop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Relative, with `/` between folders.
    pub path: String,
    pub bytes: Vec<u8>,
}

impl File {
    fn new(path: impl Into<String>, text: String) -> Self {
        Self { path: path.into(), bytes: text.into_bytes() }
    }
}

/// Plays the plan and returns what the systems of each rooftop show of it: `crm/showroom_visits.csv`, `crm/leads/*.xml`,
/// `dms/fi_sales.jsonl`, `lender/contract_status.csv`, `fni/finance_log.csv`, `recon/steps.csv`, `staff/shifts.csv`; and
/// beside them `truth.jsonl`, the events that happened, and `keys.csv`, the numbers of each sold deal.
///
/// The plan's disorder is left aside: files have their own. All rooftops give out the same numbers, as vendors do.
///
/// # Errors
/// As [`simulate`](crate::simulate).
pub fn feeds(plan: &Plan) -> Result<Vec<RooftopFeeds>, Error> {
    let played = store::play(plan)?;
    played.into_iter().map(|(rooftop, told)| shown(plan, rooftop, &told.events)).collect()
}

fn shown(plan: &Plan, rooftop: &RooftopPlan, events: &[CloudEvent]) -> Result<RooftopFeeds, Error> {
    let store = Store { seed: plan.seed, rooftop: &rooftop.id, clock: Clock(rooftop.time_zone()?) };
    let visits = visit::visits(&store, events);
    let unwritten = |source| Error::Row { rooftop: rooftop.id.clone(), source };
    let mut files = vec![
        File::new("crm/showroom_visits.csv", crm::visits(&store, &visits)),
        File::new("dms/fi_sales.jsonl", dms::sales(&store, &visits).map_err(unwritten)?),
        File::new("lender/contract_status.csv", lender::statuses(&store, &visits)),
        File::new("fni/finance_log.csv", finance::log(&store, &visits)),
        File::new("recon/steps.csv", recon::steps(&store, &visits)),
        File::new("staff/shifts.csv", staff::shifts(&store, events)),
        File::new("truth.jsonl", truth(events).map_err(unwritten)?),
        File::new("keys.csv", numbers::keys(&visits)),
    ];
    files.extend(leads::files(&store, &visits));
    Ok(RooftopFeeds { rooftop: rooftop.id.clone(), zone: rooftop.zone.clone(), files })
}

fn truth(events: &[CloudEvent]) -> Result<String, serde_json::Error> {
    events.iter().map(|event| Ok(event.to_line()? + "\n")).collect()
}

/// A store as its systems are set up.
struct Store<'p> {
    seed: u64,
    rooftop: &'p str,
    clock: Clock,
}

impl Store<'_> {
    /// The luck of one system with one visit: no file's rows depend on another's.
    fn draw(&self, system: &str, visit: usize) -> Draw {
        Draw::stream(self.seed, self.rooftop, system, 0, visit)
    }
}

/// Rows under a header, in order of what they are sorted by.
fn table<K: Ord>(header: &str, mut rows: Vec<(K, String)>) -> String {
    // stable: rows of one instant stay in the order of the visits
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    let lines = std::iter::once(header).chain(rows.iter().map(|(_, row)| row.as_str()));
    lines.flat_map(|line| [line, "\n"]).collect()
}
