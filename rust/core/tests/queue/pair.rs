//! A queue and a list, which take every step together.

use std::sync::Arc;

use proptest::prelude::*;
use trading_events_core::queue::{Admission, DropReason, Dropped, Overflow, PackedArena, Queue, Stored};

use crate::naive_queue::{Item, NaiveQueue};
use crate::rows::{number_of, row_of};

#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// An event that comes if it is admitted.
    Push {
        topic: usize,
    },
    /// An event that may exceed the capacity.
    PushExceeding {
        topic: usize,
    },
    Pop,
    Pack,
    Drain,
    /// Reserves a place, if there is room.
    Promise,
    /// Reserves one place beyond the capacity, as for the head.
    PromiseExtra,
    /// A publisher uses its place.
    Redeem {
        topic: usize,
    },
    /// A publisher gives its place back.
    GiveUp,
    /// Hands out only preloaded events, if there are none yet.
    Pause,
    /// Preloads events, each as a row if a bit of its number is set.
    Preload {
        count: u64,
        rows: u64,
    },
    Resume,
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let topic = 0..4_usize;
    prop_oneof![
        8 => topic.clone().prop_map(|topic| Step::Push { topic }),
        2 => topic.clone().prop_map(|topic| Step::PushExceeding { topic }),
        5 => Just(Step::Pop),
        8 => Just(Step::Pack),
        1 => Just(Step::Drain),
        2 => Just(Step::Promise),
        1 => Just(Step::PromiseExtra),
        2 => topic.prop_map(|topic| Step::Redeem { topic }),
        1 => Just(Step::GiveUp),
        1 => Just(Step::Pause),
        2 => (0..5_u64, any::<u64>()).prop_map(|(count, rows)| Step::Preload { count, rows }),
        1 => Just(Step::Resume),
    ]
}

pub(crate) fn overflows() -> impl Strategy<Value = Overflow> {
    prop::sample::select(&Overflow::ALL[..])
}

/// The queue and its model, which take every step together.
pub(crate) struct Pair {
    queue: Queue<u64>,
    model: NaiveQueue,
    promised: usize,
    /// Number of events taken.
    handed_out: u64,
    /// Number of preloaded live events.
    live_preload: usize,
    live_limit: usize,
    topics: Vec<Arc<str>>,
    next: u64,
    arena: PackedArena,
    /// An event that is still to be packed, and its position.
    to_pack: Option<(u64, u64)>,
    /// The most that may wait: the capacity, and events and reserved places beyond it.
    bound: usize,
}

impl Pair {
    pub(crate) fn new(capacity: usize, overflow: Overflow, live_limit: usize) -> Self {
        Self {
            queue: Queue::new(capacity, overflow).with_topics().with_live_limit(live_limit),
            model: NaiveQueue::new(capacity, overflow),
            promised: 0,
            handed_out: 0,
            live_preload: 0,
            live_limit,
            topics: (0..4).map(|topic| format!("events.tick.x.{topic}").into()).collect(),
            next: 0,
            arena: PackedArena::default(),
            to_pack: None,
            bound: capacity,
        }
    }

    fn admission(&self, topic: usize) -> Admission {
        self.model.admission(&self.topics[topic], self.promised)
    }

    fn push(&mut self, topic: usize) {
        self.next += 1;
        let item = Item { event: self.next, topic: Arc::clone(&self.topics[topic]) };
        let dropped = self.queue.push(item.event, &item.topic);
        let told = dropped.map(|Dropped { event, topic, reason }| {
            (Item { event: number_of(event), topic: topic.expect("kept") }, reason)
        });
        self.handed_out += u64::from(matches!(told, Some((_, DropReason::DropOldest))));
        let place = self.queue.position_of(&item.topic).unwrap_or(self.queue.next_position().wrapping_sub(1));
        self.to_pack = self.queue.is_to_be_packed().then_some((item.event, place));
        assert_eq!(told, self.model.push(item), "what is lost is told, with its topic and reason");
    }

    /// Packs the event that came last, unless it is gone; others stay as they are.
    fn pack(&mut self) {
        if let Some((event, place)) = self.to_pack.take() {
            let row = self.arena.add(&row_of(event)).expect("it is a row");
            let packed = self.queue.pack(place, &row, |waiting| *waiting == event);
            let waits = self.model.waiting.iter().any(|item| item.event == event);
            assert_eq!(packed, waits.then_some(event));
        }
    }

    pub(crate) fn step(&mut self, step: Step) {
        match step {
            Step::Push { topic } if self.admission(topic) == Admission::Take => self.push(topic),
            Step::PushExceeding { topic } if self.queue.admission_exceeding(&self.topics[topic]) == Admission::Take => {
                self.bound = self.bound.max(self.model.waiting.len() + self.promised + 1);
                self.push(topic);
            }
            Step::Pop => self.pop(),
            Step::Pack => self.pack(),
            Step::Drain => {
                let drained = self.queue.drain();
                (self.handed_out, self.live_preload) = (self.handed_out + drained.len() as u64, 0);
                assert!(drained.map(number_of).eq(self.model.drain()));
            }
            Step::Promise if self.queue.may_block() && self.queue.has_room() => self.promise(),
            Step::PromiseExtra if self.queue.may_block() && self.promised == 0 => {
                self.bound = self.bound.max(self.model.waiting.len() + 1);
                self.promise();
            }
            Step::Redeem { topic } if self.promised > 0 => {
                self.take_back();
                self.push(topic);
            }
            Step::GiveUp if self.promised > 0 => self.take_back(),
            Step::Pause if self.model.preload.is_empty() => {
                self.queue.pause();
                self.model.is_paused = true;
            }
            Step::Preload { count, rows } => self.preload(count, rows),
            Step::Resume => {
                self.queue.resume();
                self.model.is_paused = false;
            }
            _ => {}
        }
    }

    fn pop(&mut self) {
        let is_preloaded = !self.model.preload.is_empty();
        let popped = self.queue.pop();
        self.handed_out += u64::from(popped.is_some());
        self.live_preload -= usize::from(is_preloaded && matches!(popped, Some(Stored::Live(_))));
        assert_eq!(popped.map(number_of), self.model.pop());
    }

    fn preload(&mut self, count: u64, rows: u64) {
        let numbers: Vec<_> = (self.next + 1..=self.next + count).collect();
        self.next += count;
        let is_row = |event: u64| rows >> (event % 64) & 1 == 1;
        let kept: Vec<_> = numbers
            .iter()
            .map(|event| {
                if is_row(*event) {
                    Stored::Packed(self.arena.add(&row_of(*event)).expect("it is a row"))
                } else {
                    Stored::Live(*event)
                }
            })
            .collect();
        self.live_preload += kept.iter().filter(|event| matches!(event, Stored::Live(_))).count();
        self.queue.preload(kept);
        self.model.preload(&numbers);
    }

    fn promise(&mut self) {
        self.queue.reserve();
        self.promised += 1;
    }

    fn take_back(&mut self) {
        self.queue.release();
        self.promised -= 1;
    }

    pub(crate) fn check(&self) {
        let (queue, model) = (&self.queue, &self.model);
        assert_eq!((queue.len(), queue.is_empty()), (model.len(), model.len() == 0));
        assert_eq!(
            (queue.waiting_len(), queue.next_position() - queue.first_position()),
            (model.waiting.len(), queue.waiting_len() as u64)
        );
        assert_eq!((queue.is_paused(), queue.has_next()), (model.is_paused, model.has_next()));
        assert_eq!(queue.handed_out(), self.handed_out);
        assert_eq!(
            queue.packs_preload(),
            (model.is_paused || !model.preload.is_empty()) && self.live_preload >= self.live_limit
        );
        assert_eq!((queue.high_water(), queue.capacity()), (model.high_water, model.capacity));
        assert_eq!(queue.has_room(), model.waiting.len() + self.promised < model.capacity);
        assert_eq!(queue.may_block(), model.may_block());
        assert!(queue.waiting_len() <= self.bound, "no more than {} wait: {}", self.bound, queue.waiting_len());
        for (number, topic) in self.topics.iter().enumerate() {
            assert_eq!(queue.admission(topic), self.admission(number));
            assert!(!model.drops() || queue.admission(topic) == Admission::Take);
            assert_eq!(queue.takes_room(topic), model.position_of(topic).is_none());
            self.check_exceeding(number);
        }
    }

    /// An event that may exceed the capacity is refused at twice of it; reserved places may count.
    fn check_exceeding(&self, topic: usize) {
        let (waiting, twice) = (self.model.waiting.len(), 2 * self.model.capacity);
        match (self.admission(topic), self.queue.admission_exceeding(&self.topics[topic])) {
            (Admission::Wait, Admission::Take) => assert!(waiting < twice),
            (Admission::Wait, urgent) => {
                assert_eq!(urgent, Admission::Refuse);
                assert!(waiting + self.promised >= twice);
            }
            (admission, urgent) => assert_eq!(urgent, admission),
        }
    }
}
