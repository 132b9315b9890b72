//! The newest events of a bus.

use super::deque::{Kept, Sequence};
use super::packed::Rows;

/// The newest events that were accepted, up to a number.
#[derive(Debug)]
pub struct History<E> {
    kept: Sequence<E>,
    capacity: usize,
}

impl<E> History<E> {
    /// An empty history for this many.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { kept: Sequence::default(), capacity }
    }

    /// How many are kept at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// What is kept, in the order of acceptance.
    #[must_use]
    pub fn kept(&self) -> &Sequence<E> {
        &self.kept
    }

    /// Takes a new event; returns the oldest, if it has to go.
    pub fn push(&mut self, event: E) -> Option<Kept<E>> {
        self.kept.push(event);
        if self.kept.len() > self.capacity { self.kept.pop() } else { None }
    }

    /// Keeps the newest event as a row, if it is the one meant; returns the event.
    pub fn pack_newest(&mut self, row: &Rows, is_meant: impl Fn(&E) -> bool) -> Option<E> {
        self.kept.pack_last(row, is_meant)
    }

    /// Gives all up.
    pub fn clear(&mut self) -> Sequence<E> {
        std::mem::take(&mut self.kept)
    }
}
