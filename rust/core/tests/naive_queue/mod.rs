//! A queue as the contract words it: a list, and what it does when it is full.

use std::sync::Arc;

use trading_events_core::queue::{Loss, Overflow, Verdict};

/// An event that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) event: u64,
    pub(crate) topic: Arc<str>,
}

/// The list.
#[derive(Debug)]
pub(crate) struct NaiveQueue {
    pub(crate) capacity: usize,
    pub(crate) overflow: Overflow,
    pub(crate) waiting: Vec<Item>,
    /// What comes before those that wait, whatever the capacity.
    pub(crate) ahead: Vec<u64>,
    /// Whether only what comes before them is handed out.
    pub(crate) is_held: bool,
    pub(crate) high_water: usize,
}

impl NaiveQueue {
    pub(crate) fn new(capacity: usize, overflow: Overflow) -> Self {
        Self { capacity, overflow, waiting: Vec::new(), ahead: Vec::new(), is_held: false, high_water: 0 }
    }

    /// Where an event stands that one of this topic would replace.
    pub(crate) fn place_of(&self, topic: &Arc<str>) -> Option<usize> {
        let is_same = |item: &Item| self.overflow == Overflow::Conflate && item.topic == *topic;
        self.waiting.iter().position(is_same)
    }

    /// What would happen to one more event, with so many places promised.
    pub(crate) fn verdict(&self, topic: &Arc<str>, promised: usize) -> Verdict {
        match self.overflow {
            _ if self.waiting.len() + promised < self.capacity => Verdict::Take,
            Overflow::DropOldest | Overflow::DropNewest => Verdict::Take,
            Overflow::Conflate if self.place_of(topic).is_some() => Verdict::Take,
            Overflow::Block | Overflow::Conflate => Verdict::Wait,
            Overflow::Raise => Verdict::Refuse,
        }
    }

    /// Takes an event, whatever the room; returns the one that is lost by it.
    pub(crate) fn push(&mut self, item: Item) -> Option<(Item, Loss)> {
        let is_full = self.waiting.len() >= self.capacity;
        let lost = match (self.place_of(&item.topic), self.overflow) {
            (Some(place), _) => return Some((std::mem::replace(&mut self.waiting[place], item), Loss::Conflate)),
            (None, Overflow::DropNewest) if is_full => return Some((item, Loss::DropNewest)),
            (None, Overflow::DropOldest) if is_full => Some((self.waiting.remove(0), Loss::DropOldest)),
            _ => None,
        };
        self.waiting.push(item);
        self.high_water = self.high_water.max(self.len());
        lost
    }

    pub(crate) fn put_ahead(&mut self, events: &[u64]) {
        self.ahead.extend(events);
        self.high_water = self.high_water.max(self.len());
    }

    pub(crate) fn len(&self) -> usize {
        self.ahead.len() + self.waiting.len()
    }

    pub(crate) fn has_next(&self) -> bool {
        !self.ahead.is_empty() || !(self.is_held || self.waiting.is_empty())
    }

    pub(crate) fn pop(&mut self) -> Option<u64> {
        match (self.has_next(), self.ahead.is_empty()) {
            (false, _) => None,
            (true, false) => Some(self.ahead.remove(0)),
            (true, true) => Some(self.waiting.remove(0).event),
        }
    }

    /// Takes out all events.
    pub(crate) fn drain(&mut self) -> Vec<u64> {
        self.ahead.drain(..).chain(self.waiting.drain(..).map(|item| item.event)).collect()
    }
}
