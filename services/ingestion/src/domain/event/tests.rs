use super::*;
use crate::domain::instant::SentTime;

const NOW: &str = "2026-09-07T12:00:00Z";

fn text(text: &str) -> Attribute<'_> {
    Some(Scalar::Text(text.into()))
}

fn opened() -> Sent<'static> {
    Sent {
        id: text("e-1"),
        source: text("//dms.example/RT001"),
        event_type: text("deal.opened"),
        subject: text("D1"),
        rooftop: text("RT001"),
        times: SentTimes { time: Some(SentTime::Text("2026-09-07T11:00:00Z")), ..Default::default() },
        data: SentData::Json(br#"{"actor":"RT001-s0","role":"salesperson"}"#.as_slice().into()),
        ..Sent::default()
    }
}

fn parsed(sent: &Sent<'_>) -> Parsed {
    parse(sent, NOW.parse().unwrap())
}

fn why(sent: &Sent<'_>) -> (Reason, Vec<String>) {
    match parsed(sent) {
        Parsed::Sound(draft) => panic!("taken for sound: {draft:?}"),
        Parsed::Spoiled(_, why) => (why.reason, why.violations.into_iter().map(|violation| violation.field).collect()),
    }
}

#[test]
fn a_sound_event_is_taken_as_it_is() {
    let Parsed::Sound(draft) = parsed(&opened()) else { panic!("spoiled") };
    assert_eq!((draft.id.as_str(), draft.subject.as_str(), draft.sequence), ("e-1", "D1", 0));
    assert_eq!(draft.facts.actor.as_deref(), Some("RT001-s0"));
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let (reason, fields) = why(&Sent::default());
    assert_eq!(reason, Reason::InvalidField);
    assert_eq!(fields, ["id", "source", "type", "rooftop", "time"]);
}

#[test]
fn each_fault_names_its_field() {
    let wrong = [
        (Sent { id: text("Jane Doe"), ..opened() }, Reason::InvalidField, "id"),
        (Sent { id: Some(Scalar::Other), ..opened() }, Reason::InvalidField, "id"),
        (Sent { source: text("mailto:jane@example.invalid"), ..opened() }, Reason::InvalidField, "source"),
        (Sent { event_type: text("Deal Opened"), ..opened() }, Reason::InvalidField, "type"),
        (Sent { subject: text("212-555-0123"), ..opened() }, Reason::InvalidField, "subject"),
        (Sent { rooftop: text("the big store"), ..opened() }, Reason::InvalidField, "rooftop"),
        (Sent { sequence: text("-1"), ..opened() }, Reason::InvalidField, "sequence"),
        (Sent { quality_malformed: true, ..opened() }, Reason::InvalidField, "timequality"),
        (Sent { data: SentData::Unreadable, ..opened() }, Reason::InvalidField, "data"),
        (Sent { data: SentData::Json(b"[]".as_slice().into()), ..opened() }, Reason::InvalidField, "data"),
        (
            Sent { data: SentData::Json(br#"{"withdraws":"a b"}"#.as_slice().into()), ..opened() },
            Reason::InvalidField,
            "data.withdraws",
        ),
        (Sent { times: SentTimes::default(), ..opened() }, Reason::InvalidTime, "time"),
        (
            Sent {
                times: SentTimes { time: Some(SentTime::Text("2027-01-01T00:00:00Z")), ..Default::default() },
                ..opened()
            },
            Reason::TimeInFuture,
            "time",
        ),
    ];
    for (sent, reason, field) in wrong {
        assert_eq!(why(&sent), (reason, vec![field.to_owned()]), "{sent:?}");
    }
}

#[test]
fn no_message_repeats_what_was_refused() {
    let canary = "canary smith 212-555-0123";
    let sent = Sent {
        id: text(canary),
        source: text(canary),
        event_type: text(canary),
        subject: text(canary),
        rooftop: text(canary),
        sequence: text(canary),
        times: SentTimes { time: Some(SentTime::Text(canary)), quality: Some(canary), ..Default::default() },
        quality_malformed: false,
        data: SentData::Json(format!(r#"{{"withdraws":"{canary}","{canary}":1}}"#).into_bytes().into()),
    };
    let spoiled = format!("{:?}", parsed(&sent));
    assert!(!spoiled.contains("canary") && !spoiled.contains("555"), "{spoiled}");
}

#[test]
fn what_rested_is_judged_again() {
    let ahead = SentTimes { time: Some(SentTime::Text("2026-09-07T13:00:00Z")), ..Default::default() };
    let Parsed::Spoiled(rest, _) = parsed(&Sent { times: ahead, ..opened() }) else { panic!("taken for sound") };
    assert!(matches!(rest.clone().reparse(NOW.parse().unwrap()), Parsed::Spoiled(..)));
    assert!(matches!(rest.reparse("2026-09-07T12:45:00Z".parse().unwrap()), Parsed::Sound(_)));
    let Parsed::Spoiled(rest, _) = parsed(&Sent { id: None, ..opened() }) else { panic!("taken for sound") };
    assert!(matches!(rest.reparse(NOW.parse().unwrap()), Parsed::Spoiled(..)));
    let Parsed::Sound(draft) = parsed(&opened()) else { panic!("spoiled") };
    let times = draft.times;
    assert!(matches!(draft.with(Some(times)).reparse(NOW.parse().unwrap()), Parsed::Sound(_)));
}

proptest::proptest! {
    #[test]
    fn no_event_makes_it_panic(
        texts in proptest::collection::vec(".{0,40}", 8),
        data in ".{0,80}",
    ) {
        let sent = Sent {
            id: text(&texts[0]),
            source: text(&texts[1]),
            event_type: text(&texts[2]),
            subject: text(&texts[3]),
            rooftop: text(&texts[4]),
            sequence: text(&texts[5]),
            times: SentTimes { time: Some(SentTime::Text(&texts[6])), quality: Some(&texts[7]), ..Default::default() },
            quality_malformed: false,
            data: SentData::Json(data.as_bytes().into()),
        };
        let _ = parsed(&sent);
    }
}
