//! Events that a queue hands out before those that wait in it.

use super::deque::{Kept, Sequence};

/// Events before those that wait, and whether only they are handed out for now.
#[derive(Debug)]
pub(super) struct Preload<E> {
    pub(super) events: Sequence<E>,
    pub(super) is_held: bool,
}

impl<E> Preload<E> {
    pub(super) fn new(is_held: bool) -> Self {
        Self { events: Sequence::default(), is_held }
    }

    /// Whether the queue needs it no longer.
    pub(super) fn is_over(&self) -> bool {
        self.events.is_empty() && !self.is_held
    }

    pub(super) fn extend(&mut self, events: impl IntoIterator<Item = Kept<E>>) {
        events.into_iter().for_each(|event| self.events.push_kept(event));
    }
}
