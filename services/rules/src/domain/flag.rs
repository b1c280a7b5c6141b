//! Flags as they are kept, and what changes about them when a deal is judged again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use throughline_process::{
    EventRef, Flags, Origin, alert,
    flag::{Fact, FlagInterval, Severity},
    same_episode,
};

use super::{Cause, Rulebook, Subject, explain, flag_id};

/// The interval during which something deserved attention.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    pub id: String,
    /// `groups/{group}/rooftops/{rooftop}/deals/{deal}`, or `groups/{group}/rooftops/{rooftop}/floor`.
    pub subject: String,
    pub content: Content,
    /// As known when it opened or turned red.
    pub causes: Vec<Cause>,
    /// Of what opened it; nothing is decided by it.
    pub origin: Origin,
    /// When the last event of its deal that came in as history was recorded: what was crossed until then raises no alert.
    pub history_recorded_at: Option<Timestamp>,
    /// When it was first known.
    pub recorded_at: Timestamp,
    /// Counts up with each change, from 1.
    pub revision: u64,
    pub acknowledgement: Option<Acknowledgement>,
    /// Under which flag's ID messages about it are sent.
    pub root: Root,
    /// As is known now, it never stood.
    pub retracted: bool,
}

/// What follows from the deal alone: the same deal, rule book and instant give the same content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub kind: String,
    pub measure: String,
    /// ID of the interval within the deal.
    pub interval: String,
    /// Founding events of the interval, sorted.
    pub founded_by: Vec<EventRef>,
    pub department: String,
    pub severity: Severity,
    pub opened_at: Timestamp,
    pub red_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    pub facts: Vec<Fact>,
    pub summary: String,
    pub keys: Vec<String>,
    pub rule_set_version: String,
    pub definition_version: String,
    pub calendar_version: u64,
}

impl Content {
    fn of(interval: &FlagInterval, subject: &Subject, rulebook: &Rulebook) -> Self {
        Self {
            kind: interval.kind.as_str().to_owned(),
            measure: interval.measure.clone(),
            interval: interval.interval.clone(),
            founded_by: interval.founded_by.clone(),
            department: interval.department.clone(),
            severity: interval.severity,
            opened_at: interval.opened_at,
            red_at: interval.red_at,
            closed_at: interval.closed_at,
            facts: explain::facts(interval, rulebook),
            summary: explain::sentence(interval, subject, rulebook),
            keys: subject.keys(),
            rule_set_version: interval.targets_version.clone(),
            definition_version: interval.definition_version.clone(),
            calendar_version: interval.calendar_version,
        }
    }

    /// When it reached the step at which it stands.
    fn crossed_at(&self) -> Timestamp {
        self.red_at.unwrap_or(self.opened_at)
    }
}

impl Flag {
    /// Whether it stands at a step for which an alert is due.
    pub fn alert_is_due(&self, now: Timestamp) -> bool {
        let content = &self.content;
        content.closed_at.is_none() && alert::not_due(content.crossed_at(), self.history_recorded_at, now).is_none()
    }
}

/// The flag whose messages count for a flag: itself, or what it was under a former ID of its deal or interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    pub id: String,
    /// Founding events when it was first known: its messages count while one of them is left.
    pub founded_by: Vec<EventRef>,
    /// When it was first known.
    pub recorded_at: Timestamp,
}

/// Someone has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    pub actor: String,
    pub at: Timestamp,
    pub note: String,
    /// Founding events of what was acknowledged: it stands while one of them is left.
    pub founded_by: Vec<EventRef>,
}

/// What became of a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It stands, or stood, and was not known before.
    Opened,
    /// It turned red.
    Raised,
    /// It ended.
    Closed,
    /// Something else about it is known better now.
    Amended,
    /// It never stood.
    Retracted,
}

/// A flag as it stands from now on.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub step: Step,
    pub flag: Flag,
}

/// What a deal comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// By opening time, then id; retractions last.
    pub changes: Vec<Change>,
    /// The next instant at which something changes though no event comes.
    pub next_change: Option<Timestamp>,
    /// At least one flag stands.
    pub standing: bool,
    /// Something lasts that another calendar may flag, though time alone does not.
    pub undecided: bool,
    /// Something has crossed its target unless its end was not reported yet: judge again when a source is heard from.
    pub unconfirmed: bool,
}

/// Compares what stands as known now with what was known before. `stored` are all flags of the deal, retracted ones too;
/// `former` those of deals that it takes over; no subject means that the deal no longer stands under its name.
///
/// Acknowledgments and messages follow their episode: they count for a flag that still has one of the founding events
/// that they were made for, whatever has become of the IDs of deal and interval, and for no other. So the answer depends
/// on what was known when people acted and on what is known now, not on the states between.
pub fn judge(
    subject: Option<&Subject>,
    rulebook: &Rulebook,
    stored: Vec<Flag>,
    former: &[Flag],
    now: Timestamp,
    origin: Origin,
) -> Judged {
    let known = by_id(stored);
    let Some(subject) = subject else {
        return Judged { changes: retracted(known, now), ..Judged::default() };
    };
    let (judged, left) = compare(subject, rulebook.flags(subject, now), rulebook, known, former, now, origin);
    let changes = judged.changes.into_iter().chain(retracted(left, now)).collect();
    Judged { changes, ..judged }
}

/// The flags of a rooftop's floor. `stored` are those that stand, and those of the silences that are known now: what
/// ended before is history, which nothing retracts.
pub fn judge_floor(floor: &Subject, rulebook: &Rulebook, stored: Vec<Flag>, now: Timestamp) -> Judged {
    let (judged, left) = compare(floor, rulebook.floor_flags(now), rulebook, by_id(stored), &[], now, Origin::Live);
    let standing = left.into_iter().filter(|(_, flag)| flag.content.closed_at.is_none()).collect();
    let changes = judged.changes.into_iter().chain(retracted(standing, now)).collect();
    Judged { changes, ..judged }
}

fn by_id(flags: Vec<Flag>) -> BTreeMap<String, Flag> {
    flags.into_iter().map(|flag| (flag.id.clone(), flag)).collect()
}

fn retracted(flags: BTreeMap<String, Flag>, now: Timestamp) -> Vec<Change> {
    flags.into_values().filter(|flag| !flag.retracted).map(|flag| retract(flag, now)).collect()
}

/// What changes about a subject's flags, and the known ones that it no longer has.
fn compare(
    subject: &Subject,
    flags: Flags,
    rulebook: &Rulebook,
    mut known: BTreeMap<String, Flag>,
    former: &[Flag],
    now: Timestamp,
    origin: Origin,
) -> (Judged, BTreeMap<String, Flag>) {
    let mut judged = Judged {
        changes: Vec::new(),
        next_change: flags.next_change,
        undecided: flags.undecided,
        unconfirmed: flags.unconfirmed,
        standing: flags.standing().next().is_some(),
    };
    let found = flags.intervals.iter().map(|interval| {
        let id = flag_id(&subject.name, &interval.id);
        let own = known.remove(&id);
        (id, own, Content::of(interval, subject, rulebook))
    });
    // First each flag that keeps its ID, so that no other takes what was made for it.
    for (id, own, content) in found.collect::<Vec<_>>() {
        let others: Vec<&Flag> = known.values().chain(former).filter(|flag| flag.may_be(&content)).collect();
        let flag = Flag {
            acknowledgement: acknowledged(own.as_ref(), &others, &content),
            root: root(&id, own.as_ref(), &others, &content, now),
            ..open(id, subject, content, now, origin)
        };
        judged.changes.extend(match own {
            Some(own) => amend(own, flag),
            None => {
                let before = others.iter().find(|before| before.root.id == flag.root.id);
                let origin = before.map_or(flag.origin, |before| before.origin);
                let recorded_at = flag.root.recorded_at;
                Some(Change { step: Step::Opened, flag: Flag { origin, recorded_at, ..flag } })
            }
        });
    }
    (judged, known)
}

impl Flag {
    fn may_be(&self, content: &Content) -> bool {
        (&self.content.kind, &self.content.measure) == (&content.kind, &content.measure)
    }
}

/// The acknowledgment that counts for a flag: its own, or the first that was made for the same episode under another ID.
fn acknowledged(own: Option<&Flag>, others: &[&Flag], content: &Content) -> Option<Acknowledgement> {
    let counts = |ack: &&Acknowledgement| same_episode(&ack.founded_by, &content.founded_by);
    let own = own.and_then(|flag| flag.acknowledgement.as_ref()).filter(counts);
    let others = others.iter().filter_map(|flag| flag.acknowledgement.as_ref()).filter(counts);
    own.or_else(|| others.min_by_key(|ack| (ack.at, ack.actor.clone()))).cloned()
}

/// The flag whose messages count for a flag: of those of the same episode the one that was known first. What was first
/// known at this very instant is not complete yet: no message was sent for it.
fn root(id: &str, own: Option<&Flag>, others: &[&Flag], content: &Content, now: Timestamp) -> Root {
    let roots = own.into_iter().chain(others.iter().copied()).map(|flag| &flag.root);
    let roots = roots.filter(|root| root.recorded_at < now && same_episode(&root.founded_by, &content.founded_by));
    roots.min_by_key(|root| (root.recorded_at, root.id.clone())).cloned().unwrap_or_else(|| Root {
        id: id.to_owned(),
        founded_by: content.founded_by.clone(),
        recorded_at: now,
    })
}

/// A flag that is known from now on.
fn open(id: String, subject: &Subject, content: Content, now: Timestamp, origin: Origin) -> Flag {
    Flag {
        subject: subject.name.clone(),
        causes: Vec::new(),
        origin,
        history_recorded_at: subject.history_recorded_at,
        recorded_at: now,
        revision: 1,
        acknowledgement: None,
        root: Root { id: id.clone(), founded_by: content.founded_by.clone(), recorded_at: now },
        retracted: false,
        id,
        content,
    }
}

/// The flag as it now is; none if nothing changed.
fn amend(before: Flag, now: Flag) -> Option<Change> {
    // More history matters only where it makes a past of the step at which the flag stands.
    let past = |history| now.content.closed_at.is_none() && alert::is_history(now.content.crossed_at(), history);
    let as_before = past(before.history_recorded_at) == past(now.history_recorded_at);
    let same = before.content == now.content
        && before.acknowledgement == now.acknowledgement
        && before.root == now.root
        && !before.retracted;
    if same && as_before {
        return None;
    }
    let step = match () {
        () if before.retracted => Step::Opened,
        () if now.content.closed_at.is_some() && before.content.closed_at.is_none() => Step::Closed,
        () if now.content.red_at.is_some() && before.content.red_at.is_none() => Step::Raised,
        () => Step::Amended,
    };
    let flag = Flag {
        causes: before.causes,
        origin: before.origin,
        recorded_at: before.recorded_at,
        revision: before.revision + 1,
        ..now
    };
    Some(Change { step, flag })
}

fn retract(mut flag: Flag, now: Timestamp) -> Change {
    if flag.root.recorded_at >= now {
        // It ended at the instant at which it became known, so no message was sent for it, and its root counts for no other flag.
        flag.root.founded_by.clear();
    }
    Change { step: Step::Retracted, flag: Flag { revision: flag.revision + 1, retracted: true, ..flag } }
}

/// The flag as it stands once somebody has it; none if that person has it already. The last one who takes it has it.
pub fn acknowledge(flag: &Flag, actor: &str, note: &str, now: Timestamp) -> Result<Option<Flag>, Closed> {
    if let Some(at) = flag.content.closed_at {
        return Err(Closed { at });
    }
    if flag.acknowledgement.as_ref().is_some_and(|ack| ack.actor == actor && ack.note == note) {
        return Ok(None);
    }
    let founded_by = flag.content.founded_by.clone();
    let acknowledgement = Acknowledgement { actor: actor.to_owned(), at: now, note: note.to_owned(), founded_by };
    Ok(Some(Flag { acknowledgement: Some(acknowledgement), revision: flag.revision + 1, ..flag.clone() }))
}

/// Nobody can take what is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the flag closed at {at}: there is nothing to take over any more")]
pub struct Closed {
    pub at: Timestamp,
}
