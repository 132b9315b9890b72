//! One subscription's bounded queue and what it does when it is full.

mod deque;
mod history;
mod overflow;
mod packed;
mod preload;

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

pub use deque::{Kept, Sequence};
pub use history::History;
pub use overflow::{Loss, Lost, Overflow, Verdict};
pub use packed::{Backlog, Rows};
use preload::Ahead;

/// The topics of what waits, for a queue that will be asked for them.
#[derive(Debug, Default)]
struct Topics {
    /// Of each event, in order.
    waiting: VecDeque<Arc<str>>,
    /// Only under [`Overflow::Conflate`]: where each topic's event stands, counted from the first event ever queued.
    places: HashMap<Arc<str>, u64, FxBuildHasher>,
}

/// A bounded queue of events.
///
/// Where many wait, those beyond the first may be kept as rows, once somebody has [packed](Queue::pack) them.
#[derive(Debug)]
#[repr(C)]
pub struct Queue<E> {
    waiting: Sequence<E>,
    /// What comes before them, if anything does; it does not count for the capacity.
    ahead: Option<Box<Ahead<E>>>,
    topics: Option<Box<Topics>>,
    capacity: usize,
    /// Places promised to publishers that have not come for them yet.
    reserved: usize,
    taken: u64,
    high_water: usize,
    /// How many events are kept as they are, before one more is to be packed.
    unpacked: usize,
    overflow: Overflow,
    taken_ahead: u64,
}

impl<E> Queue<E> {
    /// How many events are kept as they are: what publishers may put in within two turns of the loop.
    pub const UNPACKED: usize = 4096;

    /// An empty queue for `capacity` events.
    #[must_use]
    pub fn new(capacity: usize, overflow: Overflow) -> Self {
        Self {
            waiting: if overflow == Overflow::Conflate { Sequence::indexed() } else { Sequence::default() },
            ahead: None,
            unpacked: Self::UNPACKED,
            topics: (overflow == Overflow::Conflate).then(Box::default),
            capacity,
            overflow,
            reserved: 0,
            taken: 0,
            taken_ahead: 0,
            high_water: 0,
        }
    }

    /// Has the queue tell the topic of every event that it gives up.
    #[must_use]
    pub fn keeping_topics(mut self) -> Self {
        self.topics.get_or_insert_default();
        self
    }

    /// Has the queue keep another number of events as they are.
    #[must_use]
    pub fn keeping_unpacked(mut self, events: usize) -> Self {
        self.unpacked = events;
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
        self.waiting.len() + self.ahead.as_ref().map_or(0, |ahead| ahead.events.len())
    }

    /// Whether no event waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What waits, without what was put ahead.
    #[must_use]
    pub fn waiting(&self) -> &Sequence<E> {
        &self.waiting
    }

    /// How many events wait for which the capacity counts: all that were not put ahead.
    #[must_use]
    pub fn live(&self) -> usize {
        self.waiting.len()
    }

    /// Whether an event can be taken out now.
    #[must_use]
    pub fn has_next(&self) -> bool {
        match &self.ahead {
            None => !self.waiting.is_empty(),
            Some(ahead) => !ahead.events.is_empty() || !(ahead.is_held || self.waiting.is_empty()),
        }
    }

    /// How many events have been taken out, those put ahead included.
    #[must_use]
    pub fn handed_out(&self) -> u64 {
        self.taken + self.taken_ahead
    }

    /// How many events have left the queue, each way counted: the place of the first that waits. Those put ahead have no
    /// place.
    #[must_use]
    pub fn first_place(&self) -> u64 {
        self.taken
    }

    /// The place that the next event would take, counted from the first event ever queued.
    #[must_use]
    pub fn next_place(&self) -> u64 {
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
    pub fn blocks(&self) -> bool {
        matches!(self.overflow, Overflow::Block | Overflow::Conflate)
    }

    /// Whether an event may take the place of another of its topic.
    #[must_use]
    pub fn conflates(&self) -> bool {
        self.overflow == Overflow::Conflate
    }

    /// Whether one more event fits, promised places counted as taken.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.waiting.len() + self.reserved < self.capacity
    }

    /// Whether an event of this topic would take a place, rather than that of another.
    #[must_use]
    pub fn takes_place(&self, topic: &Arc<str>) -> bool {
        self.place_of(topic).is_none()
    }

    /// Where the event stands that one of this topic would replace, or has just replaced.
    #[must_use]
    pub fn place_of(&self, topic: &Arc<str>) -> Option<u64> {
        self.topics.as_ref()?.places.get(topic).copied()
    }

    /// What would happen to an event of this topic.
    #[must_use]
    #[inline]
    pub fn verdict(&self, topic: &Arc<str>) -> Verdict {
        if self.has_room() {
            return Verdict::Take;
        }
        match self.overflow {
            Overflow::DropOldest | Overflow::DropNewest => Verdict::Take,
            Overflow::Conflate if !self.takes_place(topic) => Verdict::Take,
            Overflow::Block | Overflow::Conflate => Verdict::Wait,
            Overflow::Raise => Verdict::Refuse,
        }
    }

    /// What would happen to an event of this topic that must not wait and may stand beyond the capacity, up to twice
    /// of it.
    #[must_use]
    pub fn urgent_verdict(&self, topic: &Arc<str>) -> Verdict {
        match self.verdict(topic) {
            Verdict::Wait if self.waiting.len() < self.capacity.saturating_mul(2) => Verdict::Take,
            Verdict::Wait => Verdict::Refuse,
            verdict => verdict,
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
    pub fn push(&mut self, event: E, topic: &Arc<str>) -> Option<Lost<E>> {
        if self.conflates() {
            return self.push_conflating(event, topic);
        }
        let mut lost = None;
        if self.waiting.len() >= self.capacity {
            match self.overflow {
                Overflow::DropNewest => {
                    let event = Kept::Event(event);
                    return Some(Lost { event, topic: Some(Arc::clone(topic)), why: Loss::DropNewest });
                }
                Overflow::DropOldest => {
                    lost = self.pop_waiting().map(|(event, topic)| Lost { event, topic, why: Loss::DropOldest });
                }
                _ => {}
            }
        }
        self.append(event, topic);
        lost
    }

    /// Whether an event would do no more than stand behind the others, as it is.
    #[must_use]
    #[inline]
    pub fn is_plain(&self) -> bool {
        let waiting = self.waiting.len();
        self.ahead.is_none()
            && self.topics.is_none()
            && self.waiting.is_unpacked()
            && waiting + self.reserved < self.capacity
            && waiting < self.unpacked
    }

    /// [`Queue::push`] where the queue [is plain](Queue::is_plain).
    #[inline]
    pub fn push_plainly(&mut self, event: E) {
        self.waiting.push(event);
        self.high_water = self.high_water.max(self.waiting.len());
    }

    fn push_conflating(&mut self, event: E, topic: &Arc<str>) -> Option<Lost<E>> {
        let index = self.place_of(topic).and_then(|place| usize::try_from(place - self.taken).ok());
        if let Some(index) = index.filter(|index| *index < self.waiting.len()) {
            let older = self.waiting.replace(index, event);
            return older.map(|event| Lost { event, topic: Some(Arc::clone(topic)), why: Loss::Conflate });
        }
        let place = self.next_place();
        if let Some(topics) = &mut self.topics {
            topics.places.insert(Arc::clone(topic), place);
        }
        self.append(event, topic);
        None
    }

    #[inline]
    fn append(&mut self, event: E, topic: &Arc<str>) {
        self.waiting.push(event);
        if let Some(topics) = &mut self.topics {
            topics.waiting.push_back(Arc::clone(topic));
        }
        self.high_water = self.high_water.max(self.len());
    }

    /// Whether an event that has just come is to be packed.
    #[must_use]
    pub fn is_to_be_packed(&self) -> bool {
        self.waiting.events() > self.unpacked
    }

    /// Whether even a quarter more events are kept as they are than should be.
    #[must_use]
    pub fn is_overdue(&self) -> bool {
        self.waiting.events() > self.unpacked.saturating_add(self.unpacked / 4)
    }

    /// Keeps the event at a place as a row, if it is still the one meant; returns the event. Otherwise it stays as it is.
    pub fn pack(&mut self, place: u64, row: &Rows, is_meant: impl Fn(&E) -> bool) -> Option<E> {
        if self.conflates() {
            let index = usize::try_from(place.checked_sub(self.taken)?).ok()?;
            self.waiting.pack_at(index, row, is_meant)
        } else if place + 1 == self.next_place() {
            self.waiting.pack_last(row, is_meant)
        } else {
            None
        }
    }

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

    fn pop_waiting(&mut self) -> Option<(Kept<E>, Option<Arc<str>>)> {
        let event = self.waiting.pop()?;
        self.taken += 1;
        let topic = self.topics.as_mut().and_then(|topics| {
            let topic = topics.waiting.pop_front()?;
            topics.places.remove(&topic);
            Some(topic)
        });
        self.shrink();
        Some((event, topic))
    }

    /// Takes out all events.
    pub fn drain(&mut self) -> Sequence<E> {
        self.taken += self.waiting.len() as u64;
        if let Some(topics) = &mut self.topics {
            **topics = Topics::default();
        }
        let empty = if self.conflates() { Sequence::indexed() } else { Sequence::default() };
        let waiting = std::mem::replace(&mut self.waiting, empty);
        let Some(ahead) = &mut self.ahead else { return waiting };
        let mut all = std::mem::take(&mut ahead.events);
        self.taken_ahead += all.len() as u64;
        waiting.for_each(|event| all.push_kept(event));
        self.forget_ahead();
        all
    }

    /// Gives memory back after a large burst, so that it does not stay for the life of the subscription.
    fn shrink(&mut self) {
        if self.waiting.is_empty() {
            self.waiting.shrink();
            if let Some(topics) = &mut self.topics {
                topics.waiting.shrink_to_fit();
            }
        }
    }
}
