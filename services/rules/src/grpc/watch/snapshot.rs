//! The snapshot: standing flags, then open reviews, a page at a time.

use pb::{
    log::v1::{EntryBody, StoredEntry, entry_body::Body},
    rule::v1::WatchFlagsResponse,
};
use prost::Message;
use throughline_journal::live::{Page, Piece};
use throughline_platform::Failure;
use throughline_proto as pb;

use super::FlagView;
use crate::store::{self, WatchQuery};

/// Flags and reviews on one page.
const PAGE: usize = 250;

/// What stands where in a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Flag,
    Review,
}

/// Where a flag or review stands in a snapshot: it keeps its place as long as it exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    kind: Kind,
    rooftop: String,
    id: String,
}

impl Place {
    /// Before the first of its kind, and behind the last of the kind before it.
    fn first(kind: Kind) -> Self {
        Self { kind, rooftop: String::new(), id: String::new() }
    }

    /// Where that stands which an entry of the flag log is about.
    pub(super) fn of(entry: &StoredEntry) -> Option<Self> {
        let (kind, name) = match EntryBody::decode(entry.body.clone()).ok()?.body? {
            Body::Flag(flag) => (Kind::Flag, flag.name),
            Body::FlagRetraction(retraction) => (Kind::Flag, retraction.name),
            Body::Review(review) => (Kind::Review, review.name),
            _ => return None,
        };
        let id = name.rsplit('/').next().unwrap_or_default().to_owned();
        Some(Self { kind, rooftop: entry.rooftop.clone(), id })
    }
}

impl FlagView {
    /// The page behind a place.
    pub(super) async fn piece(
        &self,
        rooftops: &[String],
        after: Option<Place>,
        seen: &[(u16, u64)],
    ) -> Result<Page<WatchFlagsResponse, Place>, Failure> {
        let mut page = Page { message: WatchFlagsResponse::default(), pieces: Vec::new(), next: None };
        let mut after = after.unwrap_or(Place::first(Kind::Flag));
        let mut seen = seen.to_vec();
        let mut room = PAGE;
        if after.kind == Kind::Flag {
            let query = self.query(rooftops, after, room, &seen);
            let db = &self.rules.cx.platform.db;
            let read = db.read(&self.principal, |tx| {
                Box::pin(async move { Ok::<_, Failure>(store::watch_flags(tx, query).await?) })
            });
            let flags = read.await?;
            seen.extend(&flags.seen);
            room -= flags.items.len().min(room);
            let last = flags.items.last().filter(|_| room == 0);
            page.next =
                last.map(|(rooftop, id, _)| Place { kind: Kind::Flag, rooftop: rooftop.clone(), id: id.clone() });
            page.message.flags = flags.items.into_iter().map(|(_, _, flag)| flag).collect();
            let behind = Place::first(Kind::Review);
            let upto = if self.flags_only { page.next.clone() } else { page.next.clone().or(Some(behind.clone())) };
            page.pieces.push(Piece { upto, seen: flags.seen });
            if self.flags_only || page.next.is_some() {
                return Ok(page);
            }
            after = behind;
        }
        let query = self.query(rooftops, after, room, &seen);
        let db = &self.rules.cx.platform.db;
        let read = db.read(&self.principal, |tx| {
            Box::pin(async move { Ok::<_, Failure>(store::watch_reviews(tx, query).await?) })
        });
        let reviews = read.await?;
        let last = reviews.items.last().filter(|_| reviews.items.len() >= room);
        page.next = last.map(|(rooftop, id, _)| Place { kind: Kind::Review, rooftop: rooftop.clone(), id: id.clone() });
        page.message.reviews = reviews.items.into_iter().map(|(_, _, review)| review).collect();
        page.pieces.push(Piece { upto: page.next.clone(), seen: reviews.seen });
        Ok(page)
    }

    fn query(&self, rooftops: &[String], after: Place, room: usize, seen: &[(u16, u64)]) -> WatchQuery {
        WatchQuery {
            group: self.principal.group.clone(),
            rooftops: rooftops.to_vec(),
            after: (after.rooftop, after.id),
            limit: i64::try_from(room).unwrap_or(i64::MAX),
            seen: latest(seen),
        }
    }
}

/// The furthest position of each part.
fn latest(seen: &[(u16, u64)]) -> Vec<(u16, u64)> {
    throughline_journal::Positions::new(seen.iter().copied()).iter().collect()
}
