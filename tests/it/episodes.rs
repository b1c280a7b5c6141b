//! What people were told and what they did belongs to an episode, which is known by the events that founded it: end to
//! end, over the real processes.
use serde_json::{Value, json};
use throughline_proto::rule::v1::{
    AcknowledgeFlagRequest, ResolveReviewRequest, rule_service_client::RuleServiceClient,
};
use throughline_testkit::eventually;

use crate::{
    alerts::{Alerted, SOON, event_of, minutes_ago, receiver, signed, suite_with_route},
    suite::Suite,
};

/// An event with an ID of its own and these facts.
fn told(id: &str, event_type: &str, minutes: i64, facts: Value) -> Value {
    let mut event = event_of("A1", event_type, "D1", minutes_ago(minutes));
    event["id"] = id.into();
    event["data"].as_object_mut().unwrap().extend(facts.as_object().unwrap().clone());
    event
}

async fn accept(suite: &Suite, events: &[Value]) {
    let answer = suite.post_events(&json!(events), None).await;
    let outcomes: Vec<&Value> = answer["results"].as_array().unwrap().iter().map(|one| &one["outcome"]).collect();
    assert!(outcomes.iter().all(|outcome| *outcome == "OUTCOME_ACCEPTED"), "{answer}");
}

/// Waits until D1 was alerted of so often and everything before is decided: another deal, which is flagged later, is
/// alerted of behind it.
async fn alerted_of(suite: &Suite, alerted: &Alerted, times: usize, marker: &str) {
    suite.state_hash().await;
    accept(suite, &[signed(marker, 0)]).await;
    eventually(SOON, async || {
        let alerted = alerted.lock().unwrap().clone();
        let of = |subject: &str| alerted.iter().filter(|key| **key == format!("subject:{subject}")).count();
        if (of("D1"), of(marker)) == (times, 1) { Ok(()) } else { Err(format!("alerted of {alerted:?}")) }
    })
    .await;
}

/// Flags of D1 of one kind, closed ones included.
async fn flags(suite: &Suite, kind: &str) -> Vec<Value> {
    let listed = suite.run(&["flags", "--closed", "--format", "json"]).await.json();
    let of_d1 = |flag: &Value| flag["kind"] == kind && flag["keys"].to_string().contains("subject:D1");
    listed.into_iter().filter(of_d1).collect()
}

async fn acknowledge(suite: &Suite, flag: &Value) {
    let request = AcknowledgeFlagRequest {
        name: flag["name"].as_str().unwrap().to_owned(),
        actor: "m4".to_owned(),
        note: "on_it".to_owned(),
        request_id: "6f1f0c0e-5a1b-4d51-9f5e-0d6f9a1f7a01".to_owned(),
    };
    let taken = RuleServiceClient::new(suite.channel().await).acknowledge_flag(suite.keyed(request)).await;
    assert_eq!(taken.unwrap().into_inner().acknowledgement.unwrap().actor, "m4");
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_wait_is_not_alerted_again_when_an_earlier_finished_round_arrives_late() {
    let (address, alerted) = receiver().await;
    let (_scratch, suite) = suite_with_route(&[], address).await;
    // Pencils can only be late where some source reports them.
    accept(&suite, &[event_of("A1", "deal.pencil.presented", "OTHER", minutes_ago(600))]).await;
    accept(&suite, &[told("w2", "deal.writeup.submitted", 12, json!({}))]).await;
    alerted_of(&suite, &alerted, 1, "M1").await;
    let [flag] = <[Value; 1]>::try_from(flags(&suite, "stage_over_target").await).unwrap();
    acknowledge(&suite, &flag).await;

    let (earlier, finished) =
        (told("w1", "deal.writeup.submitted", 60, json!({})), told("p1", "deal.pencil.presented", 55, json!({})));
    accept(&suite, &[earlier, finished]).await;
    alerted_of(&suite, &alerted, 1, "M2").await;
    let [after] = <[Value; 1]>::try_from(flags(&suite, "stage_over_target").await).unwrap();
    let facts = |flag: &Value| ["name", "opened_at", "closed_at"].map(|name| flag[name].clone());
    assert_eq!((&after["acknowledged_by"], facts(&after)), (&json!("m4"), facts(&flag)));
    assert!(suite.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn step_that_was_withdrawn_and_happens_for_real_is_alerted_again_and_inherits_nothing() {
    let (address, alerted) = receiver().await;
    let (_scratch, suite) = suite_with_route(&[], address).await;
    accept(&suite, &[event_of("A1", "deal.fi.started", "OTHER", minutes_ago(600))]).await;
    accept(&suite, &[told("a1", "deal.agreed", 20, json!({}))]).await;
    alerted_of(&suite, &alerted, 1, "M1").await;
    let [flag] = <[Value; 1]>::try_from(flags(&suite, "handoff_idle").await).unwrap();
    acknowledge(&suite, &flag).await;

    accept(&suite, &[told("x1", "deal.agreed", 19, json!({"withdraws": "a1"}))]).await;
    alerted_of(&suite, &alerted, 1, "M2").await;
    assert_eq!(flags(&suite, "handoff_idle").await, [] as [Value; 0]);

    accept(&suite, &[told("a2", "deal.agreed", 18, json!({}))]).await;
    alerted_of(&suite, &alerted, 2, "M3").await;
    let [real] = <[Value; 1]>::try_from(flags(&suite, "handoff_idle").await).unwrap();
    assert_eq!(real["acknowledged_by"], Value::Null);
    assert_ne!(real["name"], flag["name"]);
    assert!(suite.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn decision_about_one_exception_is_not_taken_for_a_decision_about_another() {
    let (address, _) = receiver().await;
    let (_scratch, suite) = suite_with_route(&[], address).await;
    let returned = |id: &str, minutes, reason: &str| {
        let sent = told(&format!("s{id}"), "deal.contract.submitted", minutes + 1, json!({}));
        [sent, told(id, "deal.contract.returned", minutes, json!({"reason": reason}))]
    };
    accept(&suite, &returned("r2", 20, "missing_signature")).await;
    let reviews = async || {
        let listed = suite.run(&["reviews", "--resolved", "--format", "json"]).await.json();
        let mut listed: Vec<_> = listed.into_iter().filter(|review| review["kind"] == "contract_returned").collect();
        listed.sort_by_key(|review| review["detail"].to_string());
        listed
    };
    let [review] = <[Value; 1]>::try_from(reviews().await).unwrap();
    let request = ResolveReviewRequest {
        name: review["name"].as_str().unwrap().to_owned(),
        actor: "m4".to_owned(),
        resolution: "signed_again".to_owned(),
        request_id: "6f1f0c0e-5a1b-4d51-9f5e-0d6f9a1f7a02".to_owned(),
        ..ResolveReviewRequest::default()
    };
    RuleServiceClient::new(suite.channel().await).resolve_review(suite.keyed(request)).await.unwrap();

    // An earlier return, which a person has not seen, arrives late.
    accept(&suite, &returned("r1", 60, "terms_mismatch")).await;
    let facts = |review: &Value| ["detail", "resolution"].map(|name| review[name].clone());
    let found: Vec<_> = reviews().await.iter().map(facts).collect();
    assert_eq!(found, [[json!("missing_signature"), json!("signed_again")], [json!("terms_mismatch"), json!("")]]);
    assert!(suite.stop().await.success());
}
