//! A bus: who is subscribed. `admission` lets events in, `dispatch` hands them out, `closing` ends it.

mod budget;
mod closing;
mod dispatch;
mod enqueue;
mod offer;
mod phase;
mod publish;
mod waiters;
mod watermark;

pub use budget::Budget;
pub use closing::Abandoned;
pub use dispatch::Ended;
pub use offer::{Accepted, Offer, OfferOptions, Origin, Position, WhenFull};
pub use phase::Phase;
pub use waiters::{Capacity, Left, QueueIds, Ticket, WaitQueue};
pub use watermark::Watermark;

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::codec::DecodeError;
use crate::filter::TopicInfo;
use crate::queue::{Admission, DropReason, EventDeque, History, Overflow, PackedArena, PackedRun, Queue, Stored};
use crate::routing::{Interest, Registry, Route, SubscriptionId};
use crate::subscription::{Counts, Delivery, Service, Subscription, Subscriptions, Totals};

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

/// A bus. `E` is an event, `S` what the caller keeps with a subscription, `W` what wakes a waiting publisher.
#[derive(Debug)]
pub struct Bus<E, S, W> {
    pub(crate) subscriptions: Subscriptions<E, S>,
    pub(crate) registry: Registry,
    pub(crate) wait_queue: WaitQueue<W>,
    pub(crate) woken: Vec<W>,
    pub(crate) ready: VecDeque<SubscriptionId>,
    pub(crate) shared_workers: usize,
    pub(crate) budget: Budget,
    pub(crate) unfinished: u64,
    /// How few unfinished events somebody waits for: 0 where only for the end of the last.
    pub awaited: u64,
    pub(crate) phase: Phase,
    /// How many subscriptions are drained before they end.
    pub(crate) draining: usize,
    /// Whether it takes events without asking who speaks.
    pub(crate) takes_from_all: bool,
    /// One in how many events of a subscription is timed, rounded up to a power of two, for subscriptions to come; `None`
    /// times none.
    pub times_one_in: Option<NonZeroU32>,
    /// How many events of a queue are kept as they are, for subscriptions to come.
    pub live_limit: usize,
    /// The newest events, if they are kept.
    pub history: Option<History<E>>,
    pub(crate) arena: PackedArena,
    pub(crate) last_catch_up: u64,
    /// What the whole bus has counted.
    pub totals: Totals,
}

impl<E, S, W> Default for Bus<E, S, W> {
    fn default() -> Self {
        Self {
            subscriptions: Subscriptions::default(),
            registry: Registry::default(),
            wait_queue: WaitQueue::default(),
            woken: Vec::new(),
            ready: VecDeque::new(),
            shared_workers: 0,
            budget: Budget::default(),
            unfinished: 0,
            awaited: 0,
            phase: Phase::Open,
            draining: 0,
            takes_from_all: true,
            times_one_in: None,
            live_limit: Queue::<E>::LIVE_LIMIT,
            history: None,
            arena: PackedArena::default(),
            last_catch_up: 0,
            totals: Totals::default(),
        }
    }
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

    /// Keeps an event's row for somebody outside the queues.
    ///
    /// # Errors
    /// It is no row.
    pub fn pack_row(&mut self, row: &[u8]) -> Result<PackedRun, DecodeError> {
        self.arena.add(row)
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

    /// Where the events of a class and topic go.
    pub fn route(&mut self, class: usize, info: &TopicInfo<'_>) -> Arc<Route> {
        self.registry.route(class, info)
    }

    /// Where they go, if that has been asked for lately.
    #[must_use]
    pub fn cached_route(&self, class: usize, info: &TopicInfo<'_>) -> Option<&Arc<Route>> {
        self.registry.cached_route(class, info)
    }

    /// Where all events of a class go, where that depends on nothing else and no queue will be asked for their topics.
    #[must_use]
    pub fn class_route(&self, event_type: &str, lineage: &[usize]) -> Option<Route> {
        let ids = self.registry.find_by_class(event_type, lineage)?;
        let asks = |id: &SubscriptionId| self.subscriptions.get(*id).is_some_and(|found| found.queue.keeps_topics());
        (!ids.iter().any(asks)).then(|| Route::of_class(ids))
    }

    /// How often a subscription has begun or ended: a route holds for as long as this stays.
    #[must_use]
    pub fn routes_version(&self) -> u64 {
        self.registry.version()
    }

    /// How many accepted events have not ended, over all subscriptions.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        self.unfinished
    }

    /// How many publishers wait for room.
    #[must_use]
    pub fn publishers_waiting(&self) -> usize {
        self.wait_queue.len()
    }

    /// The subscriptions.
    #[must_use]
    pub fn subscriptions(&self) -> &Subscriptions<E, S> {
        &self.subscriptions
    }

    /// The subscriptions, to change what they count or keep.
    pub fn subscriptions_mut(&mut self) -> &mut Subscriptions<E, S> {
        &mut self.subscriptions
    }

    /// What would wake each publisher who waits or is to be woken.
    pub fn tokens(&self) -> impl Iterator<Item = &W> {
        self.wait_queue.tokens().chain(&self.woken)
    }

    /// Whether there are publishers to wake.
    #[must_use]
    pub fn has_woken(&self) -> bool {
        !self.woken.is_empty()
    }

    /// What wakes the publishers who can come now, since the last time this was asked.
    pub fn take_woken(&mut self) -> Vec<W> {
        std::mem::take(&mut self.woken)
    }
}

impl<E, S> Capacity for Subscriptions<E, S> {
    fn has_room(&self, queue: SubscriptionId, topic: &Arc<str>) -> bool {
        self.get(queue).is_none_or(|subscription| subscription.queue.admission(topic) != Admission::Wait)
    }

    fn reserve(&mut self, queue: SubscriptionId) {
        if let Some(subscription) = self.get_mut(queue) {
            subscription.queue.reserve();
        }
    }

    fn release(&mut self, queue: SubscriptionId) {
        if let Some(subscription) = self.get_mut(queue) {
            subscription.queue.release();
        }
    }
}
