//! Vendors' files in: read as they stream by, mapped by a source profile, committed like all events, and what is durable saved
//! with what is remembered of the table.

mod counts;
mod pieces;
mod reader;
mod upload;

use std::{sync::Arc, time::Duration};

use axum::http::HeaderValue;
use jiff::{Timestamp, tz::TimeZone};
use throughline_adapters::{InvalidProfile, Memory, Profile};
use throughline_platform::{Context, Failure, Principal, Reason, Violation, db::Tx, failure::Code, principal::Scope};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

pub(crate) use self::{
    pieces::{Integrity, Piece},
    upload::Upload,
};
use crate::{
    intake::Intake,
    store::{
        imports::{self, Begun, Held, New, State},
        polled, rooftops,
    },
    wire::import::{cancelled, name},
};

/// Imports of a group that have not ended.
const MOST_OPEN: i64 = 1_000;
/// Uploads at once: each holds some MB and a thread.
const MOST_UPLOADS: usize = 8;
/// Bytes of one piece of a file.
pub(crate) const LONGEST_CHUNK: usize = 1 << 20;

/// An uploader that neither sends nor takes anything for so long gives its place to others.
pub(crate) const LONGEST_SILENCE: Duration = Duration::from_secs(300);

/// Imports files.
#[derive(Clone)]
pub(crate) struct Imports {
    pub(crate) cx: Context,
    pub(crate) intake: Intake,
    places: Arc<Semaphore>,
}

/// Who brings an upload.
#[derive(Clone, Debug)]
pub(crate) enum Bringer {
    /// The key of a call, asked for with each commit: an upload outlives no key by much.
    Key(Option<HeaderValue>),
    /// Whoever may write to the watched folder.
    Folder,
}

/// What an upload brings: a source of a rooftop of a group.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) group: String,
    pub(crate) rooftop: String,
    pub(crate) source: String,
}

/// An upload that may begin: everything that its reader and its commits need.
pub(crate) struct Prepared {
    pub(crate) begun: Begun,
    pub(crate) source: Source,
    pub(crate) profile: Profile,
    /// What the vendor may call the rooftop.
    pub(crate) codes: Vec<String>,
    pub(crate) zone: TimeZone,
    /// Of a table that is polled.
    pub(crate) table: Option<polled::Table>,
    pub(crate) memory: Memory,
    pub(crate) place: OwnedSemaphorePermit,
}

impl Imports {
    pub(crate) fn new(cx: Context, intake: Intake) -> Self {
        Self { cx, intake, places: Arc::new(Semaphore::new(MOST_UPLOADS)) }
    }

    /// Begins an upload: a former one of this import is shut out, and no other import reads the same polled table.
    pub(crate) async fn begin(&self, principal: &Principal, rooftop: &str, id: Uuid) -> Result<Prepared, Failure> {
        let place =
            self.places.clone().try_acquire_owned().map_err(|_| {
                Failure::overloaded("the number of imports that are uploaded to", Duration::from_secs(5))
            })?;
        let (group, wanted, now) = (principal.group.clone(), rooftop.to_owned(), self.cx.clock.now());
        let caller = principal.clone();
        let begun = self.cx.db.write(principal, move |tx| {
            Box::pin(async move {
                let gone = || Failure::not_found("operation", name(&group, &wanted, id));
                let Some(begun) = imports::begin(tx, &group, id, now).await? else {
                    let found = imports::find(tx, &group, id).await?.filter(|import| import.rooftop == wanted);
                    return Err(found.map_or_else(gone, |import| ended(import.state)));
                };
                if begun.rooftop != wanted {
                    return Err(gone());
                }
                let profile = Profile::parse(&begun.definition).map_err(Failure::internal)?;
                Source::new(&group, &wanted, &profile).admit(&caller)?;
                let rooftop = rooftops::find(tx, &group, &wanted)
                    .await?
                    .ok_or_else(|| Failure::not_found("rooftop", format!("groups/{group}/rooftops/{wanted}")))?;
                let table = profile.is_polled().then(|| polled::Table {
                    group: group.clone(),
                    rooftop: wanted.clone(),
                    part: rooftop.part as u16,
                    source: profile.source_of(&wanted),
                    profile: profile.profile.clone(),
                });
                let memory = match &table {
                    None => Memory::default(),
                    Some(table) => remembered(tx, table, &begun.held).await?,
                };
                Ok((begun, profile, rooftop, table, memory))
            })
        });
        let (begun, profile, rooftop, table, memory) = begun.await?;
        // Checked when it was stored.
        let zone = TimeZone::get(&rooftop.zone).unwrap_or(TimeZone::UTC);
        let source = Source::new(&principal.group, &begun.rooftop, &profile);
        Ok(Prepared { begun, source, profile, codes: rooftop.vendor_codes, zone, table, memory, place })
    }

    /// Why an upload may not save any more.
    pub(crate) async fn shut_out(&self, principal: &Principal, held: &Held, rooftop: &str) -> Failure {
        let (group, id) = (held.group.clone(), held.id);
        let found = self.cx.db.read(principal, move |tx| Box::pin(async move { imports::find(tx, &group, id).await }));
        match found.await {
            Err(failure) => failure,
            Ok(None) => Failure::not_found("operation", name(&held.group, rooftop, held.id)),
            Ok(Some(import)) if import.state != State::Open => ended(import.state),
            Ok(Some(_)) => taken_over(),
        }
    }
}

/// Refuses a rooftop that there is not.
pub(crate) async fn exists(tx: &mut Tx, group: &str, rooftop: &str) -> Result<(), Failure> {
    match rooftops::find(tx, group, rooftop).await? {
        Some(_) => Ok(()),
        None => Err(Failure::not_found("rooftop", format!("groups/{group}/rooftops/{rooftop}"))),
    }
}

/// Begins an import of a rooftop that there is.
pub(crate) async fn add(tx: &mut Tx, new: &New, now: Timestamp) -> Result<(), Failure> {
    exists(tx, &new.group, &new.rooftop).await?;
    if imports::open(tx, &new.group).await? >= MOST_OPEN {
        return Err(Failure::precondition(format!(
            "the group has {MOST_OPEN} imports that have not ended, which is the most it may have: cancel some"
        )));
    }
    imports::add(tx, new, now).await
}

/// What is remembered of a table, for the one upload that reads it.
async fn remembered(tx: &mut Tx, table: &polled::Table, held: &Held) -> Result<Memory, Failure> {
    let Some(locked) = polled::lock(tx, table, held).await? else {
        let message = "the rooftop has 64 polled tables, which is the most that are remembered";
        return Err(Failure::precondition(message));
    };
    if locked.holder.id != held.id
        && let Some(rooftop) = imports::under_way(tx, &locked.holder).await?
    {
        let first = name(&held.group, &rooftop, locked.holder.id);
        let message = format!(
            "{first} is being uploaded to and reads the same polled table: wait until it has ended, or cancel it"
        );
        return Err(Failure::precondition(message).with("operation", first));
    }
    polled::hold(tx, table, locked, held).await
}

impl Source {
    pub(crate) fn new(group: &str, rooftop: &str, profile: &Profile) -> Self {
        Self { group: group.to_owned(), rooftop: rooftop.to_owned(), source: profile.source_of(rooftop) }
    }

    /// Refuses a caller that may not bring it.
    pub(crate) fn admit(&self, principal: &Principal) -> Result<(), Failure> {
        principal.require(Scope::Ingest)?;
        principal.require_rooftop(&self.rooftop)?;
        if principal.may_write(&self.source) {
            return Ok(());
        }
        let message = "this key may not write that source";
        Err(Failure::permission(Reason::SourceNotAllowed, message).with("source", self.source.clone()))
    }

    /// Who brings it, as it stands now.
    async fn caller(&self, imports: &Imports, bringer: &Bringer) -> Result<Principal, Failure> {
        let Bringer::Key(credentials) = bringer else { return Ok(self.principal()) };
        let principal =
            imports.cx.auth.authenticate(credentials.as_ref()).await?.in_group(&format!("groups/{}", self.group))?;
        self.admit(&principal)?;
        Ok(principal)
    }

    /// Ourselves, within its group: for what is noted of an upload whoever brings it.
    fn principal(&self) -> Principal {
        Principal { group: self.group.clone(), ..Principal::service() }
    }
}

/// A profile that a caller sent, or every reason why it cannot be used.
pub(crate) fn parse_profile(text: &str) -> Result<Profile, Failure> {
    Profile::parse(text).map_err(|InvalidProfile(problems)| {
        Failure::violations(problems.into_iter().map(|problem| Violation::new("profile_yaml", problem)).collect())
    })
}

fn ended(state: State) -> Failure {
    match state {
        State::Cancelled => cancelled(),
        State::Open | State::Succeeded | State::Failed => {
            Failure::precondition("the import has ended: begin another one")
        }
    }
}

/// Why an upload ends that does not go on.
pub(crate) fn silent() -> Failure {
    let message = "nothing was uploaded, or no answer taken, for five minutes: upload the files again";
    Failure::new(Code::DeadlineExceeded, Reason::DeadlineExceeded, message)
}

fn taken_over() -> Failure {
    let message = "another upload took over: what was told as done stays";
    Failure::new(Code::Aborted, Reason::UploadTakenOver, message)
}
