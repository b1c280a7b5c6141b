//! What judging promises, as properties over deals that change.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use throughline_process::{Bound, ClosedBy, EventRef, Interval, IntervalKind, IntervalState, Origin, flag::Severity};

use super::{flag::Closed, *};

const DEAL: &str = "groups/summit/rooftops/RT001/deals/d1";

/// Minutes after the test's midnight.
fn at(minute: i64) -> Timestamp {
    "2026-09-07T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

fn founded(events: &[&str]) -> Vec<EventRef> {
    events.iter().map(|id| EventRef { source: "crm".to_owned(), id: (*id).to_owned() }).collect()
}

fn fi(round: u32, offered: i64, accepted: Option<i64>) -> Interval {
    let event = format!("agreed-{round}");
    Interval {
        id: format!("fi#{event}"),
        kind: IntervalKind::Handoff,
        name: "fi".to_owned(),
        track: None,
        owner_department: "fi".to_owned(),
        offered_by_department: Some("desk".to_owned()),
        instance: None,
        round,
        actor: None,
        start: Bound::exact(at(offered)),
        end: accepted.map(|minute| Bound::exact(at(minute))),
        state: if accepted.is_some() { IntervalState::Ended } else { IntervalState::Open },
        closed_by: accepted.map(|_| ClosedBy::Event("deal.fi.started".to_owned())),
        cut: None,
        end_observed: true,
        founded_by: founded(&[&event]),
    }
}

/// The handoff to F&I that these events found; the first names it.
fn fi_of(events: &[&str], offered: i64) -> Interval {
    Interval { id: format!("fi#{}", events[0]), founded_by: founded(events), ..fi(0, offered, None) }
}

fn subject(intervals: Vec<Interval>) -> Subject {
    Subject {
        name: DEAL.to_owned(),
        numbers: vec![Number { kind: "subject".to_owned(), value: "RT001-D1".to_owned() }],
        intervals,
        exceptions: Vec::new(),
        history_recorded_at: None,
    }
}

fn stored(changes: &[Change]) -> Vec<Flag> {
    changes.iter().map(|change| change.flag.clone()).collect()
}

fn steps(judged: &Judged) -> Vec<Step> {
    judged.changes.iter().map(|change| change.step).collect()
}

#[test]
fn a_handoff_turns_yellow_then_red_and_closes_when_accepted() {
    let book = Rulebook::default();
    let waiting = subject(vec![fi(0, 0, None)]);
    let quiet = judge(Some(&waiting), &book, Vec::new(), &[], at(14), Origin::Live);
    assert_eq!((quiet.changes.len(), quiet.next_change), (0, Some(at(15))));

    let yellow = judge(Some(&waiting), &book, Vec::new(), &[], at(15), Origin::Live);
    assert_eq!((steps(&yellow), yellow.next_change), (vec![Step::Opened], Some(at(30))));
    let flag = &yellow.changes[0].flag;
    assert_eq!((flag.content.opened_at, flag.content.severity), (at(15), Severity::Yellow));
    assert_eq!(flag.content.summary, "F&I has not accepted deal RT001-D1 for 15 min (target 15/30)");

    let red = judge(Some(&waiting), &book, stored(&yellow.changes), &[], at(31), Origin::Live);
    assert_eq!((steps(&red), red.next_change), (vec![Step::Raised], None));
    assert_eq!(red.changes[0].flag.content.red_at, Some(at(30)));

    let accepted = subject(vec![fi(0, 0, Some(41))]);
    let closed = judge(Some(&accepted), &book, stored(&red.changes), &[], at(42), Origin::Live);
    assert_eq!(steps(&closed), [Step::Closed]);
    let content = &closed.changes[0].flag.content;
    assert_eq!(content.summary, "deal RT001-D1 waited 41 min for F&I (target 15/30)");
    assert_eq!((content.closed_at, closed.changes[0].flag.revision), (Some(at(41)), 3));
}

#[test]
fn a_late_event_retracts_a_flag_that_never_stood() {
    let book = Rulebook::default();
    let yellow = judge(Some(&subject(vec![fi(0, 0, None)])), &book, Vec::new(), &[], at(20), Origin::Live);
    let accepted = subject(vec![fi(0, 0, Some(10))]);
    let late = judge(Some(&accepted), &book, stored(&yellow.changes), &[], at(21), Origin::Live);
    assert_eq!(steps(&late), [Step::Retracted]);
    assert_eq!(late.changes[0].flag.revision, 2);
    let again = judge(Some(&accepted), &book, stored(&late.changes), &[], at(22), Origin::Live);
    assert_eq!(again.changes, []);
}

#[test]
fn a_retracted_flag_that_comes_back_goes_on_counting_and_keeps_who_has_it() {
    let book = Rulebook::default();
    let waiting = subject(vec![fi(0, 0, None)]);
    let yellow = judge(Some(&waiting), &book, Vec::new(), &[], at(20), Origin::Live);
    let mine = acknowledge(&yellow.changes[0].flag, "S17", "", at(21)).unwrap().unwrap();
    let gone = judge(Some(&subject(vec![fi(0, 0, Some(10))])), &book, vec![mine], &[], at(22), Origin::Live);
    let back = judge(Some(&waiting), &book, stored(&gone.changes), &[], at(23), Origin::Live);
    assert_eq!(steps(&back), [Step::Opened]);
    let flag = &back.changes[0].flag;
    assert_eq!((flag.revision, flag.acknowledgement.as_ref().unwrap().actor.as_str()), (4, "S17"));
}

#[test]
fn a_deal_that_no_longer_stands_takes_its_flags_along() {
    let book = Rulebook::default();
    let yellow = judge(Some(&subject(vec![fi(0, 0, None)])), &book, Vec::new(), &[], at(20), Origin::Live);
    let gone = judge(None, &book, stored(&yellow.changes), &[], at(21), Origin::Live);
    assert_eq!((steps(&gone), gone.next_change, gone.standing), (vec![Step::Retracted], None, false));
}

#[test]
fn what_opened_a_flag_says_its_origin_for_ever() {
    let book = Rulebook::default();
    let waiting = subject(vec![fi(0, 0, None)]);
    let imported = judge(Some(&waiting), &book, Vec::new(), &[], at(20), Origin::Backfill);
    let red = judge(Some(&waiting), &book, stored(&imported.changes), &[], at(40), Origin::Live);
    assert_eq!(red.changes[0].flag.origin, Origin::Backfill);
}

#[test]
fn flag_imported_yellow_that_turns_red_live_is_due_for_an_alert() {
    let book = Rulebook::default();
    let imported = Subject { history_recorded_at: Some(at(20)), ..subject(vec![fi(0, 0, None)]) };
    let yellow = judge(Some(&imported), &book, Vec::new(), &[], at(20), Origin::Backfill).changes.remove(0).flag;
    assert_eq!((yellow.history_recorded_at, yellow.alert_is_due(at(20))), (Some(at(20)), false));
    let red = judge(Some(&imported), &book, vec![yellow], &[], at(30), Origin::Backfill).changes.remove(0);
    assert_eq!((red.step, red.flag.alert_is_due(at(30))), (Step::Raised, true));
    assert!(!red.flag.alert_is_due(at(30 + 121)));
}

#[test]
fn event_released_from_quarantine_leaves_a_flag_due_for_an_alert() {
    let waiting = subject(vec![fi(0, 0, None)]);
    let flag =
        judge(Some(&waiting), &Rulebook::default(), Vec::new(), &[], at(15), Origin::Replay).changes.remove(0).flag;
    assert!(flag.alert_is_due(at(15)));
}

#[test]
fn later_import_changes_a_flag_only_where_it_silences_its_step() {
    let book = Rulebook::default();
    let with = |history| Subject { history_recorded_at: history, ..subject(vec![fi(0, 0, None)]) };
    let live = judge(Some(&with(None)), &book, Vec::new(), &[], at(20), Origin::Live).changes.remove(0).flag;
    // Recorded before the crossing.
    assert_eq!(judge(Some(&with(Some(at(14)))), &book, vec![live.clone()], &[], at(20), Origin::Live).changes, []);
    let silenced = judge(Some(&with(Some(at(16)))), &book, vec![live], &[], at(20), Origin::Live).changes.remove(0);
    assert_eq!((silenced.step, silenced.flag.history_recorded_at), (Step::Amended, Some(at(16))));
    assert!(!silenced.flag.alert_is_due(at(20)));
    let again = judge(Some(&with(Some(at(17)))), &book, vec![silenced.flag], &[], at(20), Origin::Live);
    assert_eq!(again.changes, [], "it is silenced already");
}

#[test]
fn nobody_takes_what_is_over() {
    let book = Rulebook::default();
    let closed = judge(Some(&subject(vec![fi(0, 0, Some(20))])), &book, Vec::new(), &[], at(60), Origin::Live);
    assert_eq!(acknowledge(&closed.changes[0].flag, "S17", "", at(61)), Err(Closed { at: at(20) }));
}

#[test]
fn taking_a_flag_twice_changes_it_once_and_another_may_take_it_over() {
    let book = Rulebook::default();
    let yellow = judge(Some(&subject(vec![fi(0, 0, None)])), &book, Vec::new(), &[], at(20), Origin::Live);
    let mine = acknowledge(&yellow.changes[0].flag, "S17", "", at(21)).unwrap().unwrap();
    assert_eq!(acknowledge(&mine, "S17", "", at(22)), Ok(None));
    let theirs = acknowledge(&mine, "S18", "", at(23)).unwrap().unwrap();
    assert_eq!((theirs.revision, theirs.acknowledgement.unwrap().actor.as_str()), (3, "S18"));
}

/// The flag of another deal for the same waiting.
fn of_another(deal: &str, origin: Origin) -> Flag {
    let other = Subject { name: deal.to_owned(), ..subject(vec![fi(0, 0, None)]) };
    judge(Some(&other), &Rulebook::default(), Vec::new(), &[], at(20), origin).changes.remove(0).flag
}

#[test]
fn whoever_has_one_of_several_flags_that_become_one_has_that() {
    let book = Rulebook::default();
    let [d2, d3] =
        ["d2", "d3"].map(|deal| of_another(&format!("groups/summit/rooftops/RT001/deals/{deal}"), Origin::Live));
    let taken = acknowledge(&d3, "S17", "", at(21)).unwrap().unwrap();
    let waiting = subject(vec![fi(0, 0, None)]);
    let one = judge(Some(&waiting), &book, Vec::new(), &[d2.clone(), taken.clone()], at(22), Origin::Live);
    assert_eq!(one.changes[0].flag.acknowledgement, taken.acknowledgement);

    // Also where the deal stood before, and where its own was retracted while it was apart.
    let own = judge(Some(&waiting), &book, Vec::new(), &[], at(20), Origin::Live).changes.remove(0).flag;
    for own in [own.clone(), Flag { retracted: true, ..own }] {
        let one = judge(Some(&waiting), &book, vec![own], std::slice::from_ref(&taken), at(22), Origin::Live);
        assert_eq!(one.changes.len(), 1);
        assert_eq!(one.changes[0].flag.acknowledgement, taken.acknowledgement);
    }
}

#[test]
fn a_flag_that_goes_on_under_another_name_came_in_as_it_did_at_first() {
    let waiting = subject(vec![fi(0, 0, None)]);
    for (first, then) in [(Origin::Live, Origin::Replay), (Origin::Backfill, Origin::Live)] {
        let former = of_another("groups/summit/rooftops/RT001/deals/d2", first);
        let next = judge(Some(&waiting), &Rulebook::default(), Vec::new(), &[former], at(22), then);
        assert_eq!(next.changes[0].flag.origin, first);
    }
}

#[test]
fn acknowledgment_follows_the_episode_to_another_id() {
    let book = Rulebook::default();
    let yellow = judge(Some(&subject(vec![fi_of(&["b"], 0)])), &book, Vec::new(), &[], at(20), Origin::Live);
    let mine = acknowledge(&yellow.changes[0].flag, "S17", "", at(21)).unwrap().unwrap();
    let renamed =
        judge(Some(&subject(vec![fi_of(&["a", "b"], 0)])), &book, vec![mine.clone()], &[], at(22), Origin::Live);
    assert_eq!(steps(&renamed), [Step::Opened, Step::Retracted]);
    let flag = &renamed.changes[0].flag;
    assert_eq!((&flag.acknowledgement, &flag.root), (&mine.acknowledgement, &mine.root));
    assert_eq!(renamed.changes[1].flag.id, mine.id);
}

#[test]
fn acknowledgment_never_follows_to_a_disjoint_episode() {
    let book = Rulebook::default();
    let yellow = judge(Some(&subject(vec![fi_of(&["a"], 0)])), &book, Vec::new(), &[], at(20), Origin::Live);
    let mine = acknowledge(&yellow.changes[0].flag, "S17", "", at(21)).unwrap().unwrap();
    let other = judge(Some(&subject(vec![fi_of(&["b"], 1)])), &book, vec![mine.clone()], &[], at(22), Origin::Live);
    assert_eq!(steps(&other), [Step::Opened, Step::Retracted]);
    let flag = &other.changes[0].flag;
    assert_eq!((&flag.acknowledgement, &flag.root.id), (&None, &flag.id));
}

#[test]
fn flag_that_keeps_its_id_keeps_its_acknowledgment_when_an_episode_splits() {
    let book = Rulebook::default();
    let yellow = judge(Some(&subject(vec![fi_of(&["a", "b"], 0)])), &book, Vec::new(), &[], at(20), Origin::Live);
    let mine = acknowledge(&yellow.changes[0].flag, "S17", "", at(21)).unwrap().unwrap();
    let two = subject(vec![fi_of(&["b"], 0), fi_of(&["a"], 1)]);
    let split = judge(Some(&two), &book, vec![mine.clone()], &[], at(22), Origin::Live);
    let [first, second] = &split.changes[..] else { panic!("{split:?}") };
    assert_eq!((first.step, &first.flag.acknowledgement), (Step::Opened, &None));
    assert_eq!((second.step, &second.flag.acknowledgement), (Step::Amended, &mine.acknowledgement));
}

#[test]
fn flag_takes_the_acknowledgment_of_another_that_merges_into_it() {
    let book = Rulebook::default();
    let two = subject(vec![fi_of(&["a"], 0), fi_of(&["b"], 1)]);
    let yellow = judge(Some(&two), &book, Vec::new(), &[], at(20), Origin::Live);
    let [a, b] = [0, 1].map(|place: usize| yellow.changes[place].flag.clone());
    let mine = acknowledge(&b, "S17", "", at(21)).unwrap().unwrap();
    let one = subject(vec![fi_of(&["a", "b"], 0)]);
    let merged = judge(Some(&one), &book, vec![a.clone(), mine.clone()], &[], at(22), Origin::Live);
    assert_eq!(merged.changes[0].flag.id, a.id);
    assert_eq!(merged.changes[0].flag.acknowledgement, mine.acknowledgement);
    assert_eq!((merged.changes[1].step, &merged.changes[1].flag.id), (Step::Retracted, &b.id));
}

#[test]
fn decision_follows_the_episode_of_its_exception_and_no_other() {
    let of = |id: &str, events: &[&str]| Exception { id: id.to_owned(), founded_by: founded(events), ..returned() };
    let with = |exceptions: Vec<Exception>| Subject { exceptions, ..subject(Vec::new()) };
    let open = review(Some(&with(vec![of("x#b", &["b"])])), Vec::new(), &[], at(6)).remove(0).review;
    let decided = resolve(&open, "S3", "sent_again", at(7)).unwrap().unwrap();
    let both = with(vec![of("x#c", &["c"]), of("x#a", &["a", "b"])]);
    let next = review(Some(&both), vec![decided.clone()], &[], at(8));
    let resolved: Vec<_> = next.iter().map(|change| change.review.resolved.clone()).collect();
    assert_eq!(resolved, [None, decided.resolved]);
}

fn returned() -> Exception {
    Exception {
        id: "contract_returned#0".to_owned(),
        kind: "contract_returned".to_owned(),
        detail: "the lender returned it".to_owned(),
        at: Some(at(5)),
        founded_by: founded(&["returned-0"]),
        candidates: Vec::new(),
    }
}

#[test]
fn a_review_opens_vanishes_and_opens_again_with_its_cause() {
    let with = Subject { exceptions: vec![returned()], ..subject(Vec::new()) };
    let without = subject(Vec::new());
    let opened = review(Some(&with), Vec::new(), &[], at(6));
    let of = |changes: &[ReviewChange]| changes.iter().map(|change| change.review.clone()).collect::<Vec<_>>();
    assert_eq!(opened[0].review.opened_at, at(5));
    assert_eq!(review(Some(&with), of(&opened), &[], at(7)), []);

    let vanished = review(Some(&without), of(&opened), &[], at(8));
    let resolution = vanished[0].review.resolved.clone().unwrap();
    assert_eq!((resolution.at, resolution.code.as_str()), (at(8), "vanished"));
    assert_eq!(review(Some(&without), of(&vanished), &[], at(9)), []);

    let back = review(Some(&with), of(&vanished), &[], at(10));
    assert_eq!((back[0].review.resolved.clone(), back[0].review.revision), (None, 3));
}

#[test]
fn a_persons_decision_stays_whatever_becomes_of_the_cause() {
    let with = Subject { exceptions: vec![returned()], ..subject(Vec::new()) };
    let opened = review(Some(&with), Vec::new(), &[], at(6)).remove(0).review;
    let decided = resolve(&opened, "S3", "sent_again", at(7)).unwrap().unwrap();
    assert_eq!(review(Some(&with), vec![decided.clone()], &[], at(8)), []);
    assert_eq!(review(None, vec![decided.clone()], &[], at(8)), []);
    assert_eq!(resolve(&decided, "S3", "sent_again", at(9)), Ok(None));
    assert!(resolve(&decided, "S4", "ignored", at(9)).is_err());
}

#[test]
fn what_was_decided_of_one_of_several_that_become_one_stays() {
    let of = |name: &str| Subject {
        name: format!("groups/summit/rooftops/RT001/deals/{name}"),
        exceptions: vec![returned()],
        ..subject(Vec::new())
    };
    let open = |name: &str| review(Some(&of(name)), Vec::new(), &[], at(6)).remove(0).review;
    let decided = resolve(&open("d3"), "S3", "sent_again", at(7)).unwrap().unwrap();
    let next = review(Some(&of("d1")), Vec::new(), &[open("d2"), decided.clone()], at(8));
    assert_eq!(next[0].review.resolved, decided.resolved);
    let next = review(Some(&of("d1")), vec![open("d1")], std::slice::from_ref(&decided), at(8));
    assert_eq!(next.first().and_then(|next| next.review.resolved.clone()), decided.resolved);
}

#[test]
fn the_same_overrides_make_the_same_rule_set() {
    let overrides = BTreeMap::from([("handoff.fi".to_owned(), (60, 120))]);
    let book = |overrides| {
        Rulebook::new(
            throughline_process::Definition::retail_deal(),
            overrides,
            throughline_process::Schedule::default(),
        )
    };
    let (one, same) = (book(&overrides), book(&overrides));
    assert_eq!(one.targets.version, same.targets.version);
    assert_ne!(one.targets.version, Rulebook::default().targets.version);
    let flags = one.flags(&subject(vec![fi(0, 0, None)]), at(1));
    assert_eq!(flags.intervals[0].opened_at, at(1));
}

/// A handoff, and when each of its two events is recorded; minutes.
#[derive(Clone, Debug)]
struct Happening {
    offered: i64,
    offer_known: i64,
    /// (accepted, known).
    accepted: Option<(i64, i64)>,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let one = (0..200_i64, 0..40_i64, proptest::option::of((0..90_i64, 0..60_i64)));
    let one = one.prop_map(|(offered, late, accepted)| Happening {
        offered,
        offer_known: offered + late,
        accepted: accepted.map(|(idle, late)| (offered + idle, offered + idle + late)),
    });
    proptest::collection::vec(one, 0..5)
}

/// The deal as known at a minute.
fn known(happenings: &[Happening], minute: i64) -> Subject {
    let rounds = happenings.iter().enumerate().filter(|(_, happening)| happening.offer_known <= minute);
    let handoffs = rounds.map(|(round, happening)| {
        let accepted = happening.accepted.filter(|(_, known)| *known <= minute).map(|(accepted, _)| accepted);
        fi(round as u32, happening.offered, accepted)
    });
    subject(handoffs.collect())
}

/// What the service keeps of a deal, moved by entries and alarms as the service moves it.
#[derive(Default)]
struct Desk {
    flags: BTreeMap<String, Flag>,
    subject: Option<Subject>,
    next_change: Option<Timestamp>,
    steps: Vec<(String, Step)>,
}

impl Desk {
    fn hear(&mut self, subject: Subject, now: Timestamp) {
        self.subject = Some(subject);
        self.judge(now);
    }

    fn tick(&mut self, now: Timestamp) {
        if self.next_change.is_some_and(|next| next <= now) {
            self.judge(now);
        }
    }

    fn judge(&mut self, now: Timestamp) {
        let flags = self.flags.values().cloned().collect();
        let judged = judge(self.subject.as_ref(), &Rulebook::default(), flags, &[], now, Origin::Live);
        self.next_change = judged.next_change;
        for change in judged.changes {
            self.steps.push((change.flag.id.clone(), change.step));
            self.flags.insert(change.flag.id.clone(), change.flag);
        }
    }

    fn content(&self) -> BTreeMap<&str, &Content> {
        let stood = self.flags.values().filter(|flag| !flag.retracted);
        stood.map(|flag| (flag.id.as_str(), &flag.content)).collect()
    }
}

proptest! {
    #[test]
    fn any_grouping_of_entries_and_ticks_ends_in_what_one_look_at_the_end_sees(
        happenings in happenings(),
        mut moments in proptest::collection::vec((0..400_i64, any::<bool>()), 0..24),
    ) {
        let end = 400;
        moments.sort_unstable();
        let mut desk = Desk::default();
        for (minute, entry) in moments {
            // A batch holds everything recorded by then; an alarm rings only while nothing unread lies before it, or else
            // the rule time would have stayed behind.
            let heard = known(&happenings, minute);
            if entry || desk.subject.as_ref().map(|subject| &subject.intervals) != Some(&heard.intervals) {
                desk.hear(heard, at(minute));
            } else {
                desk.tick(at(minute));
            }
        }
        desk.hear(known(&happenings, end), at(end));
        let mut once = Desk::default();
        once.hear(known(&happenings, end), at(end));
        prop_assert_eq!(desk.content(), once.content());
    }

    #[test]
    fn alarms_alone_find_every_instant_and_no_flag_flaps(
        happenings in happenings(),
        mut ticks in proptest::collection::vec(0..400_i64, 0..40),
    ) {
        let deal = known(&happenings, 400);
        ticks.sort_unstable();
        let mut desk = Desk::default();
        desk.hear(deal.clone(), at(0));
        for minute in ticks {
            desk.tick(at(minute));
            let mut once = Desk::default();
            once.hear(deal.clone(), at(minute));
            prop_assert_eq!(desk.content(), once.content(), "at minute {}", minute);
        }
        for id in desk.flags.keys() {
            let steps: Vec<Step> = desk.steps.iter().filter(|(of, _)| of == id).map(|(_, step)| *step).collect();
            let order = [Step::Opened, Step::Raised, Step::Closed];
            let places: Vec<_> = steps.iter().map(|step| order.iter().position(|known| known == step)).collect();
            prop_assert!(places.iter().all(Option::is_some) && places.is_sorted_by(|a, b| a < b), "{:?}", steps);
        }
    }

    #[test]
    fn an_alarm_that_rings_twice_does_nothing(happenings in happenings(), minute in 0..400_i64) {
        let mut desk = Desk::default();
        desk.hear(known(&happenings, minute), at(minute));
        let before = desk.steps.len();
        desk.judge(at(minute));
        prop_assert_eq!(desk.steps.len(), before);
    }
}
