//! Flags, as the flag log tells of them.

use throughline_proto as pb;

use crate::domain::{Flag, Severity};

/// A flag with what a message about it says.
#[derive(Debug)]
pub struct Told<'e> {
    pub flag: Flag,
    pub content: &'e pb::rule::v1::Flag,
}

/// Reads what an entry of this group and rooftop says of a flag. What goes wrong is told without any content of it.
pub fn parse_flag<'e>((group, rooftop): (&str, &str), content: &'e pb::rule::v1::Flag) -> Result<Told<'e>, String> {
    let instant = |at: Option<&prost_types::Timestamp>, what: &str| match at {
        None => Ok(None),
        Some(at) => pb::time::from_wire(at).map(Some).ok_or_else(|| format!("{what} is not an instant")),
    };
    let severity = match content.severity() {
        pb::rule::v1::Severity::Yellow => Severity::Yellow,
        pb::rule::v1::Severity::Red => Severity::Red,
        pb::rule::v1::Severity::Unspecified => return Err("the flag has no severity that is known here".to_owned()),
    };
    let flag = Flag {
        group: group.to_owned(),
        rooftop: rooftop.to_owned(),
        id: id_within((group, rooftop), &content.name)?,
        continues: match content.continues.as_str() {
            "" => None,
            name => Some(id_within((group, rooftop), name)?),
        },
        measure: content.measure.clone(),
        severity,
        opened_at: instant(content.opened_at.as_ref(), "opened_at")?.ok_or("the flag has no opened_at")?,
        red_at: instant(content.red_at.as_ref(), "red_at")?,
        closed_at: instant(content.closed_at.as_ref(), "closed_at")?,
        acknowledged: content.acknowledgement.is_some(),
        history_recorded_at: instant(content.history_recorded_at.as_ref(), "history_recorded_at")?,
        revision: content.revision,
    };
    Ok(Told { flag, content })
}

/// The id of a flag that never stood.
pub fn parse_retraction(within: (&str, &str), retraction: &pb::rule::v1::FlagRetraction) -> Result<String, String> {
    id_within(within, &retraction.name)
}

/// Resource name of a flag.
pub fn flag_name(group: &str, rooftop: &str, id: &str) -> String {
    format!("groups/{group}/rooftops/{rooftop}/flags/{id}")
}

/// A flag of another group or rooftop than its entry would be told to the wrong people.
fn id_within((group, rooftop): (&str, &str), name: &str) -> Result<String, String> {
    let id = name.rsplit('/').next().unwrap_or_default();
    if !id.is_empty() && name == flag_name(group, rooftop, id) {
        Ok(id.to_owned())
    } else {
        Err("the flag's name does not lie within its entry's rooftop".to_owned())
    }
}
