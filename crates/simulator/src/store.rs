//! One store: its agenda of what happens next, its people, and the visits in it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::crew::{Crew, Leaving};
use crate::customer::Customer;
use crate::draw::Draw;
use crate::event::{CloudEvent, Data, Name, Role};
use crate::plan::{Condition, Error, Plan, RooftopPlan};
use crate::truth::{DealTruth, Outcome, Waits};
use crate::week::{Millis, Week, arrivals, crowd, timestamp};

/// What a store's systems said, in the order in which it happened, and what was true.
pub(crate) struct Told {
    pub(crate) events: Vec<CloudEvent>,
    pub(crate) deals: Vec<DealTruth>,
}

/// Plays every rooftop of the plan by itself.
pub(crate) fn play(plan: &Plan) -> Result<Vec<(&RooftopPlan, Told)>, Error> {
    plan.check()?;
    plan.rooftops.iter().map(|rooftop| Ok((rooftop, Store::new(plan, rooftop)?.run()))).collect()
}

/// What happens at an instant of the agenda; numbers are a day, a visit, or a visit and a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Opens(usize),
    Closes,
    LightsOut,
    GoesAway(usize, usize),
    ComesBack(usize, usize),
    Arrives(usize),
    GivesUp(usize),
    KnowsNeeds(usize),
    HasSeen(usize),
    Appraises(usize, usize),
    Walks(usize),
    WritesUp(usize),
    Pencils(usize, usize),
    TurnsOver(usize, usize),
    Answers(usize, Option<usize>),
    AsksCredit(usize),
    Decides(usize),
    IsDenied(usize),
    BringsStip(usize),
    IsReady(usize, usize),
    SeesMenu(usize, usize),
    Signs(usize, usize),
    WrapsUp(usize),
    Delivers(usize, usize),
}

/// One customer's visit, from the lot to the delivery.
pub(crate) struct Visit {
    pub(crate) customer: Customer,
    pub(crate) deal: Name,
    pub(crate) trade: Name,
    /// The stream of what comes after the customer has gone: ids, paper and reconditioning.
    pub(crate) draw: Draw,
    pub(crate) salesperson: Option<usize>,
    pub(crate) round: usize,
    pub(crate) state: State,
    /// When what is being waited for was asked.
    pub(crate) since: Since,
    pub(crate) waits: Waits,
    pub(crate) outcome: Option<Outcome>,
}

/// What has been done for a visit; steps that run side by side meet here.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) shown: bool,
    pub(crate) appraised: bool,
    pub(crate) agreed: bool,
    pub(crate) asked_credit: bool,
    pub(crate) decided: bool,
    pub(crate) in_fi_line: bool,
    pub(crate) signed: bool,
    pub(crate) ready: bool,
}

#[derive(Default)]
pub(crate) struct Since {
    pub(crate) requested: Millis,
    pub(crate) submitted: Millis,
    pub(crate) agreed: Millis,
    pub(crate) signed: Millis,
}

pub(crate) struct Store<'p> {
    pub(crate) plan: &'p Plan,
    pub(crate) rooftop: &'p RooftopPlan,
    id: Name,
    source: Name,
    pub(crate) week: Week,
    pub(crate) now: Millis,
    agenda: BinaryHeap<Reverse<(Millis, u64, Step)>>,
    entries: u64,
    events: Vec<(Millis, CloudEvent)>,
    /// The ids of events that belong to no visit.
    ids: Draw,
    pub(crate) visits: Vec<Visit>,
    /// Visits with a customer in the store, in order of arrival.
    pub(crate) inside: Vec<usize>,
    pub(crate) closed: bool,
    /// After local midnight nobody waits for anything but a car.
    pub(crate) dark: bool,
    pub(crate) crews: [Crew; 5],
    /// Signed and ready, waiting for any salesperson; they come before new customers.
    pub(crate) handovers: VecDeque<usize>,
}

impl<'p> Store<'p> {
    fn new(plan: &'p Plan, rooftop: &'p RooftopPlan) -> Result<Self, Error> {
        let zone = rooftop.time_zone()?;
        let calendar = |source| Error::Calendar { day: plan.day, source };
        let week = Week::new(zone, plan.day, plan.days).map_err(calendar)?;
        let crew = |role, prefix, people| Crew::new(&rooftop.id, role, prefix, people);
        let mut store = Self {
            plan,
            rooftop,
            id: Name::from(rooftop.id.as_str()),
            source: Name::from(format!("//dms.example/{}", rooftop.id)),
            week,
            now: 0,
            agenda: BinaryHeap::new(),
            entries: 0,
            events: Vec::new(),
            ids: Draw::stream(plan.seed, &rooftop.id, "ids", 0, 0),
            visits: Vec::new(),
            inside: Vec::new(),
            closed: true,
            dark: false,
            crews: [
                crew(Role::Salesperson, "sales", rooftop.sales),
                crew(Role::DeskManager, "desk", rooftop.desk),
                crew(Role::FiManager, "fi", rooftop.fi),
                crew(Role::Detailer, "detail", rooftop.detail),
                crew(Role::Appraiser, "appraiser", rooftop.appraisers),
            ],
            handovers: VecDeque::new(),
        };
        for day in 0..store.week.days.len() {
            store.plan_day(day).map_err(calendar)?;
        }
        Ok(store)
    }

    /// Puts a day's hours, absences and customers on the agenda.
    fn plan_day(&mut self, day: usize) -> Result<(), jiff::Error> {
        let hours = self.week.days[day].clone();
        self.at(hours.opens, Step::Opens(day));
        self.at(hours.closes, Step::Closes);
        self.at(hours.lights_out, Step::LightsOut);
        let mut away = [0; 5];
        for condition in &self.rooftop.conditions {
            let Condition::ManagerAway { role, from, to } = condition else { continue };
            let Some(crew) = self.crews.iter().position(|crew| crew.role == *role) else { continue };
            let rostered = self.rostered(crew, day);
            away[crew] += 1;
            // without any salesperson or detailer, signed deals would wait for ever
            let stay = usize::from(crew == SALES || crew == DETAIL);
            let Some(last) = rostered.len().checked_sub(away[crew]).filter(|last| *last >= stay) else { continue };
            let person = rostered[last];
            let (from, to) = (self.week.at(hours.date, *from)?, self.week.at(hours.date, *to)?);
            if from < hours.closes && to > hours.opens {
                self.at(from.max(hours.opens), Step::GoesAway(crew, person));
                if to < hours.closes {
                    self.at(to, Step::ComesBack(crew, person));
                }
            }
        }
        let mut draw = Draw::stream(self.plan.seed, &self.rooftop.id, "arrivals", day, 0);
        let come = arrivals(&hours, self.rooftop.ups_per_day * crowd(hours.date), &mut draw);
        for (number, at) in come.into_iter().enumerate() {
            let mut draw = Draw::stream(self.plan.seed, &self.rooftop.id, "customer", day, number);
            let key = format!("{}-{:03}", hours.date.strftime("%y%m%d"), number + 1);
            let visit = self.visits.len();
            self.visits.push(Visit {
                customer: Customer::draw(&mut draw),
                deal: Name::from(format!("{}-D{key}", self.id)),
                trade: Name::from(format!("{}-T{key}", self.id)),
                draw,
                salesperson: None,
                round: 0,
                state: State::default(),
                since: Since::default(),
                waits: Waits::default(),
                outcome: None,
            });
            self.at(at, Step::Arrives(visit));
        }
        Ok(())
    }

    fn run(mut self) -> Told {
        while let Some(Reverse((at, _, step))) = self.agenda.pop() {
            self.now = at;
            self.take(step);
            if self.closed {
                self.send_home();
            }
        }
        // stable: of one instant, what was said first stays first
        self.events.sort_by_key(|(at, _)| *at);
        let rooftop = self.id;
        let deals = self.visits.into_iter().filter_map(|visit| {
            let (deal, rooftop) = (visit.deal, rooftop.clone());
            visit.outcome.map(|outcome| DealTruth { deal, rooftop, waits: visit.waits, outcome })
        });
        Told { deals: deals.collect(), events: self.events.into_iter().map(|(_, event)| event).collect() }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Opens(day) => self.open(day),
            Step::Closes => self.close(),
            Step::LightsOut => self.turn_lights_out(),
            Step::GoesAway(crew, person) => self.leave_when(crew, person, Leaving::WhenFree),
            Step::ComesBack(crew, person) => self.come_back(crew, person),
            Step::Arrives(visit) => self.arrive(visit),
            Step::GivesUp(visit) => self.give_up(visit),
            Step::KnowsNeeds(visit) => self.know_needs(visit),
            Step::HasSeen(visit) => self.have_seen(visit),
            Step::Appraises(visit, person) => self.appraise(visit, person),
            Step::Walks(visit) => self.lose(visit, "no_writeup"),
            Step::WritesUp(visit) => self.write_up(visit),
            Step::Pencils(visit, person) => self.pencil(visit, person),
            Step::TurnsOver(visit, person) => self.turn_over(visit, person),
            Step::Answers(visit, person) => self.answer(visit, person),
            Step::AsksCredit(visit) => self.ask_credit(visit),
            Step::Decides(visit) => self.decide_credit(visit),
            Step::IsDenied(visit) => self.lose(visit, "credit_denied"),
            Step::BringsStip(visit) => self.bring_stip(visit),
            Step::IsReady(visit, person) => self.make_ready(visit, person),
            Step::SeesMenu(visit, person) => self.show_menu(visit, person),
            Step::Signs(visit, person) => self.sign(visit, person),
            Step::WrapsUp(person) => self.free(FI, person),
            Step::Delivers(visit, person) => self.deliver(visit, person),
        }
    }

    pub(crate) fn at(&mut self, at: Millis, step: Step) {
        self.entries += 1;
        self.agenda.push(Reverse((at, self.entries, step)));
    }

    pub(crate) fn after(&mut self, lasting: Millis, step: Step) {
        self.at(self.now + lasting, step);
    }

    /// An event of a deal, at this instant.
    pub(crate) fn tell(&mut self, visit: usize, kind: &'static str, data: Data) {
        self.tell_at(self.now, visit, kind, data);
    }

    pub(crate) fn tell_at(&mut self, at: Millis, visit: usize, kind: &'static str, data: Data) {
        let id = self.visits[visit].draw.id();
        let subject = Some(self.visits[visit].deal.clone());
        self.record(at, id, kind, subject, data);
    }

    /// An event of the store or its staff, at this instant.
    pub(crate) fn tell_store(&mut self, kind: &'static str, data: Data) {
        let id = self.ids.id();
        self.record(self.now, id, kind, None, data);
    }

    fn record(&mut self, at: Millis, id: String, kind: &'static str, subject: Option<Name>, data: Data) {
        let (source, rooftop, time) = (self.source.clone(), self.id.clone(), timestamp(at));
        self.events.push((at, CloudEvent { specversion: "1.0", id, kind, source, rooftop, time, subject, data }));
    }

    pub(crate) fn by(&self, crew: usize, person: usize) -> Data {
        Data::by(self.crews[crew].name(person), self.crews[crew].role)
    }
}

// the places of the crews in `Store::crews`
pub(crate) const SALES: usize = 0;
pub(crate) const DESK: usize = 1;
pub(crate) const FI: usize = 2;
pub(crate) const DETAIL: usize = 3;
pub(crate) const APPRAISERS: usize = 4;
