//! What a commit hears of feeds: each is judged anew, and one that brought nothing new is told of now and then all the same.

use std::{collections::HashMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use throughline_journal::NewEntry;
use throughline_platform::{Failure, db::Tx};
use throughline_process::{News, feed::is_backlog};
use throughline_proto::{
    event::v1::{Event, Origin, TimeBound, TimeQuality},
    time::to_wire,
};

use crate::{
    commit::Submission,
    domain::{
        identity::{content, event_key},
        instant::millis_between,
        ledger::{Claim, Verdict, first_claims},
    },
    known::Known,
    placed::{Placed, STORE},
    store::{
        self,
        feeds::{Change, FeedKey},
    },
    wire::event::encode,
};

/// A feed of which the log told nothing for so long, while it sent what was known already, is told of: whoever follows the log
/// would otherwise take it for silent. Shorter than the least silence that counts.
const TOLD_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// What a commit heard of one feed.
struct Heard<'i> {
    rooftop: &'i Arc<Known>,
    change: Change,
    news: News,
    /// A submission that sent again, live, what was known.
    again: Option<&'i Submission>,
}

/// Notes what was heard; answers with what the log is to be told beside the events themselves.
pub(crate) async fn hear(
    tx: &mut Tx,
    now: Timestamp,
    items: &[Submission],
    verdicts: &[Verdict],
) -> Result<Vec<NewEntry>, Failure> {
    let mut feeds: HashMap<FeedKey<'_>, Heard<'_>> = HashMap::new();
    let mut verdicts = verdicts.iter();
    for item in items {
        for (placed, verdict) in item.placed.iter().zip(verdicts.by_ref()) {
            if matches!(verdict, Verdict::New | Verdict::Known) {
                let heard = feeds.entry((&item.group, &placed.rooftop.id, &placed.source)).or_insert_with(|| Heard {
                    rooftop: &placed.rooftop,
                    change: Change::default(),
                    news: News::at(now),
                    again: None,
                });
                heard.take(item, placed, *verdict == Verdict::New, now);
            }
        }
    }
    if feeds.is_empty() {
        return Ok(Vec::new());
    }
    let mut feeds: Vec<_> = feeds.into_iter().collect();
    feeds.sort_unstable_by_key(|(key, _)| *key);
    let keys: Vec<FeedKey<'_>> = feeds.iter().map(|(key, _)| *key).collect();
    let mut held = store::feeds::hold(tx, &keys).await?;
    let (mut changes, mut told) = (Vec::with_capacity(feeds.len()), Vec::new());
    for (key, heard) in feeds {
        let Heard { rooftop, mut change, news, again } = heard;
        let held = held.remove(&(key.0.to_owned(), key.1.to_owned(), key.2.to_owned())).unwrap_or_default();
        let mut feed = held.feed;
        feed.hear(&news, &rooftop.watch.calendars);
        change.judged = rooftop.watch.judge(key.2, &feed);
        change.feed = feed;
        change.told = change.accepted > 0;
        let untold = held.told_at.is_none_or(|told_at| now.duration_since(told_at) >= TOLD_EVERY);
        if let Some(item) = again.filter(|_| !change.told && untold) {
            change.told = true;
            told.push(polled(item, rooftop, key.2, now));
        }
        changes.push((key, change));
    }
    store::feeds::hear(tx, now, &changes).await?;
    claimed(tx, told).await
}

/// What the log is told, under ids that are used like any other's. Only who holds the feed makes such an id.
async fn claimed(tx: &mut Tx, told: Vec<(Claim, NewEntry)>) -> Result<Vec<NewEntry>, Failure> {
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let claims = first_claims(&told.iter().map(|(claim, _)| *claim).collect::<Vec<_>>());
    let owner = |claim: &Claim| told.iter().find(|(of, _)| of == claim).map_or("", |(_, entry)| entry.group.as_str());
    let owners: Vec<&str> = claims.iter().map(owner).collect();
    let won = store::events::claim(tx, &claims, &owners).await?;
    let new = told.into_iter().filter(|(claim, _)| won.contains(&(claim.part, claim.key)));
    Ok(new.map(|(_, entry)| entry).collect())
}

impl<'i> Heard<'i> {
    fn take(&mut self, item: &'i Submission, placed: &Placed, new: bool, now: Timestamp) {
        let live = item.origin == Origin::Live;
        // What is taken out of quarantine came long ago.
        let arrived = !placed.signs.failed && placed.rested.is_none();
        let teaches = live && arrived && !is_backlog(placed.latest, now);
        let mut news = News { arrived, live: teaches, ..News::at(now) };
        if new {
            self.change.accepted += 1;
            self.change.occurred_at = self.change.occurred_at.max(Some(placed.latest));
            news.failures = u64::from(placed.signs.failed);
            if live {
                self.change.lag_ms = Some(millis_between(placed.latest, now));
                news.claimed_ahead = placed.signs.claimed.map(|at| at.duration_since(now));
                let observed = placed.signs.observed.filter(|_| !item.from_file);
                news.observed_ahead = observed.map(|at| at.duration_since(now));
            }
        } else {
            self.change.duplicates += 1;
            self.again = self.again.or(Some(item).filter(|_| live && arrived));
        }
        self.news = self.news.and(news);
    }
}

/// Says in the log that a feed lives: `feed.polled`, as a source that polls says it itself.
fn polled(item: &Submission, rooftop: &Known, source: &str, now: Timestamp) -> (Claim, NewEntry) {
    let at = Some(to_wire(now));
    let event = Event {
        id: format!("throughline.polled/{}", now.as_microsecond()),
        source: source.to_owned(),
        r#type: "feed.polled".to_owned(),
        occurred_at: at,
        time: Some(TimeBound { earliest: at, latest: at, quality: TimeQuality::Exact.into() }),
        ..Event::default()
    };
    let key = event_key(&item.group, &rooftop.id, source, &event.id);
    let encoded = encode(&event);
    let claim = Claim { part: rooftop.part, key, content: content(&encoded.event()) };
    let entry = NewEntry {
        part: rooftop.part,
        group: item.group.clone(),
        rooftop: rooftop.id.clone(),
        entity: STORE.to_owned(),
        origin: Origin::Live,
        actor: String::new(),
        trace: item.trace.clone(),
        body: encoded.body,
    };
    (claim, entry)
}
