//! Beginning, pausing and ending subscriptions.

use super::Bus;
use crate::queue::{DropReason, EventDeque, Overflow, Queue, Stored};
use crate::routing::{Interest, SubscriptionId};
use crate::subscription::{Counts, Delivery, Service, Subscription};

/// What a new subscription brings.
#[derive(Debug)]
pub struct SubscribeOptions<S> {
    /// The caller's own.
    pub payload: S,
    /// What it hears.
    pub interest: Interest,
    /// How many events may wait.
    pub capacity: usize,
    /// What a full queue does.
    pub overflow: Overflow,
    /// Whether it wants to be told what it lost.
    pub tells_gaps: bool,
    /// Who calls its handler.
    pub delivery: Delivery,
}

/// What an operation gave back; the caller drops it once it no longer holds its lock, because that may run code.
#[derive(Debug)]
pub struct Discarded<E, S> {
    /// Events that were lost.
    pub events: EventDeque<E>,
    /// The subscription that ended.
    pub ended: Option<S>,
}

impl<E, S, W> Bus<E, S, W> {
    /// Adds a subscription.
    pub fn subscribe(&mut self, options: SubscribeOptions<S>) -> SubscriptionId {
        let interest = options.interest.clone();
        let queue = Queue::new(options.capacity, options.overflow).with_live_limit(self.live_limit);
        let id = self.subscriptions.insert(Subscription {
            payload: options.payload,
            interest: Box::new(options.interest),
            queue: if options.tells_gaps { queue.with_topics() } else { queue },
            counts: Counts::default(),
            gap: options.tells_gaps.then(Box::default),
            stopwatch: self.times_one_in.map(|_| Box::default()),
            timed_mask: self.times_one_in.map_or(u64::MAX, |every| u64::from(every.get()).next_power_of_two() - 1),
            delivery: options.delivery,
            service: Service::Idle,
            in_handler: false,
            catches_up_from: None,
            ending: false,
            draining: false,
        });
        self.registry.insert(id, &interest);
        id
    }

    /// Ends a subscription: at once, its waiting events counted as lost, or once they have been handled, with those that
    /// its own handler publishes meanwhile. What is in its handler is always let finish, and the subscription stands until
    /// then.
    pub fn unsubscribe(&mut self, id: SubscriptionId, drain: bool) -> Discarded<E, S> {
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return Discarded { events: EventDeque::default(), ended: None };
        };
        let was_ending = std::mem::replace(&mut subscription.ending, true);
        let drains = drain && (subscription.draining || !was_ending);
        let drained = std::mem::replace(&mut subscription.draining, drains);
        let dropped = if drain { EventDeque::default() } else { subscription.discard(DropReason::Unsubscribed) };
        self.unfinished -= dropped.len() as u64;
        if !was_ending {
            let interest = subscription.interest.clone();
            self.registry.remove(id, &interest);
            self.woken.extend(self.wait_queue.remove_queue(id, &mut self.subscriptions));
        }
        self.draining = self.draining - usize::from(drained) + usize::from(drains);
        self.update_gate();
        self.resume(id);
        Discarded { events: dropped, ended: self.retire(id) }
    }

    /// Puts events before those that wait in a subscription, as accepted ones; it may have more than its capacity then.
    /// Says whether it still stands.
    pub fn preload(&mut self, id: SubscriptionId, events: impl IntoIterator<Item = Stored<E>>) -> bool {
        let Some(subscription) = self.subscriptions.get_mut(id).filter(|found| !found.ending) else { return false };
        let before = subscription.queue.len();
        subscription.queue.preload(events);
        let more = (subscription.queue.len() - before) as u64;
        subscription.counts.accepted += more;
        self.unfinished += more;
        self.mark_ready(id);
        true
    }

    /// Holds a new subscription's events back until it is [let go](Bus::let_go), but for those [put ahead](Bus::put_ahead).
    /// It takes up where earlier events end: whatever is accepted from now on is for it, also what was on its way before.
    pub fn pause(&mut self, id: SubscriptionId) {
        if let Some(subscription) = self.subscriptions.get_mut(id) {
            subscription.queue.pause();
            self.last_catch_up = self.registry.version();
            subscription.catches_up_from = Some(self.last_catch_up);
        }
    }

    /// Whether a subscription that takes up earlier events has begun since a version of the routes, so that who has found
    /// its targets then is to ask for [latecomers](Bus::latecomers) before its event is accepted.
    #[must_use]
    pub fn is_any_catching_up_since(&self, version: u64) -> bool {
        self.last_catch_up > version
    }

    /// Those subscriptions.
    #[must_use]
    pub fn catching_up_since(&self, version: u64) -> Vec<SubscriptionId> {
        let is_late = |found: &Subscription<E, S>| found.catches_up_from.is_some_and(|began| began > version);
        self.subscriptions.iter().filter(|(_, found)| is_late(found)).map(|(id, _)| id).collect()
    }

    /// Hands out what a subscription has held back.
    pub fn resume(&mut self, id: SubscriptionId) {
        if let Some(subscription) = self.subscriptions.get_mut(id) {
            subscription.queue.resume();
            self.mark_ready(id);
        }
    }

    /// Notes that a subscription may have events for a worker.
    fn mark_ready(&mut self, id: SubscriptionId) {
        let idle = self.subscriptions.get_mut(id).filter(|found| found.service == Service::Idle);
        if let Some(subscription) = idle.filter(|found| found.queue.has_next()) {
            subscription.service = Service::Ready;
            self.ready.push_back(id);
        }
    }

    /// Removes a subscription that is ending and has nothing left.
    pub(crate) fn retire(&mut self, id: SubscriptionId) -> Option<S> {
        let done = self.subscriptions.get(id).is_some_and(|last| last.ending && last.unfinished() == 0);
        let subscription = if done { self.subscriptions.remove(id) } else { None }?;
        if subscription.draining {
            self.draining -= 1;
            self.update_gate();
        }
        self.totals.retired.add(&subscription.counts);
        Some(subscription.payload)
    }
}
