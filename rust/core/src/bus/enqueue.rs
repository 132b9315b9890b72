//! An event's way into the queues of its subscriptions, once there is room.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Bus;
use super::offer::{Accepted, Manner, Patience, Place};
use crate::queue::Verdict;
use crate::routing::SubscriptionId;
use crate::subscription::{Service, Subscription, Subscriptions};

/// Why an event cannot be accepted now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// The publisher can wait for room.
    Wait,
    /// This queue is full.
    Full(SubscriptionId),
}

impl<E, S> Subscriptions<E, S> {
    pub(crate) fn check(
        &self,
        topic: &Arc<str>,
        targets: &[SubscriptionId],
        Manner { patience, speaker, .. }: Manner,
    ) -> Result<(), Obstacle> {
        let mut must_wait = None;
        for id in targets {
            let Some(subscription) = self.get(*id).filter(|found| speaker.is_heard_by(*id, found)) else { continue };
            let verdict = match patience {
                Patience::Urgent => subscription.queue.urgent_verdict(topic),
                _ => subscription.queue.verdict(topic),
            };
            match verdict {
                Verdict::Take => {}
                Verdict::Wait => must_wait = must_wait.or(Some(*id)),
                Verdict::Refuse => return Err(Obstacle::Full(*id)),
            }
        }
        match (must_wait, patience) {
            (None, _) => Ok(()),
            (Some(_), Patience::Waits) => Err(Obstacle::Wait),
            (Some(id), _) => Err(Obstacle::Full(id)),
        }
    }
}

impl<E, S, W> Bus<E, S, W> {
    /// Whether no other worker is needed for an event that came now: each handler would be called by the publisher, if it
    /// can, or by the worker that is at it.
    pub(crate) fn need_no_worker(&self, targets: &[SubscriptionId], can_call: bool) -> bool {
        let needs_none = |found: &Subscription<E, S>| found.is_served() || (can_call && found.is_called_at_once());
        targets.iter().all(|id| self.subscriptions.get(*id).is_some_and(needs_none))
    }

    /// Takes an event that the queues have room for.
    #[inline]
    pub(crate) fn accept(
        &mut self,
        topic: &Arc<str>,
        targets: &[SubscriptionId],
        manner: Manner,
        mut event: impl FnMut() -> E,
        outcome: &mut Accepted<E>,
    ) {
        let mut heard = 0;
        for id in targets {
            let found = self.subscriptions.get_mut(*id).filter(|found| manner.speaker.is_heard_by(*id, found));
            let Some(subscription) = found else { continue };
            heard += 1;
            let next = subscription.queue.next_place();
            let lost = subscription.accept(event(), topic);
            let grown = u64::from(lost.is_none());
            outcome.lost.extend(lost);
            if subscription.queue.is_to_be_packed() {
                outcome.to_pack.extend(subscription.place_to_pack(next, topic).map(|place| Place::Queue(*id, place)));
            }
            self.unfinished += grown;
            if manner.patience == Patience::Urgent && subscription.queue.live() > subscription.queue.capacity() {
                subscription.counts.over_capacity += grown;
            }
            if subscription.service == Service::Idle {
                see_to(*id, subscription, manner.can_call, &mut self.ready, outcome);
            }
        }
        if self.history.is_some() {
            self.remember(event(), outcome);
        }
        if !self.line.is_empty() {
            self.call_those_who_can_replace(targets);
        }
        self.totals.published += 1;
        self.totals.unrouted += u64::from(heard == 0);
        self.budget.spend_on_publishing(heard.max(1));
    }

    /// Takes an event where no queue does more than put it behind the others. Otherwise nothing has happened.
    #[inline]
    pub(crate) fn accept_plainly(
        &mut self,
        targets: &[SubscriptionId],
        can_call: bool,
        mut event: impl FnMut() -> E,
        outcome: &mut Accepted<E>,
    ) -> bool {
        let is_plain = |found: &Subscription<E, S>| !found.ending && found.queue.is_plain();
        let are_plain = targets.iter().all(|id| self.subscriptions.get(*id).is_some_and(is_plain));
        if !are_plain || targets.is_empty() || self.history.is_some() {
            return false;
        }
        for id in targets {
            let Some(subscription) = self.subscriptions.get_mut(*id) else { continue };
            subscription.accept_plainly(event());
            self.unfinished += 1;
            if subscription.service == Service::Idle {
                see_to(*id, subscription, can_call, &mut self.ready, outcome);
            }
        }
        self.totals.published += 1;
        self.budget.spend_on_publishing(u32::try_from(targets.len()).unwrap_or(u32::MAX));
        true
    }

    #[cold]
    fn remember(&mut self, event: E, outcome: &mut Accepted<E>) {
        if let Some(history) = &mut self.history {
            outcome.lost.extend(history.push(event));
            outcome.to_pack.push(Place::History);
        }
    }

    /// Calls those whose event may take the place of one that has just come into a conflating queue.
    fn call_those_who_can_replace(&mut self, targets: &[SubscriptionId]) {
        let conflates = |id: &SubscriptionId| self.subscriptions.get(*id).is_some_and(|found| found.queue.conflates());
        let conflating: Vec<_> = targets.iter().copied().filter(conflates).collect();
        self.call_for(&conflating);
    }
}

/// Finds who sees to an idle subscription's events: the caller, if it is to call the handler, or the next free worker.
fn see_to<E, S>(
    id: SubscriptionId,
    subscription: &mut Subscription<E, S>,
    can_call: bool,
    ready: &mut VecDeque<SubscriptionId>,
    outcome: &mut Accepted<E>,
) {
    if can_call && subscription.is_called_at_once() {
        subscription.service = Service::Served;
        outcome.calls.push(id);
    } else if subscription.queue.has_next() {
        subscription.service = Service::Listed;
        ready.push_back(id);
    }
}
