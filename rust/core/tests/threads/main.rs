//! Publishing threads and the loop share the bus behind a lock, and wake-ups. The loop and its workers are modelled as
//! the seam drives them, and may be interrupted wherever they do not hold the lock.

mod event_loop;
mod publisher;

use std::sync::Arc;

use event_loop::EventLoop;
use publisher::{Event, Publisher, Shared, TestBus};
use shuttle::rand::Rng;
use shuttle::sync::atomic::Ordering;
use shuttle::sync::mpsc::{Sender, channel};
use shuttle::{rand, thread};
use trading_events_core::bus::{Offer, OfferOptions, Origin, SubscribeOptions, WhenFull};
use trading_events_core::queue::{Overflow, Stored};
use trading_events_core::routing::{Interest, Selector, SubscriptionId};
use trading_events_core::subscription::Delivery;

/// Number of schedules of each model.
const SCHEDULES: usize = 2_000;

fn subscribe(bus: &mut TestBus, overflow: Overflow, capacity: usize) -> SubscriptionId {
    let interest = Interest { selector: Selector::Class(0), filter: None };
    bus.subscribe(SubscribeOptions {
        payload: (),
        interest,
        capacity,
        overflow,
        tells_gaps: false,
        delivery: Delivery::Queued,
    })
}

const THREADS: usize = 3;
const EVENTS: usize = 3;

/// Publishes from several threads to one queue, to the other and to both; returns the events that each queue has
/// accepted, in each publisher's order.
fn publish_from_threads(
    shared: &Arc<Shared>,
    event_loop: &Sender<usize>,
    ids: [SubscriptionId; 2],
    origin: Origin,
) -> Vec<thread::JoinHandle<Vec<(SubscriptionId, Event)>>> {
    let start = |number| {
        let publisher =
            Publisher { shared: Arc::clone(shared), event_loop: event_loop.clone(), when_full: WhenFull::Fail, origin };
        thread::spawn(move || {
            let targets = [&ids[..1], &ids[1..], &ids[..]];
            let mut accepted = Vec::new();
            for event in (0..EVENTS).map(|event| (number, event)) {
                let targets = targets[(number + event.1) % targets.len()];
                if matches!(publisher.publish("t", targets, event), Offer::Accepted(_)) {
                    accepted.extend(targets.iter().map(|id| (*id, event)));
                }
            }
            accepted
        })
    };
    (0..THREADS).map(start).collect()
}

fn assert_all_handled(event_loop: &EventLoop, accepted: Vec<Vec<(SubscriptionId, Event)>>) {
    assert_eq!((event_loop.shared.lock().unfinished(), event_loop.workers.len()), (0, 0), "nothing is left behind");
    for (number, accepted) in accepted.into_iter().enumerate() {
        let mut handled = event_loop.handled.clone();
        handled.retain(|(_, (publisher, _))| *publisher == number);
        handled.sort_by_key(|(id, (_, event))| (*event, *id));
        assert_eq!(handled, accepted, "each accepted event once");
    }
    for id in event_loop.shared.lock().subscriptions().iter().map(|(id, _)| id) {
        for number in 0..THREADS {
            let mine = |(queue, event): &(SubscriptionId, Event)| *queue == id && event.0 == number;
            let numbers = event_loop.handled.iter().filter(|one| mine(one)).map(|(_, (_, event))| event);
            assert!(numbers.is_sorted(), "in each publisher's order");
        }
    }
}

#[test]
fn every_event_that_a_thread_was_told_of_as_accepted_is_handled() {
    let model = || {
        let mut bus = TestBus::default();
        let ids = [usize::MAX, 2].map(|capacity| subscribe(&mut bus, Overflow::Block, capacity));
        let shared = Shared::new(bus);
        let mut event_loop = EventLoop::new(&shared);
        let (sender, receiver) = channel();
        let publishers = publish_from_threads(&shared, &sender, ids, Origin::Publisher);
        drop(sender);
        event_loop.run(&receiver);
        assert_all_handled(&event_loop, publishers.into_iter().map(|one| one.join().unwrap()).collect());
    };
    shuttle::check_random(model, SCHEDULES);
    shuttle::check_pct(model, SCHEDULES, 3);
}

#[test]
fn what_threads_have_published_before_the_bus_was_closed_is_handled() {
    shuttle::check_random(
        || {
            let mut bus = TestBus::default();
            let ids = [(); 2].map(|()| subscribe(&mut bus, Overflow::Block, usize::MAX));
            let shared = Shared::new(bus);
            let mut event_loop = EventLoop::new(&shared);
            event_loop.closes_after = Some(rand::thread_rng().gen_range(0..6));
            let (sender, receiver) = channel();
            let publishers = publish_from_threads(&shared, &sender, ids, Origin::Publisher);
            drop(sender);
            event_loop.run(&receiver);
            assert_all_handled(&event_loop, publishers.into_iter().map(|one| one.join().unwrap()).collect());
        },
        SCHEDULES,
    );
}

/// Threads that a handler has started are heard while the bus closes, and closing must not overlook their events.
#[test]
fn what_threads_of_handlers_publish_while_the_bus_closes_is_handled_before_it_is_closed_or_refused() {
    shuttle::check_random(
        || {
            let mut bus = TestBus::default();
            let ids = [(); 2].map(|()| subscribe(&mut bus, Overflow::Block, usize::MAX));
            let shared = Shared::new(bus);
            let mut event_loop = EventLoop::new(&shared);
            event_loop.closes_after = Some(rand::thread_rng().gen_range(0..6));
            let (sender, receiver) = channel();
            let publishers = publish_from_threads(&shared, &sender, ids, Origin::Insider);
            drop(sender);
            event_loop.run(&receiver);
            assert_all_handled(&event_loop, publishers.into_iter().map(|one| one.join().unwrap()).collect());
            let sealed_after = event_loop.sealed_after.unwrap_or(event_loop.handled.len());
            assert_eq!(sealed_after, event_loop.handled.len(), "nothing is handled after the bus was closed");
        },
        SCHEDULES,
    );
}

#[test]
fn a_burst_from_threads_posts_one_wake_up() {
    shuttle::check_random(
        || {
            let mut bus = TestBus::default();
            let ids = [(); 2].map(|()| subscribe(&mut bus, Overflow::Block, usize::MAX));
            let shared = Shared::new(bus);
            let (sender, receiver) = channel();
            let publishers = publish_from_threads(&shared, &sender, ids, Origin::Publisher);
            drop(sender);
            let accepted: Vec<_> = publishers.into_iter().map(|one| one.join().unwrap()).collect();
            assert_eq!(shared.posted.load(Ordering::SeqCst), 1);
            let mut event_loop = EventLoop::new(&shared);
            event_loop.run(&receiver);
            assert_all_handled(&event_loop, accepted);
        },
        SCHEDULES,
    );
}

/// A thread that a handler has started publishes beyond the capacity an event that the waiter's would only replace.
#[test]
fn one_who_waits_is_woken_by_a_thread_that_makes_way_though_no_handler_ever_ends() {
    shuttle::check_random(
        || {
            let mut bus = TestBus::default();
            let ids = vec![subscribe(&mut bus, Overflow::Conflate, 1)];
            let waits = OfferOptions { when_full: WhenFull::Wait, origin: Origin::Publisher, can_call: true };
            let offer = |bus: &mut TestBus, topic| bus.publish(&Arc::from(topic), &ids, waits, || (0, 0));
            assert!(matches!(offer(&mut bus, "a"), Offer::Accepted(_)));
            assert_eq!(
                (bus.start_first_shared(), bus.next_ready(), bus.take(ids[0])),
                (1, Some(ids[0]), Some(Stored::Live((0, 0))))
            );
            assert!(matches!(offer(&mut bus, "a"), Offer::Accepted(_)));
            assert_eq!(offer(&mut bus, "b"), Offer::Wait);
            let ticket = bus.wait(&Arc::from("b"), &ids, "b");
            let shared = Shared::new(bus);
            let mut event_loop = EventLoop::new(&shared);
            event_loop.waiting.insert("b", (ticket, ids.clone()));
            let (sender, receiver) = channel();
            let publisher =
                Publisher { shared, event_loop: sender, when_full: WhenFull::Exceed, origin: Origin::Publisher };
            let thread = thread::spawn(move || publisher.publish("b", &ids, (1, 0)));
            event_loop.run(&receiver);
            assert!(matches!(thread.join().unwrap(), Offer::Accepted(_)));
            assert!(event_loop.waiting.is_empty(), "it has come");
        },
        SCHEDULES,
    );
}
