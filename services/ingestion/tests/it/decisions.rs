//! What people decide, as events.

use throughline_proto::{
    event::v1::{DecisionKind, Key},
    ingestion::v1::{CreateDecisionRequest, IdentityDecision, ListDecisionsRequest, Outcome, WithdrawDecisionRequest},
    time::to_wire,
};
use tonic::Code;

use crate::kit::{NOW, Suite, at, event, reason};

const FIRST: &str = "6d5e7a0c-f7c1-4920-a6be-baa7aa5ac917";

fn link() -> CreateDecisionRequest {
    let key = |kind: &str, scope: &str, value: &str| {
        Some(Key { kind: kind.into(), scope: scope.into(), value: value.into() })
    };
    CreateDecisionRequest {
        parent: "groups/summit/rooftops/north".into(),
        decision: Some(IdentityDecision {
            kind: DecisionKind::Link.into(),
            one: key("visit", "", "V1"),
            other: key("subject", "//dms.example/north", "D1"),
            reason: "same customer".into(),
            ..IdentityDecision::default()
        }),
        actor: "n-m1".into(),
        request_id: FIRST.into(),
    }
}

#[tokio::test]
async fn a_decision_is_an_event_and_so_is_taking_it_back() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let reviewer = suite.key(&admin, &["review", "read"], &[], &[]).await;
    let made = suite.decisions(&reviewer).create_decision(link()).await.unwrap().into_inner();
    let again = suite.decisions(&reviewer).create_decision(link()).await.unwrap().into_inner();
    assert_eq!(made, again, "a repeated request answers as the first did");
    assert_eq!((made.actor.as_str(), &made.create_time), ("n-m1", &Some(to_wire(at(NOW)))));
    assert!(!made.consistency_token.is_empty());

    let take_back = || WithdrawDecisionRequest {
        name: made.name.clone(),
        actor: "n-m2".into(),
        reason: "mistaken".into(),
        ..WithdrawDecisionRequest::default()
    };
    let back = suite.decisions(&reviewer).withdraw_decision(take_back()).await.unwrap().into_inner();
    assert!(back.withdraw_time.is_some());
    assert_eq!(back.actor, "", "who decided before is an administrator's to see");
    suite.decisions(&reviewer).withdraw_decision(take_back()).await.unwrap();

    let events = suite.logged_events().await;
    let [first, second] = events.as_slice() else { panic!("{events:#?}") };
    assert_eq!((first.r#type.as_str(), second.r#type.as_str()), ("identity.linked", "identity.withdrawn"));
    assert_eq!((first.actor.as_str(), second.actor.as_str()), ("n-m1", "n-m2"));
    assert_eq!((first.data["reason"].as_str(), second.data["reason"].as_str()), ("same customer", "mistaken"));
    let (one, other) = (first.decision.as_ref().unwrap(), second.decision.as_ref().unwrap());
    assert_eq!((&one.one, &one.other), (&other.one, &other.other));
    assert_eq!((other.kind(), &other.withdrawn), (DecisionKind::Withdrawal, &first.id));
    assert!(made.name.ends_with(&first.id));

    let list = ListDecisionsRequest { parent: link().parent, ..ListDecisionsRequest::default() };
    let listed = suite.decisions(&admin).list_decisions(list.clone()).await.unwrap().into_inner().decisions;
    let [only] = listed.as_slice() else { panic!("{listed:#?}") };
    assert_eq!((&only.name, only.actor.as_str()), (&made.name, "n-m1"));
    assert!(only.withdraw_time.is_some());
    let seen = suite.decisions(&reviewer).list_decisions(list).await.unwrap().into_inner().decisions;
    assert_eq!(seen[0].actor, "", "persons are an administrator's to see");
}

#[tokio::test]
async fn who_may_not_decide_does_not_and_nothing_is_said() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let vendor = suite.key(&admin, &["ingest", "read"], &[], &[]).await;
    let status = suite.decisions(&vendor).create_decision(link()).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    let elsewhere = suite.key(&admin, &["review"], &["south"], &[]).await;
    let status = suite.decisions(&elsewhere).create_decision(link()).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "ROOFTOP_NOT_ALLOWED"));
    let nobody = CreateDecisionRequest { actor: String::new(), ..link() };
    assert_eq!(suite.decisions(&admin).create_decision(nobody).await.unwrap_err().code(), Code::InvalidArgument);
    let nowhere = CreateDecisionRequest { parent: "groups/summit/rooftops/west".into(), ..link() };
    assert_eq!(suite.decisions(&admin).create_decision(nowhere).await.unwrap_err().code(), Code::NotFound);
    let unknown = WithdrawDecisionRequest {
        name: format!("groups/summit/rooftops/north/decisions/{}", FIRST.replace('-', "")),
        actor: "n-m1".into(),
        ..WithdrawDecisionRequest::default()
    };
    assert_eq!(suite.decisions(&admin).withdraw_decision(unknown).await.unwrap_err().code(), Code::NotFound);

    let mut forged = event("forged");
    forged.source = "//throughline/people".into();
    let answer = suite.append(&vendor, vec![forged]).await;
    assert_eq!(answer.results[0].outcome(), Outcome::Refused, "nobody else speaks for people");
    assert!(suite.logged_events().await.is_empty());
}
