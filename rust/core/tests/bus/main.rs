//! A whole bus beside a naive model of its contract: random programs, and the model checked after every step.

mod cases;
mod model;
#[path = "../naive_queue/mod.rs"]
mod naive_queue;
#[path = "../naive_wait_queue/mod.rs"]
mod naive_wait_queue;
mod pair;
mod promises;
#[path = "../rows/mod.rs"]
mod rows;
mod steps;

use pair::Pair;
use proptest::prelude::*;
use steps::{Step, programs};

fn run(program: &[Step], history: usize) -> Pair {
    let mut pair = Pair::keeping(history);
    for step in program {
        pair.step(step);
    }
    pair
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_bus_keeps_its_contract_at_every_step_of_any_program(program in programs(false), history in 0..4_usize) {
        run(&program, history);
    }

    #[test]
    fn a_bus_keeps_its_contract_where_handlers_publish_beyond_the_capacity(program in programs(true), history in 0..4_usize) {
        run(&program, history);
    }

    #[test]
    fn whatever_has_happened_serving_lets_everybody_in_and_leaves_nothing_taken(
        program in programs(true), history in 0..4_usize,
    ) {
        let mut pair = run(&program, history);
        pair.serve_all();
        pair.assert_idle();
        pair.fill_up();
    }
}
