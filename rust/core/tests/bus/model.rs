//! The bus as the contract words it. It decides nothing that the contract leaves open.

use std::collections::BTreeMap;
use std::sync::Arc;

use trading_events_core::admission::{Manner, Offer, Patience, Speaker};
use trading_events_core::closing::Phase;
use trading_events_core::pattern::Pattern;
use trading_events_core::queue::{Loss, Overflow, Verdict};
use trading_events_core::registry::SubscriptionId;
use trading_events_core::stats::{Counts, End};
use trading_events_core::subscription::Delivery;

use crate::naive_line::{NaiveLine, Newcomer, Room};
use crate::naive_queue::{Item, NaiveQueue};

/// Who sees to a subscription's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Nobody: there are none.
    Idle,
    /// Nobody, though there have been some since this step.
    Due { since: usize },
    /// A worker.
    Served,
}

/// A subscription that stands.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, as the contract words it")]
pub(crate) struct Subscription {
    pub(crate) id: SubscriptionId,
    pub(crate) payload: u32,
    pub(crate) pattern: Pattern,
    pub(crate) queue: NaiveQueue,
    pub(crate) counts: Counts,
    /// What it lost since it was last told, if it wants to be told.
    pub(crate) gap: Option<BTreeMap<Arc<str>, u64>>,
    pub(crate) service: Service,
    pub(crate) in_handler: bool,
    pub(crate) delivery: Delivery,
    pub(crate) is_ending: bool,
    /// Whether it does so once it has nothing left, and hears its own handler until then.
    pub(crate) is_draining: bool,
    /// Whether an urgent event has taken a place beyond the capacity, or one that had been promised.
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

    /// Whether a publisher would call its handler.
    pub(crate) fn is_called_at_once(&self) -> bool {
        self.delivery == Delivery::Inline && self.service == Service::Idle && !self.queue.is_held
    }

    /// Notes whether it has events and nobody sees to them.
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

    /// Whether it hears what somebody says.
    pub(crate) fn hears_from(&self, speaker: Speaker) -> bool {
        !self.is_ending || (self.is_draining && speaker == Speaker::Handler(self.id))
    }

    pub(crate) fn blocks(&self) -> bool {
        matches!(self.queue.overflow, Overflow::Block | Overflow::Conflate)
    }
}

/// What may become of an offer.
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
    pub(crate) line: NaiveLine,
    pub(crate) phase: Phase,
    pub(crate) published: u64,
    pub(crate) unrouted: u64,
    pub(crate) retired: Counts,
    pub(crate) leaders: usize,
}

/// Whether a subscription's queue would take an event.
pub(crate) fn room(subscriptions: &[Subscription]) -> impl Room + '_ {
    |queue, topic, promised| {
        let found = subscriptions.iter().find(|subscription| subscription.id == queue);
        found.is_none_or(|found| found.queue.verdict(topic, promised) != Verdict::Wait)
    }
}

impl Model {
    pub(crate) fn find(&mut self, id: SubscriptionId) -> Option<&mut Subscription> {
        self.subscriptions.iter_mut().find(|subscription| subscription.id == id)
    }

    pub(crate) fn hearing<'a>(
        &'a self,
        targets: &'a [SubscriptionId],
        speaker: Speaker,
    ) -> impl Iterator<Item = &'a Subscription> {
        let is_meant = move |found: &&Subscription| found.hears_from(speaker) && targets.contains(&found.id);
        self.subscriptions.iter().filter(is_meant)
    }

    /// Who is heard: to the last the bus itself, until the end of draining those inside, and only while it is open all.
    fn admits(&self, speaker: Speaker) -> bool {
        match self.phase {
            Phase::Open => true,
            Phase::Closing => speaker != Speaker::Publisher,
            Phase::Ending => speaker == Speaker::Bus,
            Phase::Closed => false,
        }
    }

    /// Whether it does not matter who speaks.
    pub(crate) fn takes_from_all(&self) -> bool {
        self.phase == Phase::Open && !self.subscriptions.iter().any(|found| found.is_draining)
    }

    pub(crate) fn unfinished(&self) -> u64 {
        self.subscriptions.iter().map(Subscription::unfinished).sum()
    }

    /// Who has had events for the longest time with nobody to see to them.
    pub(crate) fn longest_due(&self) -> Option<SubscriptionId> {
        let due = |found: &Subscription| match found.service {
            Service::Due { since } => Some((since, found.id)),
            Service::Idle | Service::Served => None,
        };
        self.subscriptions.iter().filter_map(due).min().map(|(_, id)| id)
    }

    /// A publisher as it would stand in line: it needs room in every queue that may make it wait.
    pub(crate) fn newcomer(&self, topic: &Arc<str>, targets: &[SubscriptionId]) -> Newcomer {
        let needs = || self.hearing(targets, Speaker::Publisher).filter(|subscription| subscription.blocks());
        let takes_place = |subscription: &&Subscription| subscription.queue.place_of(topic).is_none();
        let ids = |some: Vec<&Subscription>| some.into_iter().map(|subscription| subscription.id).collect();
        Newcomer {
            needs: ids(needs().collect()),
            set: ids(needs().filter(takes_place).collect()),
            topic: Arc::clone(topic),
        }
    }

    pub(crate) fn outcome(
        &self,
        topic: &Arc<str>,
        targets: &[SubscriptionId],
        Manner { patience, speaker, .. }: Manner,
    ) -> Allowed {
        if !self.admits(speaker) {
            return Allowed::Closed;
        }
        let verdict = |found: &Subscription| found.queue.verdict(topic, self.line.promised(found.id));
        let of = |wanted| self.hearing(targets, speaker).filter(move |found| verdict(found) == wanted);
        let refusing: Vec<_> = of(Verdict::Refuse).map(|found| found.id).collect();
        let waiting: Vec<_> = of(Verdict::Wait).collect();
        if !refusing.is_empty() && patience == Patience::Waits {
            return Allowed::Full(refusing);
        }
        match patience {
            Patience::Waits => {
                let newcomer = self.newcomer(topic, targets);
                let is_behind = !newcomer.set.is_empty() && self.line.has_like(&newcomer);
                if waiting.is_empty() && !is_behind { Allowed::Accepted } else { Allowed::Wait }
            }
            Patience::None => {
                let full: Vec<_> = refusing.into_iter().chain(waiting.iter().map(|found| found.id)).collect();
                if full.is_empty() { Allowed::Accepted } else { Allowed::Full(full) }
            }
            Patience::Urgent => self.urgent_outcome(refusing, &waiting),
        }
    }

    /// At twice the capacity a queue refuses; where promised places make up the rest of it, it may.
    fn urgent_outcome(&self, refusing: Vec<SubscriptionId>, full: &[&Subscription]) -> Allowed {
        let is_twice_full = |found: &&&Subscription| found.queue.waiting.len() >= 2 * found.queue.capacity;
        let may_refuse = |found: &&&Subscription| {
            found.queue.waiting.len() + self.line.promised(found.id) >= 2 * found.queue.capacity
        };
        let must = !refusing.is_empty() || full.iter().any(|found| is_twice_full(&found));
        let may: Vec<_> = refusing.into_iter().chain(full.iter().filter(may_refuse).map(|found| found.id)).collect();
        match (must, may.is_empty()) {
            (true, _) => Allowed::Full(may),
            (false, true) => Allowed::Accepted,
            (false, false) => Allowed::AcceptedOrFull(may),
        }
    }

    /// What becomes of one who has been called, not because the bus closes: only a queue that raises, or a bus that closes,
    /// may still turn it away.
    pub(crate) fn outcome_of_coming(&self, topic: &Arc<str>, targets: &[SubscriptionId], speaker: Speaker) -> Allowed {
        if !self.admits(speaker) {
            return Allowed::Closed;
        }
        let refuses = |found: &&Subscription| found.queue.verdict(topic, 0) == Verdict::Refuse;
        let full: Vec<_> = self.hearing(targets, speaker).filter(refuses).map(|found| found.id).collect();
        if full.is_empty() { Allowed::Accepted } else { Allowed::Full(full) }
    }

    /// Puts an event into all its queues; returns what is lost by it, and whose handlers the publisher is to call.
    pub(crate) fn accept(
        &mut self,
        item: &Item,
        targets: &[SubscriptionId],
        Manner { patience, speaker, can_call }: Manner,
    ) -> (Vec<u64>, Vec<SubscriptionId>) {
        let (mut lost, mut calls, mut heard) = (Vec::new(), Vec::new(), false);
        for found in &mut self.subscriptions {
            if !found.hears_from(speaker) || !targets.contains(&found.id) {
                continue;
            }
            heard = true;
            found.counts.accepted += 1;
            let promised = self.line.promised(found.id);
            let (before, capacity) = (found.queue.waiting.len(), found.queue.capacity);
            if let Some((older, why)) = found.queue.push(item.clone()) {
                found.counts.lose(why, 1);
                lost.push(older.event);
                found.gap.iter_mut().for_each(|gap| *gap.entry(Arc::clone(&older.topic)).or_default() += 1);
            }
            if patience == Patience::Urgent && found.queue.waiting.len() > before {
                found.counts.over_capacity += u64::from(before >= capacity);
                found.was_exceeded |= before + promised >= capacity;
            }
            if can_call && found.is_called_at_once() {
                found.service = Service::Served;
                calls.push(found.id);
            }
        }
        self.published += 1;
        self.unrouted += u64::from(!heard);
        (lost, calls)
    }

    pub(crate) fn take(&mut self, id: SubscriptionId) -> Option<u64> {
        let found = self.find(id)?;
        let event = found.queue.pop();
        found.in_handler |= event.is_some();
        event
    }

    /// Returns what the subscription was entered with, if it has ended with that.
    pub(crate) fn finish(&mut self, id: SubscriptionId, end: End) -> Option<u32> {
        let found = self.find(id)?;
        found.in_handler = false;
        found.counts.end(end);
        self.retire(id)
    }

    /// Returns the events that are lost, and what the subscription was entered with, if it has ended.
    pub(crate) fn unsubscribe(&mut self, id: SubscriptionId, drain: bool) -> (Vec<u64>, Option<u32>) {
        let Some(found) = self.find(id) else { return (Vec::new(), None) };
        let was_ending = std::mem::replace(&mut found.is_ending, true);
        found.is_draining = drain && (found.is_draining || !was_ending);
        found.queue.is_held = false;
        let lost = if drain { Vec::new() } else { discard(found, Loss::Unsubscribed) };
        if !was_ending {
            self.line.forget_queue(id);
        }
        (lost, self.retire(id))
    }

    /// All that waits is given up, and every subscription that was only to be drained ends. Returns both.
    pub(crate) fn abandon(&mut self) -> (Vec<u64>, Vec<u32>) {
        self.phase = Phase::Ending;
        let lost = self.subscriptions.iter_mut().flat_map(|found| discard(found, Loss::Closed)).collect();
        let ids: Vec<_> = self.subscriptions.iter().map(|found| found.id).collect();
        (lost, ids.into_iter().filter_map(|id| self.retire(id)).collect())
    }

    fn retire(&mut self, id: SubscriptionId) -> Option<u32> {
        let is_done = |found: &Subscription| found.id == id && found.is_ending && found.unfinished() == 0;
        let place = self.subscriptions.iter().position(is_done)?;
        let ended = self.subscriptions.remove(place);
        self.retired.add(&ended.counts);
        Some(ended.payload)
    }
}

fn discard(found: &mut Subscription, why: Loss) -> Vec<u64> {
    let lost = found.queue.drain();
    found.counts.lose(why, lost.len() as u64);
    lost
}
