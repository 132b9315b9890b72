//! Putting an event into the queues of its subscriptions, once there is room.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Bus;
use super::offer::{Accepted, OfferOptions, Position, WhenFull};
use crate::queue::Admission;
use crate::routing::SubscriptionId;
use crate::subscription::{Service, Subscription, Subscriptions};

/// Reason why an event cannot be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// The publisher may wait for room.
    Wait,
    /// This queue is full.
    Full(SubscriptionId),
}

impl<E, S> Subscriptions<E, S> {
    pub(crate) fn check(
        &self,
        topic: &Arc<str>,
        targets: &[SubscriptionId],
        OfferOptions { when_full, origin, .. }: OfferOptions,
    ) -> Result<(), Obstacle> {
        let mut must_wait = None;
        for id in targets {
            let Some(subscription) = self.get(*id).filter(|found| origin.is_heard_by(*id, found)) else { continue };
            let admission = match when_full {
                WhenFull::Exceed => subscription.queue.admission_exceeding(topic),
                _ => subscription.queue.admission(topic),
            };
            match admission {
                Admission::Take => {}
                Admission::Wait => must_wait = must_wait.or(Some(*id)),
                Admission::Refuse => return Err(Obstacle::Full(*id)),
            }
        }
        match (must_wait, when_full) {
            (None, _) => Ok(()),
            (Some(_), WhenFull::Wait) => Err(Obstacle::Wait),
            (Some(id), _) => Err(Obstacle::Full(id)),
        }
    }
}

impl<E, S, W> Bus<E, S, W> {
    /// True if an event that came now would need no further worker: each handler would be called by the publisher, if
    /// it can, or by the worker that serves it.
    pub(crate) fn need_no_worker(&self, targets: &[SubscriptionId], can_call: bool) -> bool {
        let needs_none = |found: &Subscription<E, S>| found.is_served() || (can_call && found.is_called_inline());
        targets.iter().all(|id| self.subscriptions.get(*id).is_some_and(needs_none))
    }

    /// Puts an event into queues that have room for it.
    #[inline]
    pub(crate) fn enqueue(
        &mut self,
        topic: &Arc<str>,
        targets: &[SubscriptionId],
        options: OfferOptions,
        mut event: impl FnMut() -> E,
        outcome: &mut Accepted<E>,
    ) {
        let mut heard = 0;
        for id in targets {
            let found = self.subscriptions.get_mut(*id).filter(|found| options.origin.is_heard_by(*id, found));
            let Some(subscription) = found else { continue };
            heard += 1;
            let next = subscription.queue.next_position();
            let dropped = subscription.enqueue(event(), topic);
            let grown = u64::from(dropped.is_none());
            outcome.dropped.extend(dropped);
            if subscription.queue.is_to_be_packed() {
                let position = subscription.position_to_pack(next, topic);
                outcome.to_pack.extend(position.map(|position| Position::Queue(*id, position)));
            }
            self.unfinished += grown;
            let queue = &subscription.queue;
            if options.when_full == WhenFull::Exceed && queue.waiting_len() > queue.capacity() {
                subscription.counts.over_capacity += grown;
            }
            if subscription.service == Service::Idle {
                assign(*id, subscription, options.can_call, &mut self.ready, outcome);
            }
        }
        if self.history.is_some() {
            self.append_to_history(event(), outcome);
        }
        if !self.wait_queue.is_empty() {
            self.wake_those_who_can_replace(targets);
        }
        self.totals.published += 1;
        self.totals.unrouted += u64::from(heard == 0);
        self.budget.spend_on_publishing(heard.max(1));
    }

    /// Fast path of [`Bus::enqueue`], for queues that only append it. Returns false, with nothing changed, if it does
    /// not apply.
    #[inline]
    pub(crate) fn enqueue_fast(
        &mut self,
        targets: &[SubscriptionId],
        can_call: bool,
        mut event: impl FnMut() -> E,
        outcome: &mut Accepted<E>,
    ) -> bool {
        let takes_fast_path = |found: &Subscription<E, S>| !found.ending && found.queue.takes_fast_path();
        let are_plain = targets.iter().all(|id| self.subscriptions.get(*id).is_some_and(takes_fast_path));
        if !are_plain || targets.is_empty() || self.history.is_some() {
            return false;
        }
        for id in targets {
            let Some(subscription) = self.subscriptions.get_mut(*id) else { continue };
            subscription.enqueue_fast(event());
            self.unfinished += 1;
            if subscription.service == Service::Idle {
                assign(*id, subscription, can_call, &mut self.ready, outcome);
            }
        }
        self.totals.published += 1;
        self.budget.spend_on_publishing(u32::try_from(targets.len()).unwrap_or(u32::MAX));
        true
    }

    #[cold]
    fn append_to_history(&mut self, event: E, outcome: &mut Accepted<E>) {
        if let Some(history) = &mut self.history {
            outcome.dropped.extend(history.push(event));
            outcome.to_pack.push(Position::History);
        }
    }

    /// Wakes publishers whose event can replace one that has just come into a conflating queue.
    fn wake_those_who_can_replace(&mut self, targets: &[SubscriptionId]) {
        let conflates = |id: &SubscriptionId| self.subscriptions.get(*id).is_some_and(|found| found.queue.conflates());
        let conflating: Vec<_> = targets.iter().copied().filter(conflates).collect();
        self.wake_for(&conflating);
    }
}

/// Assigns an idle subscription to the caller, if it is to call the handler, or to the next free worker.
fn assign<E, S>(
    id: SubscriptionId,
    subscription: &mut Subscription<E, S>,
    can_call: bool,
    ready: &mut VecDeque<SubscriptionId>,
    outcome: &mut Accepted<E>,
) {
    if can_call && subscription.is_called_inline() {
        subscription.service = Service::Served;
        outcome.to_serve.push(id);
    } else if subscription.queue.has_next() {
        subscription.service = Service::Ready;
        ready.push_back(id);
    }
}
