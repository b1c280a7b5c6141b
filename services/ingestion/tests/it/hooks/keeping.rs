//! Who makes hooks, and what becomes of their secrets.

use super::*;

#[tokio::test]
async fn a_former_secret_is_accepted_for_a_day_unless_it_leaked() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let former = create(&suite, &admin, canonical()).await.unwrap();
    let rotate = async |revoke_present: bool, request_id: &str| {
        let request = RotateInboundHookSecretRequest {
            name: former.name.clone(),
            revoke_present,
            request_id: request_id.to_owned(),
            actor: String::new(),
        };
        let answer = suite.hooks(&admin).rotate_inbound_hook_secret(request).await.unwrap().into_inner();
        (answer.inbound_hook.unwrap(), Hook { secret: secret(&answer.signing_secret), ..former.clone() })
    };
    let request_id = "6d5e7a0c-f7c1-4920-b6be-baa7aa5ac917";
    let (hook, present) = rotate(false, request_id).await;
    assert!(hook.rotate_time.is_some() && hook.former_secret_expire_time.is_some());
    assert!(present.secret != former.secret);
    assert!(rotate(false, request_id).await.1.secret == present.secret, "a repeated call changes nothing");
    let try_both = async |at: &str| {
        let body = event(&format!("e-{at}")).to_string();
        let former = former.post(&suite, &format!("f-{at}"), body.as_bytes()).await.0;
        (former, present.post(&suite, &format!("p-{at}"), body.as_bytes()).await.0)
    };
    assert_eq!(try_both("now").await, (202, 202));
    suite.hand.advance(SignedDuration::from_secs(24 * 3600 - 1));
    assert_eq!(try_both("last").await, (202, 202));
    suite.hand.advance(SignedDuration::from_secs(1));
    assert_eq!(try_both("after").await, (401, 202));

    let (hook, newest) = rotate(true, "").await;
    assert_eq!(hook.former_secret_expire_time, None);
    let body = event("e-leaked").to_string();
    assert_eq!(present.post(&suite, "m-1", body.as_bytes()).await.0, 401);
    assert_eq!(newest.post(&suite, "m-2", body.as_bytes()).await.0, 202);
}

#[tokio::test]
async fn hooks_are_made_and_seen_by_administrators_within_what_their_key_may() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    suite.rooftop(&admin, "summit", "south").await;
    let stranger = suite.group("other").await;
    let reader = suite.key(&admin, &["read", "ingest"], &[], &[]).await;
    let south = suite.key(&admin, &["admin"], &["south"], &[]).await;
    let hook = create(&suite, &admin, canonical()).await.unwrap();
    create(&suite, &admin, of_rows("")).await.unwrap();

    for (token, code) in [(&stranger, Code::PermissionDenied), (&reader, Code::PermissionDenied)] {
        assert_eq!(create(&suite, token, canonical()).await.err().unwrap().code(), code);
        let list = ListInboundHooksRequest { parent: "groups/summit".to_owned(), ..Default::default() };
        assert_eq!(suite.hooks(token).list_inbound_hooks(list).await.unwrap_err().code(), code);
        let rotate = RotateInboundHookSecretRequest { name: hook.name.clone(), ..Default::default() };
        assert_eq!(suite.hooks(token).rotate_inbound_hook_secret(rotate).await.unwrap_err().code(), code);
        let delete = DeleteInboundHookRequest { name: hook.name.clone(), ..Default::default() };
        assert_eq!(suite.hooks(token).delete_inbound_hook(delete).await.unwrap_err().code(), code);
    }
    // A name of another group within one's own finds nothing.
    let alias = hook.name.replace("groups/summit", "groups/other");
    let delete = DeleteInboundHookRequest { name: alias, ..Default::default() };
    assert_eq!(suite.hooks(&stranger).delete_inbound_hook(delete).await.unwrap_err().code(), Code::NotFound);

    // A key of one rooftop.
    assert_eq!(reason(&create(&suite, &south, canonical()).await.err().unwrap()), "ROOFTOP_NOT_ALLOWED");
    let delete = DeleteInboundHookRequest { name: hook.name.clone(), ..Default::default() };
    assert_eq!(reason(&suite.hooks(&south).delete_inbound_hook(delete).await.unwrap_err()), "ROOFTOP_NOT_ALLOWED");
    create(&suite, &south, of_rows("south")).await.unwrap();
    let list = async |token: &str, page_size: i32, page_token: &str| {
        let request = ListInboundHooksRequest {
            parent: "groups/summit".to_owned(),
            page_size,
            page_token: page_token.to_owned(),
        };
        let page = suite.hooks(token).list_inbound_hooks(request).await.unwrap().into_inner();
        let seen: Vec<String> = page
            .inbound_hooks
            .iter()
            .map(|hook| format!("{}:{}:{}", hook.rooftop, hook.profile, hook.source))
            .collect();
        (seen, page.next_page_token)
    };
    assert_eq!(list(&south, 0, "").await.0, ["south:finance-log://finance-log.vendor/south"]);
    let (mut all, next) = list(&admin, 2, "").await;
    all.extend(list(&admin, 2, &next).await.0);
    all.sort();
    assert_eq!(
        all,
        [
            ":finance-log://finance-log.vendor/*",
            "north:canonical://crm.example/*",
            "south:finance-log://finance-log.vendor/south"
        ]
    );

    // What cannot work is refused before anything is made.
    let nowhere = create(&suite, &admin, of_rows("nowhere")).await.err().unwrap();
    assert_eq!(nowhere.code(), Code::NotFound);
    let polled = InboundHook { profile: "crm-visits".to_owned(), ..of_rows("north") };
    let refused = create(&suite, &admin, polled).await.err().unwrap();
    assert!(refused.code() == Code::InvalidArgument && refused.message().contains("polled"), "{refused:?}");
}

#[tokio::test]
async fn the_secret_is_shown_to_who_makes_it_and_stands_in_no_list() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let request = CreateInboundHookRequest {
        parent: "groups/summit".to_owned(),
        inbound_hook: Some(canonical()),
        request_id: "6d5e7a0c-f7c1-4920-b6be-baa7aa5ac917".to_owned(),
        actor: "n-gm".to_owned(),
    };
    let made = suite.hooks(&admin).create_inbound_hook(request.clone()).await.unwrap().into_inner();
    let again = suite.hooks(&admin).create_inbound_hook(request).await.unwrap().into_inner();
    assert_eq!(made, again);
    assert_eq!(suite.count("SELECT count(*) FROM ingestion.hook").await, 1);
    let shown = made.signing_secret.strip_prefix("whsec_").unwrap();
    let list = ListInboundHooksRequest { parent: "groups/summit".to_owned(), ..Default::default() };
    let listed = suite.hooks(&admin).list_inbound_hooks(list).await.unwrap().into_inner();
    assert!(!format!("{listed:?}").contains(shown));
    let kept = "SELECT count(*) FROM ingestion.request r WHERE encode(r.response, 'escape') LIKE '%whsec%'";
    assert_eq!(suite.count(kept).await, 0);
}
