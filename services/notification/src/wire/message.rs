//! The message of a webhook, as JSON, decided once and sent the same with each try.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use throughline_proto::{self as pb, rule::v1::flag::Subject};

use super::Told;
use crate::domain::Decision;

/// Standard Webhooks wants messages below 20 kB. These bounds keep them there whatever a flag holds, even if every character
/// must be escaped; real flags are far below them.
const NAME: usize = 500;
const WORD: usize = 100;
const SUMMARY: usize = 1_000;
const MOST_KEYS: usize = 20;
const MOST_FACTS: usize = 20;
const FACT_VALUE: usize = 100;

/// `flag.raised`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Message {
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was decided.
    pub timestamp: Timestamp,
    pub data: Data,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Data {
    /// Resource name.
    pub flag: String,
    /// Resource name; absent for a flag about a floor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deal: Option<String>,
    /// Resource name of the rooftop's floor; absent for a flag about a deal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<String>,
    /// The numbers by which people find the deal, `kind:value`.
    pub keys: Vec<String>,
    /// Id of the rooftop.
    pub rooftop: String,
    pub kind: String,
    pub measure: String,
    pub severity: String,
    /// That it waits for.
    pub department: String,
    pub opened_at: Timestamp,
    pub summary: String,
    pub facts: Vec<Fact>,
    /// The severity that this message tells of.
    pub step: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Fact {
    pub name: String,
    pub value: String,
}

impl Message {
    /// What a decision about a flag is told with.
    pub fn of(told: &Told<'_>, decision: &Decision<'_>, decided_at: Timestamp) -> Self {
        let Told { flag, content } = told;
        let (deal, floor) = match &content.subject {
            Some(Subject::Deal(deal)) => (Some(cut(deal, NAME)), None),
            Some(Subject::Floor(floor)) => (None, Some(cut(floor, NAME))),
            None => (None, None),
        };
        Self {
            kind: "flag.raised".to_owned(),
            timestamp: decided_at,
            data: Data {
                flag: cut(&content.name, NAME),
                deal,
                floor,
                keys: content.keys.iter().take(MOST_KEYS).map(|key| cut(key, WORD)).collect(),
                rooftop: cut(&flag.rooftop, WORD),
                kind: cut(&content.kind, WORD),
                measure: cut(&content.measure, WORD),
                severity: flag.severity.as_str().to_owned(),
                department: cut(&content.department, WORD),
                opened_at: flag.opened_at,
                summary: cut(&content.summary, SUMMARY),
                facts: content.facts.iter().take(MOST_FACTS).map(render_fact).collect(),
                step: decision.step.as_str().to_owned(),
            },
        }
    }
}

fn render_fact(fact: &pb::rule::v1::Fact) -> Fact {
    Fact { name: cut(&fact.name, WORD), value: cut(&fact.value, FACT_VALUE) }
}

/// At most so many bytes, and none that JSON would have to write as six.
fn cut(text: &str, bytes: usize) -> String {
    let end = text.floor_char_boundary(bytes);
    text[..end].chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{ChannelKind, Flag, Route, Severity};

    fn message(content: &pb::rule::v1::Flag) -> Message {
        let at: Timestamp = "2026-09-07T10:00:00Z".parse().unwrap();
        let flag = Flag {
            group: "summit".to_owned(),
            rooftop: "north".to_owned(),
            id: "f1".to_owned(),
            continues: None,
            measure: content.measure.clone(),
            severity: Severity::Yellow,
            opened_at: at,
            red_at: None,
            closed_at: None,
            acknowledged: false,
            history_recorded_at: None,
            revision: 1,
        };
        let route = Route {
            group: "summit".to_owned(),
            id: "r1".to_owned(),
            rooftops: Vec::new(),
            measures: Vec::new(),
            min_severity: Severity::Yellow,
            channel: ChannelKind::Webhook,
        };
        let decision = Decision { route: &route, step: Severity::Yellow, step_at: at };
        Message::of(&Told { flag, content }, &decision, at)
    }

    #[test]
    fn a_message_says_what_which_and_why() {
        let flag = pb::rule::v1::Flag {
            name: "groups/summit/rooftops/north/flags/f1".to_owned(),
            kind: "handoff_idle".to_owned(),
            subject: Some(Subject::Deal("groups/summit/rooftops/north/deals/d1".to_owned())),
            measure: "handoff.fi".to_owned(),
            department: "fi".to_owned(),
            summary: "deal 4711 waits for F&I since 10:00".to_owned(),
            keys: vec!["dms:4711".to_owned()],
            facts: vec![pb::rule::v1::Fact { name: "offered_at".to_owned(), value: "2026-09-07T10:00:00Z".to_owned() }],
            ..Default::default()
        };
        insta::assert_json_snapshot!(message(&flag));
    }

    proptest! {
        #[test]
        fn a_message_stays_below_20_kb_whatever_the_flag_holds(
            text in "[\\PC\u{0}-\u{1f}\"\\\\]{0,80}", times in 1usize..100, count in 0usize..60,
        ) {
            let long = text.repeat(times);
            let flag = pb::rule::v1::Flag {
                name: long.clone(), kind: long.clone(), measure: long.clone(), department: long.clone(), summary: long.clone(),
                subject: Some(Subject::Deal(long.clone())),
                keys: vec![long.clone(); count],
                facts: vec![pb::rule::v1::Fact { name: long.clone(), value: long.clone() }; count],
                ..Default::default()
            };
            let json = serde_json::to_string(&message(&flag)).unwrap();
            prop_assert!(json.len() < 20_000, "{}", json.len());
            prop_assert!(serde_json::from_str::<Message>(&json).is_ok());
        }
    }
}
