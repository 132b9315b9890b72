//! Counts and gaps.

use std::sync::Arc;

use trading_events_core::queue::DropReason;
use trading_events_core::subscription::{Counts, End, Gap};

#[test]
fn each_end_and_each_loss_is_counted_under_its_own_reason() {
    let mut counts = Counts::default();
    counts.end(End::Handled);
    counts.end(End::Failed);
    counts.end(End::Cancelled);
    for (times, reason) in (1..).zip(DropReason::ALL) {
        counts.drop_events(reason, times);
    }
    assert_eq!((counts.handled, counts.failed, counts.dropped), (1, 1, [1, 2, 3, 4, 5, 7]));
}

#[test]
fn counts_are_added_one_by_one() {
    let one = Counts {
        accepted: 1,
        handled: 2,
        failed: 3,
        dropped: [4, 5, 6, 7, 8, 9],
        over_capacity: 10,
        filter_failures: 11,
    };
    let mut sum = one;
    sum.add(&one);
    let twice = Counts {
        accepted: 2,
        handled: 4,
        failed: 6,
        dropped: [8, 10, 12, 14, 16, 18],
        over_capacity: 20,
        filter_failures: 22,
    };
    assert_eq!(sum, twice);
}

#[test]
fn a_gap_counts_all_and_names_the_first_topics() {
    let mut gap = Gap::default();
    let topic = |number: usize| Arc::from(number.to_string());
    for number in 0..=Gap::TOPICS {
        gap.add(&topic(number));
    }
    gap.add(&topic(0));
    gap.add(&topic(Gap::TOPICS));
    assert_eq!(gap.count, Gap::TOPICS as u64 + 3);
    assert_eq!(gap.topics.len(), Gap::TOPICS);
    assert_eq!((gap.topics[&topic(0)], gap.topics.get(&topic(Gap::TOPICS))), (2, None));
}
