//! Values that were made lately. What is equal and cannot be changed is shared by the events that have it.

use pyo3::prelude::*;

use crate::runtime::guarded::Guarded;

/// A table of `N` values. Each has one place, and makes way for the next that has the same.
pub(super) struct Recent<T, const N: usize>(Guarded<[Option<T>; N]>);

impl<T, const N: usize> Recent<T, N> {
    pub(super) const fn new() -> Self {
        Self(Guarded::new([const { None }; N]))
    }

    /// What a look at the value at a place gives. No Python code runs in it.
    pub(super) fn find<R>(&self, py: Python<'_>, hash: usize, look: impl FnOnce(&T) -> Option<R>) -> Option<R> {
        self.0.lock(py)[hash % N].as_ref().and_then(look)
    }

    /// Keeps a value.
    pub(super) fn keep(&self, py: Python<'_>, hash: usize, value: T) {
        let old = self.0.lock(py)[hash % N].replace(value);
        drop(old);
    }
}
