//! Nobody sees another group's deals, nor rooftops that its key may not see.

use throughline_proto::deal::v1 as pb;
use tonic::Code;

use crate::kit::{NORTH, RIVAL, SOUTH, Suite, event, says, signed};

fn board(rooftops: &[&str]) -> pb::WatchBoardRequest {
    let rooftops = rooftops.iter().map(|rooftop| (*rooftop).to_owned()).collect();
    pb::WatchBoardRequest { parent: "groups/summit".to_owned(), rooftops, once: true, ..Default::default() }
}

#[tokio::test]
async fn another_groups_rows_are_invisible() {
    let suite = Suite::start().await;
    let token = suite
        .tell([
            says(NORTH, event("deal.opened", "S1", 0, &[("visit", "V1")])),
            says(RIVAL, event("deal.opened", "S1", 0, &[("visit", "V1")])),
            says(RIVAL, event("deal.opened", "S2", 0, &[("visit", "V2")])),
        ])
        .await;
    let own = suite.list("", &token).await;
    assert_eq!(own.len(), 1);
    assert!(own[0].name.starts_with("groups/summit/"));

    let stranger = suite.key("rival", &[], &["admin"]).await;
    let refused = [
        suite
            .deals()
            .get_deal(signed(&stranger, pb::GetDealRequest { name: own[0].name.clone(), ..Default::default() }))
            .await
            .unwrap_err(),
        suite
            .deals()
            .list_deals(signed(
                &stranger,
                pb::ListDealsRequest { parent: "groups/summit".to_owned(), ..Default::default() },
            ))
            .await
            .unwrap_err(),
        suite
            .deals()
            .get_timeline(signed(&stranger, pb::GetTimelineRequest { name: own[0].name.clone(), ..Default::default() }))
            .await
            .unwrap_err(),
        suite.deals().watch_board(signed(&stranger, board(&[]))).await.unwrap_err(),
        suite
            .deals()
            .get_state_hash(signed(
                &stranger,
                pb::GetStateHashRequest { parent: "groups/summit".to_owned(), ..Default::default() },
            ))
            .await
            .unwrap_err(),
    ];
    for status in refused {
        assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
    }
    // The id of a deal of theirs under a name of ours.
    let theirs = pb::ListDealsRequest { parent: "groups/rival".to_owned(), ..Default::default() };
    let theirs = suite.deals().list_deals(signed(&stranger, theirs)).await.unwrap().into_inner().deals;
    assert_eq!(theirs.len(), 2);
    let name = theirs[0].name.replace("groups/rival", "groups/summit");
    let status = suite.get(pb::GetDealRequest { name, ..Default::default() }).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn a_key_sees_its_rooftops_alone() {
    let suite = Suite::start().await;
    let token = suite
        .tell([
            says(NORTH, event("deal.opened", "S1", 0, &[("visit", "V1")])),
            says(SOUTH, event("deal.opened", "S1", 0, &[("visit", "V1")])),
        ])
        .await;
    let south = suite.deal(SOUTH, "visit", "V1", &token).await;
    let key = suite.key("summit", &["north"], &["read"]).await;
    let list = pb::ListDealsRequest { parent: "groups/summit".to_owned(), ..Default::default() };
    let deals = suite.deals().list_deals(signed(&key, list)).await.unwrap().into_inner().deals;
    assert_eq!(deals.len(), 1);
    assert!(deals[0].name.contains("/rooftops/north/"));
    let get = pb::GetDealRequest { name: south.name, ..Default::default() };
    assert_eq!(suite.deals().get_deal(signed(&key, get)).await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(
        suite.deals().watch_board(signed(&key, board(&["north", "south"]))).await.unwrap_err().code(),
        Code::PermissionDenied
    );
    let mut all = suite.deals().watch_board(signed(&key, board(&[]))).await.unwrap().into_inner();
    let first = all.message().await.unwrap().unwrap();
    assert_eq!(first.upserts.len(), 1);
    assert!(first.sources.iter().all(|source| source.rooftop == "north"));
    let any = pb::GetDealRequest {
        name: "groups/summit/rooftops/-/deals/-".to_owned(),
        key: Some(pb::DealKey { value: "V1".to_owned(), ..Default::default() }),
        ..Default::default()
    };
    let found = suite.deals().get_deal(signed(&key, any)).await.unwrap().into_inner();
    assert!(found.name.contains("/rooftops/north/"), "what it may not see makes nothing ambiguous");
}

#[tokio::test]
async fn persons_are_an_administrators_to_see() {
    let suite = Suite::start().await;
    let token = suite
        .tell([says(NORTH, event("deal.opened", "S1", 0, &[])), says(NORTH, event("deal.fi.started", "S1", 9, &[]))])
        .await;
    let deal = suite.deal(NORTH, "subject", "S1", &token).await;
    assert!(format!("{deal:?}").contains("actor: \"S1\""), "{deal:#?}");
    let key = suite.key("summit", &[], &["read"]).await;
    let get = pb::GetDealRequest { name: deal.name.clone(), ..Default::default() };
    let seen = suite.deals().get_deal(signed(&key, get)).await.unwrap().into_inner();
    assert!(!format!("{seen:?}").contains("actor: \"S1\""), "{seen:#?}");
    let timeline = pb::GetTimelineRequest { name: deal.name, ..Default::default() };
    let items = suite.deals().get_timeline(signed(&key, timeline)).await.unwrap().into_inner().items;
    assert!(items.iter().all(|item| item.event.as_ref().unwrap().actor.is_empty()));
    let mut watched = suite.deals().watch_board(signed(&key, board(&["north"]))).await.unwrap().into_inner();
    let first = watched.message().await.unwrap().unwrap();
    assert!(!format!("{:?}", first.upserts).contains("actor: \"S1\""));
}
