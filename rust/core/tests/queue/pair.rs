//! A queue and a list, which take every step together.

use std::sync::Arc;

use proptest::prelude::*;
use trading_events_core::backlog::Backlog;
use trading_events_core::queue::{Loss, Lost, Overflow, Queue, Verdict};
use trading_events_core::sequence::Kept;

use crate::naive_queue::{Item, NaiveQueue};
use crate::rows::{number_of, row_of};

#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// An event that comes if the verdict lets it.
    Push {
        topic: usize,
    },
    /// An event that may stand beyond the capacity.
    PushUrgent {
        topic: usize,
    },
    Pop,
    Pack,
    Drain,
    /// A publisher is promised a place, if there is room.
    Promise,
    /// The first in line is promised one place beyond the capacity.
    PromiseExtra,
    /// A publisher comes for its place.
    Redeem {
        topic: usize,
    },
    /// A publisher gives its place up.
    GiveUp,
    /// Only what is put ahead is handed out, where nothing is yet.
    Hold,
    /// Events come before those that wait, each as a row where a bit of its number is set.
    PutAhead {
        count: u64,
        rows: u64,
    },
    LetGo,
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let topic = 0..4_usize;
    prop_oneof![
        8 => topic.clone().prop_map(|topic| Step::Push { topic }),
        2 => topic.clone().prop_map(|topic| Step::PushUrgent { topic }),
        5 => Just(Step::Pop),
        8 => Just(Step::Pack),
        1 => Just(Step::Drain),
        2 => Just(Step::Promise),
        1 => Just(Step::PromiseExtra),
        2 => topic.prop_map(|topic| Step::Redeem { topic }),
        1 => Just(Step::GiveUp),
        1 => Just(Step::Hold),
        2 => (0..5_u64, any::<u64>()).prop_map(|(count, rows)| Step::PutAhead { count, rows }),
        1 => Just(Step::LetGo),
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
    /// How many have been taken out.
    handed_out: u64,
    /// How many of those put ahead are no rows.
    unpacked_ahead: usize,
    unpacked: usize,
    topics: Vec<Arc<str>>,
    next: u64,
    backlog: Backlog,
    /// An event that is still to be packed, and its place.
    to_pack: Option<(u64, u64)>,
    /// The most that may wait: the capacity, and what urgent events and promises have put beyond it.
    bound: usize,
}

impl Pair {
    pub(crate) fn new(capacity: usize, overflow: Overflow, unpacked: usize) -> Self {
        Self {
            queue: Queue::new(capacity, overflow).keeping_topics().keeping_unpacked(unpacked),
            model: NaiveQueue::new(capacity, overflow),
            promised: 0,
            handed_out: 0,
            unpacked_ahead: 0,
            unpacked,
            topics: (0..4).map(|topic| format!("events.tick.x.{topic}").into()).collect(),
            next: 0,
            backlog: Backlog::default(),
            to_pack: None,
            bound: capacity,
        }
    }

    fn verdict(&self, topic: usize) -> Verdict {
        self.model.verdict(&self.topics[topic], self.promised)
    }

    fn push(&mut self, topic: usize) {
        self.next += 1;
        let item = Item { event: self.next, topic: Arc::clone(&self.topics[topic]) };
        let lost = self.queue.push(item.event, &item.topic);
        let told =
            lost.map(|Lost { event, topic, why }| (Item { event: number_of(event), topic: topic.expect("kept") }, why));
        self.handed_out += u64::from(matches!(told, Some((_, Loss::DropOldest))));
        let place = self.queue.place_of(&item.topic).unwrap_or(self.queue.next_place().wrapping_sub(1));
        self.to_pack = self.queue.is_to_be_packed().then_some((item.event, place));
        assert_eq!(told, self.model.push(item), "what is lost is told, with its topic and reason");
    }

    /// Packs the event that came last, unless it is gone; others stay as they are.
    fn pack(&mut self) {
        if let Some((event, place)) = self.to_pack.take() {
            let row = self.backlog.put(&row_of(event)).expect("it is a row");
            let packed = self.queue.pack(place, &row, |waiting| *waiting == event);
            let waits = self.model.waiting.iter().any(|item| item.event == event);
            assert_eq!(packed, waits.then_some(event));
        }
    }

    pub(crate) fn step(&mut self, step: Step) {
        match step {
            Step::Push { topic } if self.verdict(topic) == Verdict::Take => self.push(topic),
            Step::PushUrgent { topic } if self.queue.urgent_verdict(&self.topics[topic]) == Verdict::Take => {
                self.bound = self.bound.max(self.model.waiting.len() + self.promised + 1);
                self.push(topic);
            }
            Step::Pop => {
                let is_ahead = !self.model.ahead.is_empty();
                let popped = self.queue.pop();
                self.handed_out += u64::from(popped.is_some());
                self.unpacked_ahead -= usize::from(is_ahead && matches!(popped, Some(Kept::Event(_))));
                assert_eq!(popped.map(number_of), self.model.pop());
            }
            Step::Pack => self.pack(),
            Step::Drain => {
                let drained = self.queue.drain();
                (self.handed_out, self.unpacked_ahead) = (self.handed_out + drained.len() as u64, 0);
                assert!(drained.map(number_of).eq(self.model.drain()));
            }
            Step::Promise if self.queue.blocks() && self.queue.has_room() => self.promise(),
            Step::PromiseExtra if self.queue.blocks() && self.promised == 0 => {
                self.bound = self.bound.max(self.model.waiting.len() + 1);
                self.promise();
            }
            Step::Redeem { topic } if self.promised > 0 => {
                self.take_back();
                self.push(topic);
            }
            Step::GiveUp if self.promised > 0 => self.take_back(),
            Step::Hold if self.model.ahead.is_empty() => {
                self.queue.hold();
                self.model.is_held = true;
            }
            Step::PutAhead { count, rows } => self.put_ahead(count, rows),
            Step::LetGo => {
                self.queue.let_go();
                self.model.is_held = false;
            }
            _ => {}
        }
    }

    fn put_ahead(&mut self, count: u64, rows: u64) {
        let numbers: Vec<_> = (self.next + 1..=self.next + count).collect();
        self.next += count;
        let is_row = |event: u64| rows >> (event % 64) & 1 == 1;
        let kept: Vec<_> = numbers
            .iter()
            .map(|event| {
                if is_row(*event) {
                    Kept::Rows(self.backlog.put(&row_of(*event)).expect("it is a row"))
                } else {
                    Kept::Event(*event)
                }
            })
            .collect();
        self.unpacked_ahead += kept.iter().filter(|event| matches!(event, Kept::Event(_))).count();
        self.queue.put_ahead(kept);
        self.model.put_ahead(&numbers);
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
            (queue.live(), queue.next_place() - queue.first_place()),
            (model.waiting.len(), queue.live() as u64)
        );
        assert_eq!((queue.is_held(), queue.has_next()), (model.is_held, model.has_next()));
        assert_eq!(queue.handed_out(), self.handed_out);
        assert_eq!(
            queue.packs_ahead(),
            (model.is_held || !model.ahead.is_empty()) && self.unpacked_ahead >= self.unpacked
        );
        assert_eq!((queue.high_water(), queue.capacity()), (model.high_water, model.capacity));
        assert_eq!(queue.has_room(), model.waiting.len() + self.promised < model.capacity);
        assert!(queue.live() <= self.bound, "no more than {} wait: {}", self.bound, queue.live());
        for (number, topic) in self.topics.iter().enumerate() {
            assert_eq!(queue.verdict(topic), self.verdict(number));
            assert_eq!(queue.takes_place(topic), model.place_of(topic).is_none());
            self.check_urgent(number);
        }
    }

    /// An urgent event is refused at twice the capacity; promised places may count as taken.
    fn check_urgent(&self, topic: usize) {
        let (waiting, twice) = (self.model.waiting.len(), 2 * self.model.capacity);
        match (self.verdict(topic), self.queue.urgent_verdict(&self.topics[topic])) {
            (Verdict::Wait, Verdict::Take) => assert!(waiting < twice),
            (Verdict::Wait, urgent) => {
                assert_eq!(urgent, Verdict::Refuse);
                assert!(waiting + self.promised >= twice);
            }
            (verdict, urgent) => assert_eq!(urgent, verdict),
        }
    }
}
