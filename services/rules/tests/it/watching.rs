//! The live view of flags and reviews: a snapshot, then every change once and in order, and resuming.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use pb::{
    deal::v1::Deal,
    log::v1::entry_body::Body,
    rule::v1::{
        AcknowledgeFlagRequest, Flag, ListFlagsRequest, ListReviewsRequest, RemovalReason, ResolveReviewRequest,
        Review, WatchFlagsRequest, WatchFlagsResponse, rule_service_client::RuleServiceClient,
    },
    tenant::v1::Rooftop,
};
use throughline_proto as pb;
use throughline_testkit::ends_within;
use tonic::{Code, Request, Streaming, transport::Endpoint};
use tonic_types::StatusExt;

use crate::kit::*;

/// With a rooftop that rules knows of.
async fn open_desk() -> Desk {
    let desk = Desk::open().await;
    desk.flags(&desk.tell(rooftop(ROOFTOP)).await).await;
    desk
}

async fn open(client: &mut Rules, request: WatchFlagsRequest) -> Streaming<WatchFlagsResponse> {
    let request = WatchFlagsRequest { parent: format!("groups/{GROUP}"), ..request };
    client.watch_flags(request).await.unwrap().into_inner()
}

async fn next(stream: &mut Streaming<WatchFlagsResponse>) -> WatchFlagsResponse {
    let message = tokio::time::timeout(SOON, stream.message()).await;
    message.expect("in time").unwrap().expect("the stream goes on")
}

/// The next message that is no heartbeat.
async fn change(stream: &mut Streaming<WatchFlagsResponse>) -> WatchFlagsResponse {
    ends_within(SOON, async {
        loop {
            let message = next(stream).await;
            if message.delay.is_some() || message.snapshot || !message.added_rooftops.is_empty() {
                return message;
            }
        }
    })
    .await
}

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

/// What `ListFlags` and `ListReviews` say stands, by name.
async fn listed(desk: &Desk) -> (BTreeMap<String, Flag>, BTreeMap<String, Review>) {
    let mut client = desk.client();
    let mut flags = BTreeMap::new();
    let mut request = ListFlagsRequest { parent: format!("groups/{GROUP}"), page_size: 500, ..Default::default() };
    loop {
        let page = client.list_flags(request.clone()).await.unwrap().into_inner();
        flags.extend(page.flags.into_iter().map(|flag| (flag.name.clone(), flag)));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let request = ListReviewsRequest { parent: format!("groups/{GROUP}"), page_size: 500, ..Default::default() };
    let page = client.list_reviews(request).await.unwrap().into_inner();
    assert_eq!(page.next_page_token, "");
    (flags, page.reviews.into_iter().map(|review| (review.name.clone(), review)).collect())
}

/// What a watcher knows after some messages, and every change that it was sent.
#[derive(Default)]
struct Watcher {
    flags: BTreeMap<String, Flag>,
    reviews: BTreeMap<String, Review>,
    under_way: bool,
    token: String,
    /// By name, in order, without what snapshots held: the revision, or why it was removed.
    sent: BTreeMap<String, Vec<String>>,
}

impl Watcher {
    fn apply(&mut self, message: WatchFlagsResponse) {
        if message.snapshot {
            if !self.under_way {
                (self.flags, self.reviews) = Default::default();
            }
            self.under_way = !message.complete;
        }
        assert_eq!(message.complete, !message.resume_token.is_empty());
        self.token = message.resume_token;
        let mut names = BTreeSet::new();
        let mut sent = |name: &str, what: String| {
            assert!(names.insert(name.to_owned()), "{name} twice in one message");
            // A snapshot has no delay: a change has.
            if message.delay.is_some() {
                self.sent.entry(name.to_owned()).or_default().push(what);
            }
        };
        for flag in message.flags {
            sent(&flag.name, flag.revision.to_string());
            self.flags.insert(flag.name.clone(), flag);
        }
        for removal in message.removed_flags {
            sent(&removal.name, removal.reason().as_str_name().to_owned());
            self.flags.remove(&removal.name);
        }
        for review in message.reviews {
            sent(&review.name, review.etag.clone());
            self.reviews.insert(review.name.clone(), review);
        }
        for removal in message.removed_reviews {
            sent(&removal.name, removal.reason().as_str_name().to_owned());
            self.reviews.remove(&removal.name);
        }
    }

    fn changes(&self) -> usize {
        self.sent.values().map(Vec::len).sum()
    }
}

/// What the flag log says, in the terms of [`Watcher::sent`].
fn logged(log: &[(Body, String)]) -> BTreeMap<String, Vec<String>> {
    let mut changes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (body, _) in log {
        let reason = |reason: RemovalReason| reason.as_str_name().to_owned();
        let (name, what) = match body {
            Body::Flag(flag) if flag.closed_at.is_none() => (&flag.name, flag.revision.to_string()),
            Body::Flag(flag) => (&flag.name, reason(RemovalReason::Closed)),
            Body::FlagRetraction(flag) => (&flag.name, reason(RemovalReason::Retracted)),
            Body::Review(review) if review.resolved_at.is_none() => (&review.name, review.etag.clone()),
            Body::Review(review) if review.resolved_by.is_empty() => (&review.name, reason(RemovalReason::Vanished)),
            Body::Review(review) => (&review.name, reason(RemovalReason::Resolved)),
            other => panic!("{other:?}"),
        };
        changes.entry(name.clone()).or_default().push(what);
    }
    changes
}

fn returned(id: &str, known_at: i64) -> Deal {
    Deal { exceptions: vec![exception("contract_returned", 3)], ..deal(id, known_at, Vec::new()) }
}

fn acknowledge(name: &str, actor: &str) -> AcknowledgeFlagRequest {
    AcknowledgeFlagRequest { name: name.to_owned(), actor: actor.to_owned(), ..Default::default() }
}

fn other_rooftop(id: &str) -> Rooftop {
    Rooftop { name: format!("groups/{GROUP}/rooftops/{id}"), ..Default::default() }
}

/// A deal of another rooftop that waits since an hour ago.
fn waiting_at(rooftop: &str, id: &str) -> Deal {
    let name = format!("groups/{GROUP}/rooftops/{rooftop}/deals/{id}");
    Deal { name, ..deal(id, 0, vec![fi(-60, None)]) }
}

#[tokio::test]
async fn snapshot_equals_what_list_flags_says_and_ends_when_asked_once() {
    let desk = open_desk().await;
    let mut entries = vec![said(returned("R1", 4)), said(deal("C1", 0, vec![fi(-60, Some(-5))]))];
    entries.extend((0..300).map(|nth| said(deal(&format!("D{nth}"), 0, vec![fi(-60 - nth, None)]))));
    let token = desk.tell_all(entries).await;
    desk.flags(&token).await;
    let (flags, reviews) = listed(&desk).await;
    assert_eq!((flags.len(), reviews.len()), (300, 1));

    for flags_only in [false, true] {
        let request = WatchFlagsRequest { once: true, flags_only, ..Default::default() };
        let mut stream = open(&mut desk.client(), request).await;
        let mut watcher = Watcher::default();
        let mut pages = 0;
        while let Some(page) = stream.message().await.unwrap() {
            assert!(page.snapshot && page.flags.len() + page.reviews.len() <= 250 && page.delay.is_none());
            pages += 1;
            watcher.apply(page);
        }
        assert!(pages > 1 && !watcher.under_way);
        assert_eq!(watcher.flags, flags);
        let expected = if flags_only { BTreeMap::new() } else { reviews.clone() };
        assert_eq!(watcher.reviews, expected);
    }
}

#[tokio::test]
async fn flag_is_sent_at_each_change_and_leaves_when_it_closes_or_is_retracted() {
    let desk = open_desk().await;
    let mut stream = open(&mut desk.client(), WatchFlagsRequest::default()).await;
    let empty = next(&mut stream).await;
    assert!(empty.snapshot && empty.complete && empty.flags.is_empty());

    desk.tell(said(deal("D1", 0, vec![fi(0, None)]))).await;
    desk.tell(said(deal("D2", 0, vec![fi(0, None)]))).await;
    desk.pass(at(15)).await;
    let mut opened = Vec::new();
    while opened.len() < 2 {
        let message = change(&mut stream).await;
        assert!(!message.snapshot && message.complete && message.delay.is_some());
        opened.extend(message.flags);
    }
    let standing: Vec<Flag> = listed(&desk).await.0.into_values().collect();
    opened.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(opened, standing);

    let of = |id: &str| standing.iter().find(|flag| flag.keys[0].ends_with(id)).unwrap().name.clone();
    let taken = desk.client().acknowledge_flag(acknowledge(&of("D1"), "S17")).await.unwrap().into_inner();
    assert_eq!(change(&mut stream).await.flags, [taken]);

    desk.hand.set(at(16));
    desk.tell(said(deal("D1", 16, vec![fi(0, Some(16))]))).await;
    let closed = change(&mut stream).await;
    assert_eq!((closed.removed_flags.len(), closed.removed_flags[0].name.clone()), (1, of("D1")));
    assert_eq!(closed.removed_flags[0].reason(), RemovalReason::Closed);

    desk.hand.set(at(17));
    desk.tell(said(deal("D2", 17, vec![fi(0, Some(10))]))).await;
    let retracted = change(&mut stream).await;
    assert_eq!((retracted.removed_flags.len(), retracted.removed_flags[0].name.clone()), (1, of("D2")));
    assert_eq!(retracted.removed_flags[0].reason(), RemovalReason::Retracted);
    assert!(retracted.flags.is_empty() && retracted.reviews.is_empty());
}

#[tokio::test]
async fn review_opens_and_leaves_when_it_is_resolved_or_its_cause_vanishes() {
    let desk = open_desk().await;
    let mut stream = open(&mut desk.client(), WatchFlagsRequest::default()).await;
    let mut flags_only = open(&mut desk.client(), WatchFlagsRequest { flags_only: true, ..Default::default() }).await;
    next(&mut stream).await;
    next(&mut flags_only).await;

    desk.tell_all(vec![said(returned("D1", 4)), said(returned("D2", 4))]).await;
    let opened = change(&mut stream).await.reviews;
    assert_eq!(opened.len(), 2);
    assert_eq!(listed(&desk).await.1, by_name(&opened));

    let of = |id: &str| opened.iter().find(|review| review.deal == deal_name(id)).unwrap().name.clone();
    let resolve = ResolveReviewRequest {
        name: of("D1"),
        actor: "S3".to_owned(),
        resolution: "sent_again".to_owned(),
        ..Default::default()
    };
    desk.client().resolve_review(resolve).await.unwrap();
    let resolved = change(&mut stream).await.removed_reviews.remove(0);
    assert_eq!((resolved.name.clone(), resolved.reason()), (of("D1"), RemovalReason::Resolved));

    desk.tell(said(deal("D2", 5, Vec::new()))).await;
    let vanished = change(&mut stream).await.removed_reviews.remove(0);
    assert_eq!((vanished.name.clone(), vanished.reason()), (of("D2"), RemovalReason::Vanished));

    // Who asked for flags alone hears of the next flag first.
    desk.tell(said(deal("D3", 5, vec![fi(-60, None)]))).await;
    let first = change(&mut flags_only).await;
    assert_eq!((first.flags.len(), first.reviews.len(), first.removed_reviews.len()), (1, 0, 0));
}

#[tokio::test]
async fn heartbeat_comes_at_the_requested_interval_and_carries_nothing_else() {
    let desk = open_desk().await;
    desk.flags(&desk.tell(said(deal("D1", 0, vec![fi(-60, None)]))).await).await;
    let began = Instant::now();
    let request = WatchFlagsRequest { heartbeat: seconds(1), ..Default::default() };
    let mut stream = open(&mut desk.client(), request.clone()).await;
    let slow = WatchFlagsRequest { heartbeat: seconds(60), ..Default::default() };
    let mut slower = open(&mut desk.client(), slow).await;
    assert!(next(&mut stream).await.snapshot && next(&mut slower).await.snapshot);
    let beat = tokio::select! {
        beat = next(&mut stream) => beat,
        other = next(&mut slower) => panic!("nothing happens for a minute: {other:?}"),
    };
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    let nothing_else = WatchFlagsResponse {
        complete: true,
        as_of: Some(pb::time::to_wire(at(0))),
        resume_token: beat.resume_token.clone(),
        ..Default::default()
    };
    assert_eq!(beat, nothing_else);
    let resumed = WatchFlagsRequest { resume_token: beat.resume_token, ..request };
    assert_eq!(next(&mut open(&mut desk.client(), resumed).await).await.flags, [], "a heartbeat resumes");

    for heartbeat in [(-1, 0), (0, 1), (60, 1), (5, -1)] {
        let heartbeat = Some(prost_types::Duration { seconds: heartbeat.0, nanos: heartbeat.1 });
        let request = WatchFlagsRequest { parent: format!("groups/{GROUP}"), heartbeat, ..Default::default() };
        let refused = desk.client().watch_flags(request).await.unwrap_err();
        let fields = refused.get_details_bad_request().unwrap().field_violations;
        assert_eq!((refused.code(), fields[0].field.as_str()), (Code::InvalidArgument, "heartbeat"));
    }
}

#[tokio::test]
async fn stream_of_an_unknown_rooftop_or_with_another_streams_token_is_refused() {
    let desk = open_desk().await;
    desk.flags(&desk.tell(rooftop("RT002")).await).await;
    let token = next(&mut open(&mut desk.client(), WatchFlagsRequest::default()).await).await.resume_token;
    let of = |rooftops: &[&str]| rooftops.iter().map(|rooftop| (*rooftop).to_owned()).collect::<Vec<_>>();
    for (request, code) in [
        (WatchFlagsRequest { rooftops: of(&["nowhere"]), ..Default::default() }, Code::NotFound),
        (WatchFlagsRequest { rooftops: of(&[ROOFTOP; 257]), ..Default::default() }, Code::InvalidArgument),
        (WatchFlagsRequest { resume_token: "forged".to_owned(), ..Default::default() }, Code::InvalidArgument),
        (
            WatchFlagsRequest { resume_token: token.clone(), rooftops: of(&["RT002"]), ..Default::default() },
            Code::InvalidArgument,
        ),
        (
            WatchFlagsRequest { resume_token: token.clone(), flags_only: true, ..Default::default() },
            Code::InvalidArgument,
        ),
    ] {
        let request = WatchFlagsRequest { parent: format!("groups/{GROUP}"), ..request };
        assert_eq!(desk.client().watch_flags(request).await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn another_groups_flags_never_arrive() {
    let desk = open_desk().await;
    let rival = |id: &str| Deal {
        name: format!("groups/rival/rooftops/{ROOFTOP}/deals/{id}"),
        exceptions: vec![exception("contract_returned", 3)],
        ..deal(id, 0, vec![fi(-60, None)])
    };
    let theirs = Rooftop { name: format!("groups/rival/rooftops/{ROOFTOP}"), ..Default::default() };
    desk.tell(rooftop_of("rival", theirs)).await;
    desk.tell(rooftop("RT002")).await;
    desk.flags(&desk.tell(said(rival("X1"))).await).await;

    let parent = |group: &str| WatchFlagsRequest {
        parent: format!("groups/{group}"),
        heartbeat: seconds(1),
        ..Default::default()
    };
    let mut stranger = desk.client_of(&desk.key("rival", &["admin"], &[]).await);
    assert_eq!(stranger.watch_flags(parent(GROUP)).await.unwrap_err().code(), Code::PermissionDenied);
    let mut theirs = stranger.watch_flags(parent("rival")).await.unwrap().into_inner();
    assert_eq!(next(&mut theirs).await.flags.len(), 1);

    let mut reader = desk.client_of(&desk.key(GROUP, &["read"], &["RT002"]).await);
    let asked = WatchFlagsRequest { rooftops: vec![ROOFTOP.to_owned()], ..parent(GROUP) };
    assert_eq!(reader.watch_flags(asked).await.unwrap_err().code(), Code::PermissionDenied);
    let mut held = reader.watch_flags(parent(GROUP)).await.unwrap().into_inner();
    let mut own = open(&mut desk.client(), parent(GROUP)).await;
    let mut streams = [Watcher::default(), Watcher::default()];
    streams[0].apply(next(&mut own).await);
    streams[1].apply(next(&mut held).await);

    // One commit, one part: the rival's, another rooftop's, and last one that both streams may see.
    let entries = vec![said(rival("X2")), said(deal("D1", 0, vec![fi(-60, None)])), said(waiting_at("RT002", "D2"))];
    desk.tell_all(entries).await;
    for (watcher, stream, expected) in [(0, &mut own, 2), (1, &mut held, 1)] {
        let watcher = &mut streams[watcher];
        while watcher.flags.len() < expected {
            watcher.apply(change(stream).await);
        }
        // What would have come with it would have come by now.
        watcher.apply(next(stream).await);
        assert_eq!(watcher.flags.len(), expected);
        assert!(watcher.flags.keys().all(|name| name.starts_with(&format!("groups/{GROUP}/"))));
        assert!(watcher.reviews.is_empty());
    }
    assert!(streams[1].flags.keys().all(|name| name.contains("/RT002/")));
}

#[tokio::test]
async fn rooftop_created_after_the_stream_began_joins_with_its_own_snapshot() {
    let desk = open_desk().await;
    desk.flags(&desk.tell(said(deal("D1", 0, vec![fi(-60, None)]))).await).await;
    let mut stream = open(&mut desk.client(), WatchFlagsRequest { heartbeat: seconds(1), ..Default::default() }).await;
    let mut watcher = Watcher::default();
    watcher.apply(next(&mut stream).await);
    assert_eq!(watcher.flags.len(), 1);

    // A rooftop without flags joins at a heartbeat, one with flags soon after the first.
    desk.tell(rooftop_of(GROUP, other_rooftop("RT002"))).await;
    let joined = change(&mut stream).await;
    assert_eq!((joined.added_rooftops.clone(), joined.snapshot), (vec!["RT002".to_owned()], false));
    watcher.apply(joined);
    let deals = (0..600).map(|nth| said(waiting_at("RT003", &format!("E{nth}"))));
    let entries = std::iter::once(rooftop_of(GROUP, other_rooftop("RT003"))).chain(deals).collect();
    desk.tell_all(entries).await;
    desk.tell(said(waiting_at("RT002", "D2"))).await;
    let mut added = Vec::new();
    ends_within(SOON, async {
        while watcher.flags.len() < 602 || watcher.token.is_empty() {
            let message = next(&mut stream).await;
            added.extend(message.added_rooftops.clone());
            assert!(!message.snapshot);
            watcher.apply(message);
        }
    })
    .await;
    assert_eq!(added, ["RT003"]);
    assert_eq!(watcher.flags, listed(&desk).await.0);
    // What the snapshot held did not come again as a change.
    for (name, sent) in &watcher.sent {
        assert_eq!(sent, &["1"], "{name}");
    }

    let resumed = WatchFlagsRequest { resume_token: watcher.token.clone(), ..Default::default() };
    let mut stream = open(&mut desk.client(), resumed).await;
    desk.tell(said(waiting_at("RT003", "D4"))).await;
    let first = change(&mut stream).await;
    assert!(!first.snapshot && first.added_rooftops.is_empty());
    assert_eq!(first.flags.len(), 1);
}

/// The pages of a snapshot are read one after the other while flags change: each change is in the snapshot or comes behind
/// it, never both and never neither.
#[tokio::test]
async fn changes_during_a_snapshot_of_many_pages_arrive_exactly_once() {
    let desk = open_desk().await;
    let ids: Vec<String> = (0..1_500).map(|nth| format!("D{nth}")).collect();
    for ids in ids.chunks(500) {
        let entries = ids.iter().map(|id| said(deal(id, 0, vec![fi(-60, None)]))).collect();
        desk.flags(&desk.tell_all(entries).await).await;
    }
    let names: Vec<String> = listed(&desk).await.0.into_keys().collect();
    assert_eq!(names.len(), 1_500);

    // A window of a fraction of a page: the service reads the next page once this one was taken.
    let narrow = Endpoint::from_shared(format!("http://{}", desk.running.grpc_addr)).unwrap();
    let narrow = narrow.initial_stream_window_size(16_384).connect_lazy();
    let mut request =
        Request::new(WatchFlagsRequest { parent: format!("groups/{GROUP}"), ..WatchFlagsRequest::default() });
    let key = desk.key(GROUP, &["admin"], &[]).await;
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    let mut stream = RuleServiceClient::new(narrow).watch_flags(request).await.unwrap().into_inner();
    let mut watcher = Watcher::default();
    watcher.apply(next(&mut stream).await);
    assert!(watcher.under_way);
    // Flags all over the snapshot: on pages already sent, on pages still to be read, and some twice.
    let mut client = desk.client();
    for (turn, name) in names.iter().step_by(50).chain(names.iter().rev().step_by(75)).enumerate() {
        client.acknowledge_flag(acknowledge(name, &format!("S{turn}"))).await.unwrap();
    }
    let gone: Vec<_> = ids.iter().step_by(100).map(|id| said(deal(id, 1, vec![fi(-60, Some(-10))]))).collect();
    desk.flags(&desk.tell_all(gone).await).await;
    let (expected, _) = listed(&desk).await;
    assert_eq!(expected.len(), 1_485);

    let (mut on_pages, mut behind) = (0, 0);
    for _ in 0..200 {
        let message = next(&mut stream).await;
        let changed = message.flags.iter().filter(|flag| flag.revision > 1).count();
        match message.delay {
            None => on_pages += changed,
            Some(_) => behind += changed,
        }
        watcher.apply(message);
        if !watcher.under_way && watcher.flags == expected {
            break;
        }
    }
    assert_eq!(watcher.flags.len(), expected.len());
    assert_eq!(watcher.flags, expected);
    assert!(on_pages > 0 && behind > 0, "changes before and behind their pages: {on_pages}, {behind}");
    for (name, sent) in &watcher.sent {
        let revisions: Vec<u64> = sent.iter().filter_map(|what| what.parse().ok()).collect();
        assert!(revisions.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{name}: {sent:?}");
        let removed = sent.iter().filter(|what| what.starts_with("REMOVAL")).count();
        assert!(removed <= 1 && (removed == 0 || sent.last().unwrap().starts_with("REMOVAL")), "{name}: {sent:?}");
    }
    // What a page held as acknowledged does not come again: it would, as the very revision that the page had.
    assert!(behind < 50, "{behind} of 50");

    // The token behind it repeats nothing.
    let resumed = WatchFlagsRequest { resume_token: watcher.token.clone(), ..Default::default() };
    let mut stream = open(&mut client, resumed).await;
    let name = expected.keys().next().unwrap();
    let last = desk.client().acknowledge_flag(acknowledge(name, "S99")).await.unwrap().into_inner();
    assert_eq!(change(&mut stream).await.flags, [last]);
}

/// A small generator, so that a seed names a history.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[tokio::test]
async fn watcher_that_disconnects_at_random_gets_every_change_once_and_in_order() {
    for seed in [11, 12, 13] {
        println!("seed {seed}");
        play(seed).await;
    }
}

/// Random deals, acknowledgments, resolutions, and hours, under a watcher that comes and goes.
async fn play(seed: u64) {
    let desk = open_desk().await;
    // A stream that is resumed when there is another rooftop begins with a snapshot.
    desk.flags(&desk.tell(rooftop("RT002")).await).await;
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut client = desk.client();
    let mut watcher = Watcher::default();
    let mut stream = open(&mut client, WatchFlagsRequest::default()).await;
    watcher.apply(next(&mut stream).await);
    let mut stream = Some(stream);
    let mut minute = 0;
    for step in 0..60 {
        match dice.roll(6) {
            0..=2 => {
                let count = 1 + dice.roll(4);
                let entries = (0..count).map(|_| {
                    let id = format!("D{}", dice.roll(5));
                    let accepted = [None, None, Some(minute - 20), Some(minute)][dice.roll(4) as usize];
                    let offered = minute - 10 * dice.roll(6) as i64;
                    let mut told = deal(&id, minute, vec![fi(offered, accepted.filter(|at| *at > offered))]);
                    if dice.roll(3) == 0 {
                        told.exceptions = vec![exception("contract_returned", 3)];
                    }
                    if dice.roll(8) == 0 { taken_back(&id) } else { said(told) }
                });
                let entries = entries.collect();
                desk.tell_all(entries).await;
            }
            3 => {
                minute += 1 + dice.roll(12) as i64;
                desk.pass(at(minute)).await;
            }
            4 => {
                let (flags, reviews) = listed(&desk).await;
                let nth = dice.roll(8) as usize;
                // It may have closed or vanished by now.
                if let Some(name) = flags.into_keys().nth(nth) {
                    let _ = client.acknowledge_flag(acknowledge(&name, &format!("S{step}"))).await;
                }
                if let Some(name) = reviews.into_keys().nth(nth) {
                    let (actor, resolution) = ("S3".to_owned(), "sent_again".to_owned());
                    let request = ResolveReviewRequest { name, actor, resolution, ..Default::default() };
                    let _ = client.resolve_review(request).await;
                }
            }
            _ => match stream.take() {
                // Some of what it was sent may still be on the way: it never saw that.
                Some(mut open) => {
                    for _ in 0..dice.roll(3) {
                        let soon = Duration::from_millis(20);
                        if let Ok(message) = tokio::time::timeout(soon, open.message()).await {
                            watcher.apply(message.unwrap().unwrap());
                        }
                    }
                }
                None => {
                    let resumed = WatchFlagsRequest { resume_token: watcher.token.clone(), ..Default::default() };
                    stream = Some(open(&mut client, resumed).await);
                }
            },
        }
    }
    // Everything that was told has been judged by then.
    desk.pass(at(minute + 1)).await;
    let expected = logged(&desk.log().await);
    let total: usize = expected.values().map(Vec::len).sum();
    assert!(total > 20, "seed {seed} is too quiet: {total} changes");
    let mut stream = match stream {
        Some(stream) => stream,
        None => {
            let resumed = WatchFlagsRequest { resume_token: watcher.token.clone(), ..Default::default() };
            open(&mut client, resumed).await
        }
    };
    while watcher.changes() < total {
        let message = change(&mut stream).await;
        assert!(!message.snapshot, "seed {seed}: nothing is so long ago");
        watcher.apply(message);
    }
    assert_eq!(watcher.sent, expected, "seed {seed}");
    let (flags, reviews) = listed(&desk).await;
    assert_eq!((&watcher.flags, &watcher.reviews), (&flags, &reviews), "seed {seed}");
}

fn by_name(reviews: &[Review]) -> BTreeMap<String, Review> {
    reviews.iter().map(|review| (review.name.clone(), review.clone())).collect()
}
