//! Putting events into a queue.

use std::sync::Arc;

use super::Queue;
use super::deque::Stored;
use super::overflow::{Admission, AtCapacity, DropReason, Dropped, Victim};
use super::packed::PackedRun;

impl<E> Queue<E> {
    /// The queue's answer to an event of this topic.
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

    /// The queue's answer to an event that must not wait and may exceed the capacity, up to twice of it.
    #[must_use]
    pub fn admission_exceeding(&self, topic: &Arc<str>) -> Admission {
        match self.admission(topic) {
            Admission::Wait if self.waiting.len() < self.capacity.saturating_mul(2) => Admission::Take,
            Admission::Wait => Admission::Refuse,
            admission => admission,
        }
    }

    /// Reserves a place for a publisher.
    pub fn reserve(&mut self) {
        self.reserved += 1;
    }

    /// Gives a reserved place back, or uses it just before [`Queue::push`].
    pub fn release(&mut self) {
        self.reserved -= 1;
    }

    /// Appends an event, whatever the room: the caller has asked for admission. Returns the event that was dropped for
    /// it.
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

    /// True if an event would only be appended, live.
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

    /// [`Queue::push`] for a queue that [takes the fast path](Queue::takes_fast_path).
    #[inline]
    pub fn push_fast(&mut self, event: E) {
        self.waiting.push(event);
        self.high_water = self.high_water.max(self.waiting.len());
    }

    /// Index of the event that one of this topic replaces.
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

    /// True if an event that has just come is to be packed.
    #[must_use]
    pub fn is_to_be_packed(&self) -> bool {
        self.waiting.live_len() > self.live_limit
    }

    /// True if live events exceed their limit by a quarter.
    #[must_use]
    pub fn is_overdue(&self) -> bool {
        self.waiting.live_len() > self.live_limit.saturating_add(self.live_limit / 4)
    }

    /// Replaces the event at a position by its row if it is the one meant, and returns it.
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
