//! A queue does what a list does, under every overflow policy.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pair::{Pair, overflows, step};
use trading_events_fuzz::{CHOICE, choices, choose};

#[path = "../../core/tests/naive_queue/mod.rs"]
mod naive_queue;
#[path = "../../core/tests/queue/pair.rs"]
mod pair;
#[path = "../../core/tests/rows/mod.rs"]
mod rows;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, residual)) = bytes.split_at_checked(CHOICE) else { return };
    let (capacity, overflow, unpacked) = choose(first, &(1..9_usize, overflows(), 0..4_usize));
    let mut pair = Pair::new(capacity, overflow, unpacked);
    for step in choices(residual, &step()) {
        pair.step(step);
        pair.check();
    }
});
