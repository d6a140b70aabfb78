//! A lane: the calls to one service, and how many of them it takes at once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A step in a queue: the longest remaining path first, then the plan's order.
pub(crate) type Place = (u64, Reverse<usize>);

/// The calls to one service.
#[derive(Debug)]
pub(crate) struct Lane {
    most: usize,
    limit: usize,
    in_flight: usize,
    /// Answers since the limit changed.
    calm: usize,
    paused_until: u64,
    /// What is to be begun.
    pub(crate) begins: BinaryHeap<Place>,
    /// What was begun and is asked about.
    pub(crate) asks: BinaryHeap<Place>,
}

impl Lane {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            limit: most,
            in_flight: 0,
            calm: 0,
            paused_until: 0,
            begins: BinaryHeap::new(),
            asks: BinaryHeap::new(),
        }
    }

    /// Whether another call may go out now.
    pub(crate) fn is_open(&self, now: u64) -> bool {
        self.in_flight < self.limit && now >= self.paused_until
    }

    /// When it opens again, if it is closed for a time and somebody waits.
    pub(crate) fn opens_at(&self, now: u64) -> Option<u64> {
        let waits = !self.begins.is_empty() || !self.asks.is_empty();
        (waits && self.paused_until > now).then_some(self.paused_until)
    }

    /// A call goes out.
    pub(crate) fn sent(&mut self) {
        self.in_flight += 1;
    }

    /// A call came back, or will never.
    pub(crate) fn returned(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// The service took a call. A service that takes a whole round of calls takes one more at once.
    pub(crate) fn took(&mut self) {
        self.calm += 1;
        if self.limit < self.most && self.calm >= self.limit {
            self.limit += 1;
            self.calm = 0;
        }
    }

    /// The service asked for patience. Half as many at once from now on; calls that were under way
    /// together count once.
    pub(crate) fn throttled(&mut self, now: u64, after: u64) {
        if now >= self.paused_until {
            self.limit = (self.limit / 2).max(1);
        }
        self.calm = 0;
        self.paused_until = self.paused_until.max(now.saturating_add(after));
    }

    #[cfg(test)]
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }
}
