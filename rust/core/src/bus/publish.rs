//! How events get in: all queues or none, at once or after a wait.

use std::sync::Arc;

use super::Bus;
use super::budget::Budget;
use super::enqueue::Obstacle;
use super::offer::{Accepted, Manner, Offer, Patience, Place, Speaker};
use super::waiters::{Needs, Ticket};
use crate::queue::Verdict;
use crate::routing::{Route, SubscriptionId};
use crate::subscription::Subscription;

impl<E, S, W> Bus<E, S, W> {
    /// Offers an event to its subscriptions; `event` makes a copy for each of them.
    pub fn offer(
        &mut self,
        topic: &Arc<str>,
        targets: &[SubscriptionId],
        manner: Manner,
        event: impl FnMut() -> E,
    ) -> Offer<E> {
        let patience = manner.patience;
        if !self.phase().admits(manner.speaker) {
            return Offer::Closed;
        }
        match self.subscriptions.check(topic, targets, manner) {
            Ok(()) => {}
            Err(Obstacle::Wait) => return Offer::Wait,
            Err(Obstacle::Full(id)) => return Offer::Full(id),
        }
        if patience == Patience::Waits && !self.line.is_empty() && self.is_behind_others(topic, targets) {
            return Offer::Wait;
        }
        let mut outcome = Accepted::default();
        self.accept(topic, targets, manner, event, &mut outcome);
        Offer::Accepted(outcome)
    }

    /// Offers an event along its route, where all is plain: the bus is open and awake, nobody waits in line, no filter has
    /// to look at the event, and every queue takes it. Otherwise nothing has happened, and [`Bus::offer`] sorts it out.
    /// Says whether it was accepted.
    pub fn accept_at_once(
        &mut self,
        route: &Route,
        can_call: bool,
        mut event: impl FnMut() -> E,
        outcome: &mut Accepted<E>,
    ) -> bool {
        let Some(targets) = route.unconditional() else { return false };
        if !self.takes_at_once(targets, can_call) {
            return false;
        }
        if self.accept_plainly(targets, can_call, &mut event, outcome) {
            return true;
        }
        let manner = Manner { patience: Patience::None, speaker: Speaker::Publisher, can_call };
        if self.subscriptions.check(&route.topic, targets, manner) != Ok(()) {
            return false;
        }
        self.accept(&route.topic, targets, manner, event, outcome);
        true
    }

    /// [`Bus::accept_at_once`] along a route that has this one target, where its queue does no more than put the event
    /// behind the others.
    #[inline]
    pub fn accept_by_one(
        &mut self,
        target: SubscriptionId,
        can_call: bool,
        event: impl FnMut() -> E,
        outcome: &mut Accepted<E>,
    ) -> bool {
        self.takes_at_once(&[target], can_call) && self.accept_plainly(&[target], can_call, event, outcome)
    }

    /// Whether the bus takes events from all and is awake, and nobody waits in line.
    fn takes_at_once(&self, targets: &[SubscriptionId], can_call: bool) -> bool {
        self.takes_from_all
            && self.line.is_empty()
            && !self.publishing_is_spent()
            && (!self.has_no_leader() || self.need_no_worker(targets, can_call))
    }

    /// Whether somebody waits for the same queues, with the same of them to take a place in. An event that only replaces
    /// others passes the line.
    fn is_behind_others(&self, topic: &Arc<str>, targets: &[SubscriptionId]) -> bool {
        !self.places(topic, targets).is_empty() && self.line.has_same(&self.set(topic, targets))
    }

    /// By which those who may not overtake each other are known: what they need, and where they take a place.
    fn set(&self, topic: &Arc<str>, targets: &[SubscriptionId]) -> Vec<SubscriptionId> {
        let mut set = self.needs(targets);
        set.extend(self.places(topic, targets));
        set
    }

    /// The queues that publishers may have to wait for, in which an event would take a place of its own.
    fn places(&self, topic: &Arc<str>, targets: &[SubscriptionId]) -> Vec<SubscriptionId> {
        let takes_place = |found: &Subscription<E, S>| found.queue.blocks() && found.queue.takes_place(topic);
        targets.iter().copied().filter(|id| self.subscriptions.hearing(*id).is_some_and(takes_place)).collect()
    }

    /// The queues that publishers may have to wait for.
    fn needs(&self, targets: &[SubscriptionId]) -> Vec<SubscriptionId> {
        let blocks = |found: &Subscription<E, S>| found.queue.blocks();
        targets.iter().copied().filter(|id| self.subscriptions.hearing(*id).is_some_and(blocks)).collect()
    }

    /// Joins the line, after [`Offer::Wait`]; `token` wakes the publisher when it can [`come`](Bus::come).
    pub fn wait(&mut self, topic: &Arc<str>, targets: &[SubscriptionId], token: W) -> Ticket {
        let needs: Needs = self.needs(targets).into();
        let set: Needs = self.set(topic, targets).into();
        self.line.join(needs, set, Arc::clone(topic), token, &mut self.subscriptions)
    }

    /// Takes the promised places, after having been called. Whoever was called because the bus has begun to close gets
    /// [`Offer::Closed`], and may [offer](Bus::offer) anew.
    pub fn come(
        &mut self,
        ticket: Ticket,
        topic: &Arc<str>,
        targets: &[SubscriptionId],
        speaker: Speaker,
        event: impl FnMut() -> E,
    ) -> Offer<E> {
        let manner = Manner { patience: Patience::Waits, speaker, can_call: true };
        let left = self.line.leave(ticket, &mut self.subscriptions);
        self.called.extend(left.called);
        let Some(places) = left.places else { return Offer::Wait };
        let refuses = |id: &&SubscriptionId| {
            self.subscriptions.hearing(**id).is_some_and(|found| found.queue.verdict(topic) == Verdict::Refuse)
        };
        let offer = match targets.iter().find(refuses) {
            _ if left.is_dismissed || !self.phase().admits(speaker) => Offer::Closed,
            Some(full) => Offer::Full(*full),
            None => {
                let mut outcome = Accepted::default();
                self.accept(topic, targets, manner, event, &mut outcome);
                Offer::Accepted(outcome)
            }
        };
        self.call_for(&places);
        offer
    }

    /// Gives up waiting: the event reaches nobody, and promised places pass on. Returns the token, to be dropped without
    /// the lock.
    pub fn give_up(&mut self, ticket: Ticket) -> Option<W> {
        let left = self.line.leave(ticket, &mut self.subscriptions);
        self.called.extend(left.called);
        self.call_for(&left.places.unwrap_or_default());
        left.token
    }

    /// Keeps an event that was accepted as a row, wherever it still stands; elsewhere, and where the row is none, it stays
    /// as it is. Returns what it no longer keeps, to be dropped without the lock.
    pub fn pack(&mut self, places: &[Place], row: &[u8], is_meant: impl Fn(&E) -> bool) -> Vec<E> {
        self.budget.spend_on_publishing(Budget::PACKING);
        let Ok(row) = self.backlog.put(row) else { return Vec::new() };
        let pack = |place: &Place| match *place {
            Place::Queue(id, place) => self.subscriptions.get_mut(id)?.queue.pack(place, &row, &is_meant),
            Place::History => self.history.as_mut()?.pack_newest(&row, &is_meant),
        };
        places.iter().filter_map(pack).collect()
    }

    /// Whether the events at these places are handled as soon as a worker has its turn, and are not too many by far to wait
    /// as they are.
    #[must_use]
    pub fn come_soon(&self, places: &[Place]) -> bool {
        places.iter().all(|place| match *place {
            Place::Queue(id, _) => self.subscriptions.get(id).is_some_and(Subscription::comes_soon),
            Place::History => false,
        })
    }

    /// Calls those who wait for room in these queues, where some may have appeared.
    pub(crate) fn call_for(&mut self, queues: &[SubscriptionId]) {
        if !self.line.is_empty() {
            self.called.extend(self.line.room_in(queues, &mut self.subscriptions));
        }
    }
}
