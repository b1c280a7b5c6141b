//! When rooftops are open, read once for each state of a rooftop.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use prost::Message;
use throughline_platform::{Failure, db::Db, principal::Principal};
use throughline_process::{Definition, Schedule};
use throughline_proto::tenant::v1::Rooftop;

use crate::{definitions::Definitions, store, wire};

/// So many rooftops are remembered; beyond, it begins anew.
const MOST: usize = 4_096;

/// Schedules by (group, rooftop). The database says which state holds, this only saves the reading.
#[derive(Default)]
pub struct Schedules {
    known: Mutex<HashMap<(String, String), Known>>,
    definitions: Definitions,
}

#[derive(Clone)]
struct Known {
    tag: String,
    directory: Arc<Directory>,
}

/// What the directory says of a rooftop, read.
pub struct Directory {
    pub schedule: Schedule,
    pub definition: Arc<Definition>,
}

impl Schedules {
    /// Of these rooftops, as they are now; one that is not known is absent.
    pub async fn of(
        &self,
        db: &Db,
        principal: &Principal,
        rooftops: BTreeSet<String>,
    ) -> Result<HashMap<String, Arc<Directory>>, Failure> {
        let mut known = self.remembered(&principal.group, &rooftops);
        let group = principal.group.clone();
        let tags: Vec<String> = rooftops
            .iter()
            .map(|rooftop| known.get(rooftop).map(|known| known.tag.clone()).unwrap_or_default())
            .collect();
        let rooftops: Vec<String> = rooftops.into_iter().collect();
        let rows = db
            .read(principal, move |tx| Box::pin(async move { store::schedules(tx, &group, &rooftops, &tags).await }))
            .await
            .map_err(|error: store::Error| Failure::from(error))?;
        for row in rows {
            let Some(body) = row.body else { continue };
            let rooftop = Rooftop::decode(body.as_slice()).map_err(Failure::internal)?;
            let schedule = wire::schedule(&rooftop).map_err(Failure::internal)?;
            let definition = self.definitions.read(&rooftop.definition_json).map_err(Failure::internal)?;
            known.insert(row.rooftop, Known { tag: row.tag, directory: Arc::new(Directory { schedule, definition }) });
        }
        self.keep(&principal.group, &known);
        Ok(known.into_iter().map(|(rooftop, known)| (rooftop, known.directory)).collect())
    }

    fn remembered(&self, group: &str, rooftops: &BTreeSet<String>) -> HashMap<String, Known> {
        let all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |rooftop: &String| Some((rooftop.clone(), all.get(&(group.to_owned(), rooftop.clone()))?.clone()));
        rooftops.iter().filter_map(known).collect()
    }

    fn keep(&self, group: &str, known: &HashMap<String, Known>) {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() + known.len() > MOST {
            all.clear();
        }
        all.extend(known.iter().map(|(rooftop, known)| ((group.to_owned(), rooftop.clone()), known.clone())));
    }
}
