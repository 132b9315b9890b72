//! Types of an offer: an event on its way into the queues, with its options and its origin.

use smallvec::SmallVec;

use crate::queue::Stored;
use crate::routing::SubscriptionId;
use crate::subscription::Subscription;

/// What a publisher does when there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// It waits.
    Wait,
    /// It is refused.
    Fail,
    /// It goes past the line and beyond the capacity, up to twice of it: it runs in a handler, and waiting for room that
    /// only handlers make could be for ever.
    Exceed,
}

/// Who speaks: a bus that is closing still hears its own handlers, and to the last itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A publisher from outside.
    Publisher,
    /// The running handler of this subscription.
    Handler(SubscriptionId),
    /// Somebody else whom the bus waits for before it closes: who reads a stream of it, or a handler of the bus that it
    /// sends for.
    Insider,
    /// The bus, about a failure.
    Bus,
}

impl Origin {
    /// Whether a subscription hears it; `id` is the subscription's.
    #[inline]
    pub(crate) fn is_heard_by<E, S>(self, id: SubscriptionId, subscription: &Subscription<E, S>) -> bool {
        !subscription.ending || (subscription.draining && self == Self::Handler(id))
    }
}

/// How an event is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferOptions {
    /// What happens when there is no room.
    pub when_full: WhenFull,
    /// Who speaks.
    pub origin: Origin,
    /// Whether the caller can call handlers itself, which it has to do for [`Accepted::to_serve`].
    pub can_call: bool,
}

/// Where an event is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// At this place of a subscription's queue.
    Queue(SubscriptionId, u64),
    /// The newest of the history.
    History,
}

/// What an accepted event has brought about.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the calls are to be made"]
pub struct Accepted<E> {
    /// Events that were lost by it, for the caller to drop without its lock.
    pub dropped: Vec<Stored<E>>,
    /// Where the event is to be [packed](Bus::pack).
    pub to_pack: Vec<Position>,
    /// Subscriptions that the caller serves now: it is to [take](Bus::take_to_call), to call, to
    /// [finish](Bus::finish) and to [release](Bus::release).
    pub to_serve: SmallVec<[SubscriptionId; 2]>,
}

impl<E> Accepted<E> {
    /// Whether there is nothing for the caller to do.
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

/// What became of an offered event.
#[derive(Debug, PartialEq, Eq)]
pub enum Offer<E> {
    /// It stands in all its queues.
    Accepted(Accepted<E>),
    /// It has reached nobody: there is no room, or somebody with the same needs was here before.
    Wait,
    /// It has reached nobody: this queue is full.
    Full(SubscriptionId),
    /// It has reached nobody: the bus is closed.
    Closed,
}
