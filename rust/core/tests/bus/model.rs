//! A naive model of the bus, after its contract. It decides nothing that the contract leaves open.

use std::collections::BTreeMap;
use std::sync::Arc;

use trading_events_core::bus::{Offer, OfferOptions, Origin, Phase, WhenFull};
use trading_events_core::queue::{Admission, DropReason};
use trading_events_core::routing::SubscriptionId;
use trading_events_core::subscription::{Counts, Delivery, End};
use trading_events_core::topic::Pattern;

use crate::naive_queue::{Item, NaiveQueue};
use crate::naive_wait_queue::{NaiveWaitQueue, Newcomer, Room};

/// Worker of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// None, and there are no events.
    Idle,
    /// None, though there have been events since this step.
    Due { since: usize },
    /// A worker.
    Served,
}

/// A subscription that exists.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, as the contract words it")]
pub(crate) struct Subscription {
    pub(crate) id: SubscriptionId,
    pub(crate) payload: u32,
    pub(crate) pattern: Pattern,
    pub(crate) queue: NaiveQueue,
    pub(crate) counts: Counts,
    /// Events dropped since it was last told, if it is told.
    pub(crate) gap: Option<BTreeMap<Arc<str>, u64>>,
    pub(crate) service: Service,
    pub(crate) in_handler: bool,
    pub(crate) delivery: Delivery,
    pub(crate) is_ending: bool,
    /// True if it ends once it has nothing left, and hears its own handler until then.
    pub(crate) is_draining: bool,
    /// True if an event has exceeded the capacity, or taken a reserved place.
    pub(crate) was_exceeded: bool,
}

impl Subscription {
    pub(crate) fn new(
        id: SubscriptionId,
        (payload, pattern): (u32, Pattern),
        queue: NaiveQueue,
        gap: Option<BTreeMap<Arc<str>, u64>>,
    ) -> Self {
        let (counts, service, delivery) = (Counts::default(), Service::Idle, Delivery::Queued);
        Self {
            id,
            payload,
            pattern,
            queue,
            counts,
            gap,
            service,
            in_handler: false,
            delivery,
            is_ending: false,
            is_draining: false,
            was_exceeded: false,
        }
    }

    pub(crate) fn is_served(&self) -> bool {
        self.service == Service::Served
    }

    /// True if a publisher would call its handler.
    pub(crate) fn is_called_inline(&self) -> bool {
        self.delivery == Delivery::Inline && self.service == Service::Idle && !self.queue.is_paused
    }

    /// Notes that it has events and no worker.
    pub(crate) fn note_service(&mut self, step: usize) {
        self.service = match self.service {
            Service::Served => Service::Served,
            _ if !self.queue.has_next() => Service::Idle,
            Service::Idle => Service::Due { since: step },
            due @ Service::Due { .. } => due,
        };
    }

    pub(crate) fn unfinished(&self) -> u64 {
        self.queue.len() as u64 + u64::from(self.in_handler)
    }

    /// True if it takes events of this origin.
    pub(crate) fn hears_from(&self, origin: Origin) -> bool {
        !self.is_ending || (self.is_draining && origin == Origin::Handler(self.id))
    }
}

/// Results that the contract allows for an offer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    Accepted,
    Wait,
    /// One of these queues is full.
    Full(Vec<SubscriptionId>),
    /// One of these queues is so full that it may refuse, but need not.
    AcceptedOrFull(Vec<SubscriptionId>),
    Closed,
}

impl Allowed {
    pub(crate) fn has(&self, offer: &Offer<u64>) -> bool {
        match (self, offer) {
            (Self::Accepted | Self::AcceptedOrFull(_), Offer::Accepted(_))
            | (Self::Wait, Offer::Wait)
            | (Self::Closed, Offer::Closed) => true,
            (Self::Full(queues) | Self::AcceptedOrFull(queues), Offer::Full(id)) => queues.contains(id),
            _ => false,
        }
    }
}

/// The model.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) wait_queue: NaiveWaitQueue,
    pub(crate) phase: Phase,
    pub(crate) published: u64,
    pub(crate) unrouted: u64,
    pub(crate) retired: Counts,
    pub(crate) shared_workers: usize,
}

/// Tells which queues would take an event.
pub(crate) fn room(subscriptions: &[Subscription]) -> impl Room + '_ {
    |queue, topic, promised| {
        let found = subscriptions.iter().find(|subscription| subscription.id == queue);
        found.is_none_or(|found| found.queue.admission(topic, promised) != Admission::Wait)
    }
}

impl Model {
    pub(crate) fn find(&mut self, id: SubscriptionId) -> Option<&mut Subscription> {
        self.subscriptions.iter_mut().find(|subscription| subscription.id == id)
    }

    pub(crate) fn hearing<'a>(
        &'a self,
        targets: &'a [SubscriptionId],
        origin: Origin,
    ) -> impl Iterator<Item = &'a Subscription> {
        let is_meant = move |found: &&Subscription| found.hears_from(origin) && targets.contains(&found.id);
        self.subscriptions.iter().filter(is_meant)
    }

    /// True if events of this origin are taken: at last only the bus's own, while draining those of insiders, and of
    /// all while it is open.
    fn admits(&self, origin: Origin) -> bool {
        match self.phase {
            Phase::Open => true,
            Phase::Closing => origin != Origin::Publisher,
            Phase::Ending => origin == Origin::Bus,
            Phase::Closed => false,
        }
    }

    /// True if the origin does not matter.
    pub(crate) fn takes_from_all(&self) -> bool {
        self.phase == Phase::Open && !self.subscriptions.iter().any(|found| found.is_draining)
    }

    pub(crate) fn unfinished(&self) -> u64 {
        self.subscriptions.iter().map(Subscription::unfinished).sum()
    }

    /// The subscription that has had events and no worker for the longest time.
    pub(crate) fn longest_due(&self) -> Option<SubscriptionId> {
        let due = |found: &Subscription| match found.service {
            Service::Due { since } => Some((since, found.id)),
            Service::Idle | Service::Served => None,
        };
        self.subscriptions.iter().filter_map(due).min().map(|(_, id)| id)
    }

    /// A publisher as it would join the wait queue: it needs room in every queue that may block.
    pub(crate) fn newcomer(&self, topic: &Arc<str>, targets: &[SubscriptionId]) -> Newcomer {
        let needs = || self.hearing(targets, Origin::Publisher).filter(|subscription| subscription.queue.may_block());
        let takes_room = |subscription: &&Subscription| subscription.queue.position_of(topic).is_none();
        let ids = |some: Vec<&Subscription>| some.into_iter().map(|subscription| subscription.id).collect();
        Newcomer {
            needs: ids(needs().collect()),
            key: ids(needs().filter(takes_room).collect()),
            topic: Arc::clone(topic),
        }
    }

    pub(crate) fn outcome(
        &self,
        topic: &Arc<str>,
        targets: &[SubscriptionId],
        OfferOptions { when_full, origin, .. }: OfferOptions,
    ) -> Allowed {
        if !self.admits(origin) {
            return Allowed::Closed;
        }
        let admission = |found: &Subscription| found.queue.admission(topic, self.wait_queue.promised(found.id));
        let of = |wanted| self.hearing(targets, origin).filter(move |found| admission(found) == wanted);
        let refusing: Vec<_> = of(Admission::Refuse).map(|found| found.id).collect();
        let waiting: Vec<_> = of(Admission::Wait).collect();
        if !refusing.is_empty() && when_full == WhenFull::Wait {
            return Allowed::Full(refusing);
        }
        match when_full {
            WhenFull::Wait => {
                let newcomer = self.newcomer(topic, targets);
                let is_behind = !newcomer.key.is_empty() && self.wait_queue.has_group(&newcomer);
                if waiting.is_empty() && !is_behind { Allowed::Accepted } else { Allowed::Wait }
            }
            WhenFull::Fail => {
                let full: Vec<_> = refusing.into_iter().chain(waiting.iter().map(|found| found.id)).collect();
                if full.is_empty() { Allowed::Accepted } else { Allowed::Full(full) }
            }
            WhenFull::Exceed => self.outcome_exceeding(refusing, &waiting),
        }
    }

    /// A queue refuses at twice the capacity; it may do so if reserved places make up the rest of it.
    fn outcome_exceeding(&self, refusing: Vec<SubscriptionId>, full: &[&Subscription]) -> Allowed {
        let is_twice_full = |found: &&&Subscription| found.queue.waiting.len() >= 2 * found.queue.capacity;
        let may_refuse = |found: &&&Subscription| {
            found.queue.waiting.len() + self.wait_queue.promised(found.id) >= 2 * found.queue.capacity
        };
        let must = !refusing.is_empty() || full.iter().any(|found| is_twice_full(&found));
        let may: Vec<_> = refusing.into_iter().chain(full.iter().filter(may_refuse).map(|found| found.id)).collect();
        match (must, may.is_empty()) {
            (true, _) => Allowed::Full(may),
            (false, true) => Allowed::Accepted,
            (false, false) => Allowed::AcceptedOrFull(may),
        }
    }

    /// Result for a waiter that was woken, but not because the bus closes: only a queue that refuses, or a bus that
    /// closes, may still turn it away.
    pub(crate) fn outcome_of_a_claim(&self, topic: &Arc<str>, targets: &[SubscriptionId], origin: Origin) -> Allowed {
        if !self.admits(origin) {
            return Allowed::Closed;
        }
        let refuses = |found: &&Subscription| found.queue.admission(topic, 0) == Admission::Refuse;
        let full: Vec<_> = self.hearing(targets, origin).filter(refuses).map(|found| found.id).collect();
        if full.is_empty() { Allowed::Accepted } else { Allowed::Full(full) }
    }

    /// Puts an event into all its queues; returns the events dropped for it, and the subscriptions that the publisher
    /// is to serve.
    pub(crate) fn accept(
        &mut self,
        item: &Item,
        targets: &[SubscriptionId],
        OfferOptions { when_full, origin, can_call }: OfferOptions,
    ) -> (Vec<u64>, Vec<SubscriptionId>) {
        let (mut dropped, mut to_serve, mut heard) = (Vec::new(), Vec::new(), false);
        for found in &mut self.subscriptions {
            if !found.hears_from(origin) || !targets.contains(&found.id) {
                continue;
            }
            heard = true;
            found.counts.accepted += 1;
            let promised = self.wait_queue.promised(found.id);
            let (before, capacity) = (found.queue.waiting.len(), found.queue.capacity);
            if let Some((older, reason)) = found.queue.push(item.clone()) {
                found.counts.drop_events(reason, 1);
                dropped.push(older.event);
                found.gap.iter_mut().for_each(|gap| *gap.entry(Arc::clone(&older.topic)).or_default() += 1);
            }
            if when_full == WhenFull::Exceed && found.queue.waiting.len() > before {
                found.counts.over_capacity += u64::from(before >= capacity);
                found.was_exceeded |= before + promised >= capacity;
            }
            if can_call && found.is_called_inline() {
                found.service = Service::Served;
                to_serve.push(found.id);
            }
        }
        self.published += 1;
        self.unrouted += u64::from(!heard);
        (dropped, to_serve)
    }

    pub(crate) fn take(&mut self, id: SubscriptionId) -> Option<u64> {
        let found = self.find(id)?;
        let event = found.queue.pop();
        found.in_handler |= event.is_some();
        event
    }

    /// Returns the subscription's payload, if it has ended with the event.
    pub(crate) fn finish(&mut self, id: SubscriptionId, end: End) -> Option<u32> {
        let found = self.find(id)?;
        found.in_handler = false;
        found.counts.end(end);
        self.retire(id)
    }

    /// Returns the dropped events, and the subscription's payload, if it has ended.
    pub(crate) fn unsubscribe(&mut self, id: SubscriptionId, drain: bool) -> (Vec<u64>, Option<u32>) {
        let Some(found) = self.find(id) else { return (Vec::new(), None) };
        let was_ending = std::mem::replace(&mut found.is_ending, true);
        found.is_draining = drain && (found.is_draining || !was_ending);
        found.queue.is_paused = false;
        let dropped = if drain { Vec::new() } else { discard(found, DropReason::Unsubscribed) };
        if !was_ending {
            self.wait_queue.remove_queue(id);
        }
        (dropped, self.retire(id))
    }

    /// Drops all waiting events, and ends every subscription that was being drained. Returns both.
    pub(crate) fn abandon(&mut self) -> (Vec<u64>, Vec<u32>) {
        self.phase = Phase::Ending;
        let dropped = self.subscriptions.iter_mut().flat_map(|found| discard(found, DropReason::Closed)).collect();
        let ids: Vec<_> = self.subscriptions.iter().map(|found| found.id).collect();
        (dropped, ids.into_iter().filter_map(|id| self.retire(id)).collect())
    }

    fn retire(&mut self, id: SubscriptionId) -> Option<u32> {
        let is_done = |found: &Subscription| found.id == id && found.is_ending && found.unfinished() == 0;
        let position = self.subscriptions.iter().position(is_done)?;
        let ended = self.subscriptions.remove(position);
        self.retired.add(&ended.counts);
        Some(ended.payload)
    }
}

fn discard(found: &mut Subscription, reason: DropReason) -> Vec<u64> {
    let dropped = found.queue.drain();
    found.counts.drop_events(reason, dropped.len() as u64);
    dropped
}
