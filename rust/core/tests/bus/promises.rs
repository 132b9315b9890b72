//! Promises that hold after every step.

use std::sync::Arc;

use trading_events_core::bus::{Offer, OfferOptions, Origin, Phase, WhenFull};
use trading_events_core::filter::TopicInfo;
use trading_events_core::queue::DropReason;
use trading_events_core::subscription::{Counts, Totals};
use trading_events_core::topic::Topic;

use crate::model::{Model, Subscription, room};
use crate::pair::Pair;
use crate::rows::number_of;
use crate::steps::TOPICS;

/// Event types of the topics, each that of the class of its number.
const TYPES: [&str; TOPICS] = ["t0", "t1", "t2", "t3"];

/// Topic information for the events of a topic.
pub(crate) fn info(number: usize) -> TopicInfo<'static> {
    TopicInfo { event_type: TYPES[number], lineage: &[], exchange: Some("x"), symbol: Some("A") }
}

fn parts(number: usize) -> Topic<'static> {
    Topic { event_type: TYPES[number], exchange: "x", symbol: "A" }
}

/// Text of a topic.
pub(crate) fn topic(number: usize) -> Arc<str> {
    parts(number).text().into()
}

impl Subscription {
    /// True if events of a topic are routed to it.
    pub(crate) fn hears(&self, number: usize) -> bool {
        !self.is_ending && self.pattern.matches(&parts(number))
    }
}

impl Pair {
    pub(crate) fn check(&mut self) {
        let Model { subscriptions, wait_queue, .. } = &self.model;
        wait_queue.assert_nobody_waits_who_can_proceed(&room(subscriptions));
        self.check_totals();
        self.check_subscriptions();
        self.check_history();
        self.check_routes();
    }

    fn check_totals(&self) {
        let (bus, model) = (&self.bus, &self.model);
        assert_eq!((bus.phase(), bus.takes_from_all()), (model.phase, model.takes_from_all()));
        assert_eq!(bus.unfinished(), model.unfinished());
        assert_eq!(bus.publishers_waiting(), model.wait_queue.waiters.len());
        let Model { published, unrouted, retired, .. } = *model;
        assert_eq!(bus.totals, Totals { published, unrouted, abandoned: 0, retired });
    }

    fn check_subscriptions(&self) {
        let standing: Vec<_> = self.bus.subscriptions().iter().map(|(id, _)| id).collect();
        assert_eq!(standing, self.model.subscriptions.iter().map(|found| found.id).collect::<Vec<_>>());
        for model in &self.model.subscriptions {
            let found = self.bus.subscriptions().get(model.id).unwrap();
            assert_eq!((found.payload, found.counts), (model.payload, model.counts));
            assert_eq!((found.queue.len(), found.queue.is_paused()), (model.queue.len(), model.queue.is_paused));
            assert_eq!(found.queue.high_water(), model.queue.high_water);
            assert_eq!((found.unfinished(), found.is_served()), (model.unfinished(), model.is_served()));
            assert_eq!(found.is_draining(), model.is_draining);
            assert_eq!(found.has_ended(), model.is_ending && model.queue.len() == 0);
            assert_accounts(&found.counts, found.unfinished());
            assert_bounded(model);
        }
        assert_accounts(&self.bus.totals.retired, 0);
    }

    fn check_history(&self) {
        let kept = self.bus.history.iter().flat_map(|history| history.events().share(|event| *event));
        assert!(kept.map(number_of).eq(self.history.iter().copied()), "the newest events are kept");
    }

    fn check_routes(&mut self) {
        for number in 0..TOPICS {
            let route = self.bus.route(number, &info(number));
            let hearing = self.model.subscriptions.iter().filter(|found| found.hears(number));
            let ids: Vec<_> = hearing.map(|found| found.id).collect();
            assert_eq!(route.unconditional(), Some(&*ids));
        }
    }

    /// No event waits, and no publisher.
    pub(crate) fn assert_idle(&self) {
        assert_eq!((self.bus.unfinished(), self.bus.publishers_waiting()), (0, 0), "{:#?}", self.model);
    }

    /// Every queue takes just as many events as its capacity: no place is reserved for nobody.
    pub(crate) fn fill_up(&mut self) {
        if self.model.phase != Phase::Open {
            return;
        }
        for found in self.model.subscriptions.iter().filter(|found| !found.is_ending) {
            for number in 0..=found.queue.capacity {
                let topic: Arc<str> = format!("events.new.x.{number}").into();
                let offer = self.bus.publish(
                    &topic,
                    &[found.id],
                    OfferOptions { when_full: WhenFull::Fail, origin: Origin::Publisher, can_call: false },
                    || 0,
                );
                match offer {
                    Offer::Accepted(_) => assert!(found.queue.drops() || number < found.queue.capacity),
                    refused => assert_eq!((refused, number), (Offer::Full(found.id), found.queue.capacity)),
                }
            }
        }
    }
}

fn assert_accounts(counts: &Counts, unfinished: u64) {
    let dropped: u64 = DropReason::ALL.iter().map(|reason| counts.dropped[*reason as usize]).sum();
    assert_eq!(counts.accepted, counts.handled + counts.failed + dropped + unfinished);
}

/// Only events that may exceed the capacity go beyond the one place that the head may have.
fn assert_bounded(model: &Subscription) {
    let extra = usize::from(model.queue.may_block());
    let waiting = model.queue.waiting.len();
    assert!(model.was_exceeded || waiting <= model.queue.capacity + extra, "{waiting} wait: {model:#?}");
}
