use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn claim(second: i64) -> Claim {
    Claim { step: 0, until: at(second) }
}

fn entry(position: u64) -> StoredEntry {
    let recorded_at = Some(time::to_wire(at(position as i64)));
    StoredEntry { position, recorded_at, body: vec![0; 10].into(), ..StoredEntry::default() }
}

/// With nothing stored that could lie ahead of the clock.
fn part() -> Part {
    let mut part = Part::new(1, 0, Aside::default());
    part.is_put_right(claim(0));
    part
}

fn batches_of(max_batch: usize) -> Pace {
    Pace { max_batch, gather: Duration::ZERO }
}

fn batch(work: Option<(Work, usize)>) -> Vec<u64> {
    match work {
        Some((Work::Batch(entries), _)) => entries.iter().map(|entry| entry.position).collect(),
        other => panic!("no batch but {other:?}"),
    }
}

#[test]
fn rule_time_waits_for_what_was_sent_before_and_for_the_next_entry() {
    let (mut part, now, clock) = (part(), Instant::now(), at(1_000));
    part.receive([entry(1), entry(2)]).unwrap();
    part.claim(claim(500));
    assert_eq!(part.rule_time(clock), None);
    part.next(batches_of(1), clock, now).unwrap();
    part.advance(1);
    assert_eq!(part.rule_time(clock), None);
    part.next(batches_of(1), clock, now).unwrap();
    part.advance(2);
    assert_eq!(part.rule_time(clock), Some(claim(500)));
    assert_eq!(part.rule_time(at(400)), Some(claim(400)));
    part.receive([entry(3)]).unwrap();
    assert_eq!(part.rule_time(clock), Some(claim(3)));
}

#[test]
fn alarms_are_asked_for_when_rule_time_moves_and_after_each_batch() {
    let (mut part, now, clock) = (part(), Instant::now(), at(1_000));
    part.claim(claim(10));
    let (until, asked) = part.to_ask(clock, now).unwrap();
    assert_eq!(until, claim(10));
    part.answered(asked, false);
    assert_eq!((part.fired, part.to_ask(clock, now)), (Some(claim(10)), None));
    part.receive([entry(1)]).unwrap();
    part.next(batches_of(9), clock, now).unwrap();
    part.advance(1);
    let (_, asked) = part.to_ask(clock, now).unwrap();
    part.answered(asked, true);
    assert_eq!(part.next(batches_of(9), clock, now).unwrap().0, Work::Tick(claim(10)));
    part.ticked(claim(10));
    assert!(part.to_ask(clock, now).is_some());
    part.tick_failed("unlisted".to_owned(), now);
    assert_eq!((part.to_ask(clock, now), part.alarms_are_stopped()), (None, true));
    assert!(part.to_ask(clock, now + ALARMS_REST).is_some());
}

#[test]
fn downstream_is_told_at_once_of_a_part_in_which_something_has_just_happened() {
    let (mut part, now, clock) = (part(), Instant::now(), at(1_000));
    let fire = |part: &mut Part, until| {
        part.claim(claim(until));
        let (_, asked) = part.to_ask(at(100_000), now).unwrap();
        part.answered(asked, false);
    };
    fire(&mut part, 900);
    assert!(!part.is_urgent(), "nothing has happened");
    part.stirred(clock);
    assert!(part.is_urgent());
    part.marked = part.fired;
    assert!(!part.is_urgent(), "it has come no further");
    // What follows from an effect is recorded later than the effect.
    fire(&mut part, 1_001);
    assert!(part.is_urgent());
    part.marked = Some(Claim { until: clock + STIRS_FOR, ..claim(0) });
    fire(&mut part, 90_000);
    assert!(!part.is_urgent(), "everything that followed was told");
}

#[test]
fn claim_of_a_later_clock_step_takes_rule_time_back() {
    let (mut part, now, clock) = (part(), Instant::now(), at(1_000));
    part.claim(claim(900));
    let (_, asked) = part.to_ask(clock, now).unwrap();
    part.answered(asked, false);
    part.receive([entry(1)]).unwrap();
    part.claim(claim(950));
    let stepped = Claim { step: 1, until: at(100) };
    part.claim(stepped);
    part.next(batches_of(1), clock, now).unwrap();
    part.advance(1);
    assert_eq!(part.rule_time(clock), Some(stepped));
    // What was stored in the earlier step is put right before alarms are asked for.
    assert_eq!(part.to_ask(clock, now), None);
    assert_eq!(part.next(batches_of(1), clock, now), Some((Work::PutRight(stepped), 0)));
    part.is_put_right(stepped);
    let (_, asked) = part.to_ask(clock, now).unwrap();
    part.answered(asked, false);
    assert_eq!(part.fired, Some(stepped));
}

#[test]
fn a_batch_that_came_back_goes_first_and_after_a_while_gives_way() {
    let (mut part, mut now, clock) = (part(), Instant::now(), at(1_000));
    part.receive((1..=5).map(entry)).unwrap();
    for failures in 1..=PATIENCE {
        assert_eq!(batch(part.next(batches_of(2), clock, now)), [1, 2]);
        let (returned, dropped) = part.failed(vec![entry(1), entry(2)], now);
        assert_eq!(returned, 2 * weight(&entry(1)));
        assert_eq!(dropped, if failures == PATIENCE { 5 * weight(&entry(1)) } else { 0 });
        assert_eq!(part.next(batches_of(2), clock, now), None);
        now += LONGEST_REST;
    }
    assert_eq!((part.subscribe_after(), part.is_stopped()), (None, false));
    assert_eq!(part.receive([entry(6)]), Ok(0));
    assert!(part.resumes(now) && !part.resumes(now));
    assert_eq!(part.subscribe_after(), Some(0));
}

#[test]
fn a_stopped_part_finishes_what_it_has_and_looks_again_later() {
    let (mut part, now, clock) = (part(), Instant::now(), at(1_000));
    let taken = weight(&entry(1));
    let gap = Gap { expected: 2, found: 3 };
    assert_eq!(part.receive([entry(1), entry(3)]), Err((taken, gap)));
    part.stop("gap".to_owned(), now);
    assert_eq!((part.is_stopped(), part.note.take()), (true, Some(Some("gap".to_owned()))));
    assert_eq!(batch(part.next(batches_of(9), clock, now)), [1]);
    part.advance(1);
    assert!(!part.resumes(now));
    assert!(part.resumes(now + STOPPED_FOR));
    assert_eq!((part.subscribe_after(), part.note.take()), (Some(1), Some(None)));
}

#[test]
fn retries_are_for_what_is_parked_and_go_first() {
    let (now, clock) = (Instant::now(), at(1_000));
    let key = |entity: &str| EntityKey { group: String::new(), rooftop: String::new(), entity: entity.to_owned() };
    let mut aside = Aside::default();
    for (entity, timer) in [("bad", false), ("bad", true), ("late", true)] {
        aside.add(key(entity), timer);
    }
    let mut part = Part::new(1, 0, aside);
    part.is_put_right(claim(0));
    for (entity, timer) in [("late", true), ("bad", false), ("good", false), ("bad", false), ("bad", true)] {
        part.retry(key(entity), timer);
    }
    // Nothing is complete yet, so no timer fires; whoever asked stays asked for.
    assert_eq!(part.next(batches_of(9), clock, now).unwrap().0, Work::Retry(key("bad")));
    part.claim(claim(5));
    part.receive([entry(1)]).unwrap();
    part.retry(key("late"), true);
    assert_eq!(part.next(batches_of(9), clock, now).unwrap().0, Work::Refire(key("late"), claim(1)));
    assert_eq!(batch(part.next(batches_of(9), clock, now)), [1]);
}

#[test]
fn a_part_says_why_its_alarms_stand_still_until_they_fire() {
    let (mut part, now, clock) = (part(), Instant::now(), at(1_000));
    part.claim(claim(10));
    part.tick_failed("unlisted".to_owned(), now);
    let why = part.note.take().flatten().unwrap();
    assert!(why.contains("alarms") && why.contains("unlisted"), "{why}");
    // A missing position is what people must look at first.
    part.stop("gap".to_owned(), now);
    assert_eq!(part.note.take(), Some(Some("gap".to_owned())));
    assert!(part.resumes(now + STOPPED_FOR));
    assert_eq!(part.note.take().flatten(), Some(why));
    let (_, asked) = part.to_ask(clock, now + ALARMS_REST).unwrap();
    part.answered(asked, false);
    assert_eq!((part.note.take(), part.alarms_are_stopped()), (Some(None), false));
}

#[test]
fn alarms_stand_still_once_the_database_was_away_several_times_in_a_row() {
    let mut part = part();
    for failures in 1..=PATIENCE {
        assert!(!part.alarms_are_stopped(), "{failures}");
        part.alarms_failed(|| "away".to_owned());
    }
    assert!(part.alarms_are_stopped());
    part.ticked(claim(10));
    assert!(!part.alarms_are_stopped());
    part.alarms_failed(|| "away".to_owned());
    assert!(!part.alarms_are_stopped());
}

#[test]
fn entries_gather_after_the_first_until_a_batch_is_full() {
    let (mut part, now, clock) = (part(), Instant::now(), at(1_000));
    let pace = Pace { max_batch: 3, gather: Duration::from_millis(50) };
    let later = now + Duration::from_millis(20);
    part.receive([entry(1)]).unwrap();
    assert_eq!(batch(part.next(pace, clock, now)), [1]);
    part.receive([entry(2)]).unwrap();
    assert_eq!((part.next(pace, clock, later), part.gathers_until(pace)), (None, Some(now + pace.gather)));
    part.receive([entry(3), entry(4)]).unwrap();
    assert_eq!(part.gathers_until(pace), None);
    assert_eq!(batch(part.next(pace, clock, later)), [2, 3, 4]);
    part.receive([entry(5)]).unwrap();
    assert_eq!(part.next(pace, clock, now + pace.gather), None);
    assert_eq!(batch(part.next(pace, clock, later + pace.gather)), [5]);
}

proptest! {
    /// However runs overlap and repeat, entries come out once, in order, and the buffer weighs what was said.
    #[test]
    fn entries_come_out_once_and_in_order(runs in proptest::collection::vec((0u64..40, 1u64..10), 1..40), size in 1usize..7) {
        let (mut part, now, clock) = (part(), Instant::now(), at(1_000));
        let (mut weighed, mut out, mut known) = (0, Vec::new(), 0);
        for (back, length) in runs {
            let first = known + 1 - back.min(known);
            weighed += part.receive((first..first + length).map(entry)).unwrap();
            known = known.max(first + length - 1);
            prop_assert_eq!(part.buffered_weight(), weighed);
            if let Some((Work::Batch(entries), taken)) = part.next(batches_of(size), clock, now) {
                weighed -= taken;
                out.extend(entries.iter().map(|entry| entry.position));
                part.advance(*out.last().unwrap());
            }
        }
        prop_assert_eq!(&out, &(1..=out.len() as u64).collect::<Vec<_>>());
    }
}
