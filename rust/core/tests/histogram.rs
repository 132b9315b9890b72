//! Histograms beside sorted lists.

use proptest::prelude::*;
use trading_events_core::subscription::Histogram;

fn durations() -> impl Strategy<Value = Vec<u64>> {
    let any_size = (0..64_u32, any::<u64>()).prop_map(|(bits, value)| value >> bits);
    prop::collection::vec(any_size, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_never_too_low_and_at_most_a_thirty_second_too_high(
        mut durations in durations(), per_mille in 1..=1000_u64,
    ) {
        let mut histogram = Histogram::default();
        for duration in &durations {
            histogram.record(*duration);
        }
        durations.sort_unstable();
        let rank = (durations.len() as u64 * per_mille).div_ceil(1000);
        let exact = durations[usize::try_from(rank).unwrap() - 1];
        let read = histogram.per_mille_ns(per_mille);
        prop_assert!((exact..=exact.saturating_add(exact / 32)).contains(&read), "{read} for {exact}");
    }

    #[test]
    fn the_longest_and_the_count_are_exact(durations in durations()) {
        let mut histogram = Histogram::default();
        for duration in &durations {
            histogram.record(*duration);
        }
        prop_assert_eq!(Some(&histogram.max_ns()), durations.iter().max());
        prop_assert_eq!(histogram.per_mille_ns(1000), histogram.max_ns());
        prop_assert_eq!(histogram.count(), durations.len() as u64);
    }
}

#[test]
fn an_empty_histogram_reads_zero() {
    let histogram = Histogram::default();
    assert_eq!((histogram.count(), histogram.max_ns(), histogram.per_mille_ns(999)), (0, 0, 0));
}
