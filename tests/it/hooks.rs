//! A vendor that pushes, end to end: a hook as an administrator makes it, a deal on the board, and no customer anywhere.
use base64::{Engine as _, prelude::BASE64_STANDARD};
use throughline_platform::signature::{Secret, sign};
use throughline_testkit::connect;

use crate::{
    profiles::found,
    suite::{http, scratch_suite},
};

const CANARIES: [&str; 3] = ["CANARY-", "canary@example.invalid", "555-0100"];
const BODY: &str = "Date,Store,Deal,CANARY-HEADER,Stock,In,Out,F&I\n\
    09/07/2026,RT7,D71,CANARY-NAME-1,STK7001,04:40 PM,05:10 PM,f1\n\
    CANARY-DATE,RT7,D72,CANARY-NAME-2,STK7002,04:40 PM,,canary@example.invalid\n\
    CANARY-NAME-3,555-0100\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_vendor_pushes_is_a_deal_and_names_no_customer() {
    let (_scratch, suite) = scratch_suite(&[]).await;
    assert!(suite.run(&["rooftop", "add", "RT7", "--zone", "America/New_York"]).await.status.success());
    let hook =
        suite.run(&["hook", "add", "--profile", "finance-log", "--rooftop", "RT7", "--format", "json"]).await.line();
    let secret = hook["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap();
    let secret = Secret::new(BASE64_STANDARD.decode(secret).unwrap());
    let address = format!("http://{}{}?customer=CANARY-QUERY", suite.http, hook["path"].as_str().unwrap());
    let post = async |id: &str, secret: &Secret| {
        let now = throughline_platform::clock::Clock::system().now().as_second();
        let answer = http()
            .post(&address)
            .header("webhook-id", id)
            .header("webhook-timestamp", now)
            .header("webhook-signature", sign(secret, id, now, BODY.as_bytes()))
            .header("x-customer", "CANARY-HEADER-VALUE")
            .body(BODY)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, answer) = post("CANARY-ID", &secret).await;
    assert!(status == 202 && answer.contains(r#""accepted":2"#), "{status} {answer}");
    assert_eq!(post("CANARY-ID", &secret).await.0, 200);
    let (status, forged) = post("CANARY-FORGED", &Secret::generate()).await;
    assert_eq!(status, 401);

    suite.state_hash().await;
    let deals = suite.run(&["deals", "--format", "json"]).await;
    assert!(deals.stdout.contains("D71"), "{deals:?}");
    let listed = suite.run(&["hook", "list"]).await.stdout;
    let metrics = http().get(format!("http://{}/metrics", suite.http)).send().await.unwrap().text().await.unwrap();
    let mut db = connect(&suite.postgres_url()).await;
    let log = suite.log();
    for canary in CANARIES {
        let places = found(&mut db, canary).await;
        assert!(places.is_empty(), "{canary} is in {places:?}");
        for (place, text) in
            [("log", &log), ("answer", &answer), ("refusal", &forged), ("list", &listed), ("metrics", &metrics)]
        {
            assert!(!text.contains(canary), "{canary} is in the {place}: {text}");
        }
    }
    assert!(suite.stop().await.success());
}
