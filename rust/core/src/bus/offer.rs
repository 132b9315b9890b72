//! Types of an offer: an event on its way into the queues, with its options and its origin.

use smallvec::SmallVec;

use crate::queue::Stored;
use crate::routing::SubscriptionId;
use crate::subscription::Subscription;

/// Behaviour of a publisher when a queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// It waits.
    Wait,
    /// It is refused.
    Fail,
    /// It overtakes the wait queue and may exceed the capacity, up to twice of it. It runs in a handler, which could
    /// wait for ever for room that only handlers make.
    Exceed,
}

/// Origin of an offer. A closing bus still takes events of its own handlers, and of itself to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A publisher from outside.
    Publisher,
    /// The running handler of this subscription.
    Handler(SubscriptionId),
    /// Somebody else for whom a closing bus waits: the reader of one of its streams, or a handler of the bus that it
    /// sends for.
    Insider,
    /// The bus itself, about a failure.
    Bus,
}

impl Origin {
    /// True if a subscription still takes events of this origin; `id` is the subscription's.
    #[inline]
    pub(crate) fn is_heard_by<E, S>(self, id: SubscriptionId, subscription: &Subscription<E, S>) -> bool {
        !subscription.ending || (subscription.draining && self == Self::Handler(id))
    }
}

/// Options of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferOptions {
    /// Behaviour when a queue is full.
    pub when_full: WhenFull,
    /// Origin of the event.
    pub origin: Origin,
    /// True if the caller can call handlers itself, as [`Accepted::to_serve`] asks it to.
    pub can_call: bool,
}

/// Position of a stored event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// This position in the queue of a subscription.
    Queue(SubscriptionId, u64),
    /// The newest in the history.
    History,
}

/// Follow-up work for an accepted event.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the calls are to be made"]
pub struct Accepted<E> {
    /// Events dropped for it, to be dropped by the caller without its lock.
    pub dropped: Vec<Stored<E>>,
    /// Positions at which the event is to be [packed](super::Bus::pack).
    pub to_pack: Vec<Position>,
    /// Subscriptions that the caller serves: it [takes](super::Bus::take_inline) the event, calls the handler,
    /// [finishes](super::Bus::finish) and [releases](super::Bus::release).
    pub to_serve: SmallVec<[SubscriptionId; 2]>,
}

impl<E> Accepted<E> {
    /// True if there is nothing for the caller to do.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.dropped.is_empty() && self.to_pack.is_empty() && self.to_serve.is_empty()
    }
}

impl<E> Default for Accepted<E> {
    fn default() -> Self {
        Self { dropped: Vec::new(), to_pack: Vec::new(), to_serve: SmallVec::new() }
    }
}

/// Result of an offer.
#[derive(Debug, PartialEq, Eq)]
pub enum Offer<E> {
    /// The event is in all its queues.
    Accepted(Accepted<E>),
    /// No queue has the event: there is no room, or a publisher that needs the same queues came before.
    Wait,
    /// No queue has the event: this one is full.
    Full(SubscriptionId),
    /// No queue has the event: the bus is closed.
    Closed,
}
