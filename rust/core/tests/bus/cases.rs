//! Single promises, each in the few steps in which it is hard to keep.

use std::sync::Arc;

use trading_events_core::bus::{
    Accepted, Bus, Offer, OfferOptions, Origin, Position, SubscribeOptions, Ticket, WhenFull,
};
use trading_events_core::queue::{Overflow, Stored};
use trading_events_core::routing::{Interest, Selector, SubscriptionId};
use trading_events_core::subscription::{Delivery, End};

type Small = Bus<u64, u32, &'static str>;

fn subscribe(bus: &mut Small, overflow: Overflow, capacity: usize) -> SubscriptionId {
    let interest = Interest { selector: Selector::Class(0), filter: None };
    bus.subscribe(SubscribeOptions {
        payload: 7,
        interest,
        capacity,
        overflow,
        tells_gaps: false,
        delivery: Delivery::Queued,
    })
}

fn offer(bus: &mut Small, topic: &str, targets: &[SubscriptionId], when_full: WhenFull) -> Offer<u64> {
    bus.publish(&Arc::from(topic), targets, OfferOptions { when_full, origin: Origin::Publisher, can_call: true }, || 1)
}

fn accept(bus: &mut Small, topic: &str, targets: &[SubscriptionId]) {
    assert_eq!(offer(bus, topic, targets, WhenFull::Wait), Offer::Accepted(Accepted::default()));
}

/// A publisher has to wait. Its name is the token that wakes it.
fn wait(bus: &mut Small, name: &'static str, topic: &str, targets: &[SubscriptionId]) -> Ticket {
    assert_eq!(offer(bus, topic, targets, WhenFull::Wait), Offer::Wait);
    bus.wait(&Arc::from(topic), targets, name)
}

/// A queue's only event goes into its handler, which ends.
fn handle_one(bus: &mut Small, id: SubscriptionId) {
    while bus.next_ready().is_some_and(|ready| ready != id) {}
    assert!(bus.take(id).is_some());
    bus.finish(id, End::Handled);
}

#[test]
fn a_waiter_that_was_woken_gets_in_however_much_handlers_have_published_meanwhile() {
    let mut bus = Small::default();
    let queue = subscribe(&mut bus, Overflow::Block, 1);
    accept(&mut bus, "a", &[queue]);
    let ticket = wait(&mut bus, "patient", "a", &[queue]);
    handle_one(&mut bus, queue);
    assert_eq!(bus.take_woken(), ["patient"]);
    let offers = [(); 3].map(|()| offer(&mut bus, "a", &[queue], WhenFull::Exceed));
    assert_eq!(offers[2], Offer::Full(queue), "twice the capacity is the end");
    assert_eq!(
        bus.claim(ticket, &Arc::from("a"), &[queue], Origin::Publisher, || 1),
        Offer::Accepted(Accepted::default())
    );
}

#[test]
fn places_reserved_for_a_waiter_that_gives_up_go_to_the_first_they_are_enough_for() {
    let mut bus = Small::default();
    let [left, right] = [(); 2].map(|()| subscribe(&mut bus, Overflow::Block, 1));
    accept(&mut bus, "a", &[left, right]);
    let ticket = wait(&mut bus, "both", "a", &[left, right]);
    wait(&mut bus, "right", "a", &[right]);
    wait(&mut bus, "both too", "a", &[left, right]);
    handle_one(&mut bus, left);
    handle_one(&mut bus, right);
    assert_eq!(bus.take_woken(), ["both"]);
    bus.give_up(ticket);
    assert_eq!(bus.take_woken(), ["right"]);
}

#[test]
fn the_head_gets_the_place_it_has_seen_once_waiters_of_its_group_have_claimed_theirs() {
    let mut bus = Small::default();
    let [queue, free] = [2, 9].map(|capacity| subscribe(&mut bus, Overflow::Block, capacity));
    accept(&mut bus, "a", &[queue]);
    accept(&mut bus, "a", &[queue]);
    let ticket = wait(&mut bus, "before", "a", &[queue]);
    handle_one(&mut bus, queue);
    bus.release(queue);
    handle_one(&mut bus, queue);
    assert_eq!(bus.take_woken(), ["before"]);
    wait(&mut bus, "behind", "a", &[queue]);
    accept(&mut bus, "a", &[queue, free]);
    assert_eq!(
        bus.claim(ticket, &Arc::from("a"), &[queue], Origin::Publisher, || 1),
        Offer::Accepted(Accepted::default())
    );
    assert_eq!(bus.take_woken(), ["behind"]);
}

/// Two queues, `conflating` and `blocking`, with one event each, and another waiter at the head.
fn conflating_and_blocking(bus: &mut Small) -> [SubscriptionId; 2] {
    let [conflating, blocking] = [Overflow::Conflate, Overflow::Block].map(|overflow| subscribe(bus, overflow, 1));
    let other = subscribe(bus, Overflow::Block, 1);
    accept(bus, "a", &[conflating, blocking, other]);
    wait(bus, "first in line", "a", &[other]);
    [conflating, blocking]
}

#[test]
fn a_waiter_that_gives_up_makes_way_for_one_behind_that_may_not_overtake() {
    let mut bus = Small::default();
    let both = conflating_and_blocking(&mut bus);
    let [conflating, blocking] = both;
    let ticket = wait(&mut bus, "b", "b", &both);
    wait(&mut bus, "c", "c", &both);
    handle_one(&mut bus, conflating);
    accept(&mut bus, "c", &[conflating]);
    handle_one(&mut bus, blocking);
    assert!(bus.take_woken().is_empty(), "c could replace a c, but is behind b");
    bus.give_up(ticket);
    assert_eq!(bus.take_woken(), ["c"]);
}

#[test]
fn an_event_for_an_empty_queue_does_not_wait_for_one_that_waits_for_another_queue() {
    let mut bus = Small::default();
    let [conflating, blocking] = conflating_and_blocking(&mut bus);
    wait(&mut bus, "a", "a", &[conflating, blocking]);
    handle_one(&mut bus, conflating);
    accept(&mut bus, "b", &[conflating]);
    handle_one(&mut bus, blocking);
    assert!(bus.take_woken().is_empty(), "a waits for the conflating queue alone");
    accept(&mut bus, "a", &[blocking]);
}

#[test]
fn a_waiter_whose_event_would_replace_another_is_woken_as_soon_as_that_waits() {
    let mut bus = Small::default();
    let [conflating, free] = [Overflow::Conflate, Overflow::Block].map(|overflow| subscribe(&mut bus, overflow, 1));
    accept(&mut bus, "a", &[conflating]);
    let ticket = wait(&mut bus, "b", "b", &[conflating]);
    wait(&mut bus, "c", "c", &[conflating]);
    wait(&mut bus, "b too", "b", &[conflating, free]);
    handle_one(&mut bus, conflating);
    assert_eq!(bus.take_woken(), ["b"]);
    assert_eq!(
        bus.claim(ticket, &Arc::from("b"), &[conflating], Origin::Publisher, || 1),
        Offer::Accepted(Accepted::default())
    );
    assert_eq!(bus.take_woken(), ["b too"]);
}

#[test]
fn a_waiter_whose_event_would_replace_another_is_woken_even_if_a_handler_has_published_that() {
    let mut bus = Small::default();
    let queue = subscribe(&mut bus, Overflow::Conflate, 1);
    accept(&mut bus, "a", &[queue]);
    wait(&mut bus, "b", "b", &[queue]);
    assert_eq!(offer(&mut bus, "b", &[queue], WhenFull::Exceed), Offer::Accepted(Accepted::default()));
    assert_eq!(bus.take_woken(), ["b"]);
}

#[test]
fn whoever_waits_for_few_events_to_be_left_is_told_as_soon_as_there_are() {
    let mut bus = Small::default();
    let queue = subscribe(&mut bus, Overflow::Block, 4);
    (0..4).for_each(|_| accept(&mut bus, "a", &[queue]));
    bus.awaited = 2;
    assert_eq!(bus.next_ready(), Some(queue));
    assert!(bus.take(queue).is_some());
    assert!(bus.take_next(queue).is_some(), "three are left, and nobody waits for three");
    assert!(bus.take_next(queue).is_none(), "it is for `finish` to say that two are left");
    assert!(bus.finish(queue, End::Handled).few);
}

#[test]
fn giving_up_what_waits_ends_a_subscription_that_was_only_to_be_drained() {
    let mut bus = Small::default();
    let queue = subscribe(&mut bus, Overflow::Block, 1);
    accept(&mut bus, "a", &[queue]);
    assert!(bus.unsubscribe(queue, true).ended.is_none());
    bus.close();
    assert_eq!(bus.abandon().ended, [7]);
    assert!(bus.subscriptions().get(queue).is_none());
    assert_eq!((bus.unfinished(), bus.totals.retired.accepted), (0, 1));
}

/// A bus whose queues keep eight live events.
fn live_up_to_8() -> Small {
    let mut bus = Small::default();
    bus.live_limit = 8;
    bus
}

/// Publishes so many events into a queue; returns their positions.
fn fill(bus: &mut Small, queue: SubscriptionId, count: u64) -> Vec<Position> {
    let next = bus.subscriptions().get(queue).unwrap().queue.next_position();
    for _ in 0..count {
        assert!(matches!(offer(bus, "a", &[queue], WhenFull::Wait), Offer::Accepted(_)));
    }
    (next..next + count).map(|position| Position::Queue(queue, position)).collect()
}

#[test]
fn events_that_only_wait_for_a_worker_are_served_soon_until_a_quarter_too_many_are_live() {
    let mut bus = live_up_to_8();
    let [queue, other] = [(); 2].map(|()| subscribe(&mut bus, Overflow::Block, 99));
    for waiting in 1..=12 {
        let position = fill(&mut bus, queue, 1)[0];
        assert_eq!(bus.are_served_soon(&[position]), waiting <= 10, "{waiting} wait");
    }
    let elsewhere = fill(&mut bus, other, 1);
    assert!(bus.are_served_soon(&elsewhere), "how many wait elsewhere is of no account");
    bus.unsubscribe(other, false);
    assert!(!bus.are_served_soon(&elsewhere));
}

#[test]
fn what_waits_for_a_handler_to_end_does_not_come_soon() {
    let mut bus = live_up_to_8();
    let [queue, free] = [(); 2].map(|()| subscribe(&mut bus, Overflow::Block, 99));
    let places = [fill(&mut bus, queue, 2), fill(&mut bus, free, 1)].concat();
    assert!(bus.are_served_soon(&places));
    assert_eq!(bus.next_ready(), Some(queue));
    assert!(bus.take(queue).is_some());
    assert!(!bus.are_served_soon(&places), "all are to come soon");
    assert!(bus.are_served_soon(&places[2..]));
    bus.finish(queue, End::Handled);
    assert!(bus.are_served_soon(&places));
}

#[test]
fn paused_events_and_those_of_the_history_are_not_served_soon() {
    let mut bus = live_up_to_8();
    let queue = subscribe(&mut bus, Overflow::Block, 99);
    bus.pause(queue);
    let places = fill(&mut bus, queue, 1);
    assert!(!bus.are_served_soon(&places));
    bus.resume(queue);
    assert!(bus.are_served_soon(&places));
    assert!(!bus.are_served_soon(&[Position::History]));
    assert!(!bus.are_served_soon(&[places[0], Position::History]));
}

#[test]
fn a_paused_subscription_needs_a_worker_only_while_events_are_preloaded() {
    let mut bus = Small::default();
    let queue = subscribe(&mut bus, Overflow::Block, 9);
    bus.pause(queue);
    accept(&mut bus, "a", &[queue]);
    assert!(!bus.has_ready());
    assert!(bus.preload(queue, [Stored::Live(2)]));
    assert_eq!(bus.next_ready(), Some(queue));
    assert_eq!(bus.take(queue), Some(Stored::Live(2)));
    bus.finish(queue, End::Handled);
    bus.release(queue);
    assert!(!bus.has_ready());
    bus.resume(queue);
    assert!(bus.has_ready());
}

/// Offers an event of some origin that does not wait.
fn say(bus: &mut Small, targets: &[SubscriptionId], origin: Origin) -> Offer<u64> {
    bus.publish(&Arc::from("a"), targets, OfferOptions { when_full: WhenFull::Fail, origin, can_call: false }, || 1)
}

#[test]
fn a_bus_that_closes_hears_its_own_until_what_is_left_is_given_up_and_then_only_itself() {
    let mut bus = Small::default();
    let queue = subscribe(&mut bus, Overflow::Block, 9);
    let inside = [Origin::Handler(queue), Origin::Insider];
    accept(&mut bus, "a", &[queue]);
    bus.close();
    assert_eq!(say(&mut bus, &[queue], Origin::Publisher), Offer::Closed);
    assert!(inside.iter().all(|origin| say(&mut bus, &[queue], *origin) == Offer::Accepted(Accepted::default())));
    assert!(!bus.mark_closed(), "what handlers have published is still to be handled");
    bus.abandon();
    assert!(inside.iter().all(|origin| say(&mut bus, &[queue], *origin) == Offer::Closed));
    assert_eq!(say(&mut bus, &[queue], Origin::Bus), Offer::Accepted(Accepted::default()));
    assert!(bus.mark_closed());
    assert_eq!(say(&mut bus, &[queue], Origin::Bus), Offer::Closed);
}

#[test]
fn a_waiting_insider_is_dismissed_when_the_bus_begins_to_close_and_may_wait_again() {
    let mut bus = Small::default();
    let queue = subscribe(&mut bus, Overflow::Block, 1);
    accept(&mut bus, "a", &[queue]);
    let first = wait(&mut bus, "insider", "a", &[queue]);
    bus.close();
    assert_eq!(bus.take_woken(), ["insider"]);
    assert_eq!(bus.claim(first, &Arc::from("a"), &[queue], Origin::Insider, || 1), Offer::Closed);
    let options = OfferOptions { when_full: WhenFull::Wait, origin: Origin::Insider, can_call: true };
    assert_eq!(bus.publish(&Arc::from("a"), &[queue], options, || 1), Offer::Wait);
    let again = bus.wait(&Arc::from("a"), &[queue], "insider");
    handle_one(&mut bus, queue);
    assert_eq!(bus.take_woken(), ["insider"]);
    let offer = bus.claim(again, &Arc::from("a"), &[queue], Origin::Insider, || 1);
    assert_eq!(offer, Offer::Accepted(Accepted::default()));
}

#[test]
fn a_subscription_that_drains_hears_its_own_handler_alone() {
    let mut bus = Small::default();
    let [queue, other] = [(); 2].map(|()| subscribe(&mut bus, Overflow::Block, 9));
    accept(&mut bus, "a", &[queue]);
    assert!(bus.takes_from_all());
    bus.unsubscribe(queue, true);
    assert!(!bus.takes_from_all(), "it matters who speaks");
    for origin in [Origin::Publisher, Origin::Handler(other), Origin::Insider, Origin::Bus] {
        assert_eq!(say(&mut bus, &[queue], origin), Offer::Accepted(Accepted::default()));
        assert_eq!(bus.unfinished(), 1, "nobody has heard {origin:?}");
    }
    assert_eq!(say(&mut bus, &[queue], Origin::Handler(queue)), Offer::Accepted(Accepted::default()));
    assert_eq!(bus.unfinished(), 2);
    bus.unsubscribe(queue, false);
    assert!(bus.takes_from_all());
    assert_eq!(bus.unfinished(), 0);
}
