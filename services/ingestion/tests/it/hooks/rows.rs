//! Bodies that hold a vendor's rows.

use super::*;

#[tokio::test]
async fn rows_are_read_by_the_profile_and_each_is_accounted_for() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let hook = create(&suite, &admin, of_rows("north")).await.unwrap();
    let (status, mut answer) = hook.post(&suite, "m-1", LOG.as_bytes()).await;
    answer["consistencyToken"] = "…".into();
    assert_eq!(status, 202);
    insta::assert_json_snapshot!(answer, @r#"
    {
      "accepted": 2,
      "consistencyToken": "…",
      "duplicate": 0,
      "quarantined": 0,
      "reasons": {},
      "refused": 0,
      "rows": {
        "broken": {
          "it has another number of columns than the header": 1
        },
        "dropped": {
          "Date In is no time of the profile's format": 1,
          "Deal is empty, and tells rows apart": 1,
          "it is of another rooftop": 2
        },
        "kept": 1,
        "read": 6
      }
    }
    "#);
    let events = suite.logged_events().await;
    let types: Vec<_> = events.iter().map(|event| (event.r#type.as_str(), event.source.as_str())).collect();
    assert_eq!(
        types,
        [("deal.fi.started", "//finance-log.vendor/north"), ("deal.contract.signed", "//finance-log.vendor/north")]
    );
    let answer = told(hook.post(&suite, "m-2", b"Store,Name\nnorth,CANARY Smith\n").await);
    assert!(answer.starts_with("400") && answer.contains("no column") && !answer.contains(CANARY), "{answer}");
    let (status, answer) = hook.post(&suite, "m-3", LOG.lines().next().unwrap().as_bytes()).await;
    assert_eq!((status, answer["rows"]["read"].as_u64()), (202, Some(0)), "a header alone is no fault");
}

#[tokio::test]
async fn a_hook_of_the_group_takes_each_row_to_its_rooftop() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let mut rooftop = suite.rooftop(&admin, "summit", "south").await;
    rooftop.vendor_codes = vec!["n-1".to_owned()];
    rooftop.etag.clear();
    let update = throughline_proto::tenant::v1::UpdateRooftopRequest { rooftop: Some(rooftop), ..Default::default() };
    suite.directory(&admin).update_rooftop(update).await.unwrap();
    let hook = create(&suite, &admin, of_rows("")).await.unwrap();
    let (status, answer) = hook.post(&suite, "m-1", LOG.as_bytes()).await;
    assert_eq!(status, 202);
    assert_eq!(answer["accepted"], 3, "{answer}");
    assert_eq!(answer["rows"]["dropped"]["it is of a rooftop that the group does not have"], 1);
    let log = suite.log().await;
    let mut rooftops: Vec<&str> = log.values().flatten().map(|entry| entry.rooftop.as_str()).collect();
    rooftops.sort_unstable();
    rooftops.dedup();
    assert_eq!(rooftops, ["north", "south"]);
    let sources: std::collections::BTreeSet<String> =
        suite.logged_events().await.into_iter().map(|event| event.source).collect();
    assert_eq!(Vec::from_iter(sources), ["//finance-log.vendor/north", "//finance-log.vendor/south"]);
}

#[tokio::test]
async fn a_body_of_too_many_rows_is_refused_whole() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let hook = create(&suite, &admin, of_rows("north")).await.unwrap();
    let mut body = "Store,Deal,Stock,Date,In,Out,F&I\n".to_owned();
    for row in 0..5_001 {
        body += &format!("north,D{row},N1,09/06/2026,04:35 PM,,n-f0\n");
    }
    let answer = told(hook.post(&suite, "m-1", body.as_bytes()).await);
    assert!(answer.contains("gives more than 5000 events"), "{answer}");
    let large = vec![b' '; 5 * 1024 * 1024];
    assert!(told(hook.post(&suite, "m-2", &large).await).starts_with("413 \"RESOURCE_EXHAUSTED\" MESSAGE_TOO_LARGE"));
    assert!(suite.logged_events().await.is_empty());
}
