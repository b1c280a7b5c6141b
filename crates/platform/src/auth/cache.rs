//! What was looked up, for a while, and never more than so much.
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

pub(super) struct Cache<V> {
    most: usize,
    entries: Mutex<HashMap<String, (V, Instant)>>,
}

impl<V: Clone> Cache<V> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, entries: Mutex::new(HashMap::new()) }
    }

    pub(super) fn get(&self, key: &str, now: Instant) -> Option<V> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).filter(|(_, until)| *until > now).map(|(value, _)| value.clone())
    }

    pub(super) fn insert(&self, key: String, value: V, now: Instant, keep: Duration) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.most {
            entries.retain(|_, (_, until)| *until > now);
        }
        // Full of what is still good: somebody tries keys. Start anew rather than grow.
        if entries.len() >= self.most {
            entries.clear();
        }
        entries.insert(key, (value, now + keep));
    }

    pub(super) fn remove(&self, key: &str) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_up_is_believed_for_a_while_only() {
        let (cache, now) = (Cache::new(2), Instant::now());
        cache.insert("a".to_owned(), 1, now, Duration::from_secs(30));
        assert_eq!(cache.get("a", now + Duration::from_secs(29)), Some(1));
        assert_eq!(cache.get("a", now + Duration::from_secs(30)), None);
    }

    #[test]
    fn it_never_holds_more_than_it_may() {
        let (cache, now) = (Cache::new(2), Instant::now());
        for key in ["a", "b", "c", "d", "e"] {
            cache.insert(key.to_owned(), 1, now, Duration::from_secs(30));
            assert!(cache.entries.lock().unwrap().len() <= 2);
        }
        assert_eq!(cache.get("e", now), Some(1));
    }
}
