use serde_json::{Value, json};

use crate::kit::Suite;

/// Posts to /v1/events and answers with the status and the JSON.
async fn post(suite: &Suite, headers: &[(&str, &str)], body: &[u8]) -> (u16, Value) {
    suite.post("/v1/events", headers, body).await
}

fn one(id: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "//dms.example/north", "type": "deal.opened", "subject": "D1",
           "rooftop": "north", "time": "2026-09-07T11:00:00Z", "data": {"actor": "n-s0", "email": "canary@example.invalid"}})
}

#[tokio::test]
async fn every_way_to_write_an_event_is_read() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let bearer = format!("Bearer {admin}");
    let typed = async |media_type: &str, body: &Value| {
        post(&suite, &[("authorization", &bearer), ("content-type", media_type)], body.to_string().as_bytes()).await
    };
    let (status, answer) = typed("application/cloudevents+json; charset=utf-8", &one("e-1")).await;
    assert_eq!(
        (status, &answer["results"]),
        (200, &json!([{"id": "e-1", "outcome": "OUTCOME_ACCEPTED", "droppedFields": ["email"]}]))
    );
    assert!(!answer["consistencyToken"].as_str().unwrap().is_empty());
    let (status, answer) = typed("application/cloudevents-batch+json", &json!([one("e-1"), one("e-2"), 7])).await;
    assert_eq!(status, 200);
    let outcomes: Vec<&str> =
        answer["results"].as_array().unwrap().iter().map(|result| result["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["OUTCOME_DUPLICATE", "OUTCOME_ACCEPTED", "OUTCOME_REFUSED"]);
    assert_eq!(typed("application/json", &one("e-3")).await.1["results"][0]["outcome"], "OUTCOME_ACCEPTED");
    assert_eq!(typed("application/json", &json!([one("e-3")])).await.1["results"][0]["outcome"], "OUTCOME_DUPLICATE");
    let binary = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "e-1"),
        ("ce-source", "//dms.example/north"),
        ("ce-type", "deal.opened"),
        ("ce-subject", "D1"),
        ("ce-rooftop", "north"),
        ("ce-time", "2026-09-07T11:00:00Z"),
    ];
    assert_eq!(post(&suite, &binary, br#"{"actor":"n-s0"}"#).await.1["results"][0]["outcome"], "OUTCOME_DUPLICATE");
    assert_eq!(suite.logged_events().await.len(), 3);
}

#[tokio::test]
async fn what_is_kept_apart_says_why_in_json() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let mut wrong = one("e-1");
    wrong["time"] = "yesterday".into();
    let bearer = format!("Bearer {admin}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/cloudevents+json")];
    let (status, answer) = post(&suite, &headers, wrong.to_string().as_bytes()).await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(answer["results"], @r#"
    [
      {
        "droppedFields": [
          "email"
        ],
        "id": "e-1",
        "outcome": "OUTCOME_QUARANTINED",
        "status": {
          "code": 3,
          "details": [
            {
              "@type": "type.googleapis.com/google.rpc.ErrorInfo",
              "domain": "throughline",
              "metadata": {},
              "reason": "INVALID_TIME"
            },
            {
              "@type": "type.googleapis.com/google.rpc.BadRequest",
              "fieldViolations": [
                {
                  "description": "is no instant of rfc 3339 with an offset",
                  "field": "events[0].time"
                }
              ]
            }
          ],
          "message": "time is no instant of rfc 3339 with an offset"
        }
      }
    ]
    "#);
}

#[tokio::test]
async fn a_request_that_is_wrong_as_a_whole_gets_an_error() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let vendor = suite.key(&admin, &["ingest"], &[], &["crm"]).await;
    let reader = suite.key(&admin, &["read"], &[], &[]).await;
    let ask = async |token: &str, media_type: &str, body: &[u8]| {
        let bearer = format!("Bearer {token}");
        let (status, answer) = post(&suite, &[("authorization", &bearer), ("content-type", media_type)], body).await;
        let error = &answer["error"];
        let reason = error["details"][0]["reason"].as_str().unwrap_or_default();
        format!("{status} {} {reason}: {}", error["status"], error["message"])
    };
    const ONE: &str = "application/cloudevents+json";
    let large = vec![b' '; 5 * 1024 * 1024];
    let answers = [
        ask(&admin, "text/plain", b"{}").await,
        ask(&admin, ONE, br#"{"canary": "#).await,
        ask(&admin, "application/cloudevents-batch+json", b"{}").await,
        ask(&admin, "application/cloudevents-batch+json", b"[]").await,
        ask(&admin, ONE, &large).await,
        ask("tl_x_y", ONE, b"{}").await,
        ask(&reader, ONE, one("e-1").to_string().as_bytes()).await,
        ask(&vendor, ONE, one("e-1").to_string().as_bytes()).await,
    ];
    insta::assert_snapshot!(answers.join("\n"), @r#"
    400 "INVALID_ARGUMENT" INVALID_FIELD: "content-type: is none of application/cloudevents+json, application/cloudevents-batch+json, application/json"
    400 "INVALID_ARGUMENT" INVALID_FIELD: "body: is no json that holds events (line 1 column 11)"
    400 "INVALID_ARGUMENT" INVALID_FIELD: "body: is no json that holds events (line 1 column 0)"
    400 "INVALID_ARGUMENT" INVALID_FIELD: "events: is empty: send 1 to 5000 events"
    413 "RESOURCE_EXHAUSTED" MESSAGE_TOO_LARGE: "the body is larger than 4194304 bytes: send fewer events at once"
    401 "UNAUTHENTICATED" UNAUTHENTICATED: "this key is not known, or was revoked"
    403 "PERMISSION_DENIED" METHOD_NOT_ALLOWED: "this key lacks the scope \"ingest\""
    403 "PERMISSION_DENIED" SOURCE_NOT_ALLOWED: "this key may not write that source"
    "#);
}
