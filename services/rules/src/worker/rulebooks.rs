//! Rule books by rooftop, parsed once and not for every batch.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use prost::Message;
use throughline_journal::{ApplyError, Entry};
use throughline_platform::db::Tx;
use throughline_proto::{self as pb, deal::v1::FeedState};

use super::judge::{Case, refused};
use crate::{
    domain::Rulebook,
    store::{self, StoredRooftop},
    wire,
};

/// More rooftops than this in one process: begin anew.
const MOST: usize = 4_096;

/// (group, rooftop).
pub(super) type RooftopKey = (String, String);

/// What was parsed, with what it was parsed from: the database says what holds, this only saves the parsing.
#[derive(Default)]
pub(super) struct Rulebooks(Mutex<HashMap<RooftopKey, Parsed>>);

struct Parsed {
    from: StoredRooftop,
    rulebook: Arc<Rulebook>,
}

impl Rulebooks {
    /// By what the deals of a rooftop are judged from now on.
    pub(super) async fn learn(
        &self,
        tx: &mut Tx,
        part: u16,
        entry: &Entry,
        rooftop: &pb::tenant::v1::Rooftop,
    ) -> Result<(), ApplyError> {
        let (group, id) = (entry.group.as_str(), entry.rooftop.as_str());
        let known = store::load_rooftops(tx, &[(group, id)]).await.map_err(refused)?.pop();
        // What cannot be read is refused here, once, and not with every deal.
        wire::rulebook(rooftop)
            .map_err(|why| ApplyError::Poison { entity: entry.entity.clone(), cause: why.to_string() })?;
        let told = StoredRooftop { group: group.to_owned(), rooftop: id.to_owned(), body: rooftop.encode_to_vec() };
        store::save_rooftop(tx, part, &told).await.map_err(refused)?;
        if known.is_some_and(|known| known != told) {
            store::recall_deals(tx, part, group, id, entry.recorded_at).await.map_err(refused)?;
        }
        Ok(())
    }

    /// Rule books of the rooftops of these cases.
    pub(super) async fn of(
        &self,
        tx: &mut Tx,
        part: u16,
        cases: &[Case],
    ) -> Result<HashMap<RooftopKey, Arc<Rulebook>>, ApplyError> {
        let mut wanted: Vec<_> =
            cases.iter().map(|case| (case.key.group.as_str(), case.key.rooftop.as_str())).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut rulebooks = self.load(tx, &wanted).await.map_err(of_rooftop)?;
        for (group, rooftop) in wanted {
            let key = (group.to_owned(), rooftop.to_owned());
            if rulebooks.contains_key(&key) {
                continue;
            }
            // A rooftop's own entry comes before its deals. If it was erased, they are still found and judged.
            let name = format!("groups/{group}/rooftops/{rooftop}");
            let body = pb::tenant::v1::Rooftop { name, part: part.into(), ..Default::default() }.encode_to_vec();
            let unknown = StoredRooftop { group: key.0.clone(), rooftop: key.1.clone(), body };
            store::save_rooftop(tx, part, &unknown).await.map_err(refused)?;
            rulebooks.insert(key, Arc::default());
        }
        let wanted: Vec<_> = rulebooks.keys().map(|(group, rooftop)| (group.clone(), rooftop.clone())).collect();
        let wanted: Vec<_> = wanted.iter().map(|(group, rooftop)| (group.as_str(), rooftop.as_str())).collect();
        for (key, evidence) in store::load_feeds(tx, part, &wanted).await.map_err(refused)? {
            if let Some(rulebook) = rulebooks.get_mut(&key) {
                *rulebook = Arc::new(rulebook.with_evidence(evidence));
            }
        }
        Ok(rulebooks)
    }

    /// Takes in what the deal log says of sources, and has deals judged again that waited for one of them.
    pub(super) async fn hear(&self, tx: &mut Tx, part: u16, feeds: &[(&Entry, &FeedState)]) -> Result<(), ApplyError> {
        let rooftops = super::floors(feeds);
        let wanted: Vec<_> = rooftops.keys().copied().collect();
        let mut known = store::load_feeds(tx, part, &wanted).await.map_err(refused)?;
        for (entry, feed) in feeds {
            let evidence = known.entry((entry.group.clone(), entry.rooftop.clone())).or_default();
            let heard = evidence.feeds.entry(feed.source.clone()).or_default();
            wire::hear(heard, feed)
                .map_err(|why| ApplyError::Poison { entity: entry.entity.clone(), cause: why.to_string() })?;
        }
        let mut saving: Vec<_> = feeds
            .iter()
            .filter_map(|(entry, feed)| {
                let evidence = known.get(&(entry.group.clone(), entry.rooftop.clone()))?;
                let name = (entry.group.as_str(), entry.rooftop.as_str(), feed.source.as_str());
                Some((name, evidence.feeds.get(&feed.source)?))
            })
            .collect();
        saving.sort_unstable_by_key(|(name, _)| *name);
        saving.dedup_by_key(|(name, _)| *name);
        store::save_feeds(tx, part, &saving).await.map_err(refused)?;
        for ((group, rooftop), at) in rooftops {
            store::confirm_deals(tx, part, group, rooftop, at).await.map_err(refused)?;
        }
        Ok(())
    }

    /// Refuses a rooftop that cannot be read.
    pub(super) async fn check(&self, tx: &mut Tx, group: &str, rooftop: &str) -> Result<(), ApplyError> {
        self.load(tx, &[(group, rooftop)]).await.map_err(of_rooftop)?;
        Ok(())
    }

    /// Rule books of these rooftops; those that are not known are absent.
    async fn load(
        &self,
        tx: &mut Tx,
        wanted: &[(&str, &str)],
    ) -> Result<HashMap<RooftopKey, Arc<Rulebook>>, store::Error> {
        let stored = store::load_rooftops(tx, wanted).await?;
        let mut parsed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if parsed.len() + stored.len() > MOST {
            parsed.clear();
        }
        let mut rulebooks = HashMap::with_capacity(stored.len());
        for rooftop in stored {
            let key = (rooftop.group.clone(), rooftop.rooftop.clone());
            let known = parsed.get(&key).filter(|known| known.from == rooftop);
            let rulebook = match known {
                Some(known) => Arc::clone(&known.rulebook),
                None => Arc::new(read(&rooftop)?),
            };
            parsed.insert(key.clone(), Parsed { from: rooftop, rulebook: Arc::clone(&rulebook) });
            rulebooks.insert(key, rulebook);
        }
        Ok(rulebooks)
    }
}

/// All deals of the rooftop wait for it.
fn of_rooftop(error: store::Error) -> ApplyError {
    match refused(error) {
        ApplyError::Poison { cause, .. } => ApplyError::Poison { entity: store::ROOFTOP.to_owned(), cause },
        transient => transient,
    }
}

fn read(stored: &StoredRooftop) -> Result<Rulebook, store::Error> {
    let unreadable = |why: wire::Unreadable| store::Error::Unreadable { what: "rooftop", why: why.to_string() };
    wire::rulebook(&stored.rooftop()?).map_err(unreadable)
}
