//! A naive queue, after the contract: a list, and its policy when it is full.

use std::sync::Arc;

use trading_events_core::queue::{Admission, DropReason, Overflow};

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
    /// Preloaded events, whatever the capacity.
    pub(crate) preload: Vec<u64>,
    /// True if only preloaded events are handed out.
    pub(crate) is_paused: bool,
    pub(crate) high_water: usize,
}

/// A full queue's way with one more event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Full {
    LetsWait,
    Refuses,
    DropsOldest,
    DropsNewest,
}

/// The contract of each policy: true if an event replaces one of its topic, and what a full queue does with others.
fn contract(overflow: Overflow) -> (bool, Full) {
    match overflow {
        Overflow::Block => (false, Full::LetsWait),
        Overflow::DropOldest => (false, Full::DropsOldest),
        Overflow::DropNewest => (false, Full::DropsNewest),
        Overflow::Conflate => (true, Full::LetsWait),
        Overflow::Raise => (false, Full::Refuses),
    }
}

impl NaiveQueue {
    pub(crate) fn new(capacity: usize, overflow: Overflow) -> Self {
        Self { capacity, overflow, waiting: Vec::new(), preload: Vec::new(), is_paused: false, high_water: 0 }
    }

    /// Index of the event that one of this topic would replace.
    pub(crate) fn position_of(&self, topic: &Arc<str>) -> Option<usize> {
        let (replaces, _) = contract(self.overflow);
        self.waiting.iter().position(|item| replaces && item.topic == *topic)
    }

    fn full(&self) -> Full {
        contract(self.overflow).1
    }

    /// True if a publisher may have to wait for room.
    pub(crate) fn may_block(&self) -> bool {
        self.full() == Full::LetsWait
    }

    /// True if it takes every event, full or not.
    pub(crate) fn drops(&self) -> bool {
        matches!(self.full(), Full::DropsOldest | Full::DropsNewest)
    }

    /// The answer to one more event, with so many places reserved.
    pub(crate) fn admission(&self, topic: &Arc<str>, promised: usize) -> Admission {
        let has_room = self.waiting.len() + promised < self.capacity;
        match self.full() {
            _ if has_room || self.position_of(topic).is_some() => Admission::Take,
            Full::LetsWait => Admission::Wait,
            Full::Refuses => Admission::Refuse,
            Full::DropsOldest | Full::DropsNewest => Admission::Take,
        }
    }

    /// Takes an event, whatever the room; returns the event that is dropped for it.
    pub(crate) fn push(&mut self, item: Item) -> Option<(Item, DropReason)> {
        let is_full = self.waiting.len() >= self.capacity;
        let dropped = match (self.position_of(&item.topic), self.full()) {
            (Some(place), _) => return Some((std::mem::replace(&mut self.waiting[place], item), DropReason::Conflate)),
            (None, Full::DropsNewest) if is_full => return Some((item, DropReason::DropNewest)),
            (None, Full::DropsOldest) if is_full => Some((self.waiting.remove(0), DropReason::DropOldest)),
            _ => None,
        };
        self.waiting.push(item);
        self.high_water = self.high_water.max(self.len());
        dropped
    }

    pub(crate) fn preload(&mut self, events: &[u64]) {
        self.preload.extend(events);
        self.high_water = self.high_water.max(self.len());
    }

    pub(crate) fn len(&self) -> usize {
        self.preload.len() + self.waiting.len()
    }

    pub(crate) fn has_next(&self) -> bool {
        !self.preload.is_empty() || !(self.is_paused || self.waiting.is_empty())
    }

    pub(crate) fn pop(&mut self) -> Option<u64> {
        match (self.has_next(), self.preload.is_empty()) {
            (false, _) => None,
            (true, false) => Some(self.preload.remove(0)),
            (true, true) => Some(self.waiting.remove(0).event),
        }
    }

    /// Takes out all events.
    pub(crate) fn drain(&mut self) -> Vec<u64> {
        self.preload.drain(..).chain(self.waiting.drain(..).map(|item| item.event)).collect()
    }
}
