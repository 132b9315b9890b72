//! A bus and its model, which take every step together.

use std::collections::{BTreeMap, BTreeSet};

use trading_events_core::bus::{
    Accepted, Bus, Offer, OfferOptions, Origin, Phase, Position, SubscribeOptions, Ticket, WhenFull,
};
use trading_events_core::queue::{History, Overflow};
use trading_events_core::routing::{Interest, Selector, SubscriptionId};
use trading_events_core::subscription::Delivery;
use trading_events_core::topic::Pattern;

use crate::model::{Allowed, Model, Service, Subscription, room};
use crate::naive_queue::{Item, NaiveQueue};
use crate::promises::{info, topic};
use crate::rows::{number_of, row_of};
use crate::steps::{Event, Step, Voice};

mod catching_up;
mod serving;

/// State of a waiting publisher.
#[derive(Debug)]
struct Parcel {
    origin: Origin,
    item: Item,
    targets: Vec<SubscriptionId>,
}

/// A bus and its model.
#[derive(Debug, Default)]
pub(crate) struct Pair {
    pub(crate) bus: Bus<u64, u32, u64>,
    pub(crate) model: Model,
    pub(crate) steps: usize,
    parcels: BTreeMap<Ticket, Parcel>,
    /// Every id ever given out.
    ids: Vec<SubscriptionId>,
    events: u64,
    tokens: u64,
    /// An event that is still to be packed, and its positions.
    to_pack: Option<(u64, Vec<Position>)>,
    /// Events of the history, if there is one.
    pub(crate) history: Vec<u64>,
}

const PUBLISHER: Origin = Origin::Publisher;

impl Pair {
    /// A bus that keeps so many events in its history.
    pub(crate) fn keeping(events: usize) -> Self {
        let mut pair = Self::default();
        pair.bus.history = (events > 0).then(|| History::new(events));
        pair
    }

    /// Takes a step and checks that both agree.
    pub(crate) fn step(&mut self, step: &Step) {
        self.steps += 1;
        assert!(self.steps < 10_000, "everything comes to an end");
        match step {
            Step::Subscribe { capacity, overflow, tells_gaps, delivery, pattern, is_paused } => {
                self.subscribe((*capacity, *overflow), (*tells_gaps, *is_paused), *delivery, pattern);
            }
            Step::Preload { which, count } => self.preload(*which, *count),
            Step::Resume { which } => self.resume(*which),
            Step::Unsubscribe { which, drain } => self.unsubscribe(*which, *drain),
            Step::Publish { event } => self.publish(*event, WhenFull::Wait),
            Step::PublishNowait { event } => self.publish(*event, WhenFull::Fail),
            Step::PublishExceeding { event } => self.publish(*event, WhenFull::Exceed),
            Step::PublishAtOnce { topic, can_call } => self.publish_at_once(*topic, *can_call),
            Step::Claim { which } => self.claim(*which, true),
            Step::ClaimUnwoken { which } => self.claim(*which, false),
            Step::GiveUp { which } => self.give_up(*which),
            Step::StartShared => self.start_shared(),
            Step::LeaveShared => self.leave_shared(),
            Step::Serve => self.serve(),
            Step::Take { which } => self.take(*which),
            Step::Finish { which, end } => self.finish(*which, *end),
            Step::TakeNext { which } => self.take_next(*which),
            Step::Release { which } => self.release(*which),
            Step::TakeGap { which } => self.take_gap(*which),
            Step::Close => self.close(),
            Step::Abandon => self.abandon(),
        }
        self.check_both();
    }

    /// Woken publishers were rightly woken, and bus and model agree.
    fn check_both(&mut self) {
        let Model { subscriptions, wait_queue, .. } = &mut self.model;
        wait_queue.note_free(&room(subscriptions));
        let tokens: BTreeSet<u64> = self.bus.tokens().copied().collect();
        let uncalled = wait_queue.waiters.iter().filter(|waiter| waiter.reserved.is_none());
        assert_eq!(tokens, uncalled.map(|waiter| waiter.token).collect(), "every token is kept until it is given back");
        for token in self.bus.take_woken() {
            wait_queue.wake(token, &room(subscriptions));
        }
        for found in subscriptions {
            found.note_service(self.steps);
        }
        self.check();
    }

    fn subscribe(
        &mut self,
        (capacity, overflow): (usize, Overflow),
        (tells_gaps, is_paused): (bool, bool),
        delivery: Delivery,
        pattern: &str,
    ) {
        if self.model.subscriptions.len() >= 5 {
            return;
        }
        let payload = u32::try_from(self.steps).unwrap();
        self.bus.live_limit = self.steps % 3;
        let pattern = Pattern::parse(pattern).unwrap();
        let interest = Interest { selector: Selector::Matching(pattern.clone()), filter: None };
        let version = self.bus.routes_version();
        let id = self.bus.subscribe(SubscribeOptions { payload, interest, capacity, overflow, tells_gaps, delivery });
        if is_paused {
            self.bus.pause(id);
        }
        let catching_up_since = if is_paused { vec![id] } else { Vec::new() };
        assert_eq!(
            (self.bus.is_any_catching_up_since(version), self.bus.catching_up_since(version)),
            (is_paused, catching_up_since)
        );
        assert!(!self.ids.contains(&id), "no id is given out twice");
        self.ids.push(id);
        let position = self.model.subscriptions.partition_point(|other| other.id < id);
        let gap = tells_gaps.then(BTreeMap::new);
        let queue = NaiveQueue { is_paused, ..NaiveQueue::new(capacity, overflow) };
        let subscription = Subscription { delivery, ..Subscription::new(id, (payload, pattern), queue, gap) };
        self.model.subscriptions.insert(position, subscription);
    }

    fn unsubscribe(&mut self, which: usize, drain: bool) {
        if self.ids.is_empty() {
            return;
        }
        let id = self.ids[which % self.ids.len()];
        let discarded = self.bus.unsubscribe(id, drain);
        let events = discarded.events.map(number_of).collect();
        assert_eq!((events, discarded.ended), self.model.unsubscribe(id, drain));
    }

    /// Existing subscriptions come first, so that small numbers name them; then ended ones.
    fn targets(&self, mask: u8) -> Vec<SubscriptionId> {
        let standing = self.model.subscriptions.iter().map(|found| found.id);
        let ended = self.ids.iter().rev().copied().filter(|id| self.bus.subscriptions().get(*id).is_none());
        let named = standing.chain(ended).zip(0..8).filter(|(_, bit)| mask & (1 << bit) != 0);
        let mut targets: Vec<SubscriptionId> = named.map(|(id, _)| id).collect();
        targets.sort_unstable();
        targets
    }

    fn new_item(&mut self, number: usize) -> Item {
        self.events += 1;
        Item { event: self.events, topic: topic(number) }
    }

    fn origin(&self, voice: Voice) -> Origin {
        let handler = |which| self.pick(which, |_| true).map_or(PUBLISHER, Origin::Handler);
        match voice {
            Voice::Publisher => PUBLISHER,
            Voice::Handler(which) => handler(which),
            Voice::Insider => Origin::Insider,
            Voice::Bus => Origin::Bus,
        }
    }

    fn publish(&mut self, event: Event, when_full: WhenFull) {
        let origin = self.origin(event.voice);
        let options = OfferOptions { when_full, origin, can_call: event.can_call };
        let (item, targets) = (self.new_item(event.topic), self.targets(event.targets));
        let allowed = self.model.outcome(&item.topic, &targets, options);
        let offer = self.bus.publish(&item.topic, &targets, options, || item.event);
        self.assert_allowed(&allowed, &offer);
        match offer {
            Offer::Accepted(accepted) => self.accepted(&item, &targets, options, accepted),
            Offer::Wait => self.wait(item, targets, origin),
            Offer::Full(_) | Offer::Closed => {}
        }
    }

    fn assert_allowed(&self, allowed: &Allowed, offer: &Offer<u64>) {
        assert!(allowed.has(offer), "{allowed:?}, not {offer:?}: {:#?}", self.model);
    }

    fn accepted(&mut self, item: &Item, targets: &[SubscriptionId], options: OfferOptions, accepted: Accepted<u64>) {
        let (mut dropped, mut to_serve) = self.model.accept(item, targets, options);
        if self.model.phase != Phase::Open {
            // Dropped events may have left a subscription in the ready list.
            let is_listed = |id: &SubscriptionId| !accepted.to_serve.contains(id);
            to_serve
                .extract_if(.., |id| is_listed(id))
                .for_each(|id| self.model.find(id).unwrap().service = Service::Idle);
        }
        if let Some(history) = &self.bus.history {
            self.history.push(item.event);
            dropped.extend((self.history.len() > history.capacity()).then(|| self.history.remove(0)));
        }
        assert!(accepted.dropped.into_iter().map(number_of).eq(dropped), "what is lost is told");
        self.pack();
        self.to_pack = Some((item.event, accepted.to_pack));
        if !item.event.is_multiple_of(3) {
            self.pack();
        }
        assert_eq!(
            accepted.to_serve.into_vec(),
            to_serve,
            "an inline subscription is served by its publisher if nobody else does"
        );
    }

    /// Packs the event that was accepted last, wherever it is still stored.
    fn pack(&mut self) {
        if let Some((event, places)) = self.to_pack.take() {
            let packed = self.bus.pack(&places, &row_of(event), |waiting| *waiting == event);
            assert!(packed.iter().all(|found| *found == event), "no other event gives way");
        }
    }

    fn wait(&mut self, item: Item, targets: Vec<SubscriptionId>, origin: Origin) {
        self.tokens += 1;
        let newcomer = self.model.newcomer(&item.topic, &targets);
        let ticket = self.bus.wait(&item.topic, &targets, self.tokens);
        self.model.wait_queue.join(ticket, &newcomer, self.tokens);
        self.parcels.insert(ticket, Parcel { origin, item, targets });
    }

    /// Publishes along the bus's own route; the fast path is taken exactly where it applies.
    fn publish_at_once(&mut self, number: usize, can_call: bool) {
        let item = self.new_item(number);
        let hearing = self.model.subscriptions.iter().filter(|found| found.hears(number));
        let targets: Vec<SubscriptionId> = hearing.map(|found| found.id).collect();
        let options = OfferOptions { when_full: WhenFull::Fail, origin: PUBLISHER, can_call };
        let allowed = self.model.outcome(&item.topic, &targets, options);
        let needs_none = |found: &Subscription| found.is_served() || (can_call && found.is_called_inline());
        let needs_no_worker = self.model.hearing(&targets, PUBLISHER).all(needs_none);
        let is_awake = (self.model.shared_workers > 0 || needs_no_worker) && self.model.wait_queue.waiters.is_empty();
        let route = self.bus.route(number, &info(number));
        let takes_fast_path =
            self.model.takes_from_all() && is_awake && allowed == Allowed::Accepted && !self.bus.publishing_is_spent();
        let mut accepted = Accepted::default();
        let by_one = match route.unconditional() {
            Some([target]) => self.bus.try_publish_to_one(*target, can_call, || item.event, &mut accepted),
            _ => false,
        };
        assert!(takes_fast_path || !by_one, "no way is shorter than that");
        assert_eq!(by_one || self.bus.try_publish(&route, can_call, || item.event, &mut accepted), takes_fast_path);
        if takes_fast_path {
            self.accepted(&item, &targets, options, accepted);
        }
    }

    fn waiting(&self, which: usize, woken: Option<bool>) -> Option<Ticket> {
        let is_fit = |places: bool| woken.is_none_or(|woken| woken == places);
        let fit = self.model.wait_queue.waiters.iter().filter(|waiter| is_fit(waiter.reserved.is_some()));
        let tickets: Vec<Ticket> = fit.map(|waiter| waiter.ticket).collect();
        (!tickets.is_empty()).then(|| tickets[which % tickets.len()])
    }

    fn claim(&mut self, which: usize, woken: bool) {
        let Some(ticket) = self.waiting(which, Some(woken)) else { return };
        let Parcel { origin, item, targets } = self.parcels.remove(&ticket).unwrap();
        let waiter = self.model.wait_queue.leave(ticket).unwrap();
        let allowed = match woken {
            true if waiter.is_dismissed => Allowed::Closed,
            true => self.model.outcome_of_a_claim(&item.topic, &targets, origin),
            false => Allowed::Wait,
        };
        let offer = self.bus.claim(ticket, &item.topic, &targets, origin, || item.event);
        self.assert_allowed(&allowed, &offer);
        if let Offer::Accepted(accepted) = offer {
            let options = OfferOptions { when_full: WhenFull::Wait, origin, can_call: true };
            self.accepted(&item, &targets, options, accepted);
        }
    }

    fn give_up(&mut self, which: usize) {
        let Some(ticket) = self.waiting(which, None) else { return };
        self.parcels.remove(&ticket);
        let waiter = self.model.wait_queue.leave(ticket).unwrap();
        let token = waiter.reserved.is_none().then_some(waiter.token);
        assert_eq!(self.bus.give_up(ticket), token, "a token is given back once");
    }

    fn close(&mut self) {
        self.bus.close();
        if self.model.phase == Phase::Open {
            self.model.phase = Phase::Closing;
            assert_eq!(self.bus.take_woken(), self.model.wait_queue.dismiss());
        }
    }

    fn abandon(&mut self) {
        if self.model.phase != Phase::Open {
            let abandoned = self.bus.abandon();
            let events = abandoned.events.into_iter().flatten().map(number_of).collect();
            assert_eq!((events, abandoned.ended), self.model.abandon());
            assert_eq!(self.bus.take_woken(), self.model.wait_queue.dismiss());
        }
    }
}
