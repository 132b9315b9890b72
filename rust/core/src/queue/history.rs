//! The newest events of a bus.

use super::deque::{EventDeque, Stored};
use super::packed::PackedRun;

/// The newest events that were accepted, up to a number.
#[derive(Debug)]
pub struct History<E> {
    events: EventDeque<E>,
    capacity: usize,
}

impl<E> History<E> {
    /// An empty history for this many.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { events: EventDeque::default(), capacity }
    }

    /// How many are kept at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// What is kept, in the order of acceptance.
    #[must_use]
    pub fn events(&self) -> &EventDeque<E> {
        &self.events
    }

    /// Takes a new event; returns the oldest, if it has to go.
    pub fn push(&mut self, event: E) -> Option<Stored<E>> {
        self.events.push(event);
        if self.events.len() > self.capacity { self.events.pop() } else { None }
    }

    /// Keeps the newest event as a row, if it is the one meant; returns the event.
    pub fn pack_newest(&mut self, row: &PackedRun, is_meant: impl Fn(&E) -> bool) -> Option<E> {
        self.events.pack_last(row, is_meant)
    }

    /// Gives all up.
    pub fn clear(&mut self) -> EventDeque<E> {
        std::mem::take(&mut self.events)
    }
}
