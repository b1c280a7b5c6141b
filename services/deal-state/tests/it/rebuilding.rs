//! Deals rebuilt from the event log beside the live ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, Ordering},
};

use futures::StreamExt;
use prost::Message as _;
use throughline_journal::NewEntry;
use throughline_proto::{
    deal::v1::{
        Deal, RebuildDifferenceKind, RebuildRequest, RebuildResponse, RebuildSummary, rebuild_response::Said,
        rebuild_service_client::RebuildServiceClient,
    },
    event::v1::{Event, Origin},
    log::v1::entry_body::Body,
    time::to_wire,
};
use throughline_testkit::eventually;
use tonic::{Code, Status, Streaming};

use crate::kit::{NORTH, RIVAL, SOON, SOUTH, SPOILABLE, SPOILT, Suite, at, event, says, signed};

const SERVICE_KEY: &str = "service-key-for-tests";

/// What a rebuild said.
#[derive(Debug, Default)]
struct Heard {
    differences: BTreeSet<(String, RebuildDifferenceKind, String)>,
    refusals: Vec<(u32, String)>,
    summary: RebuildSummary,
}

async fn begin(suite: &Suite, dry_run: bool) -> Streaming<RebuildResponse> {
    let request = signed(SERVICE_KEY, RebuildRequest { dry_run, max_differences: 0 });
    RebuildServiceClient::new(suite.channel()).rebuild(request).await.unwrap().into_inner()
}

async fn hear(mut stream: Streaming<RebuildResponse>) -> Result<Heard, Status> {
    let mut heard = Heard::default();
    while let Some(said) = stream.next().await {
        match said?.said.unwrap() {
            Said::Progress(_) => {}
            Said::Difference(difference) => {
                let of = if difference.deal.is_empty() { &difference.rooftop } else { &difference.deal };
                heard.differences.insert((difference.table.clone(), difference.kind(), of.clone()));
            }
            Said::Refusal(refusal) => heard.refusals.push((refusal.part, refusal.reason)),
            Said::Summary(summary) => heard.summary = summary,
        }
    }
    assert!(heard.summary.parts >= 2, "the summary comes last");
    Ok(heard)
}

async fn rebuild(suite: &Suite, dry_run: bool) -> Heard {
    hear(begin(suite, dry_run).await).await.unwrap()
}

/// A history with all that makes folding and joining hard. Answers with the token of all of it.
async fn a_history(suite: &Suite) -> String {
    let sale = ("sale", "K1/2026d250");
    let withdrawn = event("deal.lost", "S3", 20, &[]);
    let withdraws = Event { withdraws: withdrawn.id.clone(), ..event("deal.lost", "S3", 21, &[]) };
    let only = event("deal.opened", "S9", 3, &[]);
    let only_withdrawn = Event { withdraws: only.id.clone(), ..event("deal.opened", "S9", 4, &[]) };
    suite
        .tell([
            // Late, repeated, and joined by a number that comes last.
            says(NORTH, event("deal.agreed", "S1", 40, &[("dms_deal", "D100"), ("stock", "K7"), ("vin", "X1")])),
            says(NORTH, event("deal.opened", "S1", 0, &[("visit", "V1")])),
            says(NORTH, event("deal.opened", "S1", 0, &[("visit", "V1")])),
            says(NORTH, event("deal.desk.started", "S2", 30, &[("dms_deal", "D101")])),
            says(SOUTH, event("deal.opened", "S1", 0, &[("visit", "V1")])),
            says(RIVAL, event("deal.opened", "S1", 0, &[("visit", "V1")])),
        ])
        .await;
    suite.tell([says(NORTH, withdrawn), says(NORTH, withdraws), says(NORTH, only), says(NORTH, only_withdrawn)]).await;
    // A sale joins two of them, and a third takes them apart again.
    suite.tell([says(NORTH, event("deal.agreed", "A", 1, &[("visit", "VA"), sale]))]).await;
    let token = suite.tell([says(NORTH, event("deal.agreed", "B", 5, &[("dms_deal", "DB"), sale]))]).await;
    suite.hash(&token).await;
    suite.tell([says(NORTH, event("deal.agreed", "C", 8, &[("visit", "VC"), sale]))]).await;
    let mut many = Vec::new();
    for nth in 0..150 {
        many.push(says(NORTH, event("deal.fi.started", &format!("M{nth}"), nth + 10, &[])));
        many.push(says(SOUTH, event("deal.opened", &format!("M{nth}"), nth, &[("stock", &format!("K{nth}"))])));
    }
    suite.tell(many).await;
    let token = suite.tell([says(NORTH, event("deal.desk.started", "S2", 31, &[("visit", "V1")]))]).await;
    suite.hash(&token).await;
    eventually(SOON, async || suite.count("SELECT count(*) FROM deal_state.refold").await == 0).await;
    token
}

/// Every entry is of a higher revision than the one before about the same deal.
fn in_order(said: &[(String, Body)]) {
    let mut last = BTreeMap::new();
    for (entity, body) in said {
        let revision = match body {
            Body::Deal(deal) => deal.revision,
            Body::DealRetraction(retraction) => retraction.revision,
            _ => continue,
        };
        let before = last.insert(entity.clone(), revision);
        assert!(before.is_none_or(|before| before < revision), "{entity}: {revision} after {before:?}");
    }
}

#[tokio::test]
async fn sound_deals_are_found_equal_and_nothing_is_said() {
    let suite = Suite::start().await;
    a_history(&suite).await;
    let (hash, said) = (suite.hash("").await, (suite.said(NORTH.part).await, suite.said(SOUTH.part).await));
    for dry_run in [true, false] {
        let heard = rebuild(&suite, dry_run).await;
        assert_eq!((heard.differences, heard.refusals), (BTreeSet::new(), Vec::new()));
        let RebuildSummary { rows_mended, entries_said, deals_compared, entries_read, .. } = heard.summary;
        assert_eq!((rows_mended, entries_said), (0, 0));
        let deals = suite.count("SELECT count(*) FROM deal_state.deal").await;
        assert_eq!(deals_compared, deals as u64, "those of every group, and what is no deal now");
        let entries = suite.count("SELECT sum(pos)::bigint FROM ingestion.event_head").await;
        assert_eq!(entries_read, entries as u64);
    }
    assert_eq!((suite.said(NORTH.part).await, suite.said(SOUTH.part).await), said);
    assert_eq!(suite.hash("").await, hash);
    let left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'throughline\\_rebuild\\_' || \
                (SELECT oid FROM pg_database WHERE datname = current_database()) || '%'";
    assert_eq!(suite.count(left).await, 0, "it leaves no database behind");
}

#[tokio::test]
async fn what_was_damaged_is_named_and_mended_and_nothing_else_is_said() {
    let suite = Suite::start().await;
    a_history(&suite).await;
    // The row that will be deleted was said more than once: its revision must go on from there.
    let token = suite.tell([says(NORTH, event("deal.agreed", "M3", 300, &[]))]).await;
    let gone = suite.deal(NORTH, "subject", "M3", &token).await;
    assert_eq!(gone.revision, 2);
    // Told often, one by one; the rebuild folds it in one go, and the row will hold the lower revision of another.
    for nth in 0..6 {
        let token = suite.tell([says(NORTH, event("deal.desk.started", "S1", 50 + nth, &[]))]).await;
        suite.deal(NORTH, "visit", "V1", &token).await;
    }
    let (joined, other, south) = (
        suite.deal(NORTH, "visit", "V1", "").await,
        suite.deal(NORTH, "visit", "VA", "").await,
        suite.deal(SOUTH, "subject", "M5", "").await,
    );
    let id = |name: &str| name.rsplit('/').next().unwrap().to_owned();
    let hash = suite.hash("").await;
    let entries = (suite.said(NORTH.part).await, suite.said(SOUTH.part).await);

    suite
        .damage(&format!(
            "UPDATE deal_state.deal d SET state_hash = o.state_hash, body = o.body FROM deal_state.deal o
              WHERE d.deal_id = '{joined}' AND o.deal_id = '{other}';
             UPDATE deal_state.deal_key SET deal_id = '{other}' WHERE kind = 'dms_deal' AND value = 'D101';
             DELETE FROM deal_state.fold_input WHERE anchor = (SELECT key FROM deal_state.deal_key
              WHERE deal_id = '{south}');
             INSERT INTO deal_state.deal_mark VALUES (200, '{south}', 'vin', 'WRONG', 'summit', 'south');
             DELETE FROM deal_state.deal WHERE deal_id = '{gone}'",
            joined = id(&joined.name),
            other = id(&other.name),
            south = id(&south.name),
            gone = id(&gone.name),
        ))
        .await;
    let wrong = [
        ("deal", RebuildDifferenceKind::Changed, &joined.name),
        ("deal_key", RebuildDifferenceKind::Changed, &joined.name),
        ("fold_input", RebuildDifferenceKind::Missing, &south.name),
        ("deal_mark", RebuildDifferenceKind::Surplus, &south.name),
        ("deal", RebuildDifferenceKind::Missing, &gone.name),
    ];
    let wrong: BTreeSet<_> =
        wrong.into_iter().map(|(table, kind, deal)| (table.to_owned(), kind, deal.clone())).collect();

    let dry = rebuild(&suite, true).await;
    assert_eq!(dry.differences, wrong);
    assert_eq!((dry.summary.rows_mended, dry.summary.entries_said), (0, 0));
    assert_ne!(suite.hash("").await, hash, "a dry run changes nothing");
    assert_eq!((suite.said(NORTH.part).await, suite.said(SOUTH.part).await), entries);

    let mended = rebuild(&suite, false).await;
    assert_eq!(mended.differences, wrong);
    assert_eq!((mended.summary.rows_mended, mended.summary.entries_said), (5, 2));
    assert_eq!(suite.hash("").await, hash);
    let said = suite.said(NORTH.part).await;
    let new: BTreeMap<_, _> = said[entries.0.len()..]
        .iter()
        .map(|(entity, body)| match body {
            Body::Deal(deal) => (entity.clone(), deal.revision),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        new.keys().cloned().collect::<Vec<_>>(),
        sorted([id(&joined.name), id(&gone.name)]),
        "those that were wrong"
    );
    assert_eq!(suite.said(SOUTH.part).await, entries.1, "what is not of a deal's content is nobody else's business");
    in_order(&said);
    assert_eq!(suite.deal(NORTH, "dms_deal", "D101", "").await.name, joined.name);
    assert!(rebuild(&suite, true).await.differences.is_empty());

    // The live owner has its parts again.
    let token = suite.tell([says(NORTH, event("deal.delivered", "M3", 400, &[]))]).await;
    assert!(suite.deal(NORTH, "subject", "M3", &token).await.revision > new[&id(&gone.name)]);
    in_order(&suite.said(NORTH.part).await);
}

fn sorted<const N: usize>(mut ids: [String; N]) -> [String; N] {
    ids.sort();
    ids
}

#[tokio::test]
async fn a_deal_too_many_is_retracted_in_favour_of_who_has_its_keys() {
    let suite = Suite::start().await;
    a_history(&suite).await;
    let (deal, hash) = (suite.deal(NORTH, "visit", "V1", "").await, suite.hash("").await);
    let id = deal.name.rsplit('/').next().unwrap();
    // A former id that stands again, as if the joins had been forgotten, and a deal that no event ever told of.
    suite
        .damage(&format!(
            "INSERT INTO deal_state.deal SELECT part, k.key, d.group_id, d.rooftop, state, open, blind, opened_at,
               last_event_at, rework, event_count, state_hash, body
              FROM deal_state.deal d JOIN deal_state.deal_key k USING (part, deal_id)
              WHERE d.deal_id = '{id}' AND k.kind = 'dms_deal' AND k.value = 'D100';
             INSERT INTO deal_state.deal SELECT part, '00000000-0000-0000-0000-00000000000f', group_id, rooftop, state, open,
               blind, opened_at, last_event_at, rework, event_count, state_hash, '\\xff'
              FROM deal_state.deal WHERE deal_id = '{id}'"
        ))
        .await;
    assert_eq!(rebuild(&suite, false).await.summary.entries_said, 1, "nobody was ever told of the other");
    let said = suite.said(NORTH.part).await;
    let Some((_, Body::DealRetraction(retraction))) = said.last() else { panic!("{:?}", said.last()) };
    assert_eq!((retraction.survivor.as_str(), retraction.revision), (deal.name.as_str(), deal.revision + 1));
    assert_eq!(suite.hash("").await, hash);
}

#[tokio::test]
async fn events_that_come_meanwhile_are_neither_lost_nor_said_twice() {
    let suite = Suite::start().await;
    a_history(&suite).await;
    // Many wrong deals on a part where much happens: another count of rework behind the right one, so that they can be read.
    let spoil = "UPDATE deal_state.deal SET state_hash = '\\x00', body = body || '\\x684d' WHERE part = 7 AND group_id = 'summit';
                 DELETE FROM deal_state.fold_input WHERE part = 7 AND group_id = 'summit' AND event < 'a0000000-0000-0000-0000-000000000000'";
    let done = AtomicBool::new(false);
    let writing = async {
        let mut told = 0;
        let mut token = String::new();
        while !done.load(Ordering::SeqCst) || told < 50 {
            let late = event("deal.desk.started", &format!("M{}", told % 150), 500 + told, &[]);
            let new = event("deal.opened", &format!("N{told}"), told, &[("visit", &format!("VN{told}"))]);
            token = suite.tell([says(NORTH, late), says(NORTH, new)]).await;
            told += 1;
            tokio::task::yield_now().await;
        }
        (told, token)
    };
    let rebuilding = async {
        suite.damage(spoil).await;
        let heard = rebuild(&suite, false).await;
        done.store(true, Ordering::SeqCst);
        heard
    };
    let ((told, token), heard) = tokio::join!(writing, rebuilding);
    assert!(heard.summary.entries_said > 100, "{heard:?}");
    assert_eq!(heard.refusals, []);
    suite.hash(&token).await;
    let again = rebuild(&suite, true).await;
    assert_eq!(again.differences, BTreeSet::new(), "{:?} behind {:?}", again.summary, heard.summary);
    for nth in [0, told / 2, told - 1] {
        assert_eq!(suite.deal(NORTH, "visit", &format!("VN{nth}"), "").await.event_count, 1);
    }
    in_order(&suite.said(NORTH.part).await);
}

#[tokio::test]
async fn a_deal_that_cannot_be_read_is_mended_and_what_waited_for_it_goes_on() {
    let suite = Suite::start().await;
    a_history(&suite).await;
    let deal = suite.deal(NORTH, "subject", "M3", "").await;
    let id = deal.name.rsplit('/').next().unwrap();
    suite.damage(&format!("UPDATE deal_state.deal SET body = '\\xff' WHERE deal_id = '{id}'")).await;
    suite.tell([says(NORTH, event("deal.agreed", "M3", 300, &[]))]).await;
    let parked = async || suite.count("SELECT count(*) FROM deal_state.parked").await;
    eventually(SOON, async || parked().await == 1).await;
    let heard = rebuild(&suite, false).await;
    assert_eq!((heard.refusals, heard.summary.entries_said), (Vec::new(), 1));
    let mended = suite.deal(NORTH, "subject", "M3", "").await;
    assert_eq!(mended.event_count, 2, "what was parked is in the event log");
    assert!(mended.revision > deal.revision);
    suite.damage("UPDATE deal_state.parked SET retry_at = now()").await;
    eventually(SOON, async || parked().await == 0).await;
    assert_eq!(suite.deal(NORTH, "subject", "M3", "").await, mended, "it comes to the same");
    assert!(rebuild(&suite, true).await.differences.is_empty());
}

#[tokio::test]
async fn one_that_is_stopped_leaves_nothing_in_the_way_of_the_next() {
    let suite = Suite::start().await;
    a_history(&suite).await;
    let hash = suite.hash("").await;
    suite.damage("UPDATE deal_state.deal SET state_hash = '\\x00' WHERE group_id = 'summit'").await;
    let mut first = begin(&suite, false).await;
    first.next().await.unwrap().unwrap();
    let second = hear(begin(&suite, false).await).await.unwrap_err();
    assert_eq!(second.code(), Code::FailedPrecondition, "{second:?}");
    assert!(second.message().contains("under way"), "{second:?}");
    drop(first);
    let heard = eventually(SOON, async || hear(begin(&suite, false).await).await).await;
    assert_eq!(suite.hash("").await, hash, "{heard:?}");
}

#[tokio::test]
async fn a_log_without_its_first_entries_is_refused_and_the_part_is_named() {
    let suite = Suite::start().await;
    a_history(&suite).await;
    suite.damage("UPDATE ingestion.event_head SET first_pos = 2 WHERE part = 200").await;
    eventually(SOON, async || match hear(begin(&suite, true).await).await {
        Err(refused) if refused.code() == Code::OutOfRange && refused.message().contains("part 200") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
}

#[tokio::test]
async fn what_the_rebuild_cannot_process_is_not_taken_from_the_live_deals() {
    let suite = Suite::start().await;
    let token = suite.tell([says(NORTH, event("deal.opened", "S1", 0, &[("visit", SPOILABLE)]))]).await;
    let deal = suite.deal(NORTH, "visit", SPOILABLE, &token).await;
    SPOILT.store(true, Ordering::SeqCst);
    let heard = rebuild(&suite, false).await;
    SPOILT.store(false, Ordering::SeqCst);
    let [(7, why)] = heard.refusals.as_slice() else { panic!("{heard:?}") };
    assert!(why.contains("position 3"), "{why}");
    assert_eq!((heard.summary.parts_refused, heard.summary.rows_mended), (1, 0));
    assert_eq!(suite.deal(NORTH, "visit", SPOILABLE, "").await, deal);
    assert!(rebuild(&suite, false).await.differences.is_empty());
}

#[tokio::test]
async fn only_who_runs_the_suite_may_rebuild() {
    let suite = Suite::start().await;
    let refused = RebuildServiceClient::new(suite.channel()).rebuild(suite.asks(RebuildRequest::default())).await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    let request = signed(SERVICE_KEY, RebuildRequest { dry_run: true, max_differences: -1 });
    let refused = RebuildServiceClient::new(suite.channel()).rebuild(request).await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn when_history_was_recorded_is_compared_and_put_right() {
    let suite = Suite::start().await;
    suite.hand.set(at(1));
    let imported = says(NORTH, event("deal.opened", "S1", 0, &[("visit", "V1")]));
    suite.tell([NewEntry { origin: Origin::Backfill, ..imported }]).await;
    suite.hand.set(at(2));
    let token = suite.tell([says(NORTH, event("deal.agreed", "S1", 1, &[]))]).await;
    let deal = suite.deal(NORTH, "visit", "V1", &token).await;
    assert_eq!(deal.history_recorded_at, Some(to_wire(at(1))));
    assert!(rebuild(&suite, true).await.differences.is_empty());

    let wrong = Deal { history_recorded_at: None, ..deal.clone() }.encode_to_vec();
    let wrong: String = wrong.iter().map(|byte| format!("{byte:02x}")).collect();
    suite.damage(&format!("UPDATE deal_state.deal SET body = '\\x{wrong}'")).await;
    assert_eq!(rebuild(&suite, false).await.differences.len(), 1);
    assert_eq!(suite.deal(NORTH, "visit", "V1", "").await.history_recorded_at, deal.history_recorded_at);
}
