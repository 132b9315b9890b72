//! A bus: who is subscribed. `admission` lets events in, `dispatch` hands them out, `closing` ends it.

mod budget;
mod closing;
mod dispatch;
mod enqueue;
mod offer;
mod phase;
mod publish;
mod subscribe;
mod waiters;
mod watermark;

pub use budget::Budget;
pub use closing::Abandoned;
pub use dispatch::Ended;
pub use offer::{Accepted, Offer, OfferOptions, Origin, Position, WhenFull};
pub use phase::Phase;
pub use subscribe::{Discarded, SubscribeOptions};
pub use waiters::{Capacity, Left, QueueIds, Ticket, WaitQueue};
pub use watermark::Watermark;

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::codec::DecodeError;
use crate::filter::TopicInfo;
use crate::queue::{Admission, History, PackedArena, PackedRun, Queue};
use crate::routing::{Registry, Route, SubscriptionId};
use crate::subscription::{Subscriptions, Totals};

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
    /// Keeps an event's row for somebody outside the queues.
    ///
    /// # Errors
    /// It is no row.
    pub fn pack_row(&mut self, row: &[u8]) -> Result<PackedRun, DecodeError> {
        self.arena.add(row)
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
