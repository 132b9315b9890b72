//! Whether a worker's handlers run the loop again that runs them.

use std::sync::atomic::AtomicBool;

/// What a worker knows of loops within its handlers.
pub(crate) struct Nesting {
    pub(crate) is_possible: bool,
    /// The loop has been asked to call back.
    pub(crate) is_expected: AtomicBool,
    /// Others lead in this worker's stead.
    pub(crate) has_replacements: AtomicBool,
}

impl Nesting {
    pub(crate) fn of(is_possible: bool) -> Self {
        Self { is_possible, is_expected: AtomicBool::new(false), has_replacements: AtomicBool::new(false) }
    }
}
