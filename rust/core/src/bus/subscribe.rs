//! Beginning, pausing and ending subscriptions.

use super::Bus;
use crate::queue::{DropReason, EventDeque, Overflow, Queue, Stored};
use crate::routing::{Interest, SubscriptionId};
use crate::subscription::{Counts, Delivery, Service, Subscription};

/// Options of a subscription.
#[derive(Debug)]
pub struct SubscribeOptions<S> {
    /// The caller's own data.
    pub payload: S,
    /// Selection of the events that it hears.
    pub interest: Interest,
    /// Number of events that may wait.
    pub capacity: usize,
    /// Policy of a full queue.
    pub overflow: Overflow,
    /// True if it is to be told of dropped events.
    pub tells_gaps: bool,
    /// Caller of its handler.
    pub delivery: Delivery,
}

/// Events and payload given back, to be dropped by the caller without its lock, because that may run code.
#[derive(Debug)]
pub struct Discarded<E, S> {
    /// Dropped events.
    pub events: EventDeque<E>,
    /// Payload of the subscription, if it has ended.
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

    /// Ends a subscription: at once, with its waiting events dropped, or, if `drain`, once they have been handled
    /// together with those that its own handler publishes meanwhile. An event in its handler is always finished, and
    /// the subscription remains until then.
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

    /// Puts events before those that wait in a subscription, and counts them as accepted; its capacity does not count
    /// them. Returns false if the subscription has ended.
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

    /// Pauses a new subscription until it is [resumed](Bus::resume): only [preloaded](Bus::preload) events are handed
    /// out. It hears whatever is accepted from now on, including events whose route was looked up before.
    pub fn pause(&mut self, id: SubscriptionId) {
        if let Some(subscription) = self.subscriptions.get_mut(id) {
            subscription.queue.pause();
            self.last_catch_up = self.registry.version();
            subscription.catches_up_from = Some(self.last_catch_up);
        }
    }

    /// True if a paused subscription has begun since a version of the routes. A publisher that looked up its route then
    /// adds [those](Bus::catching_up_since) before its event is accepted.
    #[must_use]
    pub fn is_any_catching_up_since(&self, version: u64) -> bool {
        self.last_catch_up > version
    }

    /// The paused subscriptions that have begun since a version of the routes.
    #[must_use]
    pub fn catching_up_since(&self, version: u64) -> Vec<SubscriptionId> {
        let is_late = |found: &Subscription<E, S>| found.catches_up_from.is_some_and(|began| began > version);
        self.subscriptions.iter().filter(|(_, found)| is_late(found)).map(|(id, _)| id).collect()
    }

    /// Hands out the events that a paused subscription holds back.
    pub fn resume(&mut self, id: SubscriptionId) {
        if let Some(subscription) = self.subscriptions.get_mut(id) {
            subscription.queue.resume();
            self.mark_ready(id);
        }
    }

    /// Puts a subscription that has events and no worker into the ready list.
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
