//! Taking events out of a queue.

use std::sync::Arc;

use super::Queue;
use super::deque::{EventDeque, Stored};
use super::topics::Topics;

impl<E> Queue<E> {
    /// Takes the next event.
    #[inline]
    pub fn pop(&mut self) -> Option<Stored<E>> {
        match self.pop_fast() {
            Some(event) => Some(Stored::Live(event)),
            None => self.pop_stored(),
        }
    }

    #[inline(never)]
    fn pop_stored(&mut self) -> Option<Stored<E>> {
        if self.preload.is_some() { self.pop_preload() } else { self.pop_waiting().map(|(event, _)| event) }
    }

    /// Fast path of [`Queue::pop`]: the next event is live, and nothing is stored beside it. Returning it in a register
    /// avoids a stall.
    #[inline]
    fn pop_fast(&mut self) -> Option<E> {
        if self.preload.is_some() || self.topics.is_some() {
            return None;
        }
        let event = self.waiting.pop_live()?;
        self.taken += 1;
        self.waiting.shrink();
        Some(event)
    }

    pub(super) fn pop_waiting(&mut self) -> Option<(Stored<E>, Option<Arc<str>>)> {
        let event = self.waiting.pop()?;
        self.taken += 1;
        let topic = self.topics.as_mut().and_then(|topics| topics.pop());
        self.shrink();
        Some((event, topic))
    }

    /// Takes all events.
    pub fn drain(&mut self) -> EventDeque<E> {
        self.taken += self.waiting.len() as u64;
        if let Some(topics) = &mut self.topics {
            **topics = Topics::default();
        }
        let waiting = std::mem::replace(&mut self.waiting, Self::no_events(self.rules));
        let Some(preload) = &mut self.preload else { return waiting };
        let mut all = std::mem::take(&mut preload.events);
        self.preload_taken += all.len() as u64;
        waiting.for_each(|event| all.push_stored(event));
        self.drop_preload();
        all
    }

    #[cold]
    fn pop_preload(&mut self) -> Option<Stored<E>> {
        let event = self.preload.as_mut()?.events.pop()?;
        self.drop_preload();
        self.preload_taken += 1;
        Some(event)
    }

    /// Frees memory after a large burst, so that it is not held for the life of the subscription.
    fn shrink(&mut self) {
        if self.waiting.is_empty() {
            self.waiting.shrink();
            if let Some(topics) = &mut self.topics {
                topics.shrink();
            }
        }
    }
}
