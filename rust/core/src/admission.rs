//! How events get in: all queues or none, at once or after a wait.

use std::sync::Arc;

use crate::bus::{Bus, Phase};
use crate::filter::Known;
use crate::line::{Needs, Ticket};
use crate::queue::{Arrival, Verdict};
use crate::registry::SubscriptionId;
use crate::subscription::{Service, Subscription};

/// What a publisher does when there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// It waits.
    Waits,
    /// It is refused.
    None,
    /// It goes past the line and beyond the capacity, up to twice of it: it runs in a handler, and waiting for room that
    /// only handlers make could be for ever.
    Urgent,
}

/// Who speaks: a bus that is closing still hears itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// A publisher.
    Publisher,
    /// The bus, about a failure.
    Bus,
}

/// What became of an offered event.
#[derive(Debug, PartialEq, Eq)]
pub enum Offer<E> {
    /// It stands in all its queues. Events that were lost by it, for the caller to drop without its lock.
    Accepted(Vec<E>),
    /// It has reached nobody: there is no room, or somebody with the same needs was here before.
    Wait,
    /// It has reached nobody: this queue is full.
    Full(SubscriptionId),
    /// It has reached nobody: the bus is closed.
    Closed,
}

impl<E, S, W> Bus<E, S, W> {
    /// Offers an event to its subscriptions; `event` makes a copy for each of them.
    pub fn offer(
        &mut self,
        topic: &Arc<str>,
        targets: &[SubscriptionId],
        (patience, speaker): (Patience, Speaker),
        event: impl FnMut() -> E,
    ) -> Offer<E> {
        match (self.phase, speaker) {
            (Phase::Open, _) | (Phase::Closing, Speaker::Bus) => {}
            _ => return Offer::Closed,
        }
        if let Err(refusal) = self.check(topic, targets, patience) {
            return refusal;
        }
        if patience == Patience::Waits && !self.line.is_empty() && self.is_behind_others(topic, targets) {
            return Offer::Wait;
        }
        Offer::Accepted(self.accept(topic, targets, patience, event))
    }

    /// Routes and offers an event in one go, where all is plain: the bus is open and awake, nobody waits in line, no
    /// filter has to look at the event, and every queue takes it. Otherwise nothing has happened, and [`Bus::offer`]
    /// sorts it out.
    pub fn accept_at_once(&mut self, class: usize, known: &Known<'_>, event: impl FnMut() -> E) -> Option<Vec<E>> {
        let is_plain = self.phase == Phase::Open && self.line.is_empty();
        if !is_plain || self.has_no_leader() || self.publishing_is_spent() {
            return None;
        }
        let route = self.registry.route(class, known);
        let targets = route.unconditional.as_deref()?;
        self.check(&route.topic, targets, Patience::None).ok()?;
        Some(self.accept(&route.topic, targets, Patience::None, event))
    }

    fn check(&self, topic: &Arc<str>, targets: &[SubscriptionId], patience: Patience) -> Result<(), Offer<E>> {
        let mut must_wait = None;
        for id in targets {
            let Some(subscription) = self.subscriptions.hearing(*id) else { continue };
            let verdict = match patience {
                Patience::Urgent => subscription.queue.urgent_verdict(topic),
                _ => subscription.queue.verdict(topic),
            };
            match verdict {
                Verdict::Take => {}
                Verdict::Wait => must_wait = must_wait.or(Some(*id)),
                Verdict::Refuse => return Err(Offer::Full(*id)),
            }
        }
        match (must_wait, patience) {
            (None, _) => Ok(()),
            (Some(_), Patience::Waits) => Err(Offer::Wait),
            (Some(id), _) => Err(Offer::Full(id)),
        }
    }

    fn accept(
        &mut self,
        topic: &Arc<str>,
        targets: &[SubscriptionId],
        patience: Patience,
        mut event: impl FnMut() -> E,
    ) -> Vec<E> {
        let (mut lost, mut heard) = (Vec::new(), 0);
        for id in targets {
            let Some(subscription) = self.subscriptions.get_mut(*id).filter(|found| !found.ending) else { continue };
            heard += 1;
            let waiting = subscription.queue.len();
            lost.extend(subscription.accept(Arrival { event: event(), topic: Arc::clone(topic) }));
            let grown = subscription.queue.len() - waiting;
            self.unfinished += grown as u64;
            if patience == Patience::Urgent && waiting >= subscription.queue.capacity() {
                subscription.counts.over_capacity += grown as u64;
            }
            if subscription.service == Service::Idle {
                subscription.service = Service::Listed;
                self.ready.push_back(*id);
            }
        }
        if !self.line.is_empty() {
            self.call_those_who_can_replace(targets);
        }
        self.totals.published += 1;
        self.totals.unrouted += u64::from(heard == 0);
        self.budget.spend_on_publishing(heard.max(1));
        lost
    }

    /// Calls those whose event may take the place of one that has just come into a conflating queue.
    fn call_those_who_can_replace(&mut self, targets: &[SubscriptionId]) {
        let conflates = |id: &SubscriptionId| self.subscriptions.get(*id).is_some_and(|found| found.queue.conflates());
        let conflating: Vec<_> = targets.iter().copied().filter(conflates).collect();
        self.call_for(&conflating);
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

    /// Takes the promised places, after having been called.
    pub fn come(
        &mut self,
        ticket: Ticket,
        topic: &Arc<str>,
        targets: &[SubscriptionId],
        event: impl FnMut() -> E,
    ) -> Offer<E> {
        let left = self.line.leave(ticket, &mut self.subscriptions);
        self.called.extend(left.called);
        let Some(places) = left.places else { return Offer::Wait };
        let refuses = |id: &&SubscriptionId| {
            self.subscriptions.hearing(**id).is_some_and(|found| found.queue.verdict(topic) == Verdict::Refuse)
        };
        let outcome = match targets.iter().find(refuses) {
            _ if self.phase != Phase::Open => Offer::Closed,
            Some(full) => Offer::Full(*full),
            None => Offer::Accepted(self.accept(topic, targets, Patience::Waits, event)),
        };
        self.call_for(&places);
        outcome
    }

    /// Gives up waiting: the event reaches nobody, and promised places pass on. Returns the token, to be dropped without
    /// the lock.
    pub fn give_up(&mut self, ticket: Ticket) -> Option<W> {
        let left = self.line.leave(ticket, &mut self.subscriptions);
        self.called.extend(left.called);
        self.call_for(&left.places.unwrap_or_default());
        left.token
    }

    /// Calls those who wait for room in these queues, where some may have appeared.
    pub(crate) fn call_for(&mut self, queues: &[SubscriptionId]) {
        if !self.line.is_empty() {
            self.called.extend(self.line.room_in(queues, &mut self.subscriptions));
        }
    }
}
