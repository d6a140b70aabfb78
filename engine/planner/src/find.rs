//! Finds a number by what it stands for, with few jumps through memory.
//!
//! Only hashes are kept; whether a number is the right one is asked of whoever
//! holds the things themselves. The hash function is fixed, and nothing here is
//! ever walked, so that no order depends on it.

use std::cell::Cell;
use std::collections::HashMap;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// Numbers by hash.
#[derive(Debug, Default)]
pub(crate) struct Finder {
    /// What comes after the one that was found last. Things are mostly asked for in the order in which they were
    /// entered, and then no hash is needed.
    next: Cell<u32>,
    first: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    /// Those whose hash another one has already.
    more: Vec<(u64, u32)>,
}

impl Finder {
    /// Room for so many.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            next: Cell::new(0),
            first: HashMap::with_capacity_and_hasher(capacity, BuildHasherDefault::default()),
            more: Vec::new(),
        }
    }

    /// The number of a thing, of `count` numbers from 0; `is_it` says whether a number is that of the thing.
    pub(crate) fn find(&self, thing: &impl Hash, count: usize, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let next = self.next.get();
        let found = if (next as usize) < count && is_it(next) { Some(next) } else { self.get(hash_of(thing), is_it) };
        if let Some(found) = found {
            self.next.set(found + 1);
        }
        found
    }

    /// The number with this hash that is the right one.
    pub(crate) fn get(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let first = *self.first.get(&hash)?;
        if is_it(first) {
            return Some(first);
        }
        self.more.iter().find(|(other, number)| *other == hash && is_it(*number)).map(|(_, number)| *number)
    }

    /// Enters a number that is not there yet.
    pub(crate) fn add(&mut self, hash: u64, number: u32) {
        match self.first.entry(hash) {
            Entry::Vacant(vacant) => drop(vacant.insert(number)),
            Entry::Occupied(_) => self.more.push((hash, number)),
        }
    }

    /// Puts one number where another one is.
    pub(crate) fn replace(&mut self, hash: u64, old: u32, new: u32) {
        match self.first.get_mut(&hash).filter(|number| **number == old) {
            Some(number) => *number = new,
            None => {
                let more = self.more.iter_mut().filter(|(other, number)| *other == hash && *number == old);
                more.for_each(|(_, number)| *number = new);
            }
        }
    }
}

/// The hash of a thing, equal on every machine.
pub(crate) fn hash_of(thing: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    thing.hash(&mut hasher);
    hasher.finish()
}

/// A hash is its own hash.
#[derive(Debug, Default)]
pub(crate) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
