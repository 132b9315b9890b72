//! One subscription's bounded queue and what it does when it is full.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

/// What a full queue does with one more event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// The publisher waits for room.
    Block,
    /// The event that has waited longest makes place.
    DropOldest,
    /// The new event is dropped.
    DropNewest,
    /// A new event takes the place of a waiting one of the same topic; a new topic waits for room.
    Conflate,
    /// The publisher is refused.
    Raise,
}

/// Why an accepted event was never handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Pushed out by a newer event.
    DropOldest,
    /// Came to a full queue.
    DropNewest,
    /// Replaced by a newer event of its topic.
    Conflate,
    /// Still waiting when its subscription ended.
    Unsubscribed,
    /// Still waiting when the bus was closed by force.
    Closed,
    /// In its handler when the worker was cancelled.
    Cancelled,
}

impl Loss {
    /// Every reason, in the order of its discriminant.
    pub const ALL: [Self; 6] =
        [Self::DropOldest, Self::DropNewest, Self::Conflate, Self::Unsubscribed, Self::Closed, Self::Cancelled];

    /// The reason's public name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DropOldest => "drop_oldest",
            Self::DropNewest => "drop_newest",
            Self::Conflate => "conflate",
            Self::Unsubscribed => "unsubscribed",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// An event that a queue gave up for another.
#[derive(Debug)]
pub struct Lost<E> {
    /// The event itself.
    pub event: E,
    /// Its topic, where the queue [keeps topics](Queue::keeping_topics) or it is that of the event that came.
    pub topic: Option<Arc<str>>,
    /// Why.
    pub why: Loss,
}

/// Whether a queue would take an event now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It would.
    Take,
    /// Only once there is room.
    Wait,
    /// It would not, and the publisher is not to wait.
    Refuse,
}

/// The topics of what waits, for a queue that will be asked for them.
#[derive(Debug, Default)]
struct Topics {
    /// Of each event, in order.
    waiting: VecDeque<Arc<str>>,
    /// Only under [`Overflow::Conflate`]: where each topic's event stands, counted from the first event ever queued.
    places: HashMap<Arc<str>, u64, FxBuildHasher>,
}

/// A bounded queue of events.
#[derive(Debug)]
pub struct Queue<E> {
    waiting: VecDeque<E>,
    topics: Option<Box<Topics>>,
    capacity: usize,
    overflow: Overflow,
    /// Places promised to publishers that have not come for them yet.
    reserved: usize,
    taken: u64,
    high_water: usize,
}

impl<E> Queue<E> {
    /// An empty queue for `capacity` events.
    #[must_use]
    pub fn new(capacity: usize, overflow: Overflow) -> Self {
        Self {
            waiting: VecDeque::new(),
            topics: (overflow == Overflow::Conflate).then(Box::default),
            capacity,
            overflow,
            reserved: 0,
            taken: 0,
            high_water: 0,
        }
    }

    /// Has the queue tell the topic of every event that it gives up.
    #[must_use]
    pub fn keeping_topics(mut self) -> Self {
        self.topics.get_or_insert_default();
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
        self.waiting.len()
    }

    /// Whether no event waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many events have left the queue, each way counted: the place of the first that waits.
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
    pub fn push(&mut self, event: E, topic: &Arc<str>) -> Option<Lost<E>> {
        if self.conflates() {
            return self.push_conflating(event, topic);
        }
        let mut lost = None;
        if self.waiting.len() >= self.capacity {
            match self.overflow {
                Overflow::DropNewest => {
                    return Some(Lost { event, topic: Some(Arc::clone(topic)), why: Loss::DropNewest });
                }
                Overflow::DropOldest => {
                    lost = self.pop_with_topic().map(|(event, topic)| Lost { event, topic, why: Loss::DropOldest });
                }
                _ => {}
            }
        }
        self.append(event, topic);
        lost
    }

    fn push_conflating(&mut self, event: E, topic: &Arc<str>) -> Option<Lost<E>> {
        let index = self.place_of(topic).and_then(|place| usize::try_from(place - self.taken).ok());
        if let Some(older) = index.and_then(|index| self.waiting.get_mut(index)) {
            let event = std::mem::replace(older, event);
            return Some(Lost { event, topic: Some(Arc::clone(topic)), why: Loss::Conflate });
        }
        let place = self.next_place();
        if let Some(topics) = &mut self.topics {
            topics.places.insert(Arc::clone(topic), place);
        }
        self.append(event, topic);
        None
    }

    fn append(&mut self, event: E, topic: &Arc<str>) {
        self.waiting.push_back(event);
        if let Some(topics) = &mut self.topics {
            topics.waiting.push_back(Arc::clone(topic));
        }
        self.high_water = self.high_water.max(self.waiting.len());
    }

    /// Takes out the event that has waited longest.
    pub fn pop(&mut self) -> Option<E> {
        self.pop_with_topic().map(|(event, _)| event)
    }

    fn pop_with_topic(&mut self) -> Option<(E, Option<Arc<str>>)> {
        let event = self.waiting.pop_front()?;
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
    pub fn drain(&mut self) -> Vec<E> {
        self.taken += self.waiting.len() as u64;
        if let Some(topics) = &mut self.topics {
            **topics = Topics::default();
        }
        std::mem::take(&mut self.waiting).into()
    }

    /// Gives memory back after a large burst, so that it does not stay for the life of the subscription.
    fn shrink(&mut self) {
        const WORTH_IT: usize = 4096;
        if self.waiting.is_empty() && self.waiting.capacity() > WORTH_IT {
            self.waiting = VecDeque::new();
            if let Some(topics) = &mut self.topics {
                topics.waiting.shrink_to_fit();
            }
        }
    }
}
