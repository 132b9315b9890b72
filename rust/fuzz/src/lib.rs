//! The property tests' strategies, driven by a fuzzer's bytes: it chooses, repeats, swaps and recombines the steps.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Bytes that choose one value.
pub const CHOICE: usize = 2;

/// The value that a strategy makes of some bytes: the same each time.
///
/// # Panics
/// The strategy rejects the value.
pub fn choose<S: Strategy>(bytes: &[u8], strategy: &S) -> S::Value {
    let mut seed = [0; 32];
    seed.iter_mut().zip(bytes).for_each(|(seed, byte)| *seed = *byte);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let config = Config { failure_persistence: None, ..Config::default() };
    let tree = strategy.new_tree(&mut TestRunner::new_with_rng(config, rng));
    tree.expect("our strategies reject nothing").current()
}

/// The values that a strategy makes of each [`CHOICE`].
pub fn choices<S: Strategy>(bytes: &[u8], strategy: &S) -> impl Iterator<Item = S::Value> {
    bytes.chunks_exact(CHOICE).map(|choice| choose(choice, strategy))
}
