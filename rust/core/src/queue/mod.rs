//! One subscription's bounded queue.

mod deque;
mod dequeue;
mod enqueue;
mod history;
mod overflow;
mod packed;
mod preload;
mod topics;

use std::sync::Arc;

pub use deque::{EventDeque, Stored};
pub use history::History;
pub use overflow::{Admission, AtCapacity, DropReason, Dropped, Overflow, Policy, Rules, UnknownOverflow, Victim};
pub use packed::{PackedArena, PackedRun};
use preload::Preload;
use topics::Topics;

/// A bounded queue of events.
///
/// Events beyond the first [`Queue::LIVE_LIMIT`] may be [packed](Queue::pack) into rows.
#[derive(Debug)]
#[repr(C)]
pub struct Queue<E> {
    waiting: EventDeque<E>,
    /// Events to be handed out first; the capacity does not count them.
    preload: Option<Box<Preload<E>>>,
    topics: Option<Box<Topics>>,
    capacity: usize,
    /// Places reserved for publishers that have not claimed them yet.
    reserved: usize,
    taken: u64,
    high_water: usize,
    /// Live events before one more is to be packed.
    live_limit: usize,
    rules: Rules,
    preload_taken: u64,
}

impl<E> Queue<E> {
    /// Default limit of live events: those of two turns of publishing.
    pub const LIVE_LIMIT: usize = 4096;

    /// An empty queue for `capacity` events.
    #[must_use]
    pub fn new(capacity: usize, overflow: Overflow) -> Self {
        let rules = overflow.policy().rules;
        Self {
            waiting: Self::no_events(rules),
            preload: None,
            live_limit: Self::LIVE_LIMIT,
            topics: rules.conflates.then(Box::default),
            capacity,
            rules,
            reserved: 0,
            taken: 0,
            preload_taken: 0,
            high_water: 0,
        }
    }

    /// An empty deque, indexed if events are replaced in it.
    fn no_events(rules: Rules) -> EventDeque<E> {
        if rules.conflates { EventDeque::indexed() } else { EventDeque::default() }
    }

    /// Makes the queue tell the topic of every event that it drops.
    #[must_use]
    pub fn with_topics(mut self) -> Self {
        self.topics.get_or_insert_default();
        self
    }

    /// Sets the limit of live events.
    #[must_use]
    pub fn with_live_limit(mut self, events: usize) -> Self {
        self.live_limit = events;
        self
    }

    /// True if the topics of its events are kept.
    #[must_use]
    pub fn keeps_topics(&self) -> bool {
        self.topics.is_some()
    }

    /// Number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len() + self.preload.as_ref().map_or(0, |preload| preload.events.len())
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The waiting events, without preloaded ones.
    #[must_use]
    pub fn waiting(&self) -> &EventDeque<E> {
        &self.waiting
    }

    /// Number of waiting events, without preloaded ones: those that the capacity counts.
    #[must_use]
    pub fn waiting_len(&self) -> usize {
        self.waiting.len()
    }

    /// True if an event can be taken.
    #[must_use]
    pub fn has_next(&self) -> bool {
        match &self.preload {
            None => !self.waiting.is_empty(),
            Some(preload) => !preload.events.is_empty() || !(preload.is_paused || self.waiting.is_empty()),
        }
    }

    /// Number of events taken, including preloaded ones.
    #[must_use]
    pub fn handed_out(&self) -> u64 {
        self.taken + self.preload_taken
    }

    /// Position of the first waiting event: the number of events that have left the queue in any way. Preloaded events
    /// have no position.
    #[must_use]
    pub fn first_position(&self) -> u64 {
        self.taken
    }

    /// Position of the next event to come, counted from the first event ever queued.
    #[must_use]
    pub fn next_position(&self) -> u64 {
        self.taken + self.waiting.len() as u64
    }

    /// Greatest number of events stored at once.
    #[must_use]
    pub fn high_water(&self) -> usize {
        self.high_water
    }

    /// Number of events that may wait.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// True if a publisher may have to wait for room.
    #[must_use]
    pub fn may_block(&self) -> bool {
        self.rules.at_capacity == AtCapacity::Wait
    }

    /// True if an event may replace another of its topic.
    #[must_use]
    pub fn conflates(&self) -> bool {
        self.rules.conflates
    }

    /// True if one more event fits, reserved places counted as taken.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.waiting.len() + self.reserved < self.capacity
    }

    /// True if an event of this topic would take a place of its own, rather than that of another.
    #[must_use]
    pub fn takes_room(&self, topic: &Arc<str>) -> bool {
        self.position_of(topic).is_none()
    }

    /// Position of the event that one of this topic would replace, or has just replaced.
    #[must_use]
    pub fn position_of(&self, topic: &Arc<str>) -> Option<u64> {
        self.topics.as_ref()?.position_of(topic)
    }

    /// True if only preloaded events are handed out.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.preload.as_ref().is_some_and(|preload| preload.is_paused)
    }

    /// Appends preloaded events. Neither the capacity nor the overflow policy applies to them.
    pub fn preload(&mut self, events: impl IntoIterator<Item = Stored<E>>) {
        self.preload.get_or_insert_with(|| Box::new(Preload::new(false))).extend(events);
        self.drop_preload();
        self.high_water = self.high_water.max(self.len());
    }

    /// True if one more preloaded event is to be packed.
    #[must_use]
    pub fn packs_preload(&self) -> bool {
        self.preload.as_ref().is_some_and(|preload| preload.events.live_len() >= self.live_limit)
    }

    /// Hands out only preloaded events until the queue is [resumed](Queue::resume).
    pub fn pause(&mut self) {
        self.preload = Some(Box::new(Preload::new(true)));
    }

    /// Hands out all events again.
    pub fn resume(&mut self) {
        self.preload.iter_mut().for_each(|preload| preload.is_paused = false);
        self.drop_preload();
    }

    /// Removes an empty preload, so that the queue takes its fast paths.
    fn drop_preload(&mut self) {
        self.preload.take_if(|preload| preload.is_over());
    }
}
