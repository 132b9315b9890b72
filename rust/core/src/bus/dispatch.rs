//! Dispatch: the order in which subscriptions are served, the number of shared workers, and the limit of a turn.

use super::Bus;
use super::budget::Budget;
use crate::queue::Stored;
use crate::routing::SubscriptionId;
use crate::subscription::{End, Gap, Service, Subscription};

/// Effects of the end of an event.
#[derive(Debug)]
pub struct Ended<S> {
    /// Payload of the subscription, if it has ended with the event.
    pub retired: Option<S>,
    /// True if no more events are left than somebody waits for: see [`Bus::awaited`].
    pub few: bool,
}

impl<E, S, W> Bus<E, S, W> {
    /// True if publishing has used up its share of this turn.
    #[must_use]
    pub fn publishing_is_spent(&self) -> bool {
        self.budget.publishing == 0
    }

    /// True if dispatching has used up its share of this turn.
    #[must_use]
    pub fn dispatching_is_spent(&self) -> bool {
        self.budget.dispatching == 0
    }

    /// Ends dispatching for this turn, because it has taken too long.
    pub fn end_dispatching(&mut self) {
        self.budget.end_dispatching();
    }

    /// Begins a turn of the loop.
    pub fn begin_turn(&mut self) {
        let is_behind = self.has_ready() && self.unfinished >= u64::from(Budget::MANY);
        self.budget = self.budget.next(is_behind);
    }

    /// Counts the shared workers that are still needed, at most `at_most`, as started, and returns their number.
    pub fn start_shared(&mut self, at_most: usize) -> usize {
        let more = self.ready.len().saturating_sub(self.shared_workers).min(at_most);
        self.shared_workers += more;
        more
    }

    /// True if there are subscriptions with events and no worker.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// True if no shared worker would dispatch an event that came now.
    #[must_use]
    pub fn has_no_shared_worker(&self) -> bool {
        self.shared_workers == 0
    }

    /// Counts one shared worker as started if there are events and no shared worker; returns 0 or 1.
    pub fn start_first_shared(&mut self) -> usize {
        if self.shared_workers == 0 { self.start_shared(1) } else { 0 }
    }

    /// A shared worker is pinned to one subscription, or ends.
    pub fn leave_shared(&mut self) {
        debug_assert!(self.shared_workers > 0, "nobody leads");
        self.shared_workers = self.shared_workers.saturating_sub(1);
    }

    /// A free worker becomes a shared one if one is needed; returns true if so.
    pub fn join_shared(&mut self) -> bool {
        self.start_first_shared() == 1
    }

    /// The next subscription with events and no worker; it counts as served from now on.
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

    /// The subscriptions that come next, in order.
    pub fn upcoming(&self, at_most: usize) -> impl Iterator<Item = &Subscription<E, S>> {
        self.ready.iter().take(at_most).filter_map(|id| self.subscriptions.get(*id))
    }

    /// Takes the gap of a subscription, if events were dropped since the last one.
    pub fn take_gap(&mut self, id: SubscriptionId) -> Option<Box<Gap>> {
        let subscription = self.subscriptions.get_mut(id)?;
        if subscription.has_gap() { subscription.gap.as_mut().map(std::mem::take) } else { None }
    }

    /// Takes the next event for the handler of a subscription that a worker serves.
    pub fn take(&mut self, id: SubscriptionId) -> Option<Stored<E>> {
        let event = self.take_inline(id)?;
        self.budget.dispatching = self.budget.dispatching.saturating_sub(1);
        Some(event)
    }

    /// Fast path for [`Bus::finish`] of a handled event and [`Bus::take`] of the next. It applies if the budget lasts,
    /// no publisher waits, nobody waits for few events, and the subscription goes on, has an event and has no gap.
    /// Returns `None`, with nothing changed, if it does not apply.
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

    /// Fast path for [`Bus::finish`] of a handled event, [`Bus::release`] of its subscription, [`Bus::next_ready`] and
    /// [`Bus::take`]. It applies as [`Bus::take_next`] does, if the next subscription has no gap and suits. Returns
    /// `None`, with nothing changed, if it does not apply.
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

    /// Takes the next event for the handler of a subscription that a publisher serves. Its cost counts as publishing.
    pub fn take_inline(&mut self, id: SubscriptionId) -> Option<Stored<E>> {
        let subscription = self.subscriptions.get_mut(id)?;
        let event = subscription.take()?;
        self.wake_for(&[id]);
        Some(event)
    }

    /// Takes one more event on behalf of the running handler, and counts it as handled. It costs no budget.
    pub fn take_batched(&mut self, id: SubscriptionId) -> Option<Stored<E>> {
        let event = self.subscriptions.get_mut(id)?.take_batched()?;
        self.unfinished -= 1;
        self.wake_for(&[id]);
        Some(event)
    }

    /// Records the end of an event.
    pub fn finish(&mut self, id: SubscriptionId, end: End) -> Ended<S> {
        if let Some(subscription) = self.subscriptions.get_mut(id) {
            subscription.finish(end);
            self.unfinished -= 1;
        }
        let ending = self.subscriptions.get(id).is_some_and(|subscription| subscription.ending);
        Ended { retired: if ending { self.retire(id) } else { None }, few: self.unfinished <= self.awaited }
    }

    /// Ends serving a subscription; another worker serves what it still has.
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
