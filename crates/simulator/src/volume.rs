//! Events in bulk: real shapes and plausible times, without queues, at the cost of little more than their strings.

mod script;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use self::script::{Course, SCRIPT, SECOND_ROUND};
use crate::draw::Draw;
use crate::event::{Car, CloudEvent, Data, Name, Role};
use crate::vin::vin;
use crate::week::{Millis, minutes, timestamp};

/// 2026-09-07T00:00:00Z.
const START: Millis = 1_788_739_200_000;

/// All deals of a volume are opened within so many days.
const DAYS: f64 = 28.0;

/// The people of each role of each rooftop, in the order of [`staff_of`].
const STAFF: [(&str, u32); 5] = [("sales", 12), ("desk", 3), ("fi", 4), ("detail", 4), ("appraiser", 2)];

/// So many deals spread evenly over the rooftops (`RT001` on, at least one) and over 28 days from 2026-09-07, their events in
/// order of time. About 12 events a deal. Nobody waits for anybody: people serve several customers at once here.
///
/// Memory grows with the deals under way, about a tenth of all.
pub fn volume(seed: u64, rooftops: u32, deals: u64) -> impl Iterator<Item = CloudEvent> {
    Volume {
        draw: Draw::stream(seed, "", "volume", 0, 0),
        rooftops: (1..=rooftops.max(1)).map(Rooftop::new).collect(),
        every: DAYS * 24.0 * 60.0 / deals.max(1) as f64,
        deals,
        opened: 0,
        under_way: BinaryHeap::new(),
        running: Vec::new(),
        vacant: Vec::new(),
    }
}

struct Volume {
    draw: Draw,
    rooftops: Vec<Rooftop>,
    /// Minutes from one opening to the next.
    every: f64,
    deals: u64,
    opened: u64,
    /// (when, which deal, where it is in `running`) of the next event of each.
    under_way: BinaryHeap<Reverse<(Millis, u64, usize)>>,
    running: Vec<Running>,
    /// Places in `running` of deals that have ended.
    vacant: Vec<usize>,
}

/// A deal under way and the place in the script of its next event.
struct Running {
    course: Course,
    place: usize,
}

struct Rooftop {
    id: Name,
    source: Name,
    staff: [Vec<Name>; 5],
}

impl Rooftop {
    fn new(number: u32) -> Self {
        let id = format!("RT{number:03}");
        let staff =
            STAFF.map(|(prefix, people)| (1..=people).map(|person| format!("{id}-{prefix}{person}").into()).collect());
        Self { source: format!("//dms.example/{id}").into(), id: id.into(), staff }
    }

    fn actor(&self, role: Role, deal: u64) -> Option<Name> {
        let people = &self.staff[staff_of(role)?];
        // successive deals of a rooftop lie as many numbers apart as there are rooftops; the odd factor spreads them
        let spread = deal.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        people.get(spread as usize % people.len()).cloned()
    }
}

fn staff_of(role: Role) -> Option<usize> {
    match role {
        Role::Salesperson => Some(0),
        Role::DeskManager => Some(1),
        Role::FiManager => Some(2),
        Role::Detailer => Some(3),
        Role::Appraiser => Some(4),
        Role::Lender | Role::Office => None,
    }
}

impl Iterator for Volume {
    type Item = CloudEvent;

    fn next(&mut self) -> Option<CloudEvent> {
        let soonest = self.under_way.peek().map(|Reverse((at, ..))| *at);
        if let Some(opening) = self.next_opening()
            && soonest.is_none_or(|soonest| opening <= soonest)
        {
            self.open(opening);
        }
        let Reverse((at, deal, running)) = self.under_way.pop()?;
        Some(self.tell(at, deal, running))
    }
}

impl Volume {
    fn next_opening(&self) -> Option<Millis> {
        (self.opened < self.deals).then(|| START + minutes(self.opened as f64 * self.every))
    }

    fn open(&mut self, at: Millis) {
        let deal = Running { course: Course::draw(&mut self.draw), place: 0 };
        let running = match self.vacant.pop() {
            Some(vacant) => {
                self.running[vacant] = deal;
                vacant
            }
            None => {
                self.running.push(deal);
                self.running.len() - 1
            }
        };
        self.under_way.push(Reverse((at, self.opened, running)));
        self.opened += 1;
    }

    /// The event at which the deal stands; its next one is put under way.
    fn tell(&mut self, at: Millis, deal: u64, running: usize) -> CloudEvent {
        let Running { course, place } = &mut self.running[running];
        let (told, used) = (*place, course.used);
        match course.next(told + 1) {
            Some(next) => {
                *place = next;
                let gap = minutes(SCRIPT[next].gap * self.draw.between(0.5, 1.5));
                self.under_way.push(Reverse((at + gap, deal, running)));
            }
            None => self.vacant.push(running),
        }
        let rooftop = &self.rooftops[(deal % self.rooftops.len() as u64) as usize];
        let mut data = facts(rooftop, told, deal, used);
        if SCRIPT[told].kind == "deal.agreed" {
            let vin = vin(&mut self.draw, deal as usize);
            data.keys = Some(Car { stock: format!("N{deal:08}").into(), vin: vin.into() });
        }
        CloudEvent {
            specversion: "1.0",
            id: self.draw.id(),
            kind: SCRIPT[told].kind,
            source: rooftop.source.clone(),
            rooftop: rooftop.id.clone(),
            time: timestamp(at),
            subject: Some(format!("{}-DV{deal:08}", rooftop.id).into()),
            data,
        }
    }
}

fn facts(rooftop: &Rooftop, place: usize, deal: u64, used: bool) -> Data {
    let role = SCRIPT[place].by;
    let round = Some(usize::from(place >= SECOND_ROUND));
    let by = Data { actor: role.and_then(|role| rooftop.actor(role, deal)), role, ..Data::default() };
    match SCRIPT[place].kind {
        "deal.opened" => Data { kind: Some(if used { "used" } else { "new" }), ..by },
        "deal.writeup.submitted" | "deal.desk.started" | "deal.pencil.presented" => Data { round, ..by },
        "deal.credit.submitted" => Data { lenders: Some(1 + (deal % 4) as usize), ..by },
        "deal.credit.decisioned" => Data { result: Some("approved"), ..by },
        "deal.lost" => Data { reason: Some("payment"), ..by },
        kind if kind.starts_with("trade.") => Data { trade: Some(format!("{}-TV{deal:08}", rooftop.id).into()), ..by },
        _ => by,
    }
}
