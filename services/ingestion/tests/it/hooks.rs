//! Bodies that sources push, signed.

mod keeping;
mod rows;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use throughline_platform::signature::{Secret, sign};
use throughline_proto::ingestion::v1::{
    CreateInboundHookRequest, DeleteInboundHookRequest, InboundHook, ListInboundHooksRequest,
    RotateInboundHookSecretRequest,
};
use throughline_testkit::eventually;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::{Code, Status};

use crate::{
    canaries::assert_nowhere,
    kit::{Suite, reason},
};

const SOON: Duration = Duration::from_secs(20);
const CANARY: &str = "CANARY Smith";
const LOG: &str = "Store,Deal,Stock,Customer,Date,In,Out,F&I
north,D1,N1,CANARY Smith,09/06/2026,04:35 PM,05:20 PM,n-f0
north,D2,N2,CANARY Smith,some day,04:35 PM,05:20 PM,n-f0
elsewhere,D3,N3,CANARY Smith,09/06/2026,04:35 PM,05:20 PM,n-f0
north,,N4,CANARY Smith,09/06/2026,04:35 PM,05:20 PM,n-f0
north,D5,N5,CANARY Smith
n-1,D6,N6,CANARY Smith,09/06/2026,06:35 PM,,n-f0
";

/// A hook and how its source signs.
#[derive(Clone)]
struct Hook {
    name: String,
    path: String,
    secret: Secret,
}

fn secret(revealed: &str) -> Secret {
    use base64::{Engine, prelude::BASE64_STANDARD};
    Secret::new(BASE64_STANDARD.decode(revealed.strip_prefix("whsec_").unwrap()).unwrap())
}

async fn create(suite: &Suite, token: &str, hook: InboundHook) -> Result<Hook, Status> {
    let request = CreateInboundHookRequest {
        parent: "groups/summit".to_owned(),
        inbound_hook: Some(hook),
        ..CreateInboundHookRequest::default()
    };
    let made = suite.hooks(token).create_inbound_hook(request).await?.into_inner();
    let hook = made.inbound_hook.unwrap();
    Ok(Hook { name: hook.name, path: hook.path, secret: secret(&made.signing_secret) })
}

fn canonical() -> InboundHook {
    InboundHook {
        rooftop: "north".to_owned(),
        profile: "canonical".to_owned(),
        source: "//crm.example/*".to_owned(),
        ..InboundHook::default()
    }
}

fn of_rows(rooftop: &str) -> InboundHook {
    InboundHook { rooftop: rooftop.to_owned(), profile: "finance-log".to_owned(), ..InboundHook::default() }
}

fn event(id: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "//crm.example/north", "type": "deal.opened", "subject": "D1",
           "rooftop": "north", "time": "2026-09-07T11:00:00Z", "data": {"actor": "n-s0"}})
}

impl Hook {
    /// Posts a body signed with this hook's secret, now.
    async fn post(&self, suite: &Suite, id: &str, body: &[u8]) -> (u16, Value) {
        self.post_at(suite, id, suite.running.cx.platform.clock.now(), body).await
    }

    async fn post_at(&self, suite: &Suite, id: &str, at: Timestamp, body: &[u8]) -> (u16, Value) {
        let signature = sign(&self.secret, id, at.as_second(), body);
        self.send(suite, id, &at.as_second().to_string(), &signature, body).await
    }

    async fn send(&self, suite: &Suite, id: &str, at: &str, signature: &str, body: &[u8]) -> (u16, Value) {
        let headers = [("webhook-id", id), ("webhook-timestamp", at), ("webhook-signature", signature)];
        suite.post(&self.path, &headers, body).await
    }
}

/// What was told without the trace, which is another each time.
fn told((status, answer): (u16, Value)) -> String {
    let error = &answer["error"];
    let reason = error["details"][0]["reason"].as_str().unwrap_or_default();
    format!("{status} {} {reason}: {}", error["status"], error["message"])
}

fn count(suite: &Suite, outcome: &str) -> u64 {
    let metrics = suite.running.cx.platform.metrics.encode();
    let line = format!("throughline_hook_deliveries_total{{outcome=\"{outcome}\"}} ");
    metrics.lines().find_map(|found| found.strip_prefix(&line)?.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn a_signed_body_is_in_the_log_when_it_is_answered() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let hook = create(&suite, &admin, canonical()).await.unwrap();
    let mut elsewhere = event("e-3");
    elsewhere["source"] = "//dms.example/north".into();
    let mut unsound = event("e-4");
    unsound["time"] = "yesterday".into();
    let body = json!([event("e-1"), event("e-2"), event("e-1"), elsewhere, unsound, 7]).to_string();
    let (status, mut answer) = hook.post(&suite, "m-1", body.as_bytes()).await;
    assert!(!answer["consistencyToken"].as_str().unwrap().is_empty());
    answer["consistencyToken"] = "…".into();
    assert_eq!(status, 202);
    insta::assert_json_snapshot!(answer, @r#"
    {
      "accepted": 2,
      "consistencyToken": "…",
      "duplicate": 1,
      "quarantined": 1,
      "reasons": {
        "INVALID_FIELD": 1,
        "INVALID_TIME": 1,
        "SOURCE_NOT_ALLOWED": 1
      },
      "refused": 2
    }
    "#);
    assert_eq!(suite.logged_events().await.len(), 2);
    assert_eq!(hook.post(&suite, "m-2", event("e-5").to_string().as_bytes()).await.0, 202, "one event is a body too");
    assert_eq!(suite.logged_events().await.len(), 3);
    assert_eq!(told(hook.post(&suite, "m-3", b"{\"canary\": ").await).split(' ').next(), Some("400"));
}

#[tokio::test]
async fn nobody_learns_by_trying_which_hooks_there_are() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let hook = create(&suite, &admin, canonical()).await.unwrap();
    let gone = create(&suite, &admin, canonical()).await.unwrap();
    let request = DeleteInboundHookRequest { name: gone.name.clone(), actor: "n-gm".to_owned() };
    suite.hooks(&admin).delete_inbound_hook(request.clone()).await.unwrap();
    assert_eq!(suite.hooks(&admin).delete_inbound_hook(request).await.unwrap_err().code(), Code::NotFound);

    let body = event("e-1").to_string();
    let now = suite.running.cx.platform.clock.now();
    let good = sign(&hook.secret, "m-1", now.as_second(), body.as_bytes());
    let mut tampered = body.clone().into_bytes();
    tampered[body.len() / 2] ^= 1;
    let mut flipped = good.clone().into_bytes();
    flipped[10] = if flipped[10] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    let stranger = Hook { secret: Secret::generate(), ..hook.clone() };
    let unknown = Hook { path: format!("/v1/hooks/{}", "0".repeat(32)), ..hook.clone() };
    let no_id = Hook { path: "/v1/hooks/canary@example.invalid".to_owned(), ..hook.clone() };
    let at = now.as_second().to_string();
    let answers = [
        told(stranger.post(&suite, "m-1", body.as_bytes()).await),
        told(hook.send(&suite, "m-1", &at, &good, &tampered).await),
        told(hook.send(&suite, "m-2", &at, &good, body.as_bytes()).await),
        told(hook.send(&suite, "m-1", &at, &flipped, body.as_bytes()).await),
        told(hook.send(&suite, "m-1", &at, "v1,", body.as_bytes()).await),
        told(unknown.post(&suite, "m-1", body.as_bytes()).await),
        told(no_id.post(&suite, "m-1", body.as_bytes()).await),
        told(gone.post(&suite, "m-1", body.as_bytes()).await),
    ];
    for answer in &answers {
        assert_eq!(
            answer,
            "401 \"UNAUTHENTICATED\" UNAUTHENTICATED: \"the signature is not that of this hook: sign id.timestamp.body \
             with its secret\""
        );
    }
    assert_eq!(count(&suite, "forged"), answers.len() as u64);
    assert!(suite.logged_events().await.is_empty());
    // Any of several signatures will do: a sender that changes its secret sends two.
    let several = format!("v1,AAAA {good}");
    assert_eq!(hook.send(&suite, "m-1", &at, &several, body.as_bytes()).await.0, 202);
}

#[tokio::test]
async fn what_was_signed_too_long_ago_or_ahead_of_our_clock_is_refused() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let hook = create(&suite, &admin, canonical()).await.unwrap();
    let body = event("e-1").to_string();
    let now = suite.running.cx.platform.clock.now();
    for (seconds, status) in [(-301, 401), (301, 401), (-300, 202), (300, 202)] {
        let at = now + SignedDuration::from_secs(seconds);
        assert_eq!(hook.post_at(&suite, &format!("m{seconds}"), at, body.as_bytes()).await.0, status, "{seconds}");
    }
    assert_eq!(count(&suite, "clock"), 2);
    assert_eq!(hook.send(&suite, "m-1", "soon", "v1,x", body.as_bytes()).await.0, 401);
    assert_eq!(suite.post(&hook.path, &[], body.as_bytes()).await.0, 401);
    assert_eq!(count(&suite, "unsigned"), 2);
    assert_eq!(suite.logged_events().await.len(), 1);
}

#[tokio::test]
async fn a_message_that_comes_again_is_answered_as_the_first_time_and_does_nothing() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let hook = create(&suite, &admin, canonical()).await.unwrap();
    let body = event("e-1").to_string();
    let (status, first) = hook.post(&suite, "m-1", body.as_bytes()).await;
    assert_eq!((status, first["accepted"].as_u64()), (202, Some(1)));

    suite.hand.advance(SignedDuration::from_mins(4));
    let (status, mut again) = hook.post(&suite, "m-1", body.as_bytes()).await;
    assert_eq!((status, &again["repeated"]), (200, &json!(true)));
    again.as_object_mut().unwrap().remove("repeated");
    assert_eq!(again, first);
    let other = event("e-2").to_string();
    assert!(
        told(hook.post(&suite, "m-1", other.as_bytes()).await).starts_with("409 \"ALREADY_EXISTS\" REQUEST_ID_REUSED")
    );
    assert_eq!(suite.logged_events().await.len(), 1);

    // Two at once: it is taken once, and each is told of it, by whichever answer was kept first.
    let (a, b) = tokio::join!(hook.post(&suite, "m-2", other.as_bytes()), hook.post(&suite, "m-2", other.as_bytes()));
    for (status, answer) in [a, b] {
        assert!(matches!(status, 200 | 202), "{status} {answer}");
        assert_eq!(answer["accepted"].as_u64().unwrap() + answer["duplicate"].as_u64().unwrap(), 1, "{answer}");
    }
    assert_eq!(suite.logged_events().await.len(), 2);

    // Long after, the id is forgotten; the event's own id is not.
    suite.hand.advance(SignedDuration::from_mins(20));
    let (status, late) = hook.post(&suite, "m-1", body.as_bytes()).await;
    assert_eq!((status, late["accepted"].as_u64(), late["duplicate"].as_u64()), (202, Some(0), Some(1)));
    let opened = suite.logged_events().await.into_iter().filter(|event| event.r#type == "deal.opened");
    assert_eq!(opened.count(), 2);
}

#[tokio::test]
async fn a_flood_of_bodies_takes_no_more_than_its_room() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let hook = create(&suite, &admin, canonical()).await.unwrap();
    let mut open = Vec::new();
    for _ in 0..16 {
        let mut stream = TcpStream::connect(suite.running.http_addr).await.unwrap();
        let head = format!("POST {} HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n", hook.path, 4 * 1024 * 1024);
        stream.write_all(head.as_bytes()).await.unwrap();
        open.push(stream);
    }
    let body = event("e-1").to_string();
    let refused = eventually(SOON, async || {
        let answer = told(hook.post(&suite, "m-1", body.as_bytes()).await);
        if answer.starts_with("429") { Ok(answer) } else { Err(answer) }
    });
    assert!(refused.await.contains("OVERLOADED"));
    let mut stream = TcpStream::connect(suite.running.http_addr).await.unwrap();
    let head = format!("POST {} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx", hook.path);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("retry-after: 1"), "{answer}");
    drop(open);
    eventually(SOON, async || hook.post(&suite, "m-2", body.as_bytes()).await.0 == 202).await;
}

#[tokio::test]
async fn no_canary_of_a_body_its_headers_or_its_address_is_kept() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let hook = create(&suite, &admin, canonical()).await.unwrap();
    let rows = create(&suite, &admin, of_rows("north")).await.unwrap();
    let canaries = [CANARY, "canary@example.invalid", "078-05-1120"];
    let now = suite.running.cx.platform.clock.now().as_second();
    let mut answers = String::new();
    for (nth, canary) in canaries.into_iter().enumerate() {
        let mut odd = event(&format!("e-{nth}"));
        odd["customer"] = json!({ "name": canary });
        odd["data"] = json!({ "email": canary, canary: 1, "reason": canary });
        let body = json!([odd, canary, { "id": canary, "source": canary }]).to_string();
        let csv =
            format!("{LOG}north,D7,N7,{canary}\n{canary},{canary},{canary}\nnorth,{canary},{canary},,{canary},,,\n");
        for (hook, body) in [(&hook, body), (&rows, csv), (&hook, canary.to_owned()), (&rows, canary.to_owned())] {
            // The id is the sender's own, and so is whatever else it says.
            let id = format!("{canary}{nth}{}", body.len());
            let signature = sign(&hook.secret, &id, now, body.as_bytes());
            let headers = [
                ("webhook-id", id.as_str()),
                ("webhook-timestamp", &now.to_string()),
                ("webhook-signature", &signature),
                ("x-customer", canary),
                ("user-agent", canary),
                ("tracestate", canary),
            ];
            let path = format!("{}?customer={}", hook.path, canary.replace(' ', "+"));
            let (status, answer) = suite.post(&path, &headers, body.as_bytes()).await;
            assert!(status == 202 || status == 400, "{status} {answer}");
            answers += &answer.to_string();
        }
    }
    assert_nowhere(&suite, &canaries).await;
    assert!(canaries.iter().all(|canary| !answers.contains(canary)), "{answers}");
    assert!(suite.count("SELECT count(*) FROM ingestion.hook_delivery").await > 0);
}
