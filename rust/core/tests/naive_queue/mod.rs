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
    pub(crate) high_water: usize,
}

impl NaiveQueue {
    pub(crate) fn new(capacity: usize, overflow: Overflow) -> Self {
        Self { capacity, overflow, waiting: Vec::new(), high_water: 0 }
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
        self.high_water = self.high_water.max(self.waiting.len());
        lost
    }

    pub(crate) fn pop(&mut self) -> Option<Item> {
        if self.waiting.is_empty() { None } else { Some(self.waiting.remove(0)) }
    }
}
