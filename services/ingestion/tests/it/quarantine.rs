use jiff::SignedDuration;
use throughline_proto::{
    event::v1::Origin,
    ingestion::v1::{
        ListQuarantinedRequest, ListQuarantinedResponse, Outcome, ReplayQuarantinedRequest, ReplayQuarantinedResponse,
    },
};
use tonic::Code;

use crate::kit::{Suite, event, reason, with};

async fn listed(suite: &Suite, token: &str, show_released: bool) -> ListQuarantinedResponse {
    let request =
        ListQuarantinedRequest { parent: "groups/summit".into(), show_released, ..ListQuarantinedRequest::default() };
    suite.events(token).list_quarantined(request).await.unwrap().into_inner()
}

async fn replay(suite: &Suite, token: &str, names: Vec<String>) -> ReplayQuarantinedResponse {
    let request = ReplayQuarantinedRequest { parent: "groups/summit".into(), names, actor: "n-gm".into() };
    suite.events(token).replay_quarantined(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn what_waited_for_its_rooftop_goes_in_once_it_is_there() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let dated = with(with(event("e-2"), "time", "2026-09-06"), "timequality", "date");
    let lost: Vec<_> = [event("e-1"), dated].into_iter().map(|event| with(event, "rooftop", "south")).collect();
    suite.append(&admin, lost.clone()).await;
    assert_eq!(
        replay(&suite, &admin, vec![]).await,
        ReplayQuarantinedResponse { quarantined: 2, ..Default::default() }
    );

    suite.rooftop(&admin, "summit", "south").await;
    assert_eq!(replay(&suite, &admin, vec![]).await, ReplayQuarantinedResponse { accepted: 2, ..Default::default() });
    assert!(listed(&suite, &admin, false).await.quarantined.is_empty());
    let released = listed(&suite, &admin, true).await.quarantined;
    assert!(released.len() == 2 && released.iter().all(|event| event.release_time.is_some()));

    // What was replayed is what would have been accepted: the same event sent again is a duplicate.
    let again = suite.append(&admin, lost).await;
    assert!(again.results.iter().all(|result| result.outcome() == Outcome::Duplicate));
    let log = suite.log().await;
    let replayed = &log[&1][1];
    assert_eq!((replayed.origin, replayed.actor.as_str()), (Origin::Replay as i16, "n-gm"));
    assert_eq!(replay(&suite, &admin, vec![]).await, ReplayQuarantinedResponse::default());
}

#[tokio::test]
async fn the_future_comes() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    suite.append(&admin, vec![with(event("e-1"), "time", "2026-09-07T13:00:00Z")]).await;
    assert_eq!(replay(&suite, &admin, vec![]).await.quarantined, 1);
    suite.hand.advance(SignedDuration::from_mins(50));
    assert_eq!(replay(&suite, &admin, vec![]).await.accepted, 1);
}

#[tokio::test]
async fn a_conflict_stays_and_says_so() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let before = with(event("e-1"), "rooftop", "south");
    suite.append(&admin, vec![before.clone()]).await;
    suite.rooftop(&admin, "summit", "south").await;
    suite.append(&admin, vec![with(before, "subject", "D2")]).await;
    let found = listed(&suite, &admin, false).await.quarantined;
    assert_eq!((found.len(), found[0].reason().as_str_name()), (1, "REASON_UNKNOWN_ROOFTOP"));
    assert_eq!(replay(&suite, &admin, vec![found[0].name.clone()]).await.quarantined, 1);
    let found = listed(&suite, &admin, false).await.quarantined;
    assert_eq!((found.len(), found[0].reason().as_str_name()), (1, "REASON_EVENT_ID_REUSED"));
}

#[tokio::test]
async fn the_same_mistake_again_is_the_same_row() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let wrong = with(event("e-1"), "time", "never");
    for _ in 0..3 {
        suite.append(&admin, vec![wrong.clone(), wrong.clone()]).await;
    }
    assert_eq!(listed(&suite, &admin, true).await.quarantined.len(), 1);
    assert_eq!(suite.count("SELECT kept FROM ingestion.quarantine_size").await, 1);
}

#[tokio::test]
async fn a_full_quarantine_takes_no_more_and_disturbs_nothing() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let wrong = |id: &str| with(event(id), "time", "never");
    suite.append(&admin, vec![wrong("e-1")]).await;
    suite.count("WITH full_now AS (UPDATE ingestion.quarantine_size SET kept = 100000 RETURNING kept) SELECT kept FROM full_now").await;
    let answer = suite.append(&admin, vec![wrong("e-2"), event("e-3"), wrong("e-1")]).await;
    let outcomes: Vec<Outcome> = answer.results.iter().map(|result| result.outcome()).collect();
    assert_eq!(outcomes, [Outcome::Refused, Outcome::Accepted, Outcome::Quarantined]);
}

#[tokio::test]
async fn pages_go_on_where_they_ended() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    suite.append(&admin, (0..7).map(|n| with(event(&format!("e-{n}")), "time", "never")).collect()).await;
    let mut ids = Vec::new();
    let mut page_token = String::new();
    loop {
        let request =
            ListQuarantinedRequest { parent: "groups/summit".into(), page_size: 3, page_token, ..Default::default() };
        let page = suite.events(&admin).list_quarantined(request).await.unwrap().into_inner();
        ids.extend(page.quarantined.into_iter().map(|event| event.event_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    ids.sort();
    assert_eq!(ids, (0..7).map(|n| format!("e-{n}")).collect::<Vec<_>>());
    let other = ListQuarantinedRequest {
        parent: "groups/summit".into(),
        page_token: "bm90IG91cnM".into(),
        ..Default::default()
    };
    let status = suite.events(&admin).list_quarantined(other).await.unwrap_err();
    assert_eq!(reason(&status), "INVALID_PAGE_TOKEN");
}

#[tokio::test]
async fn another_group_sees_and_releases_nothing() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let stranger = suite.group("other").await;
    suite.append(&admin, vec![with(event("e-1"), "time", "never")]).await;
    let name = listed(&suite, &admin, false).await.quarantined[0].name.clone();
    let asked = ListQuarantinedRequest { parent: "groups/summit".into(), ..Default::default() };
    let status = suite.events(&stranger).list_quarantined(asked).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    let asked = ReplayQuarantinedRequest { parent: "groups/other".into(), names: vec![name], ..Default::default() };
    let status = suite.events(&stranger).replay_quarantined(asked).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let own = ListQuarantinedRequest { parent: "groups/other".into(), ..Default::default() };
    assert!(suite.events(&stranger).list_quarantined(own).await.unwrap().into_inner().quarantined.is_empty());
}
