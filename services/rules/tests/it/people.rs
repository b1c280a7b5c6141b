//! Somebody has it.

use pb::{
    deal::v1::Deal,
    rule::v1::{AcknowledgeFlagRequest, Flag, ListReviewsRequest, ResolveReviewRequest, Severity, flag},
};
use throughline_proto as pb;
use tonic::Code;
use tonic_types::StatusExt;

use crate::kit::*;

const REQUEST: &str = "3f0e3a52-5d0e-4a53-9d9b-0c1b2f1d7a11";

async fn yellow(desk: &Desk) -> String {
    desk.tell(said(deal("D1", 0, vec![fi(0, None)]))).await;
    desk.pass(at(15)).await;
    desk.flags("").await.remove(0).name
}

fn take(name: &str, actor: &str, request_id: &str) -> AcknowledgeFlagRequest {
    AcknowledgeFlagRequest {
        name: name.to_owned(),
        actor: actor.to_owned(),
        note: "on_my_way".to_owned(),
        request_id: request_id.to_owned(),
    }
}

#[tokio::test]
async fn taking_a_flag_is_told_once_and_survives_what_time_does_to_it() {
    let desk = Desk::open().await;
    let name = yellow(&desk).await;
    let mut client = desk.client();
    let taken = client.acknowledge_flag(take(&name, "S17", REQUEST)).await.unwrap().into_inner();
    let again = client.acknowledge_flag(take(&name, "S17", REQUEST)).await.unwrap().into_inner();
    let anew = client.acknowledge_flag(take(&name, "S17", "")).await.unwrap().into_inner();
    assert_eq!((&again, &anew), (&taken, &taken));
    assert_eq!((taken.revision, desk.log().await.len()), (2, 2));
    let reused = client.acknowledge_flag(take(&name, "S18", REQUEST)).await.unwrap_err();
    assert_eq!(reused.get_details_error_info().unwrap().reason, "REQUEST_ID_REUSED");

    desk.pass(at(30)).await;
    let red = desk.flags("").await.remove(0);
    assert_eq!((red.severity(), red.revision), (Severity::Red, 3));
    assert_eq!(red.acknowledgement, taken.acknowledgement);

    let token = desk.tell(said(deal("D1", 30, vec![fi(0, Some(30))]))).await;
    assert_eq!(desk.flags(&token).await[0].acknowledgement, taken.acknowledgement);
    let over = client.acknowledge_flag(take(&name, "S17", "")).await.unwrap_err();
    assert_eq!(
        (over.code(), over.get_details_error_info().unwrap().reason.as_str()),
        (Code::FailedPrecondition, "FAILED_PRECONDITION")
    );
}

#[tokio::test]
async fn a_request_is_told_everything_that_is_wrong_with_it() {
    let desk = Desk::open().await;
    let name = yellow(&desk).await;
    let wrong = AcknowledgeFlagRequest { note: "Call Mr. Smith".to_owned(), ..take(&name, "", "") };
    let refused = desk.client().acknowledge_flag(wrong).await.unwrap_err();
    let fields: Vec<_> = refused.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = fields.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!((refused.code(), fields), (Code::InvalidArgument, vec!["actor", "note"]));

    let unknown = format!("groups/{GROUP}/rooftops/{ROOFTOP}/flags/nothing");
    let missing = desk.client().acknowledge_flag(take(&unknown, "S17", "")).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
}

#[tokio::test]
async fn acknowledging_while_the_follower_judges_loses_neither() {
    let desk = Desk::open().await;
    let name = yellow(&desk).await;
    let takes = (0..8).map(|turn| {
        let (mut client, request) = (desk.client(), take(&name, &format!("S{turn}"), ""));
        async move { client.acknowledge_flag(request).await.unwrap().into_inner() }
    });
    desk.hand.set(at(30));
    let taken = futures::future::join_all(takes).await;
    desk.judged(at(30)).await;
    let red = desk.flags("").await.remove(0);
    assert_eq!(red.severity(), Severity::Red);
    assert_eq!(red.revision, 10, "one opening, eight takers, one red: {taken:#?}");
    assert!(red.acknowledgement.is_some());
}

#[tokio::test]
async fn what_people_did_goes_over_to_the_deal_that_takes_over() {
    let desk = Desk::open().await;
    let name = yellow(&desk).await;
    let mut client = desk.client();
    let taken = client.acknowledge_flag(take(&name, "S17", "")).await.unwrap().into_inner();
    let returned =
        |id: &str| Deal { exceptions: vec![exception("contract_returned", 3)], ..deal(id, 16, vec![fi(0, None)]) };
    let token = desk.tell(said(returned("D1"))).await;
    let reviews = |resolved, at_least: &str| ListReviewsRequest {
        parent: format!("groups/{GROUP}"),
        show_resolved: resolved,
        at_least: at_least.to_owned(),
        ..Default::default()
    };
    let open = client.list_reviews(reviews(false, &token)).await.unwrap().into_inner().reviews.remove(0);
    let decided = ResolveReviewRequest {
        name: open.name,
        actor: "S3".to_owned(),
        resolution: "sent_again".to_owned(),
        ..Default::default()
    };
    client.resolve_review(decided).await.unwrap();

    // Its visit becomes known, and with it another name.
    desk.hand.set(at(16));
    let token = desk.tell_all(vec![said(returned("V1")), taken_over("D1", "V1")]).await;
    let [flag] = <[Flag; 1]>::try_from(desk.flags(&token).await).unwrap();
    assert_eq!(flag.subject, Some(flag::Subject::Deal(deal_name("V1"))));
    assert_eq!(
        (&flag.acknowledgement, &flag.continues, flag.recorded_at),
        (&taken.acknowledgement, &name, taken.recorded_at)
    );
    assert!(client.list_reviews(reviews(false, "")).await.unwrap().into_inner().reviews.is_empty());
    let all = client.list_reviews(reviews(true, "")).await.unwrap().into_inner().reviews;
    let of_visit = all.iter().find(|review| review.deal == deal_name("V1")).unwrap();
    assert_eq!((of_visit.resolved_by.as_str(), of_visit.resolution.as_str()), ("S3", "sent_again"));

    // Once more: it goes on being what it was at first.
    let token = desk.tell_all(vec![said(returned("V0")), taken_over("V1", "V0")]).await;
    let [flag] = <[Flag; 1]>::try_from(desk.flags(&token).await).unwrap();
    assert_eq!((&flag.acknowledgement, &flag.continues), (&taken.acknowledgement, &name));

    // What never belonged to it does not.
    let token = desk.tell_all(vec![said(deal("D7", 40, vec![fi(0, None)])), taken_back("V0")]).await;
    let [flag] = <[Flag; 1]>::try_from(desk.flags(&token).await).unwrap();
    assert_eq!((&flag.acknowledgement, flag.continues.as_str()), (&None, ""));
}

#[tokio::test]
async fn what_people_did_goes_over_to_the_last_of_several_names_in_one_batch() {
    let desk = Desk::open().await;
    let name = yellow(&desk).await;
    let taken = desk.client().acknowledge_flag(take(&name, "S17", "")).await.unwrap().into_inner();
    desk.hand.set(at(16));
    let waiting = |id: &str| said(deal(id, 16, vec![fi(0, None)]));
    let steps = vec![waiting("V1"), taken_over("D1", "V1"), waiting("V0"), taken_over("V1", "V0")];
    let token = desk.tell_all(steps).await;
    let [flag] = <[Flag; 1]>::try_from(desk.flags(&token).await).unwrap();
    assert_eq!(flag.subject, Some(flag::Subject::Deal(deal_name("V0"))));
    assert_eq!((&flag.acknowledgement, &flag.continues), (&taken.acknowledgement, &name));
}

#[tokio::test]
async fn what_people_did_goes_over_also_where_a_batch_ends_in_between() {
    let desk = Desk::open().await;
    let name = yellow(&desk).await;
    let taken = desk.client().acknowledge_flag(take(&name, "S17", "")).await.unwrap().into_inner();
    desk.hand.set(at(16));
    let survivor = Deal { former_ids: vec!["D1".to_owned(), "none".to_owned()], ..deal("V1", 16, vec![fi(0, None)]) };
    let token = desk.tell(said(survivor)).await;
    assert_eq!(desk.flags(&token).await.len(), 2, "the other is not taken back yet");
    let token = desk.tell(taken_over("D1", "V1")).await;
    let [flag] = <[Flag; 1]>::try_from(desk.flags(&token).await).unwrap();
    assert_eq!((&flag.acknowledgement, &flag.continues), (&taken.acknowledgement, &name));
}
