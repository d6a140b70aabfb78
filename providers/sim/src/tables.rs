//! Rows that know which of them changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One row that changed: its value now, or none when it is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delta(
    /// The table.
    pub String,
    /// The row's key.
    pub String,
    /// Its value; none when it is gone.
    pub Option<Arc<Value>>,
);

/// Rows by key, in order, with the set of those that changed since last asked.
#[derive(Debug, Clone, Default)]
pub struct Table {
    rows: BTreeMap<String, Arc<Value>>,
    dirty: BTreeSet<String>,
}

impl Table {
    /// The row of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Arc<Value>> {
        self.rows.get(key)
    }

    /// Whether the key has a row.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.rows.contains_key(key)
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Sets a row; an equal one stays clean.
    pub fn put(&mut self, key: &str, value: Arc<Value>) {
        if self.rows.get(key).is_some_and(|old| **old == *value) {
            return;
        }
        self.rows.insert(key.to_owned(), value);
        self.dirty.insert(key.to_owned());
    }

    /// Removes a row.
    pub fn remove(&mut self, key: &str) -> Option<Arc<Value>> {
        let old = self.rows.remove(key)?;
        self.dirty.insert(key.to_owned());
        Some(old)
    }

    /// All rows in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<Value>)> {
        self.rows.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The rows from a key on.
    pub fn from(&self, start: String) -> impl Iterator<Item = (&str, &Arc<Value>)> {
        self.rows.range(start..).map(|(key, value)| (key.as_str(), value))
    }

    /// Whether something changed since last asked.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Makes the table hold exactly these rows; equal ones stay clean.
    pub fn replace(&mut self, rows: impl IntoIterator<Item = (String, Value)>) {
        let mut stale: BTreeSet<String> = self.rows.keys().cloned().collect();
        for (key, value) in rows {
            stale.remove(&key);
            self.put(&key, Arc::new(value));
        }
        for key in stale {
            self.remove(&key);
        }
    }

    /// Moves what changed since last asked to `out`.
    pub fn take_deltas(&mut self, name: &str, out: &mut Vec<Delta>) {
        for key in std::mem::take(&mut self.dirty) {
            let value = self.rows.get(&key).cloned();
            out.push(Delta(name.to_owned(), key, value));
        }
    }

    /// Every row, as if all had changed.
    pub fn all(&self, name: &str, out: &mut Vec<Delta>) {
        out.extend(self.rows.iter().map(|(key, value)| Delta(name.to_owned(), key.clone(), Some(value.clone()))));
    }

    /// Takes a change from elsewhere; it does not count as one.
    pub fn load(&mut self, key: String, value: Option<Arc<Value>>) {
        match value {
            Some(value) => {
                self.rows.insert(key, value);
            }
            None => {
                self.rows.remove(&key);
            }
        }
    }
}
