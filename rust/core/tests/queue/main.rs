//! A queue beside a list.

#[path = "../naive_queue/mod.rs"]
mod naive_queue;
mod pair;
#[path = "../rows/mod.rs"]
mod rows;

use std::sync::Arc;

use pair::{Pair, overflows, step};
use proptest::prelude::*;
use trading_events_core::queue::{DropReason, Overflow, Queue, Stored};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_queue_does_what_a_list_does_under_every_overflow(
        capacity in 1..9_usize, live_limit in 0..4_usize, overflow in overflows(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut pair = Pair::new(capacity, overflow, live_limit);
        for step in steps {
            pair.step(step);
            pair.check();
        }
    }
}

#[test]
fn a_large_burst_comes_out_in_order_and_the_queue_goes_on() {
    let topic: Arc<str> = "events.tick.x.A".into();
    let mut queue = Queue::new(usize::MAX, Overflow::Block);
    for _ in 0..2 {
        for event in 0..10_000_u64 {
            assert!(queue.push(event, &topic).is_none());
        }
        for event in 0..10_000_u64 {
            assert_eq!(queue.pop(), Some(Stored::Live(event)));
        }
        assert!(queue.pop().is_none());
    }
    assert_eq!(queue.high_water(), 10_000);
}

#[test]
fn every_overflow_has_its_own_name_and_is_found_by_it() {
    for overflow in Overflow::ALL {
        assert_eq!(Overflow::named(overflow.policy().name), Ok(overflow));
    }
}

#[test]
fn a_name_that_no_overflow_has_is_refused_with_all_that_have_one() {
    let message = Overflow::named("bloc").unwrap_err().to_string();
    assert!(message.starts_with("overflow is \"bloc\"; it may be 'block', "), "{message}");
    assert!(
        Overflow::ALL.iter().all(|overflow| message.contains(&format!("'{}'", overflow.policy().name))),
        "{message}"
    );
}

#[test]
fn every_reason_for_a_loss_stands_at_its_own_place_and_has_its_own_name() {
    for (place, reason) in DropReason::ALL.into_iter().enumerate() {
        assert_eq!(reason as usize, place);
        assert!(DropReason::ALL.iter().all(|other| (other.name() == reason.name()) == (*other == reason)));
    }
}
