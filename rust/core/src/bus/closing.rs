//! How a bus closes: who is still heard meanwhile, and what is given up.

use super::Bus;
use super::phase::Phase;
use crate::queue::{DropReason, EventDeque};

/// What a bus that is closed by force gave back, likewise to be dropped without a lock.
#[derive(Debug)]
pub struct Abandoned<E, S> {
    /// Events that were lost, by subscription.
    pub events: Vec<EventDeque<E>>,
    /// Subscriptions that were only to be drained.
    pub ended: Vec<S>,
}

impl<E, S, W> Bus<E, S, W> {
    /// Takes no new events from outside from here on, and calls every waiting publisher, who is then refused.
    pub fn close(&mut self) {
        if self.phase == Phase::Open {
            self.enter(Phase::Closing);
        }
    }

    /// Takes no new events from its handlers either.
    pub fn refuse(&mut self) {
        if self.phase != Phase::Closed {
            self.enter(Phase::Ending);
        }
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.update_gate();
        let dismissed = self.wait_queue.dismiss();
        self.woken.extend(dismissed);
    }

    /// Notes whether it has to ask who speaks.
    pub(crate) fn update_gate(&mut self) {
        self.takes_from_all = self.phase == Phase::Open && self.draining == 0;
    }

    /// Gives up all events that wait, and takes no more.
    pub fn abandon(&mut self) -> Abandoned<E, S> {
        self.refuse();
        let ids: Vec<_> = self.subscriptions.iter().map(|(id, _)| id).collect();
        let mut abandoned = Abandoned { events: Vec::new(), ended: Vec::new() };
        for id in ids {
            if let Some(subscription) = self.subscriptions.get_mut(id) {
                let dropped = subscription.discard(DropReason::Closed);
                self.unfinished -= dropped.len() as u64;
                abandoned.events.push(dropped);
                abandoned.ended.extend(self.retire(id));
            }
        }
        abandoned
    }

    /// Marks the bus closed for good, unless something has come that is still to be handled. Says whether it is closed.
    pub fn mark_closed(&mut self) -> bool {
        let is_done = self.unfinished == 0 || self.phase == Phase::Ending;
        if is_done {
            self.enter(Phase::Closed);
        }
        is_done
    }

    /// Whether it takes events without asking who speaks. It asks while it closes, and while a subscription is drained.
    #[must_use]
    pub fn takes_from_all(&self) -> bool {
        self.takes_from_all
    }

    /// How open the bus is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }
}
