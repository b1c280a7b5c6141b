//! One file: its content is taken under a lease, and read by the code of all imports.

use prost::Message as _;
use throughline_adapters::{BUILT_IN, Profile, built_in};
use throughline_platform::{Failure, Principal, Reason, failure::Code, name};
use tokio::{sync::mpsc, task::spawn_blocking};
use uuid::Uuid;

use super::{content, watch::Found};
use crate::{
    imports::{self, Imports, Upload},
    store::{
        dropped::{self, Content, Held, State},
        imports::{self as stored, New},
    },
};

/// Answers of an upload that wait to be looked at.
const WAITING: usize = 4;

/// Reads files for one process.
pub(super) struct Reader {
    pub(super) imports: Imports,
    /// This process, until it ends.
    pub(super) owner: Uuid,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Done,
    Failed(String),
    /// Its content came before: nothing is read. With the reason if it failed then.
    Repeated(Option<String>),
    /// Another process reads it, or it has changed.
    Later,
}

/// A content that may be read, or not.
enum Taken {
    Ours { held: Held, import: Uuid, rows_done: u64 },
    Settled(Fate),
}

impl Reader {
    /// Reads a file, unless its content was read before. An error means: look at it again later.
    pub(super) async fn read(&self, found: &Found) -> Result<Fate, Failure> {
        let (group, rooftop, definition) = match place(found) {
            Ok(place) => place,
            Err(why) => return Ok(Fate::Failed(why)),
        };
        let profile = Profile::parse(definition).map_err(Failure::internal)?;
        let (hashed, stopping) = (found.clone(), self.imports.cx.tasks.shutdown());
        let hash = spawn_blocking(move || content::hash(&hashed, &stopping)).await.map_err(Failure::internal)??;
        let new = New {
            group: group.clone(),
            id: Uuid::new_v4(),
            rooftop: rooftop.clone(),
            profile: profile.profile.clone(),
            version: profile.version,
            definition: definition.to_owned(),
            actor: String::new(),
            // Vendors drop what happens; what is old in it alerts nobody by its time.
            live: true,
        };
        let principal = Principal { group: group.clone(), ..Principal::service() };
        let content = Content { group, rooftop, profile: profile.profile, hash };
        let (held, import, rows_done) = match self.take(&principal, content, new).await {
            Ok(Taken::Ours { held, import, rows_done }) => (held, import, rows_done),
            Ok(Taken::Settled(fate)) => return Ok(fate),
            Err(why) if why.code() == Code::NotFound => {
                return Ok(Fate::Failed(format!("{}: make it, then drop the file again", why.message())));
            }
            Err(why) => return Err(why),
        };
        let text = blake3::Hash::from_bytes(hash).to_hex();
        tracing::info!(content = text.as_str(), rows_done, "a dropped file is read");
        match Box::pin(self.import(&principal, found, held, import, rows_done)).await {
            Err(why) if why.reason() == Reason::Cancelled => Ok(Fate::Failed(why.message().to_owned())),
            other => other,
        }
    }

    /// Takes a content, and the import that reads it: the one that was begun, if it has not ended.
    async fn take(&self, principal: &Principal, content: Content, new: New) -> Result<Taken, Failure> {
        let (owner, now) = (self.owner, self.imports.cx.clock.now());
        let taken = self.imports.cx.db.write(principal, move |tx| {
            Box::pin(async move {
                imports::exists(tx, &new.group, &new.rooftop).await?;
                let locked = dropped::lock(tx, &content, now).await?;
                match locked.state {
                    State::Open if locked.leased => return Ok(Taken::Settled(Fate::Later)),
                    State::Open => {}
                    State::Done => return Ok(Taken::Settled(Fate::Repeated(None))),
                    State::Failed(why) => return Ok(Taken::Settled(Fate::Repeated(Some(why)))),
                }
                let begun = match locked.import {
                    None => None,
                    Some(id) => stored::find(tx, &new.group, id).await?,
                };
                let import = match begun.filter(|import| import.state == stored::State::Open) {
                    Some(import) => import.id,
                    None => {
                        imports::add(tx, &new, now).await?;
                        new.id
                    }
                };
                let held = dropped::take(tx, content, import, owner, now).await?;
                Ok::<_, Failure>(Taken::Ours { held, import, rows_done: locked.rows_done })
            })
        });
        taken.await
    }

    async fn import(
        &self,
        principal: &Principal,
        found: &Found,
        held: Held,
        import: Uuid,
        rows_done: u64,
    ) -> Result<Fate, Failure> {
        let rooftop = held.content.rooftop.clone();
        let prepared = match self.imports.begin(principal, &rooftop, import).await {
            Ok(prepared) => prepared,
            Err(why) => {
                // Such as a polled table that is read by another import now.
                let left = self
                    .imports
                    .cx
                    .db
                    .write(principal, move |tx| Box::pin(async move { dropped::left(tx, &held).await }));
                left.await?;
                return Err(why);
            }
        };
        let (expected, fed, stopping) = (held.content.hash, found.clone(), self.imports.cx.tasks.shutdown());
        let feed = |pieces| async move {
            let feeding = spawn_blocking(move || content::feed(&fed, &expected, &pieces, &stopping));
            feeding.await.map_err(Failure::internal)?
        };
        let upload = Upload::of_dropped(self.imports.clone(), held, rows_done, prepared);
        let (told, mut answers) = mpsc::channel(WAITING);
        let upload = async move { upload.run(feed, &told).await };
        let heard = async {
            let (mut done, mut failure) = (false, String::new());
            while let Some(answer) = answers.recv().await {
                if let Ok(answer) = answer {
                    done |= answer.done;
                    failure.extend(answer.files.into_iter().map(|file| file.failure));
                }
            }
            (done, failure)
        };
        let (ran, (done, failure)) = tokio::join!(upload, heard);
        match ran {
            _ if done && failure.is_empty() => Ok(Fate::Done),
            _ if done => Ok(Fate::Failed(failure)),
            // Whatever it ended with: what was begun to be read is there no more.
            _ if !content::is_unchanged(found) => {
                self.give_up(principal, import).await?;
                Ok(Fate::Later)
            }
            Err(why) => Err(why),
            Ok(()) => Ok(Fate::Later),
        }
    }

    /// Ends the import of a content that there is no more.
    async fn give_up(&self, principal: &Principal, import: Uuid) -> Result<(), Failure> {
        let (group, now) = (principal.group.clone(), self.imports.cx.clock.now());
        let error = content::changed().to_rpc_status().encode_to_vec();
        let ended =
            self.imports.cx.db.write(principal, move |tx| {
                Box::pin(async move { stored::cancel(tx, &group, import, &error, now).await })
            });
        ended.await
    }
}

/// Group and rooftop of a file, and the text of its profile; or why there are none such.
fn place(found: &Found) -> Result<(String, String, &'static str), String> {
    let [group, rooftop, profile] = found.folders.each_ref().map(|folder| folder.to_str().unwrap_or_default());
    if !name::is_group_id(group) || !name::is_rooftop_id(rooftop) {
        return Err("the folder is no DIR/{group}/{rooftop}/{profile}: drop the file at one".to_owned());
    }
    let Some(definition) = built_in(profile) else {
        let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        return Err(format!("the folder is named after none of the profiles {}", known.join(", ")));
    };
    Ok((group.to_owned(), rooftop.to_owned(), definition))
}
