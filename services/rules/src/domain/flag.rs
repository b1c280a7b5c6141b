//! Flags as they are kept, and what changes about them when a deal is judged again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use throughline_process::{
    EventRef, Origin, alert,
    flag::{Fact, FlagInterval, Severity},
    same_episode,
};

use super::{Cause, Rulebook, Subject, explain, flag_id};

/// The interval during which something deserved attention.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    pub id: String,
    /// `groups/{group}/rooftops/{rooftop}/deals/{deal}`.
    pub deal: String,
    pub content: Content,
    /// As known when it opened or turned red.
    pub causes: Vec<Cause>,
    /// Of what opened it; nothing is decided by it.
    pub origin: Origin,
    /// When the last event of its deal that came in as history was recorded: what was crossed until then alerts nobody.
    pub history_recorded_at: Option<Timestamp>,
    /// When it was first known.
    pub recorded_at: Timestamp,
    /// Counts up with each change, from 1.
    pub revision: u64,
    pub acknowledgement: Option<Acknowledgement>,
    /// ID of the flag that this was under a former ID of its deal or interval; its messages count for this one.
    pub continues: Option<String>,
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
    /// Whether it stands, and somebody is to be alerted of the step at which it does.
    pub fn alert_is_due(&self, now: Timestamp) -> bool {
        let content = &self.content;
        content.closed_at.is_none() && alert::not_due(content.crossed_at(), self.history_recorded_at, now).is_none()
    }
}

/// Someone has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    pub actor: String,
    pub at: Timestamp,
    pub note: String,
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
/// A flag follows its episode: while the founding events of two intervals intersect, they are the same, whatever has
/// become of the IDs of deal and interval. Where one flag becomes several, the one that keeps the ID stays the same flag.
pub fn judge(
    subject: Option<&Subject>,
    rulebook: &Rulebook,
    stored: Vec<Flag>,
    former: &[Flag],
    now: Timestamp,
    origin: Origin,
) -> Judged {
    let mut known: BTreeMap<String, Flag> = stored.into_iter().map(|flag| (flag.id.clone(), flag)).collect();
    let mut judged = Judged::default();
    if let Some(subject) = subject {
        let flags = rulebook.flags(subject, now);
        judged.next_change = flags.next_change;
        judged.undecided = flags.undecided;
        judged.unconfirmed = flags.unconfirmed;
        judged.standing = flags.standing().next().is_some();
        let found = flags.intervals.iter().map(|interval| {
            let id = flag_id(&subject.name, &interval.id);
            let own = known.remove(&id);
            (id, own, Content::of(interval, subject, rulebook))
        });
        // First each flag that keeps its ID, so that no other takes what people did about it.
        for (id, own, content) in found.collect::<Vec<_>>() {
            let before = predecessor(&content, known.values(), former);
            judged.changes.extend(match own {
                Some(own) => {
                    let taken = before.and_then(|before| before.acknowledgement.clone());
                    amend(own, content, subject.history_recorded_at, taken)
                }
                None => {
                    let flag = open(id, subject, content, now, origin);
                    let flag = before.map_or(flag.clone(), |before| continued(flag, before));
                    Some(Change { step: Step::Opened, flag })
                }
            });
        }
    }
    judged.changes.extend(known.into_values().filter(|flag| !flag.retracted).map(retract));
    judged
}

/// The flag of the same episode under another ID, of this deal or of one that it takes over. Of several that become one:
/// one that stands before one that was retracted, then one that is acknowledged, then the one that opened first.
fn predecessor<'f>(content: &Content, known: impl Iterator<Item = &'f Flag>, former: &'f [Flag]) -> Option<&'f Flag> {
    let same = |flag: &&Flag| {
        let other = &flag.content;
        (&other.kind, &other.measure) == (&content.kind, &content.measure)
            && same_episode(&other.founded_by, &content.founded_by)
    };
    known.chain(former).filter(same).min_by_key(|flag| {
        (flag.retracted, flag.acknowledgement.is_none(), flag.content.opened_at, flag.deal.clone(), flag.id.clone())
    })
}

fn open(id: String, subject: &Subject, content: Content, now: Timestamp, origin: Origin) -> Flag {
    Flag {
        id,
        deal: subject.name.clone(),
        content,
        causes: Vec::new(),
        origin,
        history_recorded_at: subject.history_recorded_at,
        recorded_at: now,
        revision: 1,
        acknowledgement: None,
        continues: None,
        retracted: false,
    }
}

/// The same episode under another ID: what people did about it stays with it.
fn continued(flag: Flag, before: &Flag) -> Flag {
    Flag {
        origin: before.origin,
        recorded_at: before.recorded_at,
        acknowledgement: before.acknowledgement.clone(),
        continues: Some(before.continues.as_ref().unwrap_or(&before.id).clone()),
        ..flag
    }
}

/// None if nothing changed. An acknowledgment stays with its flag, even when it was retracted and comes back. A flag
/// without one takes that of another flag that became part of the same episode.
fn amend(
    flag: Flag,
    content: Content,
    history_recorded_at: Option<Timestamp>,
    taken: Option<Acknowledgement>,
) -> Option<Change> {
    let acknowledgement = flag.acknowledgement.clone().or(taken);
    // More history matters only where it makes a past of the step at which the flag stands.
    let past = |history| content.closed_at.is_none() && alert::is_history(content.crossed_at(), history);
    let as_before = past(flag.history_recorded_at) == past(history_recorded_at);
    if flag.content == content && !flag.retracted && flag.acknowledgement == acknowledgement && as_before {
        return None;
    }
    let before = &flag.content;
    let step = match () {
        _ if flag.retracted => Step::Opened,
        _ if content.closed_at.is_some() && before.closed_at.is_none() => Step::Closed,
        _ if content.red_at.is_some() && before.red_at.is_none() => Step::Raised,
        _ => Step::Amended,
    };
    Some(Change {
        step,
        flag: Flag {
            content,
            history_recorded_at,
            acknowledgement,
            revision: flag.revision + 1,
            retracted: false,
            ..flag
        },
    })
}

fn retract(flag: Flag) -> Change {
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
    let acknowledgement = Acknowledgement { actor: actor.to_owned(), at: now, note: note.to_owned() };
    Ok(Some(Flag { acknowledgement: Some(acknowledgement), revision: flag.revision + 1, ..flag.clone() }))
}

/// Nobody can take what is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the flag closed at {at}: there is nothing to take over any more")]
pub struct Closed {
    pub at: Timestamp,
}
