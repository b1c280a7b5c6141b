use throughline_proto::tenant::v1::{
    ApiKey, CreateApiKeyRequest, GetCallerRequest, ListApiKeysRequest, RevokeApiKeyRequest,
};
use tonic::Code;

use crate::kit::{Suite, event, reason};

fn wanted(scopes: &[&str], rooftops: &[&str], sources: &[&str]) -> CreateApiKeyRequest {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let key = ApiKey { scopes: owned(scopes), rooftops: owned(rooftops), sources: owned(sources), ..ApiKey::default() };
    CreateApiKeyRequest { parent: "groups/summit".into(), api_key: Some(key), actor: String::new() }
}

#[tokio::test]
async fn the_secret_is_shown_once_and_kept_as_a_hash() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let made = suite.directory(&admin).create_api_key(wanted(&["ingest"], &[], &["crm*"])).await.unwrap().into_inner();
    assert!(made.secret.starts_with("tl_"));
    let caller = suite.directory(&made.secret).get_caller(GetCallerRequest {}).await.unwrap().into_inner();
    assert_eq!((caller.group.as_str(), caller.api_key), ("groups/summit", made.api_key.clone()));
    let request = ListApiKeysRequest { parent: "groups/summit".into(), ..Default::default() };
    let keys = suite.directory(&admin).list_api_keys(request).await.unwrap().into_inner().api_keys;
    assert_eq!(keys.len(), 2);
    assert!(keys.contains(&made.api_key.unwrap()));
    let secret = made.secret.rsplit_once('_').unwrap().1;
    assert!(!format!("{keys:?}").contains(secret));
    let query = "SELECT count(*) FROM directory.api_key k WHERE k::text LIKE '%tl\\_%'";
    assert_eq!(suite.count(query).await, 0);
}

#[tokio::test]
async fn a_key_makes_and_revokes_none_wider_than_itself() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let narrow = suite.key(&admin, &["admin"], &["north"], &[]).await;
    let mut directory = suite.directory(&narrow);
    let status = directory.create_api_key(wanted(&["read"], &[], &[])).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "ROOFTOP_NOT_ALLOWED"));
    assert!(directory.create_api_key(wanted(&["read"], &["north"], &[])).await.is_ok());
    let wide = suite.directory(&admin).get_caller(GetCallerRequest {}).await.unwrap().into_inner().api_key.unwrap();
    let status =
        directory.revoke_api_key(RevokeApiKeyRequest { name: wide.name, actor: String::new() }).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    let vendor = suite.key(&admin, &["ingest"], &[], &[]).await;
    let status = suite.directory(&vendor).create_api_key(wanted(&["ingest"], &[], &[])).await.unwrap_err();
    assert_eq!(reason(&status), "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn a_revoked_key_is_worth_nothing_here_at_once() {
    let suite = Suite::start().await;
    let admin = suite.summit().await;
    let made = suite.directory(&admin).create_api_key(wanted(&["ingest"], &[], &[])).await.unwrap().into_inner();
    suite.append(&made.secret, vec![event("e-1")]).await;
    let revoke = RevokeApiKeyRequest { name: made.api_key.unwrap().name, actor: "n-gm".into() };
    let revoked = suite.directory(&admin).revoke_api_key(revoke.clone()).await.unwrap().into_inner();
    assert!(revoked.revoke_time.is_some());
    assert_eq!(suite.directory(&admin).revoke_api_key(revoke).await.unwrap().into_inner(), revoked);
    let request =
        throughline_proto::ingestion::v1::AppendEventsRequest { events: vec![event("e-2")], ..Default::default() };
    assert_eq!(suite.events(&made.secret).append_events(request).await.unwrap_err().code(), Code::Unauthenticated);
    let missing = RevokeApiKeyRequest { name: "groups/summit/apiKeys/none".into(), actor: String::new() };
    assert_eq!(suite.directory(&admin).revoke_api_key(missing).await.unwrap_err().code(), Code::NotFound);
}
