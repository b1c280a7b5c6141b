//! Groups: made by the services themselves, each with the key of its first administrator.

use throughline_platform::{
    Failure, Principal,
    auth::NewKey,
    db::{Role, Tx},
    name,
};
use throughline_proto::tenant::v1::{ApiKey, CreateGroupRequest, CreateGroupResponse};

use super::Directory;
use crate::{domain::api_key::MOST_KEYS, store::keys};

const LONGEST_LABEL: usize = 128;

pub(super) async fn create(
    directory: &Directory,
    principal: Principal,
    asked: CreateGroupRequest,
) -> Result<CreateGroupResponse, Failure> {
    principal.require_service()?;
    if !name::is_group_id(&asked.group_id) {
        let what = format!("{} is not [a-z0-9][a-z0-9-]{{0,62}}", name::shown(&asked.group_id));
        return Err(Failure::invalid("group_id", what));
    }
    let label = &asked.display_name;
    if label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) {
        let what = format!("is longer than {LONGEST_LABEL} characters or holds control characters");
        return Err(Failure::invalid("display_name", what));
    }
    let now = directory.cx.clock.now();
    directory.cx.db.work(Role::Appender, move |tx| Box::pin(async move { add(tx, asked, now).await })).await
}

async fn add(tx: &mut Tx, asked: CreateGroupRequest, now: jiff::Timestamp) -> Result<CreateGroupResponse, Failure> {
    let id = &asked.group_id;
    let mut admin_secret = String::new();
    if keys::add_group(tx, id, &asked.display_name, now).await? {
        let key = NewKey::generate();
        let content = ApiKey {
            display_name: "first administrator".to_owned(),
            scopes: vec!["admin".to_owned()],
            ..ApiKey::default()
        };
        keys::add(tx, id, &key, &content, now, MOST_KEYS).await?;
        admin_secret = key.token;
    }
    Ok(CreateGroupResponse { group: keys::find_group(tx, id).await?, admin_secret })
}
