//! The loop and its workers, as far as they concern the bus.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use shuttle::rand;
use shuttle::rand::Rng;
use shuttle::sync::atomic::Ordering;
use shuttle::sync::mpsc::Receiver;
use trading_events_core::bus::{Offer, Origin, Ticket};
use trading_events_core::queue::Stored;
use trading_events_core::routing::SubscriptionId;
use trading_events_core::subscription::End;

use crate::publisher::{Event, Shared, TestBus};

/// Events that a shared worker takes from a queue before it goes on to the next.
const TURN: u32 = 2;

/// State of a worker, as far as it concerns the bus.
pub(crate) struct Worker {
    leads: bool,
    served: Option<SubscriptionId>,
    in_handler: bool,
    /// Events that a shared worker still takes before it goes on to the next subscription.
    turn: u32,
    /// It has found nothing to do, and looks again in the next turn of the loop.
    lingers: bool,
}

enum Next {
    Event(SubscriptionId, Event),
    Linger,
    End,
}

/// The loop's thread.
pub(crate) struct EventLoop {
    pub(crate) shared: Arc<Shared>,
    pub(crate) workers: VecDeque<Worker>,
    pub(crate) handled: Vec<(SubscriptionId, Event)>,
    /// Publishers in the loop that wait for room, by their tokens.
    pub(crate) waiting: BTreeMap<&'static str, (Ticket, Vec<SubscriptionId>)>,
    /// Number of turns before the bus is closed.
    pub(crate) closes_after: Option<usize>,
    /// Number of events handled when the bus was closed for good.
    pub(crate) sealed_after: Option<usize>,
}

impl EventLoop {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            workers: VecDeque::new(),
            handled: Vec::new(),
            waiting: BTreeMap::new(),
            closes_after: None,
            sealed_after: None,
        }
    }

    /// Runs until no other thread is left and everything is done.
    pub(crate) fn run(&mut self, wake_ups: &Receiver<usize>) {
        loop {
            self.may_close();
            let hired = match self.workers.pop_front() {
                Some(worker) => {
                    self.step(worker);
                    wake_ups.try_recv().ok()
                }
                None => match wake_ups.recv() {
                    Ok(hired) => Some(hired),
                    Err(_) => return,
                },
            };
            if let Some(hired) = hired {
                self.shared.pending.fetch_sub(1, Ordering::SeqCst);
                self.start(hired);
                self.wake();
            }
        }
    }

    fn may_close(&mut self) {
        match self.closes_after.as_mut() {
            Some(0) => {
                let mut bus = self.shared.lock();
                bus.close();
                if self.sealed_after.is_none() && bus.mark_closed() {
                    self.sealed_after = Some(self.handled.len());
                }
            }
            Some(turns) => *turns -= 1,
            None => {}
        }
    }

    fn start(&mut self, count: usize) {
        self.workers.extend((0..count).map(|_| Worker {
            leads: true,
            served: None,
            in_handler: false,
            turn: 0,
            lingers: false,
        }));
    }

    /// Lets woken publishers claim their places.
    fn wake(&mut self) {
        let woken = self.shared.lock().take_woken();
        for token in woken {
            let (ticket, targets) = self.waiting.remove(token).expect("called once");
            let (offer, hired) = {
                let mut bus = self.shared.lock();
                (
                    bus.claim(ticket, &Arc::from(token), &targets, Origin::Publisher, || (usize::MAX, 0)),
                    bus.start_first_shared(),
                )
            };
            assert!(matches!(offer, Offer::Accepted(_)));
            self.start(hired);
            self.wake();
        }
    }

    /// Drives a worker until its handler suspends or it ends.
    fn step(&mut self, mut worker: Worker) {
        loop {
            match self.next(&mut worker) {
                Next::Event(id, event) => {
                    self.handled.push((id, event));
                    worker.in_handler = true;
                    if rand::thread_rng().gen_bool(0.3) {
                        self.suspend(worker);
                        return;
                    }
                }
                Next::Linger => {
                    self.workers.push_back(worker);
                    return;
                }
                Next::End => break,
            }
        }
        if worker.leads {
            self.shared.lock().leave_shared();
        }
        // An event may have come before the worker was pinned, and have found a shared worker.
        let hired = self.shared.lock().start_first_shared();
        self.start(hired);
    }

    fn suspend(&mut self, mut worker: Worker) {
        if std::mem::replace(&mut worker.leads, false) {
            let hired = {
                let mut bus = self.shared.lock();
                bus.leave_shared();
                bus.start_shared(2)
            };
            self.start(hired);
        }
        self.workers.push_back(worker);
    }

    fn next(&mut self, worker: &mut Worker) -> Next {
        let (next, has_woken) = {
            let mut bus = self.shared.lock();
            (worker.next(&mut bus), bus.has_woken())
        };
        if has_woken {
            self.wake();
        }
        next
    }
}

impl Worker {
    fn next(&mut self, bus: &mut TestBus) -> Next {
        if let Some(id) = self.served {
            let goes_on = self.turn > 0 || !self.leads;
            self.turn = self.turn.saturating_sub(1);
            let was_in_handler = std::mem::replace(&mut self.in_handler, false);
            if was_in_handler
                && goes_on
                && let Some(Stored::Live(event)) = bus.take_next(id)
            {
                return Next::Event(id, event);
            }
            if was_in_handler {
                bus.finish(id, End::Handled);
            }
            if goes_on && let Some(Stored::Live(event)) = bus.take(id) {
                return Next::Event(id, event);
            }
            bus.release(id);
            self.served = None;
        }
        self.leads = self.leads || bus.join_shared();
        if !self.leads {
            return Next::End;
        }
        let Some(id) = bus.next_ready() else {
            self.lingers = !self.lingers;
            return if self.lingers { Next::Linger } else { Next::End };
        };
        (self.served, self.turn, self.lingers) = (Some(id), TURN, false);
        self.next(bus)
    }
}
