//! The board as a person reads it: who waits for whom, since when, and what is flagged.
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
};

use jiff::{Timestamp, tz::TimeZone};
use throughline_proto::{
    deal::v1::{BoardEntry, DealState, Holder, Interval, IntervalKind, SourceAsOf, UnobservedStep, WatchBoardResponse},
    rule::v1::{Flag, Severity},
    time::{duration_from_wire, from_wire},
};

use crate::{
    commands::{
        deals::{key_text, state_text},
        flags,
    },
    output::{department, render, rooftop_of, span, span_between, when},
};

/// Silent sources that a board names.
const STALE_SHOWN: usize = 8;

/// What is known of the board.
#[derive(Default)]
pub struct Board {
    deals: HashMap<String, BoardEntry>,
    sources: BTreeMap<(String, String), SourceAsOf>,
    unobserved: Vec<UnobservedStep>,
    snapshot_under_way: bool,
    /// The suite's clock at the last response.
    pub as_of: Option<Timestamp>,
    /// Changes since the first snapshot.
    pub changes: u64,
}

/// One line of a board: somebody waits.
struct Waiting<'a> {
    entry: &'a BoardEntry,
    handoff: &'a Interval,
    since: Timestamp,
}

impl Waiting<'_> {
    /// How long, between the least and the most that is known.
    fn age(&self, now: Timestamp) -> String {
        let earliest = self.handoff.start.as_ref().and_then(|offered| offered.earliest.as_ref()).and_then(from_wire);
        let since = |at: Timestamp| now.duration_since(at).as_secs_f64();
        span_between(since(self.since), since(earliest.unwrap_or(self.since)))
    }
}

impl Board {
    /// Takes a response in.
    pub fn apply(&mut self, response: WatchBoardResponse) {
        if response.snapshot {
            if !self.snapshot_under_way {
                self.deals.clear();
                self.sources.clear();
                self.unobserved.clear();
            }
            self.snapshot_under_way = !response.complete;
        } else {
            self.changes += (response.upserts.len() + response.removes.len()) as u64;
        }
        for rooftop in &response.added_rooftops {
            self.deals.retain(|deal, _| rooftop_of(deal) != rooftop);
            self.sources.retain(|(of, _), _| of != rooftop);
        }
        for entry in response.upserts {
            let newer = self.deals.get(&entry.deal).is_none_or(|known| known.revision <= entry.revision);
            if newer {
                self.deals.insert(entry.deal.clone(), entry);
            }
        }
        for name in &response.removes {
            self.deals.remove(name);
        }
        for source in response.sources {
            self.sources.insert((source.rooftop.clone(), source.source.clone()), source);
        }
        self.unobserved.retain(|step| !response.unobserved_rooftops.contains(&step.rooftop));
        self.unobserved.extend(response.unobserved);
        if let Some(at) = response.as_of.as_ref().and_then(from_wire) {
            self.as_of = Some(at);
        }
    }

    /// Every deal on the board.
    pub fn deals(&self) -> impl Iterator<Item = &BoardEntry> {
        self.deals.values()
    }

    /// As text: those who wait longest first, at most `lines` of them, then where everybody else is.
    pub fn text(&self, flags: &[Flag], zones: &HashMap<String, TimeZone>, lines: usize) -> String {
        let Some(now) = self.as_of else { return "no board yet".to_owned() };
        let mut waiting: Vec<Waiting<'_>> = self
            .deals
            .values()
            .flat_map(|entry| entry.intervals.iter().map(move |interval| (entry, interval)))
            .filter(|(_, interval)| interval.kind() == IntervalKind::Handoff)
            .filter_map(|(entry, handoff)| {
                let since = handoff.start.as_ref()?.latest.as_ref().and_then(from_wire)?;
                Some(Waiting { entry, handoff, since })
            })
            .collect();
        waiting.sort_by(|a, b| a.since.cmp(&b.since).then_with(|| a.entry.deal.cmp(&b.entry.deal)));
        // Paper waits for days beside customers who wait for minutes: those in the store come first.
        let (mut customers, paper): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|waiting| !matches!(waiting.handoff.name.as_str(), "jacket" | "contract" | "recon"));

        let mut text = String::new();
        let _ = writeln!(
            text,
            "{} deals on the board, {} customers or cars wait for a department, {} papers under way   as of {}",
            self.deals.len(),
            customers.len(),
            paper.len(),
            now.strftime("%Y-%m-%d %H:%M:%S UTC"),
        );
        let hidden = customers.len().saturating_sub(lines);
        customers.truncate(lines);
        let rows = customers.iter().map(|waiting| row(waiting, flags, zones, now)).collect();
        let _ = writeln!(
            text,
            "{}",
            render(
                &["", "rooftop", "deal", "waits for", "since", "for", "customer with", "state"],
                rows,
                "nobody waits"
            )
        );
        if hidden > 0 {
            let _ = writeln!(text, "and {hidden} more who have waited less long");
        }
        let _ = writeln!(text, "{}", self.places());
        text.push_str(&self.footer(now));
        text
    }

    /// Where the customers are: a line per rooftop.
    fn places(&self) -> String {
        let mut rooftops: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
        // A customer who has driven off is with nobody, and rightly so.
        for entry in
            self.deals.values().filter(|entry| matches!(entry.state(), DealState::InProgress | DealState::Agreed))
        {
            let holder = entry.holders.as_ref().and_then(|holders| holders.customer.as_ref());
            let place = holder.map_or("nobody", |holder| holder.department.as_str());
            *rooftops.entry(rooftop_of(&entry.deal)).or_default().entry(department(place)).or_default() += 1;
        }
        let mut lines = Vec::new();
        for (rooftop, places) in rooftops {
            let places: Vec<String> = places.into_iter().map(|(place, count)| format!("{place} {count}")).collect();
            lines.push(format!("{rooftop}: customers with {}", places.join(", ")));
        }
        lines.join("\n")
    }

    fn footer(&self, now: Timestamp) -> String {
        let mut text = String::new();
        let mut silence: Vec<(f64, &SourceAsOf)> = self
            .sources
            .values()
            .filter_map(|source| {
                let heard = source.last_recorded_at.as_ref().and_then(from_wire)?;
                Some((now.duration_since(heard).as_secs_f64(), source))
            })
            .collect();
        silence.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (age, source) in silence.iter().filter(|(_, source)| source.stale).take(STALE_SHOWN) {
            let _ = writeln!(text, "! {}", silent(source, *age));
        }
        let stale = silence.iter().filter(|(_, source)| source.stale).count();
        if stale > STALE_SHOWN {
            let _ = writeln!(text, "! and {} more sources are silent", stale - STALE_SHOWN);
        }
        if let Some((age, source)) = silence.first() {
            let _ = writeln!(
                text,
                "{} sources; the longest silent: {} at {}, heard {} ago",
                silence.len(),
                source.source,
                source.rooftop,
                span(*age)
            );
        }
        if !self.unobserved.is_empty() {
            let mut types: Vec<&str> = self.unobserved.iter().map(|step| step.event_type.as_str()).collect();
            types.sort_unstable();
            types.dedup();
            let shown: Vec<&str> = types.iter().copied().take(3).collect();
            let more = types.len().saturating_sub(shown.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let _ = writeln!(text, "not observed by any source (not idle): {}{more}", shown.join(", "));
        }
        text
    }
}

/// A source that has fallen silent, as people say it: `//crm.example at RT1 silent 47 min (usually every 3 min)`.
fn silent(source: &SourceAsOf, age: f64) -> String {
    let usual = source.expected_interval.as_ref().map(|of| duration_from_wire(of).as_secs_f64());
    let usual = usual.map(|every| format!(" (usually every {})", span(every))).unwrap_or_default();
    format!("{} at {} silent {}{usual}", source.source, source.rooftop, span(age))
}

/// Department and person that hold something.
fn holder_text(holder: Option<&Holder>) -> String {
    match holder {
        None => "nobody".to_owned(),
        Some(holder) if holder.actor.is_empty() => department(&holder.department),
        Some(holder) => format!("{} ({})", department(&holder.department), holder.actor),
    }
}

fn row(waiting: &Waiting<'_>, flags: &[Flag], zones: &HashMap<String, TimeZone>, now: Timestamp) -> Vec<String> {
    let rooftop = rooftop_of(&waiting.entry.deal);
    let zone = zones.get(rooftop).cloned().unwrap_or(TimeZone::UTC);
    let severity = flags
        .iter()
        .filter(|flag| flag.closed_at.is_none() && flags::deal(flag) == Some(waiting.entry.deal.as_str()))
        .map(Flag::severity)
        .max();
    let mark = match severity {
        Some(Severity::Red) => "● red",
        Some(Severity::Yellow) => "○ yellow",
        _ => "",
    };
    vec![
        mark.to_owned(),
        rooftop.to_owned(),
        key_text(&waiting.entry.keys),
        department(&waiting.handoff.owner_department),
        waiting.handoff.start.as_ref().map(|offered| when(offered, &zone, now)).unwrap_or_default(),
        waiting.age(now),
        holder_text(waiting.entry.holders.as_ref().and_then(|holders| holders.customer.as_ref())),
        state_text(waiting.entry.state()),
    ]
}
