//! Taking events out of a queue.

use std::sync::Arc;

use super::Queue;
use super::deque::{Kept, Sequence};
use super::topics::Topics;

impl<E> Queue<E> {
    /// Takes out the event that is the next.
    #[inline]
    pub fn pop(&mut self) -> Option<Kept<E>> {
        match self.pop_plainly() {
            Some(event) => Some(Kept::Event(event)),
            None => self.pop_kept(),
        }
    }

    #[inline(never)]
    fn pop_kept(&mut self) -> Option<Kept<E>> {
        if self.ahead.is_some() { self.pop_ahead() } else { self.pop_waiting().map(|(event, _)| event) }
    }

    /// [`Queue::pop`] where the next event is kept as it is, and nothing more is kept with it. What it returns fits into a
    /// register.
    #[inline]
    fn pop_plainly(&mut self) -> Option<E> {
        if self.ahead.is_some() || self.topics.is_some() {
            return None;
        }
        let event = self.waiting.pop_unpacked()?;
        self.taken += 1;
        self.waiting.shrink();
        Some(event)
    }

    pub(super) fn pop_waiting(&mut self) -> Option<(Kept<E>, Option<Arc<str>>)> {
        let event = self.waiting.pop()?;
        self.taken += 1;
        let topic = self.topics.as_mut().and_then(|topics| topics.pop());
        self.shrink();
        Some((event, topic))
    }

    /// Takes out all events.
    pub fn drain(&mut self) -> Sequence<E> {
        self.taken += self.waiting.len() as u64;
        if let Some(topics) = &mut self.topics {
            **topics = Topics::default();
        }
        let waiting = std::mem::replace(&mut self.waiting, Self::no_events(self.rules));
        let Some(ahead) = &mut self.ahead else { return waiting };
        let mut all = std::mem::take(&mut ahead.events);
        self.taken_ahead += all.len() as u64;
        waiting.for_each(|event| all.push_kept(event));
        self.forget_ahead();
        all
    }

    #[cold]
    fn pop_ahead(&mut self) -> Option<Kept<E>> {
        let event = self.ahead.as_mut()?.events.pop()?;
        self.forget_ahead();
        self.taken_ahead += 1;
        Some(event)
    }

    /// Gives memory back after a large burst, so that it does not stay for the life of the subscription.
    fn shrink(&mut self) {
        if self.waiting.is_empty() {
            self.waiting.shrink();
            if let Some(topics) = &mut self.topics {
                topics.shrink();
            }
        }
    }
}
