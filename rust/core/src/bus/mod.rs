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
pub use offer::{Accepted, Manner, Offer, Patience, Place, Speaker};
pub use phase::Phase;
pub use waiters::{Left, Line, Needs, Rooms, Ticket};
pub use watermark::Milestone;

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::codec::DecodeError;
use crate::filter::Known;
use crate::queue::{Backlog, History, Kept, Loss, Overflow, Queue, Rows, Sequence, Verdict};
use crate::routing::{Interest, Registry, Route, SubscriptionId};
use crate::subscription::{Counts, Delivery, Service, Subscription, Subscriptions, Totals};

/// What a new subscription brings.
#[derive(Debug)]
pub struct Terms<S> {
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
    pub events: Sequence<E>,
    /// The subscription that ended.
    pub ended: Option<S>,
}

/// A bus. `E` is an event, `S` what the caller keeps with a subscription, `W` what wakes a waiting publisher.
#[derive(Debug)]
pub struct Bus<E, S, W> {
    pub(crate) subscriptions: Subscriptions<E, S>,
    pub(crate) registry: Registry,
    pub(crate) line: Line<W>,
    pub(crate) called: Vec<W>,
    pub(crate) ready: VecDeque<SubscriptionId>,
    pub(crate) leaders: usize,
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
    pub unpacked: usize,
    /// The newest events, if they are kept.
    pub history: Option<History<E>>,
    pub(crate) backlog: Backlog,
    pub(crate) last_take_up: u64,
    /// What the whole bus has counted.
    pub totals: Totals,
}

impl<E, S, W> Default for Bus<E, S, W> {
    fn default() -> Self {
        Self {
            subscriptions: Subscriptions::default(),
            registry: Registry::default(),
            line: Line::default(),
            called: Vec::new(),
            ready: VecDeque::new(),
            leaders: 0,
            budget: Budget::default(),
            unfinished: 0,
            awaited: 0,
            phase: Phase::Open,
            draining: 0,
            takes_from_all: true,
            times_one_in: None,
            unpacked: Queue::<E>::UNPACKED,
            history: None,
            backlog: Backlog::default(),
            last_take_up: 0,
            totals: Totals::default(),
        }
    }
}

impl<E, S, W> Bus<E, S, W> {
    /// Adds a subscription.
    pub fn subscribe(&mut self, terms: Terms<S>) -> SubscriptionId {
        let interest = terms.interest.clone();
        let queue = Queue::new(terms.capacity, terms.overflow).keeping_unpacked(self.unpacked);
        let id = self.subscriptions.insert(Subscription {
            payload: terms.payload,
            interest: Box::new(terms.interest),
            queue: if terms.tells_gaps { queue.keeping_topics() } else { queue },
            counts: Counts::default(),
            gap: terms.tells_gaps.then(Box::default),
            stopwatch: self.times_one_in.map(|_| Box::default()),
            timed_mask: self.times_one_in.map_or(u64::MAX, |every| u64::from(every.get()).next_power_of_two() - 1),
            delivery: terms.delivery,
            service: Service::Idle,
            in_handler: false,
            takes_up_at: None,
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
            return Discarded { events: Sequence::default(), ended: None };
        };
        let was_ending = std::mem::replace(&mut subscription.ending, true);
        let drains = drain && (subscription.draining || !was_ending);
        let drained = std::mem::replace(&mut subscription.draining, drains);
        let lost = if drain { Sequence::default() } else { subscription.discard(Loss::Unsubscribed) };
        self.unfinished -= lost.len() as u64;
        if !was_ending {
            let interest = subscription.interest.clone();
            self.registry.remove(id, &interest);
            self.called.extend(self.line.forget_queue(id, &mut self.subscriptions));
        }
        self.draining = self.draining - usize::from(drained) + usize::from(drains);
        self.note_gate();
        self.let_go(id);
        Discarded { events: lost, ended: self.retire(id) }
    }

    /// Puts events before those that wait in a subscription, as accepted ones; it may have more than its capacity then.
    /// Says whether it still stands.
    pub fn put_ahead(&mut self, id: SubscriptionId, events: impl IntoIterator<Item = Kept<E>>) -> bool {
        let Some(subscription) = self.subscriptions.get_mut(id).filter(|found| !found.ending) else { return false };
        let before = subscription.queue.len();
        subscription.queue.put_ahead(events);
        let more = (subscription.queue.len() - before) as u64;
        subscription.counts.accepted += more;
        self.unfinished += more;
        self.list(id);
        true
    }

    /// Holds a new subscription's events back until it is [let go](Bus::let_go), but for those [put ahead](Bus::put_ahead).
    /// It takes up where earlier events end: whatever is accepted from now on is for it, also what was on its way before.
    pub fn hold(&mut self, id: SubscriptionId) {
        if let Some(subscription) = self.subscriptions.get_mut(id) {
            subscription.queue.hold();
            self.last_take_up = self.registry.version();
            subscription.takes_up_at = Some(self.last_take_up);
        }
    }

    /// Whether a subscription that takes up earlier events has begun since a version of the routes, so that who has found
    /// its targets then is to ask for [latecomers](Bus::latecomers) before its event is accepted.
    #[must_use]
    pub fn has_latecomers(&self, version: u64) -> bool {
        self.last_take_up > version
    }

    /// Those subscriptions.
    #[must_use]
    pub fn latecomers(&self, version: u64) -> Vec<SubscriptionId> {
        let is_late = |found: &Subscription<E, S>| found.takes_up_at.is_some_and(|began| began > version);
        self.subscriptions.iter().filter(|(_, found)| is_late(found)).map(|(id, _)| id).collect()
    }

    /// Hands out what a subscription has held back.
    pub fn let_go(&mut self, id: SubscriptionId) {
        if let Some(subscription) = self.subscriptions.get_mut(id) {
            subscription.queue.let_go();
            self.list(id);
        }
    }

    /// Notes that a subscription may have events for a worker.
    fn list(&mut self, id: SubscriptionId) {
        let idle = self.subscriptions.get_mut(id).filter(|found| found.service == Service::Idle);
        if let Some(subscription) = idle.filter(|found| found.queue.has_next()) {
            subscription.service = Service::Listed;
            self.ready.push_back(id);
        }
    }

    /// Keeps an event's row for somebody outside the queues.
    ///
    /// # Errors
    /// It is no row.
    pub fn keep(&mut self, row: &[u8]) -> Result<Rows, DecodeError> {
        self.backlog.put(row)
    }

    /// Removes a subscription that is ending and has nothing left.
    pub(crate) fn retire(&mut self, id: SubscriptionId) -> Option<S> {
        let done = self.subscriptions.get(id).is_some_and(|last| last.ending && last.unfinished() == 0);
        let subscription = if done { self.subscriptions.remove(id) } else { None }?;
        if subscription.draining {
            self.draining -= 1;
            self.note_gate();
        }
        self.totals.retired.add(&subscription.counts);
        Some(subscription.payload)
    }

    /// Where the events of a class and topic go.
    pub fn route(&mut self, class: usize, known: &Known<'_>) -> Arc<Route> {
        self.registry.route(class, known)
    }

    /// Where they go, if that has been asked for lately.
    #[must_use]
    pub fn recall(&self, class: usize, known: &Known<'_>) -> Option<&Arc<Route>> {
        self.registry.recall(class, known)
    }

    /// Where all events of a class go, where that depends on nothing else and no queue will be asked for their topics.
    #[must_use]
    pub fn route_regardless(&self, event_type: &str, lineage: &[usize]) -> Option<Route> {
        let ids = self.registry.find_regardless(event_type, lineage)?;
        let asks = |id: &SubscriptionId| self.subscriptions.get(*id).is_some_and(|found| found.queue.keeps_topics());
        (!ids.iter().any(asks)).then(|| Route::regardless(ids))
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
        self.line.len()
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
        self.line.tokens().chain(&self.called)
    }

    /// Whether there are publishers to wake.
    #[must_use]
    pub fn has_called(&self) -> bool {
        !self.called.is_empty()
    }

    /// What wakes the publishers who can come now, since the last time this was asked.
    pub fn take_called(&mut self) -> Vec<W> {
        std::mem::take(&mut self.called)
    }
}

impl<E, S> Rooms for Subscriptions<E, S> {
    fn has_room(&self, queue: SubscriptionId, topic: &Arc<str>) -> bool {
        self.get(queue).is_none_or(|subscription| subscription.queue.verdict(topic) != Verdict::Wait)
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
