//! What a queue hands out before those that wait in it.

use super::deque::{Kept, Sequence};

use super::Queue;

/// Events before those that wait, and whether only they are handed out for now.
#[derive(Debug)]
pub(super) struct Ahead<E> {
    pub(super) events: Sequence<E>,
    pub(super) is_held: bool,
}

impl<E> Queue<E> {
    /// Whether only what is put ahead is handed out.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.ahead.as_ref().is_some_and(|ahead| ahead.is_held)
    }

    /// Puts events before those that wait, behind those put there earlier. Neither the capacity nor what happens at
    /// overflow is for them.
    pub fn put_ahead(&mut self, events: impl IntoIterator<Item = Kept<E>>) {
        let ahead = self.ahead.get_or_insert_with(|| Box::new(Ahead { events: Sequence::default(), is_held: false }));
        events.into_iter().for_each(|event| ahead.events.push_kept(event));
        self.forget_ahead();
        self.high_water = self.high_water.max(self.len());
    }

    /// Whether one more event put ahead is to be packed.
    #[must_use]
    pub fn packs_ahead(&self) -> bool {
        self.ahead.as_ref().is_some_and(|ahead| ahead.events.events() >= self.unpacked)
    }

    /// Hands out only what is put ahead, until it is [let go](Queue::let_go).
    pub fn hold(&mut self) {
        self.ahead = Some(Box::new(Ahead { events: Sequence::default(), is_held: true }));
    }

    /// Hands out all events from here on.
    pub fn let_go(&mut self) {
        self.ahead.iter_mut().for_each(|ahead| ahead.is_held = false);
        self.forget_ahead();
    }

    /// Without anything before it, a queue is as quick as any.
    pub(super) fn forget_ahead(&mut self) {
        self.ahead.take_if(|ahead| ahead.events.is_empty() && !ahead.is_held);
    }

    #[cold]
    pub(super) fn pop_ahead(&mut self) -> Option<Kept<E>> {
        let event = self.ahead.as_mut()?.events.pop()?;
        self.forget_ahead();
        self.taken_ahead += 1;
        Some(event)
    }
}
