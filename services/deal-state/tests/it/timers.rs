//! A deal that a sweep cannot fold is parked alone, where people see it, and folds once it is mended and retried.

use std::sync::atomic::Ordering;

use throughline_process::Definition;
use throughline_proto::log::v1::{
    Consumer, ListConsumersRequest, ListParkedRequest, Parked, ParkedPath, RetryParkedRequest,
    log_service_client::LogServiceClient,
};
use throughline_testkit::{connect, eventually};

use crate::kit::{BROKEN, FRAGILE, NORTH, SOON, SOUTH, Suite, event, rooftop_with, says};

/// More than a sweep folds at once.
const DEALS: i64 = 120;

async fn parked(suite: &Suite) -> Vec<Parked> {
    let request = ListParkedRequest { consumer: "deal-state".to_owned(), ..Default::default() };
    LogServiceClient::new(suite.channel()).list_parked(suite.asks(request)).await.unwrap().into_inner().parked
}

async fn parked_once(suite: &Suite, wanted: usize) -> Vec<Parked> {
    eventually(SOON, async || {
        let parked = parked(suite).await;
        if parked.len() == wanted { Ok(parked) } else { Err(format!("{parked:?}")) }
    })
    .await
}

async fn consumer(suite: &Suite) -> Consumer {
    let listed = LogServiceClient::new(suite.channel()).list_consumers(suite.asks(ListConsumersRequest {})).await;
    let [consumer] = <[Consumer; 1]>::try_from(listed.unwrap().into_inner().consumers).unwrap();
    consumer
}

async fn retry(suite: &Suite, parked: &Parked) {
    let Parked { consumer, part, group, rooftop, entity, .. } = parked.clone();
    let request = RetryParkedRequest { consumer, part, group, rooftop, entity };
    let asked = LogServiceClient::new(suite.channel()).retry_parked(suite.asks(request)).await.unwrap().into_inner();
    assert_eq!((asked.entries, asked.timers), (0, 1));
}

/// The directory brings another definition, so that every deal of the rooftop folds anew.
async fn new_definition(suite: &Suite) -> String {
    let mut document = Definition::retail_deal().document().clone();
    document.version += 1;
    let next = Definition::from_document(document).unwrap();
    suite.tell([rooftop_with(NORTH, &next.to_json())]).await;
    next.version().to_owned()
}

async fn folded(suite: &Suite, version: &str, wanted: i64) {
    eventually(SOON, async || {
        let bodies: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT body FROM deal_state.deal WHERE rooftop = 'north' AND group_id = 'summit'")
                .fetch_all(&mut connect(suite.database.url()).await)
                .await
                .unwrap();
        let read = bodies
            .iter()
            .filter_map(|body| <throughline_proto::deal::v1::Deal as prost::Message>::decode(body.as_slice()).ok());
        let done = read.filter(|deal| deal.definition_version == version).count() as i64;
        if done == wanted { Ok(()) } else { Err(format!("{done} of {wanted}")) }
    })
    .await;
}

/// The deal of the seventh subject: its id.
async fn seventh(suite: &Suite) -> String {
    let deal = suite.deal(NORTH, "subject", "S7", "").await;
    deal.name.rsplit('/').next().unwrap().to_owned()
}

async fn some_deals(suite: &Suite) {
    let entries = (0..DEALS).map(|nth| says(NORTH, event("deal.opened", &format!("S{nth}"), nth, &[])));
    let token = suite.tell(entries).await;
    suite.deal(NORTH, "subject", "S7", &token).await;
}

/// Damages something of a deal, sweeps, and mends it again.
async fn one_of_many(damage: &str, mend: &str, why: &str) {
    let suite = Suite::start().await;
    some_deals(&suite).await;
    let id = seventh(&suite).await;
    suite.damage(damage).await;
    let version = new_definition(&suite).await;
    folded(&suite, &version, DEALS - 1).await;
    let found = parked_once(&suite, 1).await;
    assert_eq!((found[0].entity.as_str(), found[0].path(), found[0].position), (id.as_str(), ParkedPath::Timer, 0));
    assert!(found[0].error.contains(why), "{}", found[0].error);
    let status = consumer(&suite).await;
    assert_eq!((status.parked_timers, status.parked_entries, status.stopped_parts.len()), (1, 0, 0));
    eventually(SOON, async || suite.count("SELECT count(*) FROM deal_state.refold").await == 0).await;

    // Another rooftop of the part and another part go on as ever, and so do the other deals.
    let token = suite
        .tell([says(SOUTH, event("deal.opened", "S7", 1, &[])), says(NORTH, event("deal.agreed", "S8", 200, &[]))])
        .await;
    assert_eq!(suite.deal(NORTH, "subject", "S8", &token).await.event_count, 2);

    suite.damage(mend).await;
    retry(&suite, &found[0]).await;
    parked_once(&suite, 0).await;
    folded(&suite, &version, DEALS).await;
}

#[tokio::test]
async fn deal_with_an_unreadable_event_is_parked_alone_by_a_sweep() {
    one_of_many(
        "CREATE TABLE public.kept AS SELECT i.part, i.anchor, i.event, i.body FROM deal_state.fold_input i
           JOIN deal_state.deal_key k ON k.part = i.part AND k.key = i.anchor WHERE k.value = 'S7' AND k.rooftop = 'north';
         UPDATE deal_state.fold_input i SET body = '\\xff' FROM public.kept k
           WHERE (i.part, i.anchor, i.event) = (k.part, k.anchor, k.event)",
        "UPDATE deal_state.fold_input i SET body = k.body FROM public.kept k
           WHERE (i.part, i.anchor, i.event) = (k.part, k.anchor, k.event)",
        "a stored event cannot be read",
    )
    .await;
}

#[tokio::test]
async fn deal_whose_body_is_unreadable_is_parked_alone_by_a_sweep() {
    one_of_many(
        "CREATE TABLE public.kept AS SELECT d.part, d.deal_id, d.body FROM deal_state.deal d
           JOIN deal_state.deal_key k USING (part, deal_id) WHERE k.value = 'S7' AND k.rooftop = 'north';
         UPDATE deal_state.deal d SET body = '\\xff' FROM public.kept k WHERE (d.part, d.deal_id) = (k.part, k.deal_id)",
        "UPDATE deal_state.deal d SET body = k.body FROM public.kept k WHERE (d.part, d.deal_id) = (k.part, k.deal_id)",
        "a stored deal cannot be read",
    )
    .await;
}

#[tokio::test]
async fn deal_with_an_unknown_kind_of_key_is_parked_alone_by_a_sweep() {
    one_of_many(
        "UPDATE deal_state.deal_key SET kind = 'riddle' WHERE value = 'S7' AND rooftop = 'north'",
        "UPDATE deal_state.deal_key SET kind = 'subject' WHERE value = 'S7' AND rooftop = 'north'",
        "cannot be read",
    )
    .await;
}

#[tokio::test]
async fn deal_whose_rows_the_database_refuses_is_parked_alone_by_a_sweep() {
    one_of_many(
        "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF EXISTS (SELECT FROM deal_state.deal_key k WHERE k.deal_id = new.deal_id AND k.value = 'S7') THEN
             RAISE EXCEPTION 'refused';
           END IF;
           RETURN new; END $$;
         CREATE TRIGGER refuse BEFORE UPDATE ON deal_state.deal FOR EACH ROW EXECUTE FUNCTION public.refuse()",
        "DROP TRIGGER refuse ON deal_state.deal",
        "the database refused",
    )
    .await;
}

#[tokio::test]
async fn deal_whose_fold_panics_is_parked_alone_by_a_sweep_and_an_entry_that_folds_heals_it() {
    let suite = Suite::start().await;
    some_deals(&suite).await;
    let token = suite.tell([says(NORTH, event("deal.opened", "bad", 0, &[("visit", FRAGILE)]))]).await;
    let id = suite.deal(NORTH, "subject", "bad", &token).await.name.rsplit('/').next().unwrap().to_owned();
    BROKEN.store(true, Ordering::SeqCst);
    let version = new_definition(&suite).await;
    folded(&suite, &version, DEALS).await;
    let found = parked_once(&suite, 1).await;
    assert_eq!((found[0].entity.as_str(), found[0].path()), (id.as_str(), ParkedPath::Timer));
    BROKEN.store(false, Ordering::SeqCst);
    suite.tell([says(NORTH, event("deal.agreed", "bad", 200, &[]))]).await;
    parked_once(&suite, 0).await;
    folded(&suite, &version, DEALS + 1).await;
}

#[tokio::test]
async fn rooftop_that_cannot_be_read_rests_its_own_sweep_alone() {
    let suite = Suite::start().await;
    some_deals(&suite).await;
    // As if the rooftop's row were spoilt while a sweep of its deals is under way.
    suite
        .damage(
            "CREATE TABLE public.kept AS SELECT * FROM deal_state.rooftop;
             UPDATE deal_state.rooftop SET body = '\\xff' WHERE group_id = 'summit' AND rooftop = 'north';
             INSERT INTO deal_state.refold
             SELECT 7, g, 'north', '00000000-0000-0000-0000-000000000000', true FROM unnest('{summit,rival}'::text[]) g
             ON CONFLICT (part, group_id, rooftop) DO UPDATE SET after_deal = excluded.after_deal, every_deal = true",
        )
        .await;
    let found = parked_once(&suite, 1).await;
    let named = (found[0].group.as_str(), found[0].rooftop.as_str(), found[0].entity.as_str(), found[0].path());
    assert_eq!(named, ("summit", "north", "rooftop", ParkedPath::Timer));
    // The other group's rooftop of the same part is swept to its end; this one's sweep is not lost.
    eventually(SOON, async || {
        let under_way: Vec<(String, String)> = sqlx::query_as("SELECT group_id, rooftop FROM deal_state.refold")
            .fetch_all(&mut connect(suite.database.url()).await)
            .await
            .unwrap();
        if under_way == [("summit".to_owned(), "north".to_owned())] { Ok(()) } else { Err(format!("{under_way:?}")) }
    })
    .await;
    assert_eq!(consumer(&suite).await.stopped_parts.len(), 0);

    suite
        .damage(
            "UPDATE deal_state.rooftop r SET body = k.body FROM public.kept k
             WHERE (r.group_id, r.rooftop) = (k.group_id, k.rooftop)",
        )
        .await;
    retry(&suite, &found[0]).await;
    parked_once(&suite, 0).await;
    eventually(SOON, async || suite.count("SELECT count(*) FROM deal_state.refold").await == 0).await;
}

#[tokio::test]
async fn deal_that_cannot_be_read_parks_no_other_that_sells_its_car() {
    let suite = Suite::start().await;
    let car = ("vin", "1M8GDM9AXKP042788");
    let sold = |deal: &str, minute| [says(NORTH, event("deal.agreed", deal, minute, &[("dms_deal", deal), car]))];
    let token = suite.tell(sold("D1", 0)).await;
    let id = suite.deal(NORTH, "dms_deal", "D1", &token).await.name.rsplit('/').next().unwrap().to_owned();
    suite
        .damage(
            "CREATE TABLE public.kept AS SELECT deal_id, body FROM deal_state.deal;
             UPDATE deal_state.deal SET body = '\\xff'",
        )
        .await;
    suite.tell(sold("D2", 5)).await;
    let found = parked_once(&suite, 1).await;
    assert_eq!((found[0].entity.as_str(), found[0].path()), (id.as_str(), ParkedPath::Timer));
    eventually(SOON, async || suite.count("SELECT count(*) FROM deal_state.deal WHERE event_count = 1").await == 2)
        .await;

    suite.damage("UPDATE deal_state.deal d SET body = k.body FROM public.kept k WHERE d.deal_id = k.deal_id").await;
    retry(&suite, &found[0]).await;
    parked_once(&suite, 0).await;
    // Both know of each other once the first can be read again.
    for number in ["D1", "D2"] {
        let deal = suite.deal(NORTH, "dms_deal", number, "").await;
        assert!(deal.exceptions.iter().any(|exception| exception.kind == "vin_in_two_deals"), "{number}");
    }
}

#[tokio::test]
async fn unreadable_event_parks_the_entries_of_its_own_deal_alone() {
    let suite = Suite::start().await;
    some_deals(&suite).await;
    let id = seventh(&suite).await;
    suite
        .damage(
            "UPDATE deal_state.fold_input i SET body = '\\xff' FROM deal_state.deal_key k
             WHERE k.part = i.part AND k.key = i.anchor AND k.value = 'S7' AND k.rooftop = 'north'",
        )
        .await;
    let entries = (0..DEALS).map(|nth| says(NORTH, event("deal.agreed", &format!("S{nth}"), nth + 200, &[])));
    let token = suite.tell(entries).await;
    assert_eq!(suite.deal(NORTH, "subject", "S8", &token).await.event_count, 2);
    // The first `deal.agreed` of the rooftop begins a sweep, which cannot fold the deal either.
    let found = parked_once(&suite, 2).await;
    let parked: Vec<_> = found.iter().map(|parked| (parked.path(), parked.entity.as_str())).collect();
    assert_eq!(parked, [(ParkedPath::Timer, id.as_str()), (ParkedPath::Entry, "crm S7")]);
    let folded = suite.count("SELECT count(*) FROM deal_state.deal WHERE event_count = 2").await;
    assert_eq!(folded, DEALS - 1);
}
