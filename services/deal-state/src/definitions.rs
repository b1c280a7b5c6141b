//! Process definitions, read once each.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use throughline_process::{Definition, definition};

/// So many are remembered; a group has a handful.
const MOST: usize = 256;

/// Definitions by the hash of their text.
#[derive(Default)]
pub struct Definitions(Mutex<HashMap<[u8; 32], Arc<Definition>>>);

impl Definitions {
    /// The definition that a rooftop's text says; the shipped one if it says none.
    pub fn read(&self, json: &str) -> Result<Arc<Definition>, definition::Error> {
        if json.is_empty() {
            return Ok(Definition::retail_deal());
        }
        let hash = *blake3::hash(json.as_bytes()).as_bytes();
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&hash) {
            return Ok(known.clone());
        }
        let read = Arc::new(Definition::from_json(json)?);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(hash, read.clone());
        Ok(read)
    }
}
