//! How events get out: which subscription is served next, by how many workers, and for how long at a stretch.

use super::Bus;
use super::budget::Budget;
use crate::queue::Stored;
use crate::routing::SubscriptionId;
use crate::subscription::{End, Gap, Service, Subscription};

/// What the end of an event brought about.
#[derive(Debug)]
pub struct Ended<S> {
    /// The subscription has ended with it.
    pub retired: Option<S>,
    /// So few events are left as somebody waits for: see [`Bus::awaited`].
    pub few: bool,
}

impl<E, S, W> Bus<E, S, W> {
    /// Whether publishing has used up its share of this turn.
    #[must_use]
    pub fn publishing_is_spent(&self) -> bool {
        self.budget.publishing == 0
    }

    /// Whether dispatching has used up its share of this turn.
    #[must_use]
    pub fn dispatching_is_spent(&self) -> bool {
        self.budget.dispatching == 0
    }

    /// Ends dispatching for this turn: it has taken too long.
    pub fn end_dispatching(&mut self) {
        self.budget.end_dispatching();
    }

    /// A new turn of the loop.
    pub fn begin_turn(&mut self) {
        let is_behind = self.has_ready() && self.unfinished >= u64::from(Budget::MANY);
        self.budget = self.budget.next(is_behind);
    }

    /// How many more leaders there should be, at most `at_most`; they count as there from now on.
    pub fn start_shared(&mut self, at_most: usize) -> usize {
        let more = self.ready.len().saturating_sub(self.shared_workers).min(at_most);
        self.shared_workers += more;
        more
    }

    /// Whether there are subscriptions that have events and no worker.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether nobody would hand out an event that came now.
    #[must_use]
    pub fn has_no_shared_worker(&self) -> bool {
        self.shared_workers == 0
    }

    /// How many more leaders a publisher should start: one, if there are events and no leader.
    pub fn start_first_shared(&mut self) -> usize {
        if self.shared_workers == 0 { self.start_shared(1) } else { 0 }
    }

    /// A leader leads no more: it follows one subscription, or ends.
    pub fn leave_shared(&mut self) {
        debug_assert!(self.shared_workers > 0, "nobody leads");
        self.shared_workers = self.shared_workers.saturating_sub(1);
    }

    /// A worker that is free becomes the leader if one is needed.
    pub fn join_shared(&mut self) -> bool {
        self.start_first_shared() == 1
    }

    /// The next subscription that has events and no worker; it has one from now on.
    pub fn next_ready(&mut self) -> Option<SubscriptionId> {
        while let Some(id) = self.ready.pop_front() {
            if let Some(subscription) = self.subscriptions.get_mut(id) {
                if subscription.queue.has_next() {
                    subscription.service = Service::Served;
                    return Some(id);
                }
                subscription.service = Service::Idle;
            }
        }
        None
    }

    /// The subscriptions that come next and are after one another in the list.
    pub fn upcoming(&self, at_most: usize) -> impl Iterator<Item = &Subscription<E, S>> {
        self.ready.iter().take(at_most).filter_map(|id| self.subscriptions.get(*id))
    }

    /// What the subscription lost since it was last told.
    pub fn take_gap(&mut self, id: SubscriptionId) -> Option<Box<Gap>> {
        let subscription = self.subscriptions.get_mut(id)?;
        if subscription.has_gap() { subscription.gap.as_mut().map(std::mem::take) } else { None }
    }

    /// The next event for the handler of a subscription that a worker serves.
    pub fn take(&mut self, id: SubscriptionId) -> Option<Stored<E>> {
        let event = self.take_inline(id)?;
        self.budget.dispatching = self.budget.dispatching.saturating_sub(1);
        Some(event)
    }

    /// [`Bus::finish`] of an event that was handled, and [`Bus::take`] of the next, where all is plain: the budget lasts,
    /// nobody waits in line or for few events, and the subscription goes on, has an event, and has lost none. Otherwise
    /// nothing has happened.
    #[expect(clippy::inline_always, reason = "an event that comes back through memory is waited for")]
    #[inline(always)]
    pub fn take_next(&mut self, id: SubscriptionId) -> Option<Stored<E>> {
        if self.dispatching_is_spent() || !self.wait_queue.is_empty() || self.unfinished <= self.awaited + 1 {
            return None;
        }
        let subscription = self.subscriptions.get_mut(id)?;
        if subscription.ending || !subscription.queue.has_next() || subscription.has_gap() {
            return None;
        }
        subscription.finish(End::Handled);
        self.unfinished -= 1;
        self.budget.dispatching -= 1;
        subscription.take()
    }

    /// [`Bus::finish`] of an event that was handled, [`Bus::release`] of its subscription, and [`Bus::next_ready`] with
    /// [`Bus::take`], where all is plain: as for [`Bus::take_next`], and the next subscription has lost no events and suits.
    /// Otherwise nothing has happened.
    pub fn take_from_next(
        &mut self,
        id: SubscriptionId,
        suits: impl FnOnce(&Subscription<E, S>) -> bool,
    ) -> Option<(SubscriptionId, Stored<E>)> {
        if self.dispatching_is_spent() || !self.wait_queue.is_empty() || self.unfinished <= self.awaited + 1 {
            return None;
        }
        let found = self.subscriptions.get(*self.ready.front()?)?;
        if !found.queue.has_next() || found.has_gap() || !suits(found) {
            return None;
        }
        let former = self.subscriptions.get_mut(id).filter(|former| !former.ending && !former.has_gap())?;
        former.finish(End::Handled);
        self.unfinished -= 1;
        self.release(id);
        let next = self.next_ready()?;
        Some((next, self.take(next)?))
    }

    /// The next event for the handler of a subscription that a publisher serves. It has been paid for in publishing.
    pub fn take_inline(&mut self, id: SubscriptionId) -> Option<Stored<E>> {
        let subscription = self.subscriptions.get_mut(id)?;
        let event = subscription.take()?;
        self.wake_for(&[id]);
        Some(event)
    }

    /// One more event for the handler that runs: it has taken it and is done with it. It costs nothing of the budget.
    pub fn take_batched(&mut self, id: SubscriptionId) -> Option<Stored<E>> {
        let event = self.subscriptions.get_mut(id)?.take_batched()?;
        self.unfinished -= 1;
        self.wake_for(&[id]);
        Some(event)
    }

    /// An event has ended.
    pub fn finish(&mut self, id: SubscriptionId, end: End) -> Ended<S> {
        if let Some(subscription) = self.subscriptions.get_mut(id) {
            subscription.finish(end);
            self.unfinished -= 1;
        }
        let ending = self.subscriptions.get(id).is_some_and(|subscription| subscription.ending);
        Ended { retired: if ending { self.retire(id) } else { None }, few: self.unfinished <= self.awaited }
    }

    /// The caller no longer serves the subscription; what it still has is for another worker.
    pub fn release(&mut self, id: SubscriptionId) {
        if let Some(subscription) = self.subscriptions.get_mut(id) {
            if subscription.queue.has_next() {
                subscription.service = Service::Ready;
                self.ready.push_back(id);
            } else {
                subscription.service = Service::Idle;
            }
        }
    }
}
