//! A live view of some rooftops: a snapshot in pages, then what a log says changes about it, heartbeats, and resuming.
//!
//! [`Log::live`] drives a [`LiveView`], which knows what the pages and the changes hold. A stream is pulled by its reader:
//! nothing piles up for one that is slow, and one that is behind what the log keeps gets a snapshot again.

mod changes;
mod overlap;
mod request;
mod snapshot;
mod token;

pub use overlap::Piece;
pub use request::{LiveRequest, heartbeat};

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use jiff::Timestamp;
use throughline_platform::{
    Principal,
    failure::{Code, Failure, Reason},
    name,
};
use throughline_proto::log::v1::StoredEntry;
use tokio::{sync::watch, time::Instant};
use tonic::Status;

use crate::{Log, Tail, heads::Heads};
use overlap::Overlap;
use request::Asked;

/// Rooftops of one stream at most.
pub const MAX_ROOFTOPS: usize = 256;

/// A resumed stream that missed more entries than this begins with a snapshot.
const MAX_MISSED: u64 = 5_000;

/// What no entry says is looked up at most this often, heartbeats aside.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What one kind of stream shows of a log. All methods are called by one reader in turn.
#[async_trait]
pub trait LiveView: Send + 'static {
    /// A message of the stream; the default is a heartbeat.
    type Message: Default + Send + 'static;
    /// Where an item stands in the order of the snapshot.
    type Place: Clone + Ord + Send + Sync + 'static;

    /// Rooftops with their parts, by id: those of `wanted` (`None`: all of the group) that are not in `known`, at most
    /// `limit`. The stream shows them from now on.
    async fn rooftops(
        &mut self,
        wanted: Option<Vec<String>>,
        known: Vec<String>,
        limit: usize,
    ) -> Result<Vec<(String, u16)>, Failure>;

    /// A page of the snapshot of these rooftops, behind a place; the first page (`None`) forgets what was sent of them.
    /// `seen` is a place of the log that precedes everything the page reads.
    async fn page(
        &mut self,
        rooftops: &[String],
        after: Option<Self::Place>,
        seen: &[(u16, u64)],
    ) -> Result<Page<Self::Message, Self::Place>, Failure>;

    /// Where the item that an entry is about stands in the order of the snapshot. `None`: the entry is sent, even if the
    /// snapshot holds what it says.
    fn place_of(&self, entry: &StoredEntry) -> Option<Self::Place>;

    /// What the first of these entries change, and how many of them that covers (at least one).
    fn changes(&mut self, entries: &[StoredEntry]) -> Result<Changes<Self::Message>, Failure>;

    /// What changed although no entry says so. Called at most every second after entries arrived, and at heartbeats
    /// (`all`), when nothing may be taken for unchanged. The log of most views says everything.
    async fn look(&mut self, _rooftops: &[String], _all: bool) -> Result<Option<Self::Message>, Failure> {
        Ok(None)
    }

    /// When to look though no entry arrives.
    fn look_at(&self) -> Option<Timestamp> {
        None
    }

    /// What a resume token keeps beside the places in the log.
    fn memo(&self) -> String {
        String::new()
    }

    /// Goes on from a memo; false if that is impossible.
    fn resume(&mut self, _memo: &str) -> bool {
        true
    }

    /// Writes into a message what every message carries.
    fn stamp(&self, message: &mut Self::Message, stamp: Stamp);
}

/// A page of a snapshot.
pub struct Page<M, P> {
    pub message: M,
    /// What the page held, in order, and how much of the log each piece already contains. Empty: unknown, so changes
    /// behind the start of the snapshot may repeat some of it.
    pub pieces: Vec<Piece<P>>,
    /// The last place of the page, if more follows.
    pub next: Option<P>,
}

/// What entries change.
pub struct Changes<M> {
    /// How many entries it covers.
    pub taken: usize,
    /// `None`: nothing to send.
    pub message: Option<M>,
}

/// What every message carries.
pub struct Stamp {
    /// A part of a snapshot of everything.
    pub snapshot: bool,
    /// Nothing of a snapshot is still to come.
    pub complete: bool,
    /// Rooftops that join with this message.
    pub added: Vec<String>,
    pub as_of: Timestamp,
    /// Resumes behind this message; empty within a snapshot.
    pub resume_token: String,
}

impl Log {
    /// Streams a view of the caller's group; `caller` acts in that group and may read.
    ///
    /// INVALID_ARGUMENT for a malformed request, PERMISSION_DENIED for a rooftop that the key may not see, NOT_FOUND for
    /// one that the view does not know.
    pub async fn live<V: LiveView>(
        &self,
        caller: Principal,
        request: LiveRequest,
        mut view: V,
    ) -> Result<BoxStream<'static, Result<V::Message, Status>>, Failure> {
        let asked = Asked::parse(&caller, request)?;
        let resumed = asked.resumed(&self.platform().sealer)?;
        // Before the rooftops are read: what is said of them later lies behind these heads.
        let heads = self.heads().await?.into_iter().collect();
        let wanted = if asked.rooftops.is_empty() { caller.rooftop_filter() } else { Some(asked.rooftops.clone()) };
        let rooftops = view.rooftops(wanted, Vec::new(), MAX_ROOFTOPS).await?;
        if let Some(unknown) = asked.rooftops.iter().find(|asked| !rooftops.iter().any(|(known, _)| known == *asked)) {
            let message = format!("group {:?} has no rooftop {}", caller.group, name::shown(unknown));
            return Err(
                Failure::new(Code::NotFound, Reason::UnknownRooftop, message).with_sent("rooftop", unknown.clone())
            );
        }
        let mut live = Live {
            seen_heads: self.seen_heads(),
            log: self.clone(),
            caller,
            asked,
            view,
            rooftops,
            positions: BTreeMap::new(),
            head_sum: 0,
            step: Step::Ended,
            looked: None,
            outdated: false,
        };
        live.positions = live.parts_of(&heads);
        if !resumed.is_some_and(|resumed| live.resume(&heads, resumed)) {
            live.step = Step::Pages(Snapshot::of_all());
        }
        let answers = futures::stream::try_unfold(live, |mut live| async move {
            let next = live.next().await?;
            Ok::<_, Status>(next.map(|next| (next, live)))
        });
        Ok(answers.boxed())
    }
}

/// One stream.
struct Live<V: LiveView> {
    log: Log,
    caller: Principal,
    asked: Asked,
    view: V,
    /// (rooftop, part) of each rooftop that the stream shows.
    rooftops: Vec<(String, u16)>,
    /// Up to here everything was sent, by part.
    positions: BTreeMap<u16, u64>,
    seen_heads: watch::Receiver<Heads>,
    /// Entries of all parts when rooftops were looked for last.
    head_sum: u64,
    step: Step<V::Place>,
    looked: Option<Instant>,
    /// Entries arrived since the last look.
    outdated: bool,
}

enum Step<P> {
    Pages(Snapshot<P>),
    Changes(Box<Following<P>>),
    Ended,
}

/// A snapshot under way.
struct Snapshot<P> {
    /// The rooftops that joined; empty means all.
    added: Vec<String>,
    after: Option<P>,
    overlap: Overlap<P>,
}

impl<P> Snapshot<P> {
    fn of_all() -> Self {
        Self { added: Vec::new(), after: None, overlap: Overlap::default() }
    }
}

/// Following the log behind a snapshot.
struct Following<P> {
    tail: Tail,
    /// Read and not yet sent: one read at most.
    pending: Vec<StoredEntry>,
    /// The snapshot of which entries that it already holds are still to be passed over.
    unfinished: Option<Snapshot<P>>,
}

impl<V: LiveView> Live<V> {
    /// The next message; `None` when the stream is over.
    async fn next(&mut self) -> Result<Option<V::Message>, Failure> {
        // Each turn either sends a message, ends, or begins a snapshot, whose first page is sent.
        loop {
            let sent = match std::mem::replace(&mut self.step, Step::Ended) {
                Step::Pages(snapshot) => self.page(snapshot).await.map(Some),
                Step::Changes(following) => match self.changes(following).await {
                    Ok(Some(Turn::Message(message))) => Ok(Some(message)),
                    Ok(Some(Turn::Snapshot)) => continue,
                    Ok(None) => Ok(None),
                    // Months were dropped while the reader slept.
                    Err(failure) if failure.code() == Code::OutOfRange => {
                        self.restart().await?;
                        continue;
                    }
                    Err(failure) => Err(failure),
                },
                Step::Ended => Ok(None),
            };
            return sent;
        }
    }

    /// Goes on where a token left off, unless too much happened since or it is of other rooftops.
    fn resume(&mut self, heads: &BTreeMap<u16, u64>, resumed: token::Resumed) -> bool {
        let head = |part: &u16| heads.get(part).copied().unwrap_or(0);
        let known: BTreeMap<u16, u64> =
            self.positions.keys().map(|part| (*part, resumed.positions.get(part).copied().unwrap_or(0))).collect();
        // A log that ends before a token is another one, such as a restored backup.
        let ahead = known.iter().any(|(part, position)| *position > head(part));
        let missed: u64 = known.iter().map(|(part, position)| head(part).saturating_sub(*position)).sum();
        if resumed.rooftops != token::digest(&self.names()) || ahead || missed > MAX_MISSED {
            return false;
        }
        if !self.view.resume(&resumed.memo) {
            return false;
        }
        self.positions = known;
        // Nobody knows what else changed while nobody watched.
        self.outdated = true;
        self.follow(None);
        true
    }

    /// Begins again with a snapshot of all rooftops, which are read again.
    async fn restart(&mut self) -> Result<(), Failure> {
        let heads = self.log.heads().await?.into_iter().collect();
        self.rooftops = self.view.rooftops(Some(self.names()), Vec::new(), MAX_ROOFTOPS).await?;
        self.positions = self.parts_of(&heads);
        self.step = Step::Pages(Snapshot::of_all());
        Ok(())
    }

    /// Follows the log from `positions` on.
    fn follow(&mut self, unfinished: Option<Snapshot<V::Place>>) {
        let positions = self.positions.iter().map(|(part, position)| (*part, *position));
        let tail = self.log.tail(&self.caller, Some(self.names()), positions);
        self.step = Step::Changes(Box::new(Following { tail, pending: Vec::new(), unfinished }));
    }

    /// Where the log ends for each part of these rooftops.
    fn parts_of(&self, heads: &BTreeMap<u16, u64>) -> BTreeMap<u16, u64> {
        self.rooftops.iter().map(|(_, part)| (*part, heads.get(part).copied().unwrap_or(0))).collect()
    }

    fn names(&self) -> Vec<String> {
        self.rooftops.iter().map(|(rooftop, _)| rooftop.clone()).collect()
    }

    /// Finishes a message. `of`: the snapshot that it is a part of; `complete`: it resumes behind this message.
    fn stamped(
        &self,
        mut message: V::Message,
        of: Option<&Snapshot<V::Place>>,
        added: Vec<String>,
        complete: bool,
    ) -> V::Message {
        let platform = self.log.platform();
        let token = || {
            let resumed = token::Resumed {
                positions: self.positions.clone(),
                rooftops: token::digest(&self.names()),
                memo: self.view.memo(),
            };
            platform.sealer.seal(self.asked.purpose, &self.asked.bound_to, &resumed.pack())
        };
        let stamp = Stamp {
            snapshot: of.is_some_and(|snapshot| snapshot.added.is_empty()),
            complete,
            added,
            as_of: platform.clock.now(),
            resume_token: if complete { token() } else { String::new() },
        };
        self.view.stamp(&mut message, stamp);
        message
    }
}

/// What following the log comes to.
enum Turn<M> {
    Message(M),
    /// A snapshot begins.
    Snapshot,
}
