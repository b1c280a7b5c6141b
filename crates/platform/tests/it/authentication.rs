use throughline_platform::{Failure, db::Role};
use throughline_proto::log::v1::GetHeadsRequest;
use tonic::{Code, Request};
use tonic_types::StatusExt;

use crate::kit::{Process, bearer, key};

fn with(token: &str) -> Request<GetHeadsRequest> {
    let mut request = Request::new(GetHeadsRequest::default());
    request.metadata_mut().insert("authorization", bearer(token));
    request
}

#[tokio::test]
async fn a_key_says_whose_it_is() {
    let process = Process::start().await;
    let key = key(&process.cx.db, "summit", &["read"]).await;
    let answer = process.client().await.get_heads(with(&key.token)).await.unwrap();
    assert_eq!(answer.into_inner().consistency_token, "summit");
    process.stop().await;
}

#[tokio::test]
async fn without_a_usable_key_nothing_is_answered() {
    let process = Process::start().await;
    let key = key(&process.cx.db, "summit", &["read"]).await;
    let mut client = process.client().await;
    let wrong_secret = format!("tl_{}_guessed", key.key_id);
    let wrong_service_key = process.cx.options.service_key.to_uppercase();
    let mut refused = vec![client.get_heads(GetHeadsRequest::default()).await.unwrap_err()];
    for token in [&wrong_secret, &wrong_service_key, "tl_nobody_secret", "nonsense", ""] {
        refused.push(client.get_heads(with(token)).await.unwrap_err());
    }
    for status in refused {
        assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "UNAUTHENTICATED");
        assert_eq!(details.request_info().unwrap().request_id.len(), 32);
    }
    process.stop().await;
}

#[tokio::test]
async fn a_revoked_key_stops() {
    let process = Process::start().await;
    let key = key(&process.cx.db, "summit", &["read"]).await;
    let mut client = process.client().await;
    client.get_heads(with(&key.token)).await.unwrap();
    process
        .cx
        .db
        .work(Role::Worker, |tx| {
            Box::pin(async move {
                sqlx::query("UPDATE directory.api_key SET revoked_at = now()").execute(tx.conn()).await?;
                Ok::<_, Failure>(())
            })
        })
        .await
        .unwrap();
    process.cx.auth.forget(&key.key_id);
    assert_eq!(client.get_heads(with(&key.token)).await.unwrap_err().code(), Code::Unauthenticated);
    process.stop().await;
}
