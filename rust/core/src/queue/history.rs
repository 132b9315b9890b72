//! The newest events of a bus.

use super::deque::{EventDeque, Stored};
use super::packed::PackedRun;

/// The newest accepted events, up to a number.
#[derive(Debug)]
pub struct History<E> {
    events: EventDeque<E>,
    capacity: usize,
}

impl<E> History<E> {
    /// An empty history for so many events.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { events: EventDeque::default(), capacity }
    }

    /// Greatest number of events.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The events, in the order of acceptance.
    #[must_use]
    pub fn events(&self) -> &EventDeque<E> {
        &self.events
    }

    /// Appends an event; returns the oldest if it has to go.
    pub fn push(&mut self, event: E) -> Option<Stored<E>> {
        self.events.push(event);
        if self.events.len() > self.capacity { self.events.pop() } else { None }
    }

    /// Replaces the newest event by its row if it is the one meant, and returns it.
    pub fn pack_newest(&mut self, row: &PackedRun, is_meant: impl Fn(&E) -> bool) -> Option<E> {
        self.events.pack_last(row, is_meant)
    }

    /// Removes and returns all events.
    pub fn clear(&mut self) -> EventDeque<E> {
        std::mem::take(&mut self.events)
    }
}
