//! Event loops nested in a worker's handlers.

use std::sync::atomic::AtomicBool;

/// A worker's record of event loops nested in its handlers.
pub(crate) struct Nesting {
    pub(crate) is_possible: bool,
    /// The loop has been asked to call back.
    pub(crate) is_expected: AtomicBool,
    /// Replacements were started for this worker.
    pub(crate) has_replacements: AtomicBool,
}

impl Nesting {
    pub(crate) fn of(is_possible: bool) -> Self {
        Self { is_possible, is_expected: AtomicBool::new(false), has_replacements: AtomicBool::new(false) }
    }
}
