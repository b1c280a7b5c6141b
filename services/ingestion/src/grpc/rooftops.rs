//! Rooftops: what is said of them is an entry in the log of their own part, before their events.

use bytes::Bytes;
use jiff::Timestamp;
use prost::Message;
use throughline_journal::{Log, NewEntry};
use throughline_platform::{
    Failure, Principal,
    db::{Role, Tx},
    name,
    principal::Scope,
    repeat,
    trace::{self, TraceContext},
};
use throughline_proto::{
    event::v1::Origin,
    log::v1::{EntryBody, entry_body::Body},
    tenant::v1::{
        CreateRooftopRequest, GetRooftopRequest, ListRooftopsRequest, ListRooftopsResponse, Rooftop,
        UpdateRooftopRequest,
    },
    time::to_wire,
};

use super::{
    Directory,
    request::{self, Pages, Place},
};
use crate::{
    SCHEMA,
    domain::{
        rooftop::{self, MOST_ROOFTOPS, admit, etag, says_the_same, set_in_force},
        watch::{watch, watched},
    },
    store::{feeds, keys, rooftops},
};

const ROOFTOP: &str = "groups/{group}/rooftops/{rooftop}";
/// What entries about a rooftop are about.
const ENTITY: &str = "rooftop";

/// A change that is about to be made.
struct Change {
    group: String,
    id: String,
    request_id: String,
    body_hash: [u8; 32],
    actor: String,
    trace: TraceContext,
    now: Timestamp,
    log: Log,
}

pub(super) async fn create(
    directory: &Directory,
    principal: Principal,
    asked: CreateRooftopRequest,
) -> Result<Rooftop, Failure> {
    principal.require(Scope::Admin)?;
    let principal = principal.in_group(&asked.parent)?;
    if !name::is_rooftop_id(&asked.rooftop_id) {
        let what = format!("{} is not [A-Za-z0-9][A-Za-z0-9_-]{{0,62}}", name::shown(&asked.rooftop_id));
        return Err(Failure::invalid("rooftop_id", what));
    }
    principal.require_rooftop(&asked.rooftop_id)?;
    let body_hash =
        repeat::body_hash(&CreateRooftopRequest { request_id: String::new(), ..asked.clone() }.encode_to_vec());
    let wanted = asked.rooftop.ok_or_else(|| Failure::invalid("rooftop", "is missing"))?;
    let change = Change::new(directory, &principal, asked.rooftop_id, asked.request_id, body_hash, asked.actor)?;
    let wanted = admit(wanted, &change.id, change.now).map_err(Failure::violations)?;
    change.run(directory, &principal, "CreateRooftop", move |tx, change| Box::pin(add(tx, change, wanted))).await
}

/// Adds a rooftop, or finds it there already with the same content.
async fn add(tx: &mut Tx, change: &Change, wanted: Rooftop) -> Result<Rooftop, Failure> {
    let Change { group, id, now, .. } = change;
    rooftops::lock_parts(tx).await?;
    if let Some((standing, _)) = rooftops::lock(tx, group, id).await? {
        if says_the_same(&standing, &wanted) {
            return Ok(standing);
        }
        return Err(Failure::already_exists("rooftop", format!("groups/{group}/rooftops/{id}")));
    }
    if keys::find_group(tx, group).await?.is_none() {
        return Err(Failure::not_found("group", group));
    }
    if rooftops::count(tx, group).await? >= MOST_ROOFTOPS {
        return Err(Failure::precondition(format!(
            "the group has {MOST_ROOFTOPS} rooftops, which is the most it may have"
        )));
    }
    let rooftop = Rooftop {
        name: format!("groups/{group}/rooftops/{id}"),
        part: rooftops::take_part(tx).await?.into(),
        create_time: Some(to_wire(*now)),
        etag: etag(1),
        ..wanted
    };
    rooftops::add(tx, group, id, &rooftop, *now).await?;
    change.write(tx, &rooftop).await?;
    Ok(rooftop)
}

pub(super) async fn update(
    directory: &Directory,
    principal: Principal,
    asked: UpdateRooftopRequest,
) -> Result<Rooftop, Failure> {
    principal.require(Scope::Admin)?;
    let body_hash =
        repeat::body_hash(&UpdateRooftopRequest { request_id: String::new(), ..asked.clone() }.encode_to_vec());
    let wanted = asked.rooftop.ok_or_else(|| Failure::invalid("rooftop", "is missing"))?;
    let principal = principal.in_group(&wanted.name)?;
    let id = name::parse_field("rooftop.name", ROOFTOP, &wanted.name)?[1].to_owned();
    principal.require_rooftop(&id)?;
    let mask = asked.update_mask.map(|mask| mask.paths).unwrap_or_default();
    let change = Change::new(directory, &principal, id, asked.request_id, body_hash, asked.actor)?;
    change
        .run(directory, &principal, "UpdateRooftop", move |tx, change| Box::pin(alter(tx, change, wanted, mask)))
        .await
}

async fn alter(tx: &mut Tx, change: &Change, wanted: Rooftop, mask: Vec<String>) -> Result<Rooftop, Failure> {
    let Change { group, id, now, .. } = change;
    let rooftop_name = format!("groups/{group}/rooftops/{id}");
    let found = rooftops::lock(tx, group, id).await?;
    let (mut standing, revision) = found.ok_or_else(|| Failure::not_found("rooftop", rooftop_name.clone()))?;
    // That another calendar is in force by now is no change.
    set_in_force(&mut standing, *now);
    if !wanted.etag.is_empty() && wanted.etag != standing.etag {
        return Err(Failure::aborted_etag(rooftop_name));
    }
    let merged = rooftop::alter(&standing, wanted, &mask, id, *now).map_err(Failure::violations)?;
    if merged == standing {
        return Ok(standing);
    }
    let rooftop = Rooftop { etag: etag(revision + 1), ..merged };
    rooftops::change(tx, group, id, &rooftop, revision + 1, *now).await?;
    if watched(&rooftop) != watched(&standing) {
        let watch = watch(&rooftop);
        feeds::judge(tx, group, id, |source, feed| watch.judge(source, feed)).await?;
    }
    change.write(tx, &rooftop).await?;
    Ok(rooftop)
}

impl Change {
    fn new(
        directory: &Directory,
        principal: &Principal,
        id: String,
        request_id: String,
        body_hash: [u8; 32],
        actor: String,
    ) -> Result<Self, Failure> {
        Ok(Self {
            group: principal.group.clone(),
            id,
            request_id,
            body_hash,
            actor: request::actor(actor)?,
            trace: trace::current(),
            now: directory.cx.clock.now(),
            log: directory.log.clone(),
        })
    }

    /// Makes the change once for each request_id, and tells followers and the memory of this process.
    async fn run<F>(
        self,
        directory: &Directory,
        principal: &Principal,
        method: &'static str,
        make: F,
    ) -> Result<Rooftop, Failure>
    where
        F: for<'c> FnOnce(&'c mut Tx, &'c Self) -> futures::future::BoxFuture<'c, Result<Rooftop, Failure>>
            + Send
            + 'static,
    {
        let rooftop = directory
            .cx
            .db
            .work(Role::Appender, move |tx| {
                Box::pin(async move {
                    let Self { group, request_id, body_hash, .. } = &self;
                    if let Some(answer) = repeat::replayed(tx, SCHEMA, group, request_id, method, body_hash).await? {
                        return Rooftop::decode(answer.as_slice()).map_err(Failure::internal);
                    }
                    let rooftop = make(tx, &self).await?;
                    repeat::remember(tx, SCHEMA, group, request_id, method, body_hash, &rooftop.encode_to_vec())
                        .await?;
                    Ok(rooftop)
                })
            })
            .await?;
        directory.log.wake(u16::try_from(rooftop.part));
        directory.memory.look(principal).await?;
        Ok(rooftop)
    }

    /// Gives the rooftop its codes and says in the log how it stands.
    async fn write(&self, tx: &mut Tx, rooftop: &Rooftop) -> Result<(), Failure> {
        let mut codes = rooftop.vendor_codes.clone();
        codes.push(self.id.clone());
        if let Some(taken) = rooftops::set_codes(tx, &self.group, &self.id, &codes).await? {
            let what = format!("{taken:?} means another rooftop of the group already");
            return Err(Failure::invalid("rooftop.vendor_codes", what));
        }
        let part = u16::try_from(rooftop.part).map_err(Failure::internal)?;
        let body = EntryBody { body: Some(Body::Rooftop(rooftop.clone())) }.encode_to_vec();
        let entry = NewEntry {
            part,
            group: self.group.clone(),
            rooftop: self.id.clone(),
            entity: ENTITY.to_owned(),
            origin: Origin::Live,
            actor: self.actor.clone(),
            trace: self.trace.clone(),
            body: Bytes::from(body),
        };
        self.log.append(tx, self.now, vec![entry]).await?;
        Ok(())
    }
}

pub(super) async fn get(
    directory: &Directory,
    principal: Principal,
    asked: GetRooftopRequest,
) -> Result<Rooftop, Failure> {
    principal.require(Scope::Read)?;
    let principal = principal.in_group(&asked.name)?;
    let id = name::parse(ROOFTOP, &asked.name)?[1].to_owned();
    principal.require_rooftop(&id)?;
    let group = principal.group.clone();
    let found = directory
        .cx
        .db
        .read(&principal, move |tx| Box::pin(async move { rooftops::find(tx, &group, &id).await }))
        .await?;
    let mut rooftop = found.ok_or_else(|| Failure::not_found("rooftop", asked.name))?;
    set_in_force(&mut rooftop, directory.cx.clock.now());
    Ok(rooftop)
}

pub(super) async fn list(
    directory: &Directory,
    principal: Principal,
    asked: ListRooftopsRequest,
) -> Result<ListRooftopsResponse, Failure> {
    principal.require(Scope::Read)?;
    let principal = principal.in_group(&asked.parent)?;
    let pages = Pages::new(&directory.cx.sealer, "rooftops", &principal, &[&asked.parent], asked.page_size, 100)?;
    let after = pages.open(&asked.page_token)?;
    let (group, visible, limit) = (principal.group.clone(), principal.rooftop_filter(), pages.limit());
    let mut rows = directory
        .cx
        .db
        .read(&principal, move |tx| {
            Box::pin(async move {
                let after = after.as_ref().map_or("", |place| place.text(0));
                rooftops::page(tx, &group, after, visible.as_deref(), limit).await
            })
        })
        .await?;
    let next_page_token = pages.cut(&mut rows, |(id, _)| Place::new([id.clone()]));
    let mut rooftops: Vec<Rooftop> = rows.into_iter().map(|(_, rooftop)| rooftop).collect();
    let now = directory.cx.clock.now();
    rooftops.iter_mut().for_each(|rooftop| set_in_force(rooftop, now));
    Ok(ListRooftopsResponse { rooftops, next_page_token })
}
