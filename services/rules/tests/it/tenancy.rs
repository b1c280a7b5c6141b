//! Whose flags are seen by whom.

use pb::rule::v1::{AcknowledgeFlagRequest, GetFlagRequest, ListFlagsRequest, ListReviewsRequest};
use throughline_proto as pb;
use tonic::Code;

use crate::kit::*;

fn list(parent: &str) -> ListFlagsRequest {
    ListFlagsRequest { parent: parent.to_owned(), show_closed: true, ..Default::default() }
}

#[tokio::test]
async fn another_group_sees_and_does_nothing() {
    let desk = Desk::open().await;
    let token = desk.tell(said(deal("D1", 0, vec![fi(-60, None)]))).await;
    let name = desk.flags(&token).await.remove(0).name;
    let mut stranger = desk.client_of(&desk.key("rival", &["admin"], &[]).await);

    assert_eq!(stranger.list_flags(list("groups/rival")).await.unwrap().into_inner().flags, []);
    let code = |status: tonic::Status| status.code();
    let theirs = stranger.list_flags(list(&format!("groups/{GROUP}"))).await.unwrap_err();
    assert_eq!(code(theirs), Code::PermissionDenied);
    let theirs = stranger.get_flag(GetFlagRequest { name: name.clone() }).await.unwrap_err();
    assert_eq!(code(theirs), Code::PermissionDenied);
    let take = AcknowledgeFlagRequest { name: name.clone(), actor: "S1".to_owned(), ..Default::default() };
    assert_eq!(code(stranger.acknowledge_flag(take).await.unwrap_err()), Code::PermissionDenied);
    // The same id under the stranger's own group is nobody's.
    let guessed = name.replace(GROUP, "rival");
    assert_eq!(code(stranger.get_flag(GetFlagRequest { name: guessed }).await.unwrap_err()), Code::NotFound);
    let reviews = ListReviewsRequest { parent: format!("groups/{GROUP}"), ..Default::default() };
    assert_eq!(code(stranger.list_reviews(reviews).await.unwrap_err()), Code::PermissionDenied);
}

#[tokio::test]
async fn a_key_of_some_rooftops_sees_theirs_alone() {
    let desk = Desk::open().await;
    desk.tell(rooftop("RT002")).await;
    let mut elsewhere = deal("D2", 0, vec![fi(-60, None)]);
    elsewhere.name = format!("groups/{GROUP}/rooftops/RT002/deals/D2");
    desk.tell(said(deal("D1", 0, vec![fi(-60, None)]))).await;
    let token = desk.tell(said(elsewhere)).await;
    assert_eq!(desk.flags(&token).await.len(), 2);

    let mut key = desk.client_of(&desk.key(GROUP, &["read"], &["RT002"]).await);
    let flags = key.list_flags(list(&format!("groups/{GROUP}"))).await.unwrap().into_inner().flags;
    assert_eq!(flags.iter().map(|flag| flag.keys[0].as_str()).collect::<Vec<_>>(), ["subject:RT001-D2"]);
    let other = key.list_flags(list(&format!("groups/{GROUP}/rooftops/{ROOFTOP}"))).await.unwrap_err();
    assert_eq!(other.code(), Code::PermissionDenied);
    let take = AcknowledgeFlagRequest { name: flags[0].name.clone(), actor: "S1".to_owned(), ..Default::default() };
    assert_eq!(key.acknowledge_flag(take).await.unwrap_err().code(), Code::PermissionDenied);
}
