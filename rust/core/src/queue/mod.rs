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
/// Where many wait, those beyond the first may be kept as rows, once somebody has [packed](Queue::pack) them.
#[derive(Debug)]
#[repr(C)]
pub struct Queue<E> {
    waiting: EventDeque<E>,
    /// What comes before them, if anything does; it does not count for the capacity.
    preload: Option<Box<Preload<E>>>,
    topics: Option<Box<Topics>>,
    capacity: usize,
    /// Places promised to publishers that have not come for them yet.
    reserved: usize,
    taken: u64,
    high_water: usize,
    /// How many events are kept as they are, before one more is to be packed.
    live_limit: usize,
    rules: Rules,
    preload_taken: u64,
}

impl<E> Queue<E> {
    /// How many events are kept as they are: what publishers may put in within two turns of the loop.
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

    /// Room for what waits: where an event may take the place of another, each has its own.
    fn no_events(rules: Rules) -> EventDeque<E> {
        if rules.conflates { EventDeque::indexed() } else { EventDeque::default() }
    }

    /// Has the queue tell the topic of every event that it gives up.
    #[must_use]
    pub fn with_topics(mut self) -> Self {
        self.topics.get_or_insert_default();
        self
    }

    /// Has the queue keep another number of events as they are.
    #[must_use]
    pub fn with_live_limit(mut self, events: usize) -> Self {
        self.live_limit = events;
        self
    }

    /// Whether it will be asked for the topics of its events.
    #[must_use]
    pub fn keeps_topics(&self) -> bool {
        self.topics.is_some()
    }

    /// How many events wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len() + self.preload.as_ref().map_or(0, |preload| preload.events.len())
    }

    /// Whether no event waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What waits, without what was put ahead.
    #[must_use]
    pub fn waiting(&self) -> &EventDeque<E> {
        &self.waiting
    }

    /// How many events wait for which the capacity counts: all that were not put ahead.
    #[must_use]
    pub fn waiting_len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether an event can be taken out now.
    #[must_use]
    pub fn has_next(&self) -> bool {
        match &self.preload {
            None => !self.waiting.is_empty(),
            Some(preload) => !preload.events.is_empty() || !(preload.is_paused || self.waiting.is_empty()),
        }
    }

    /// How many events have been taken out, those put ahead included.
    #[must_use]
    pub fn handed_out(&self) -> u64 {
        self.taken + self.preload_taken
    }

    /// How many events have left the queue, each way counted: the place of the first that waits. Those put ahead have no
    /// place.
    #[must_use]
    pub fn first_position(&self) -> u64 {
        self.taken
    }

    /// The place that the next event would take, counted from the first event ever queued.
    #[must_use]
    pub fn next_position(&self) -> u64 {
        self.taken + self.waiting.len() as u64
    }

    /// The most events that ever waited at once.
    #[must_use]
    pub fn high_water(&self) -> usize {
        self.high_water
    }

    /// How many events may wait.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Whether a publisher may have to wait for room here.
    #[must_use]
    pub fn may_block(&self) -> bool {
        self.rules.at_capacity == AtCapacity::Wait
    }

    /// Whether an event may take the place of another of its topic.
    #[must_use]
    pub fn conflates(&self) -> bool {
        self.rules.conflates
    }

    /// Whether one more event fits, promised places counted as taken.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.waiting.len() + self.reserved < self.capacity
    }

    /// Whether an event of this topic would take a place, rather than that of another.
    #[must_use]
    pub fn takes_room(&self, topic: &Arc<str>) -> bool {
        self.position_of(topic).is_none()
    }

    /// Where the event stands that one of this topic would replace, or has just replaced.
    #[must_use]
    pub fn position_of(&self, topic: &Arc<str>) -> Option<u64> {
        self.topics.as_ref()?.position_of(topic)
    }

    /// Whether only what is put ahead is handed out.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.preload.as_ref().is_some_and(|preload| preload.is_paused)
    }

    /// Puts events before those that wait, behind those put there earlier. Neither the capacity nor what happens at
    /// overflow is for them.
    pub fn preload(&mut self, events: impl IntoIterator<Item = Stored<E>>) {
        self.preload.get_or_insert_with(|| Box::new(Preload::new(false))).extend(events);
        self.drop_preload();
        self.high_water = self.high_water.max(self.len());
    }

    /// Whether one more event put ahead is to be packed.
    #[must_use]
    pub fn packs_preload(&self) -> bool {
        self.preload.as_ref().is_some_and(|preload| preload.events.live_len() >= self.live_limit)
    }

    /// Hands out only what is put ahead, until it is [let go](Queue::let_go).
    pub fn pause(&mut self) {
        self.preload = Some(Box::new(Preload::new(true)));
    }

    /// Hands out all events from here on.
    pub fn resume(&mut self) {
        self.preload.iter_mut().for_each(|preload| preload.is_paused = false);
        self.drop_preload();
    }

    /// Without anything before it, a queue is as quick as any.
    fn drop_preload(&mut self) {
        self.preload.take_if(|preload| preload.is_over());
    }
}
