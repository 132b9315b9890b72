//! The wait queue alone, with room that is made and filled at will, beside a list of waiters.

mod naive_wait_queue;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use naive_wait_queue::{NaiveWaitQueue, Newcomer, Waiter};
use proptest::prelude::*;
use trading_events_core::bus::{Capacity, QueueIds, Ticket, WaitQueue};
use trading_events_core::routing::SubscriptionId;

#[derive(Debug, Clone)]
enum Step {
    /// A publisher joins, if it has to wait.
    Join {
        queues: u8,
    },
    /// A queue loses an event.
    Open {
        queue: usize,
    },
    /// An event takes the last room of a queue, overtaking the wait queue.
    Fill {
        queue: usize,
    },
    /// A woken waiter claims its places.
    Claim {
        which: usize,
    },
    /// A waiter gives up, woken or not.
    GiveUp {
        which: usize,
    },
    Forget {
        queue: usize,
    },
    Dismiss,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let queue = 0..QUEUES;
    let step = prop_oneof![
        10 => (1..1_u8 << QUEUES).prop_map(|queues| Step::Join { queues }),
        12 => queue.clone().prop_map(|queue| Step::Open { queue }),
        4 => queue.clone().prop_map(|queue| Step::Fill { queue }),
        6 => any::<usize>().prop_map(|which| Step::Claim { which }),
        3 => any::<usize>().prop_map(|which| Step::GiveUp { which }),
        1 => queue.prop_map(|queue| Step::Forget { queue }),
    ];
    let steps = prop::collection::vec(step, 1..80);
    (steps, any::<bool>()).prop_map(|(mut steps, dismisses)| {
        steps.extend(dismisses.then_some(Step::Dismiss));
        steps
    })
}

const QUEUES: usize = 3;

fn id(queue: usize) -> SubscriptionId {
    SubscriptionId { index: u32::try_from(queue).unwrap(), generation: 7 }
}

/// Queues that only count.
#[derive(Default)]
struct Counters {
    free: BTreeMap<SubscriptionId, i64>,
    promised: BTreeMap<SubscriptionId, i64>,
    gone: BTreeSet<SubscriptionId>,
}

impl Counters {
    fn room(&self, queue: SubscriptionId, promised: usize) -> bool {
        self.gone.contains(&queue) || self.free.get(&queue).is_some_and(|free| *free > promised.try_into().unwrap())
    }
}

impl Capacity for Counters {
    fn has_room(&self, queue: SubscriptionId, _: &Arc<str>) -> bool {
        self.room(queue, self.promised.get(&queue).copied().unwrap_or(0).try_into().unwrap())
    }

    fn reserve(&mut self, queue: SubscriptionId) {
        *self.promised.entry(queue).or_default() += 1;
    }

    fn release(&mut self, queue: SubscriptionId) {
        *self.promised.entry(queue).or_default() -= 1;
    }
}

/// The wait queue and its model, which take every step together.
#[derive(Default)]
struct Pair {
    wait_queue: WaitQueue<u64>,
    rooms: Counters,
    model: NaiveWaitQueue,
    tokens: u64,
}

impl Pair {
    fn woken(&mut self, tokens: Vec<u64>) {
        let room = |queue, _: &Arc<str>, promised| self.rooms.room(queue, promised);
        self.model.note_free(&room);
        for token in tokens {
            self.model.wake(token, &room);
        }
    }

    fn wake_for(&mut self, queues: &[SubscriptionId]) {
        let woken = self.wait_queue.wake_for(queues, &mut self.rooms);
        self.woken(woken);
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Join { queues } => self.join(*queues),
            Step::Open { queue } => {
                *self.rooms.free.entry(id(*queue)).or_default() += 1;
                self.wake_for(&[id(*queue)]);
            }
            Step::Fill { queue } => {
                let (id, promised) = (id(*queue), self.model.promised(id(*queue)));
                if !self.rooms.gone.contains(&id) && self.rooms.room(id, promised) {
                    *self.rooms.free.entry(id).or_default() -= 1;
                }
            }
            Step::Claim { which } => {
                if let Some(ticket) = self.pick(*which, |waiter| waiter.reserved.is_some()) {
                    self.claim(ticket);
                }
            }
            Step::GiveUp { which } => {
                if let Some(ticket) = self.pick(*which, |_| true) {
                    self.give_up(ticket);
                }
            }
            Step::Forget { queue } => {
                if self.rooms.gone.insert(id(*queue)) {
                    self.model.remove_queue(id(*queue));
                    let woken = self.wait_queue.remove_queue(id(*queue), &mut self.rooms);
                    self.rooms.promised.remove(&id(*queue));
                    self.woken(woken);
                }
            }
            Step::Dismiss => assert_eq!(self.wait_queue.dismiss(), self.model.dismiss()),
        }
    }

    fn join(&mut self, queues: u8) {
        let all = (0..QUEUES).filter(|queue| queues & (1 << queue) != 0).map(id);
        let needs: Vec<SubscriptionId> = all.filter(|queue| !self.rooms.gone.contains(queue)).collect();
        let newcomer = Newcomer { key: needs.clone(), needs, topic: "events.tick.x.A".into() };
        let is_behind = self.wait_queue.has_group(&newcomer.key);
        assert_eq!(is_behind, self.model.has_group(&newcomer));
        // A publisher that needs no place waits for nobody.
        let needs_none = newcomer.needs.is_empty();
        if needs_none
            || !is_behind && newcomer.needs.iter().all(|queue| self.rooms.room(*queue, self.model.promised(*queue)))
        {
            return;
        }
        self.tokens += 1;
        let needs = QueueIds::from(&*newcomer.needs);
        let (key, topic) = (Arc::clone(&needs), Arc::clone(&newcomer.topic));
        let ticket = self.wait_queue.join(needs, key, topic, self.tokens, &mut self.rooms);
        self.model.join(ticket, &newcomer, self.tokens);
        self.woken(Vec::new());
    }

    fn pick(&self, which: usize, is_fit: impl Fn(&Waiter) -> bool) -> Option<Ticket> {
        let fit: Vec<Ticket> = self.model.waiters.iter().filter(|one| is_fit(one)).map(|one| one.ticket).collect();
        (!fit.is_empty()).then(|| fit[which % fit.len()])
    }

    fn claim(&mut self, ticket: Ticket) {
        let places = self.model.leave(ticket).and_then(|waiter| waiter.reserved).unwrap();
        let left = self.wait_queue.leave(ticket, &mut self.rooms);
        assert_eq!((left.reserved.as_ref(), left.token, left.woken), (Some(&places), None, Vec::new()));
        for place in &places {
            *self.rooms.free.entry(*place).or_default() -= 1;
        }
        self.wake_for(&places);
    }

    fn give_up(&mut self, ticket: Ticket) {
        let waiter = self.model.leave(ticket).unwrap();
        let left = self.wait_queue.leave(ticket, &mut self.rooms);
        assert_eq!(left.reserved, waiter.reserved);
        assert_eq!(left.token, waiter.reserved.is_none().then_some(waiter.token), "a token comes back once");
        self.woken(left.woken);
        self.wake_for(&left.reserved.unwrap_or_default());
    }

    fn check(&self) {
        let (wait_queue, waiters) = (&self.wait_queue, &self.model.waiters);
        assert_eq!((wait_queue.len(), wait_queue.is_empty()), (waiters.len(), waiters.is_empty()));
        self.model
            .assert_nobody_waits_who_can_proceed(&|queue, _: &Arc<str>, promised| self.rooms.room(queue, promised));
        for queue in (0..QUEUES).map(id) {
            let promised = self.rooms.promised.get(&queue).copied().unwrap_or(0);
            assert_eq!(usize::try_from(promised), Ok(self.model.promised(queue)), "each promise is kept or taken back");
            let free = self.rooms.free.get(&queue).copied().unwrap_or(0);
            assert!(free - promised >= -1, "only the first in line gets a place beyond the capacity");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_wait_queue_wakes_whom_a_walk_along_a_list_would_wake(steps in steps()) {
        let mut pair = Pair::default();
        for step in &steps {
            pair.step(step);
            pair.check();
        }
        while let Some(waiter) = pair.model.waiters.last() {
            if waiter.reserved.is_some() { pair.claim(waiter.ticket) } else { pair.give_up(waiter.ticket) }
            pair.check();
        }
        prop_assert!(pair.wait_queue.is_empty());
        prop_assert!(pair.rooms.promised.values().all(|promised| *promised == 0));
    }
}

/// The head needs two queues whose room never opens at the same time, while others take each of them in turn.
#[test]
fn the_head_is_not_starved_by_waiters_that_need_less() {
    let mut pair = Pair::default();
    pair.step(&Step::Join { queues: 0b011 });
    pair.step(&Step::Join { queues: 0b001 });
    pair.step(&Step::Join { queues: 0b010 });
    pair.step(&Step::Open { queue: 0 });
    assert!(pair.model.waiters[0].reserved.is_none(), "it has seen room in one");
    assert!(pair.model.waiters[1].reserved.is_some(), "which another gets meanwhile");
    pair.step(&Step::Open { queue: 1 });
    assert!(pair.model.waiters[0].reserved.is_some(), "it comes when it sees room in the other");
    assert!(pair.model.waiters[2].reserved.is_none());
    pair.check();
}
