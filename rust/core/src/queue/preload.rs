//! Events that a queue hands out before those that wait in it.

use super::deque::{EventDeque, Stored};

/// Events before those that wait, and whether only they are handed out for now.
#[derive(Debug)]
pub(super) struct Preload<E> {
    pub(super) events: EventDeque<E>,
    pub(super) is_paused: bool,
}

impl<E> Preload<E> {
    pub(super) fn new(is_paused: bool) -> Self {
        Self { events: EventDeque::default(), is_paused }
    }

    /// Whether the queue needs it no longer.
    pub(super) fn is_over(&self) -> bool {
        self.events.is_empty() && !self.is_paused
    }

    pub(super) fn extend(&mut self, events: impl IntoIterator<Item = Stored<E>>) {
        events.into_iter().for_each(|event| self.events.push_stored(event));
    }
}
