//! A cache of recent immutable values, which events with equal values share.

use pyo3::prelude::*;

use crate::runtime::guarded::Guarded;

/// A table of `N` values. Each has one slot, and is replaced by the next value of that slot.
pub(super) struct Recent<T, const N: usize>(Guarded<[Option<T>; N]>);

impl<T, const N: usize> Recent<T, N> {
    pub(super) const fn new() -> Self {
        Self(Guarded::new([const { None }; N]))
    }

    /// The result of `look` for the value in a slot. It runs no Python code.
    pub(super) fn find<R>(&self, py: Python<'_>, hash: usize, look: impl FnOnce(&T) -> Option<R>) -> Option<R> {
        self.0.lock(py)[hash % N].as_ref().and_then(look)
    }

    /// Stores a value.
    pub(super) fn keep(&self, py: Python<'_>, hash: usize, value: T) {
        let old = self.0.lock(py)[hash % N].replace(value);
        drop(old);
    }
}
