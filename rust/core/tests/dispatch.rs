//! Number of shared workers, and work of a bus in one turn of its loop.

use std::sync::Arc;

use trading_events_core::bus::{Budget, Bus, Offer, OfferOptions, Origin, SubscribeOptions, WhenFull};
use trading_events_core::queue::Overflow;
use trading_events_core::routing::{Interest, Selector, SubscriptionId};
use trading_events_core::subscription::{Delivery, End, Subscription};

const OPTIONS: OfferOptions = OfferOptions { when_full: WhenFull::Wait, origin: Origin::Publisher, can_call: true };

fn terms() -> SubscribeOptions<()> {
    SubscribeOptions {
        payload: (),
        interest: Interest { selector: Selector::Class(0), filter: None },
        capacity: usize::MAX,
        overflow: Overflow::Block,
        tells_gaps: false,
        delivery: Delivery::Queued,
    }
}

fn bus<const N: usize>() -> (Bus<(), (), ()>, [SubscriptionId; N]) {
    let mut bus = Bus::default();
    let ids = [(); N].map(|()| bus.subscribe(terms()));
    (bus, ids)
}

fn publish(bus: &mut Bus<(), (), ()>, targets: &[SubscriptionId]) {
    let offer = bus.publish(&Arc::from("events.tick.x.A"), targets, OPTIONS, || ());
    assert!(matches!(offer, Offer::Accepted(_)));
}

#[test]
fn a_publisher_starts_the_first_shared_worker_and_no_more() {
    let (mut bus, ids) = bus::<3>();
    assert_eq!((bus.start_first_shared(), bus.has_no_shared_worker()), (0, true));
    publish(&mut bus, &ids);
    assert_eq!((bus.start_first_shared(), bus.has_no_shared_worker()), (1, false));
    assert_eq!(bus.start_first_shared(), 0);
}

#[test]
fn there_are_never_more_shared_workers_than_subscriptions_that_nobody_serves() {
    let (mut bus, ids) = bus::<4>();
    publish(&mut bus, &ids);
    assert_eq!(bus.start_shared(2), 2);
    assert_eq!(bus.start_shared(9), 2);
    assert_eq!(bus.start_shared(9), 0);
    bus.leave_shared();
    assert_eq!(bus.start_shared(9), 1);
    for _ in 0..2 {
        bus.leave_shared();
        assert!(bus.next_ready().is_some());
    }
    assert_eq!(bus.start_shared(9), 0, "two lead, two are served");
}

#[test]
fn a_free_worker_becomes_shared_only_where_there_are_events_and_no_shared_worker() {
    let (mut bus, ids) = bus::<2>();
    assert!(!bus.join_shared());
    publish(&mut bus, &ids);
    assert!(bus.join_shared());
    assert!(!bus.join_shared());
    bus.leave_shared();
    assert!(bus.join_shared());
}

#[test]
fn a_subscription_is_served_by_one_worker_at_a_time_and_stands_in_the_list_once() {
    let (mut bus, [id]) = bus::<1>();
    for _ in 0..3 {
        publish(&mut bus, &[id]);
    }
    assert_eq!((bus.next_ready(), bus.next_ready()), (Some(id), None));
    publish(&mut bus, &[id]);
    assert_eq!(bus.next_ready(), None);
    assert!(bus.take(id).is_some());
    bus.finish(id, End::Handled);
    bus.release(id);
    assert_eq!((bus.next_ready(), bus.next_ready()), (Some(id), None));
}

#[test]
fn publishing_has_a_budget_a_turn_counted_in_deliveries() {
    let (mut bus, ids) = bus::<2>();
    for _ in 1..Budget::DELIVERIES / 2 {
        publish(&mut bus, &ids);
    }
    assert!(!bus.publishing_is_spent());
    publish(&mut bus, &[]);
    assert!(!bus.publishing_is_spent(), "an event that nobody hears counts too, as one");
    publish(&mut bus, &ids);
    assert!(bus.publishing_is_spent() && !bus.dispatching_is_spent());
    bus.begin_turn();
    assert!(!bus.publishing_is_spent());
}

#[test]
fn dispatching_has_a_budget_a_turn_and_may_be_ended_before() {
    let (mut bus, [id]) = bus::<1>();
    for _ in 0..=Budget::DELIVERIES {
        publish(&mut bus, &[id]);
    }
    bus.begin_turn();
    bus.next_ready();
    for _ in 0..Budget::DELIVERIES {
        assert!(!bus.dispatching_is_spent());
        bus.take(id);
        bus.finish(id, End::Handled);
    }
    assert!(bus.dispatching_is_spent() && !bus.publishing_is_spent());
    bus.begin_turn();
    assert!(!bus.dispatching_is_spent());
    bus.end_dispatching();
    assert!(bus.dispatching_is_spent());
}

/// Publishes until the budget of this turn is spent; returns the number of events.
fn publish_a_turn(bus: &mut Bus<(), (), ()>, id: SubscriptionId) -> u32 {
    let mut published = 0;
    while !bus.publishing_is_spent() {
        publish(bus, &[id]);
        published += 1;
    }
    published
}

fn handle(bus: &mut Bus<(), (), ()>, id: SubscriptionId, events: u32) {
    for _ in 0..events {
        bus.take(id);
        bus.finish(id, End::Handled);
    }
}

#[test]
fn publishers_keep_to_the_pace_of_handlers_that_had_too_little_time() {
    let (mut bus, [id]) = bus::<1>();
    publish_a_turn(&mut bus, id);
    bus.next_ready();
    handle(&mut bus, id, 1000);
    bus.end_dispatching();
    bus.release(id);
    bus.begin_turn();
    assert_eq!(publish_a_turn(&mut bus, id), 750, "fewer than were handled, so that the queue becomes shorter");
    bus.begin_turn();
    assert_eq!(publish_a_turn(&mut bus, id), Budget::DELIVERIES, "the next turn is a new one");
}

#[test]
fn publishers_get_less_of_a_turn_for_as_long_as_a_full_one_leaves_many() {
    let (mut bus, [id]) = bus::<1>();
    for many in [true, false] {
        let left = Budget::DELIVERIES / 2 - u32::from(!many);
        (0..Budget::DELIVERIES + left).for_each(|_| publish(&mut bus, &[id]));
        bus.begin_turn();
        bus.next_ready();
        handle(&mut bus, id, Budget::DELIVERIES);
        assert!(bus.dispatching_is_spent());
        bus.release(id);
        bus.begin_turn();
        let share = if many { Budget::DELIVERIES / 4 * 3 } else { Budget::DELIVERIES };
        assert_eq!(publish_a_turn(&mut bus, id), share, "{left} left");
        bus.next_ready();
        handle(&mut bus, id, left + share);
        bus.release(id);
    }
}

#[test]
fn however_slow_the_handlers_are_publishers_have_a_sixteenth_of_a_turn() {
    let (mut bus, [id]) = bus::<1>();
    publish_a_turn(&mut bus, id);
    bus.end_dispatching();
    bus.begin_turn();
    assert_eq!(publish_a_turn(&mut bus, id), Budget::DELIVERIES / 16);
}

#[test]
fn an_event_that_is_packed_costs_publishing_as_much_as_four_deliveries() {
    let (mut bus, []) = bus::<0>();
    for _ in 0..Budget::DELIVERIES / 4 {
        assert!(!bus.publishing_is_spent());
        bus.pack(&[], &[], |()| true);
    }
    assert!(bus.publishing_is_spent());
}

/// Two subscriptions with two events each, of which the first has one in its handler.
fn two_in_a_row() -> (Bus<(), (), ()>, [SubscriptionId; 2]) {
    let (mut bus, ids) = bus::<2>();
    publish(&mut bus, &ids);
    publish(&mut bus, &ids);
    assert_eq!((bus.start_first_shared(), bus.next_ready()), (1, Some(ids[0])));
    assert!(bus.take(ids[0]).is_some());
    (bus, ids)
}

#[test]
fn a_fast_path_leads_to_the_next_subscription_and_puts_the_last_into_the_ready_list() {
    let (mut bus, [first, second]) = two_in_a_row();
    assert_eq!(bus.take_from_next(first, |_| true).map(|(next, _)| next), Some(second));
    let served =
        [first, second].map(|id| bus.subscriptions().get(id).map(|found| (found.is_served(), found.unfinished())));
    assert_eq!(served, [Some((false, 1)), Some((true, 2))]);
    assert_eq!(bus.unfinished(), 3);
    assert_eq!(bus.take_from_next(second, |_| true).map(|(next, _)| next), Some(first));
    assert_eq!(bus.take_from_next(first, |_| true).map(|(next, _)| next), Some(second));
    assert!(bus.take_from_next(second, |_| true).is_none(), "nobody is left");
    assert!(bus.finish(second, End::Handled).few);
}

#[test]
fn a_fast_path_leads_to_the_next_subscription_only_where_nothing_unusual_happens() {
    let is_left_alone = |hinder: fn(&mut Bus<(), (), ()>, [SubscriptionId; 2])| {
        let (mut bus, ids) = two_in_a_row();
        hinder(&mut bus, ids);
        let before = (bus.unfinished(), bus.has_ready());
        bus.take_from_next(ids[0], |_| true).is_none()
            && before == (bus.unfinished(), bus.has_ready())
            && bus.subscriptions().get(ids[0]).is_some_and(Subscription::is_in_handler)
    };
    assert!(is_left_alone(|bus, _| bus.end_dispatching()), "its time is over");
    assert!(is_left_alone(|bus, _| bus.awaited = 3), "somebody waits for so few");
    assert!(is_left_alone(|bus, [first, _]| drop(bus.unsubscribe(first, true))), "the first ends");
    assert!(is_left_alone(|bus, [_, second]| drop(bus.unsubscribe(second, false))), "the second has ended");
    let joins_the_line = |bus: &mut Bus<(), (), ()>, [_, second]: [SubscriptionId; 2]| {
        bus.wait(&Arc::from("a"), &[second], ());
    };
    assert!(is_left_alone(joins_the_line), "somebody waits in line");
    let (mut bus, ids) = two_in_a_row();
    assert!(bus.take_from_next(ids[0], |_| false).is_none(), "the second does not suit");
}

#[test]
fn a_subscription_with_a_gap_to_tell_is_not_passed_on_to() {
    let (mut bus, [first]) = bus::<1>();
    let second =
        bus.subscribe(SubscribeOptions { capacity: 1, overflow: Overflow::DropOldest, tells_gaps: true, ..terms() });
    publish(&mut bus, &[first, second]);
    publish(&mut bus, &[first, second]);
    assert_eq!((bus.start_first_shared(), bus.next_ready()), (1, Some(first)));
    assert!(bus.take(first).is_some() && bus.take_from_next(first, |_| true).is_none());
    assert_eq!(bus.take_gap(second).map(|gap| gap.count), Some(1));
    assert_eq!(bus.take_from_next(first, |_| true).map(|(next, _)| next), Some(second));
    publish(&mut bus, &[second]);
    publish(&mut bus, &[second]);
    assert!(bus.take_from_next(second, |_| true).is_none(), "nor on from");
}

#[test]
fn a_handler_takes_along_what_waits_behind_its_event() {
    let (mut bus, [id, other]) = bus::<2>();
    for _ in 0..3 {
        publish(&mut bus, &[id, other]);
    }
    assert!(bus.take_batched(id).is_none(), "no handler runs");
    assert_eq!((bus.start_first_shared(), bus.next_ready()), (1, Some(id)));
    assert!(bus.take(id).is_some());
    assert_eq!((0..9).map_while(|_| bus.take_batched(id)).count(), 2);
    let counts = bus.subscriptions().get(id).map(|found| (found.unfinished(), found.counts.handled));
    assert_eq!((counts, bus.unfinished()), (Some((1, 2)), 4));
    assert!(!bus.finish(id, End::Handled).few);
    assert_eq!(bus.unfinished(), 3);
}
