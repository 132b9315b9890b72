//! Trie, cache and residual filters find the subscriptions that a scan of a list finds, whoever comes and goes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use list::{answers, run, step};
use trading_events_fuzz::{CHOICE, choices, choose};

#[path = "../../core/tests/registry/list.rs"]
mod list;
#[path = "../../core/tests/naive_filter/mod.rs"]
mod naive_filter;

/// More would only be slower: every route is compared after each.
const STEPS: usize = 24;

fuzz_target!(|bytes: &[u8]| {
    if let Some((first, residual)) = bytes.split_at_checked(CHOICE) {
        run(choices(residual, &step()).take(STEPS), &choose(first, &answers()));
    }
});
