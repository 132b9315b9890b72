//! A whole bus keeps its contract at every step of any program, and in the end lets everybody in.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pair::Pair;
use steps::{step, subscribes};
use trading_events_fuzz::{CHOICE, choices};

#[path = "../../core/tests/bus/model.rs"]
mod model;
#[path = "../../core/tests/naive_queue/mod.rs"]
mod naive_queue;
#[path = "../../core/tests/naive_wait_queue/mod.rs"]
mod naive_wait_queue;
#[path = "../../core/tests/bus/pair/mod.rs"]
mod pair;
#[path = "../../core/tests/bus/promises.rs"]
mod promises;
#[path = "../../core/tests/rows/mod.rs"]
mod rows;
#[path = "../../core/tests/bus/steps.rs"]
#[allow(dead_code)] // it also makes whole programs
mod steps;

/// More would only be slower: bus and model are compared after each.
const STEPS: usize = 200;

fuzz_target!(|bytes: &[u8]| {
    let Some((history, bytes)) = bytes.split_first() else { return };
    let Some((first, residual)) = bytes.split_at_checked(2 * CHOICE) else { return };
    let mut pair = Pair::keeping(usize::from(history % 8));
    choices(first, &subscribes()).for_each(|step| pair.step(&step));
    choices(residual, &step(true)).take(STEPS).for_each(|step| pair.step(&step));
    pair.serve_all();
    pair.assert_idle();
    pair.fill_up();
});
