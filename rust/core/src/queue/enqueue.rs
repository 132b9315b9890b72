//! Putting events into a queue.

use std::sync::Arc;

use super::Queue;
use super::deque::Stored;
use super::overflow::{Admission, AtCapacity, DropReason, Dropped, Victim};
use super::packed::PackedRun;

impl<E> Queue<E> {
    /// What would happen to an event of this topic.
    #[must_use]
    #[inline]
    pub fn admission(&self, topic: &Arc<str>) -> Admission {
        if self.has_room() {
            return Admission::Take;
        }
        if self.rules.conflates && !self.takes_room(topic) {
            return Admission::Take;
        }
        self.rules.at_capacity.admission()
    }

    /// What would happen to an event of this topic that must not wait and may stand beyond the capacity, up to twice
    /// of it.
    #[must_use]
    pub fn admission_exceeding(&self, topic: &Arc<str>) -> Admission {
        match self.admission(topic) {
            Admission::Wait if self.waiting.len() < self.capacity.saturating_mul(2) => Admission::Take,
            Admission::Wait => Admission::Refuse,
            admission => admission,
        }
    }

    /// Promises a place to a publisher.
    pub fn reserve(&mut self) {
        self.reserved += 1;
    }

    /// Takes a promise back, or redeems it just before [`Queue::push`].
    pub fn release(&mut self) {
        self.reserved -= 1;
    }

    /// Takes an event, whatever the room: the caller has asked for a verdict. Returns the event that was lost by it.
    #[inline]
    pub fn push(&mut self, event: E, topic: &Arc<str>) -> Option<Dropped<E>> {
        if self.rules.conflates
            && let Some(index) = self.index_of(topic)
        {
            return self.replace(index, event, topic);
        }
        let mut dropped = None;
        if self.waiting.len() >= self.capacity
            && let AtCapacity::Drop(victim) = self.rules.at_capacity
        {
            match victim {
                Victim::Newest => {
                    let event = Stored::Live(event);
                    return Some(Dropped { event, topic: Some(Arc::clone(topic)), reason: DropReason::DropNewest });
                }
                Victim::Oldest => {
                    dropped = self.pop_waiting().map(|(event, topic)| Dropped {
                        event,
                        topic,
                        reason: DropReason::DropOldest,
                    });
                }
            }
        }
        self.append(event, topic);
        dropped
    }

    /// Whether an event would do no more than stand behind the others, as it is.
    #[must_use]
    #[inline]
    pub fn takes_fast_path(&self) -> bool {
        let waiting = self.waiting.len();
        self.preload.is_none()
            && self.topics.is_none()
            && self.waiting.is_all_live()
            && waiting + self.reserved < self.capacity
            && waiting < self.live_limit
    }

    /// [`Queue::push`] where the queue [is plain](Queue::is_plain).
    #[inline]
    pub fn push_fast(&mut self, event: E) {
        self.waiting.push(event);
        self.high_water = self.high_water.max(self.waiting.len());
    }

    /// Where in the queue the event stands that one of this topic replaces.
    fn index_of(&self, topic: &Arc<str>) -> Option<usize> {
        let index = self.position_of(topic).and_then(|place| usize::try_from(place - self.taken).ok())?;
        (index < self.waiting.len()).then_some(index)
    }

    fn replace(&mut self, index: usize, event: E, topic: &Arc<str>) -> Option<Dropped<E>> {
        let older = self.waiting.replace(index, event);
        older.map(|event| Dropped { event, topic: Some(Arc::clone(topic)), reason: DropReason::Conflate })
    }

    #[inline]
    fn append(&mut self, event: E, topic: &Arc<str>) {
        if let Some(topics) = &mut self.topics {
            let place = self.taken + self.waiting.len() as u64;
            topics.push(topic, self.rules.conflates.then_some(place));
        }
        self.waiting.push(event);
        self.high_water = self.high_water.max(self.len());
    }

    /// Whether an event that has just come is to be packed.
    #[must_use]
    pub fn is_to_be_packed(&self) -> bool {
        self.waiting.live_len() > self.live_limit
    }

    /// Whether even a quarter more events are kept as they are than should be.
    #[must_use]
    pub fn is_overdue(&self) -> bool {
        self.waiting.live_len() > self.live_limit.saturating_add(self.live_limit / 4)
    }

    /// Keeps the event at a place as a row, if it is still the one meant; returns the event. Otherwise it stays as it is.
    pub fn pack(&mut self, place: u64, row: &PackedRun, is_meant: impl Fn(&E) -> bool) -> Option<E> {
        if self.conflates() {
            let index = usize::try_from(place.checked_sub(self.taken)?).ok()?;
            self.waiting.pack_at(index, row, is_meant)
        } else if place + 1 == self.next_position() {
            self.waiting.pack_last(row, is_meant)
        } else {
            None
        }
    }
}
