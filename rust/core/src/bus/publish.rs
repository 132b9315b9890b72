//! Publishing: into all queues or none, at once or after a wait.

use std::sync::Arc;

use super::Bus;
use super::budget::Budget;
use super::enqueue::Obstacle;
use super::offer::{Accepted, Offer, OfferOptions, Origin, Position, WhenFull};
use super::waiters::{QueueIds, Ticket};
use crate::queue::Admission;
use crate::routing::{Route, SubscriptionId};
use crate::subscription::Subscription;

impl<E, S, W> Bus<E, S, W> {
    /// Offers an event to its subscriptions; `event` makes a copy for each.
    pub fn publish(
        &mut self,
        topic: &Arc<str>,
        targets: &[SubscriptionId],
        options: OfferOptions,
        event: impl FnMut() -> E,
    ) -> Offer<E> {
        let when_full = options.when_full;
        if !self.phase().admits(options.origin) {
            return Offer::Closed;
        }
        match self.subscriptions.check(topic, targets, options) {
            Ok(()) => {}
            Err(Obstacle::Wait) => return Offer::Wait,
            Err(Obstacle::Full(id)) => return Offer::Full(id),
        }
        if when_full == WhenFull::Wait && !self.wait_queue.is_empty() && self.is_behind_others(topic, targets) {
            return Offer::Wait;
        }
        let mut outcome = Accepted::default();
        self.enqueue(topic, targets, options, event, &mut outcome);
        Offer::Accepted(outcome)
    }

    /// Fast path of [`Bus::publish`] along a route. It applies if the bus is open, no publisher waits, no filter has to
    /// look at the event, a worker is awake or none is needed, and every queue has room. Returns false, with nothing
    /// changed, if it does not apply.
    pub fn try_publish(
        &mut self,
        route: &Route,
        can_call: bool,
        mut event: impl FnMut() -> E,
        outcome: &mut Accepted<E>,
    ) -> bool {
        let Some(targets) = route.unconditional() else { return false };
        if !self.takes_fast_path(targets, can_call) {
            return false;
        }
        if self.enqueue_fast(targets, can_call, &mut event, outcome) {
            return true;
        }
        let options = OfferOptions { when_full: WhenFull::Fail, origin: Origin::Publisher, can_call };
        if self.subscriptions.check(&route.topic, targets, options) != Ok(()) {
            return false;
        }
        self.enqueue(&route.topic, targets, options, event, outcome);
        true
    }

    /// [`Bus::try_publish`] along a route to one subscription whose queue only appends the event.
    #[inline]
    pub fn try_publish_to_one(
        &mut self,
        target: SubscriptionId,
        can_call: bool,
        event: impl FnMut() -> E,
        outcome: &mut Accepted<E>,
    ) -> bool {
        self.takes_fast_path(&[target], can_call) && self.enqueue_fast(&[target], can_call, event, outcome)
    }

    /// True if events are taken whatever their origin, no publisher waits, and no worker has to be started.
    fn takes_fast_path(&self, targets: &[SubscriptionId], can_call: bool) -> bool {
        self.takes_from_all
            && self.wait_queue.is_empty()
            && !self.publishing_is_spent()
            && (!self.has_no_shared_worker() || self.need_no_worker(targets, can_call))
    }

    /// True if a publisher waits that needs the same queues and would grow the same of them. An event that only
    /// replaces others overtakes the wait queue.
    fn is_behind_others(&self, topic: &Arc<str>, targets: &[SubscriptionId]) -> bool {
        !self.queues_to_grow(topic, targets).is_empty() && self.wait_queue.has_group(&self.group_key(topic, targets))
    }

    /// Key of a FIFO group of waiters: the queues they need, then those in which their event would take a place of its
    /// own.
    fn group_key(&self, topic: &Arc<str>, targets: &[SubscriptionId]) -> Vec<SubscriptionId> {
        let mut key = self.blocking_queues(targets);
        key.extend(self.queues_to_grow(topic, targets));
        key
    }

    /// Queues that may block, in which the event would take a place of its own.
    fn queues_to_grow(&self, topic: &Arc<str>, targets: &[SubscriptionId]) -> Vec<SubscriptionId> {
        let takes_room = |found: &Subscription<E, S>| found.queue.may_block() && found.queue.takes_room(topic);
        targets.iter().copied().filter(|id| self.subscriptions.hearing(*id).is_some_and(takes_room)).collect()
    }

    /// Queues that may block.
    fn blocking_queues(&self, targets: &[SubscriptionId]) -> Vec<SubscriptionId> {
        let may_block = |found: &Subscription<E, S>| found.queue.may_block();
        targets.iter().copied().filter(|id| self.subscriptions.hearing(*id).is_some_and(may_block)).collect()
    }

    /// Joins the wait queue, after [`Offer::Wait`]; `token` wakes the publisher when it can [claim](Bus::claim) its
    /// places.
    pub fn wait(&mut self, topic: &Arc<str>, targets: &[SubscriptionId], token: W) -> Ticket {
        let needs: QueueIds = self.blocking_queues(targets).into();
        let key: QueueIds = self.group_key(topic, targets).into();
        self.wait_queue.join(needs, key, Arc::clone(topic), token, &mut self.subscriptions)
    }

    /// Claims reserved places, after having been woken. A publisher that was woken because the bus has begun to close
    /// gets [`Offer::Closed`], and may [publish](Bus::publish) anew.
    pub fn claim(
        &mut self,
        ticket: Ticket,
        topic: &Arc<str>,
        targets: &[SubscriptionId],
        origin: Origin,
        event: impl FnMut() -> E,
    ) -> Offer<E> {
        let options = OfferOptions { when_full: WhenFull::Wait, origin, can_call: true };
        let left = self.wait_queue.leave(ticket, &mut self.subscriptions);
        self.woken.extend(left.woken);
        let Some(reserved) = left.reserved else { return Offer::Wait };
        let refuses = |id: &&SubscriptionId| {
            self.subscriptions.hearing(**id).is_some_and(|found| found.queue.admission(topic) == Admission::Refuse)
        };
        let offer = match targets.iter().find(refuses) {
            _ if left.is_dismissed || !self.phase().admits(origin) => Offer::Closed,
            Some(full) => Offer::Full(*full),
            None => {
                let mut outcome = Accepted::default();
                self.enqueue(topic, targets, options, event, &mut outcome);
                Offer::Accepted(outcome)
            }
        };
        self.wake_for(&reserved);
        offer
    }

    /// Gives up waiting. The event reaches no queue, and reserved places go to others. Returns the token, to be dropped
    /// without the lock.
    pub fn give_up(&mut self, ticket: Ticket) -> Option<W> {
        let left = self.wait_queue.leave(ticket, &mut self.subscriptions);
        self.woken.extend(left.woken);
        self.wake_for(&left.reserved.unwrap_or_default());
        left.token
    }

    /// Replaces an accepted event by its row wherever it is still stored. Elsewhere, and if the bytes are no row, it
    /// stays as it is. Returns the replaced copies, to be dropped without the lock.
    pub fn pack(&mut self, positions: &[Position], row: &[u8], is_meant: impl Fn(&E) -> bool) -> Vec<E> {
        self.budget.spend_on_publishing(Budget::PACKING);
        let Ok(row) = self.arena.add(row) else { return Vec::new() };
        let pack = |position: &Position| match *position {
            Position::Queue(id, position) => self.subscriptions.get_mut(id)?.queue.pack(position, &row, &is_meant),
            Position::History => self.history.as_mut()?.pack_newest(&row, &is_meant),
        };
        positions.iter().filter_map(pack).collect()
    }

    /// True if the events at these positions are handled as soon as a worker has its turn, and are few enough to stay
    /// live until then.
    #[must_use]
    pub fn are_served_soon(&self, positions: &[Position]) -> bool {
        positions.iter().all(|position| match *position {
            Position::Queue(id, _) => self.subscriptions.get(id).is_some_and(Subscription::is_served_soon),
            Position::History => false,
        })
    }

    /// Wakes publishers that wait for room in these queues, in which some may have appeared.
    pub(crate) fn wake_for(&mut self, queues: &[SubscriptionId]) {
        if !self.wait_queue.is_empty() {
            self.woken.extend(self.wait_queue.wake_for(queues, &mut self.subscriptions));
        }
    }
}
