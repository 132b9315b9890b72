//! A bus: subscriptions and the routes to them. `publish` lets events in, `dispatch` hands them out, `closing`
//! ends it.

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

/// A bus. `E` is an event, `S` the payload of a subscription, `W` a token that wakes a waiting publisher.
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
    /// Number of unfinished events that somebody waits for; 0 if only for the last to end.
    pub awaited: u64,
    pub(crate) phase: Phase,
    /// Number of subscriptions that are being drained.
    pub(crate) draining: usize,
    /// True if events are taken whatever their origin.
    pub(crate) takes_from_all: bool,
    /// Times one in so many events of each later subscription, rounded up to a power of two; `None` times none.
    pub times_one_in: Option<NonZeroU32>,
    /// Live events that the queue of a later subscription keeps before it packs.
    pub live_limit: usize,
    /// The newest events, if a history is kept.
    pub history: Option<History<E>>,
    pub(crate) arena: PackedArena,
    pub(crate) last_catch_up: u64,
    /// Counts of the whole bus.
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
    /// Packs an event's row for use outside the queues.
    ///
    /// # Errors
    /// The bytes are no row.
    pub fn pack_row(&mut self, row: &[u8]) -> Result<PackedRun, DecodeError> {
        self.arena.add(row)
    }

    /// The route of the events of a class and topic.
    pub fn route(&mut self, class: usize, info: &TopicInfo<'_>) -> Arc<Route> {
        self.registry.route(class, info)
    }

    /// The same, if it is cached.
    #[must_use]
    pub fn cached_route(&self, class: usize, info: &TopicInfo<'_>) -> Option<&Arc<Route>> {
        self.registry.cached_route(class, info)
    }

    /// The route of all events of a class, if neither other properties nor the topic matter to any of its
    /// subscriptions.
    #[must_use]
    pub fn class_route(&self, event_type: &str, lineage: &[usize]) -> Option<Route> {
        let ids = self.registry.find_by_class(event_type, lineage)?;
        let asks = |id: &SubscriptionId| self.subscriptions.get(*id).is_some_and(|found| found.queue.keeps_topics());
        (!ids.iter().any(asks)).then(|| Route::of_class(ids))
    }

    /// Number of subscriptions begun and ended. A route holds for as long as it stays the same.
    #[must_use]
    pub fn routes_version(&self) -> u64 {
        self.registry.version()
    }

    /// Number of accepted events that have not ended, over all subscriptions.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        self.unfinished
    }

    /// Number of publishers that wait for room.
    #[must_use]
    pub fn publishers_waiting(&self) -> usize {
        self.wait_queue.len()
    }

    /// The subscriptions.
    #[must_use]
    pub fn subscriptions(&self) -> &Subscriptions<E, S> {
        &self.subscriptions
    }

    /// The subscriptions, for changes to their counts and payloads.
    pub fn subscriptions_mut(&mut self) -> &mut Subscriptions<E, S> {
        &mut self.subscriptions
    }

    /// Tokens of all publishers that wait or are to be woken.
    pub fn tokens(&self) -> impl Iterator<Item = &W> {
        self.wait_queue.tokens().chain(&self.woken)
    }

    /// True if there are publishers to wake.
    #[must_use]
    pub fn has_woken(&self) -> bool {
        !self.woken.is_empty()
    }

    /// Takes the tokens of publishers that can proceed.
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
