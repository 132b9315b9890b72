//! Events that a queue hands out before those that wait in it.

use super::deque::{EventDeque, Stored};

/// Preloaded events, and the pause until the others are handed out.
#[derive(Debug)]
pub(super) struct Preload<E> {
    pub(super) events: EventDeque<E>,
    pub(super) is_paused: bool,
}

impl<E> Preload<E> {
    pub(super) fn new(is_paused: bool) -> Self {
        Self { events: EventDeque::default(), is_paused }
    }

    /// True if the queue needs it no longer.
    pub(super) fn is_over(&self) -> bool {
        self.events.is_empty() && !self.is_paused
    }

    pub(super) fn extend(&mut self, events: impl IntoIterator<Item = Stored<E>>) {
        events.into_iter().for_each(|event| self.events.push_stored(event));
    }
}
