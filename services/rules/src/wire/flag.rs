//! Flags, as they are stored, logged and answered.

use throughline_process::flag::{Fact, Severity};
use throughline_proto as pb;
use throughline_wire::{read_event_refs, render_event_refs};

use super::{Unreadable, etag, flag_name, instant, optional_instant, origin, render_origin};
use crate::domain::{Acknowledgement, Cause, Content, Flag, Root};

/// The wire form of a flag.
pub fn render_flag(flag: &Flag) -> pb::rule::v1::Flag {
    let content = &flag.content;
    pb::rule::v1::Flag {
        name: flag_name(&flag.subject, &flag.id),
        kind: content.kind.clone(),
        severity: severity(content.severity).into(),
        subject: Some(render_subject(&flag.subject)),
        interval: content.interval.clone(),
        founded_by: render_event_refs(content.founded_by.iter().cloned()),
        measure: content.measure.clone(),
        department: content.department.clone(),
        opened_at: Some(pb::time::to_wire(content.opened_at)),
        red_at: content.red_at.map(pb::time::to_wire),
        closed_at: content.closed_at.map(pb::time::to_wire),
        facts: content.facts.iter().map(render_fact).collect(),
        causes: flag.causes.iter().map(render_cause).collect(),
        summary: content.summary.clone(),
        acknowledgement: flag.acknowledgement.as_ref().map(|ack| pb::rule::v1::Acknowledgement {
            actor: ack.actor.clone(),
            at: Some(pb::time::to_wire(ack.at)),
            note: ack.note.clone(),
            founded_by: render_event_refs(ack.founded_by.iter().cloned()),
        }),
        rule_set_version: content.rule_set_version.clone(),
        definition_version: content.definition_version.clone(),
        calendar_version: content.calendar_version,
        revision: flag.revision,
        origin: render_origin(flag.origin).into(),
        keys: content.keys.clone(),
        recorded_at: Some(pb::time::to_wire(flag.recorded_at)),
        etag: etag(flag.revision),
        continues: match flag.root.id == flag.id {
            true => String::new(),
            false => flag_name(&flag.subject, &flag.root.id),
        },
        alerted_for: render_event_refs(flag.root.founded_by.iter().cloned()),
        alerted_since: Some(pb::time::to_wire(flag.root.recorded_at)),
        history_recorded_at: flag.history_recorded_at.map(pb::time::to_wire),
    }
}

/// A flag as it was stored. Whether it is retracted is not part of the body.
pub fn flag(flag: pb::rule::v1::Flag, retracted: bool) -> Result<Flag, Unreadable> {
    use pb::rule::v1::flag::Subject;
    let Some(Subject::Deal(subject) | Subject::Floor(subject)) = flag.subject else {
        return Err(Unreadable::new(format!("subject of {}", flag.name)));
    };
    let id = flag.name.rsplit('/').next().unwrap_or_default().to_owned();
    let recorded_at = instant(flag.recorded_at.as_ref(), "recorded_at")?;
    let root = Root {
        id: flag.continues.rsplit('/').next().filter(|id| !id.is_empty()).unwrap_or(&id).to_owned(),
        founded_by: read_event_refs(&flag.alerted_for),
        recorded_at: optional_instant(flag.alerted_since.as_ref(), "alerted_since")?.unwrap_or(recorded_at),
    };
    let severity = match pb::rule::v1::Severity::try_from(flag.severity) {
        Ok(pb::rule::v1::Severity::Red) => Severity::Red,
        _ => Severity::Yellow,
    };
    let acknowledgement = flag.acknowledgement.map(|ack| {
        let at = instant(ack.at.as_ref(), "time of the acknowledgement")?;
        Ok(Acknowledgement { actor: ack.actor, at, note: ack.note, founded_by: read_event_refs(&ack.founded_by) })
    });
    Ok(Flag {
        id,
        subject,
        root,
        content: Content {
            kind: flag.kind,
            measure: flag.measure,
            interval: flag.interval,
            founded_by: read_event_refs(&flag.founded_by),
            department: flag.department,
            severity,
            opened_at: instant(flag.opened_at.as_ref(), "opened_at")?,
            red_at: optional_instant(flag.red_at.as_ref(), "red_at")?,
            closed_at: optional_instant(flag.closed_at.as_ref(), "closed_at")?,
            facts: flag.facts.into_iter().map(|fact| Fact { name: fact.name, value: fact.value }).collect(),
            summary: flag.summary,
            keys: flag.keys,
            rule_set_version: flag.rule_set_version,
            definition_version: flag.definition_version,
            calendar_version: flag.calendar_version,
        },
        causes: flag.causes.into_iter().map(cause).collect(),
        origin: origin(flag.origin),
        recorded_at,
        revision: flag.revision,
        acknowledgement: acknowledgement.transpose()?,
        history_recorded_at: optional_instant(flag.history_recorded_at.as_ref(), "history_recorded_at")?,
        retracted,
    })
}

fn render_subject(name: &str) -> pb::rule::v1::flag::Subject {
    match name.ends_with("/floor") {
        true => pb::rule::v1::flag::Subject::Floor(name.to_owned()),
        false => pb::rule::v1::flag::Subject::Deal(name.to_owned()),
    }
}

/// What the flag log says of a flag as it now stands.
pub fn flag_entry(flag: &Flag) -> pb::log::v1::EntryBody {
    use pb::log::v1::entry_body::Body;
    let body = match flag.retracted {
        false => Body::Flag(render_flag(flag)),
        true => Body::FlagRetraction(pb::rule::v1::FlagRetraction {
            name: flag_name(&flag.subject, &flag.id),
            revision: flag.revision,
        }),
    };
    pb::log::v1::EntryBody { body: Some(body) }
}

fn severity(severity: Severity) -> pb::rule::v1::Severity {
    match severity {
        Severity::Yellow => pb::rule::v1::Severity::Yellow,
        Severity::Red => pb::rule::v1::Severity::Red,
    }
}

fn render_fact(fact: &Fact) -> pb::rule::v1::Fact {
    pb::rule::v1::Fact { name: fact.name.clone(), value: fact.value.clone() }
}

fn render_cause(cause: &Cause) -> pb::rule::v1::Cause {
    pb::rule::v1::Cause { code: cause.code.clone(), text: cause.text.clone(), weight: cause.weight }
}

fn cause(cause: pb::rule::v1::Cause) -> Cause {
    Cause { code: cause.code, text: cause.text, weight: cause.weight }
}
