//! Closing a bus.

use super::Bus;
use super::phase::Phase;
use crate::queue::{DropReason, EventDeque};

/// Events and subscriptions given back by a bus that is closed by force, to be dropped without a lock.
#[derive(Debug)]
pub struct Abandoned<E, S> {
    /// Dropped events, by subscription.
    pub events: Vec<EventDeque<E>>,
    /// Payloads of subscriptions that were being drained.
    pub ended: Vec<S>,
}

impl<E, S, W> Bus<E, S, W> {
    /// Stops taking events from outside, and wakes every waiting publisher, who is then refused.
    pub fn close(&mut self) {
        if self.phase == Phase::Open {
            self.enter(Phase::Closing);
        }
    }

    /// Stops taking events from handlers too.
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

    /// Updates whether the origin of an event has to be looked at.
    pub(crate) fn update_gate(&mut self) {
        self.takes_from_all = self.phase == Phase::Open && self.draining == 0;
    }

    /// Drops all waiting events and takes no more.
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

    /// Marks the bus closed for good, unless events are left to be handled. Returns true if it is closed.
    pub fn mark_closed(&mut self) -> bool {
        let is_done = self.unfinished == 0 || self.phase == Phase::Ending;
        if is_done {
            self.enter(Phase::Closed);
        }
        is_done
    }

    /// True if the bus takes events whatever their origin. It looks at the origin while it closes and while a
    /// subscription is drained.
    #[must_use]
    pub fn takes_from_all(&self) -> bool {
        self.takes_from_all
    }

    /// The phase of the bus.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }
}
