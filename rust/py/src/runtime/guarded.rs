//! State that the interpreter's lock guards.

use std::cell::{RefCell, RefMut};

use pyo3::gc::PyVisit;
use pyo3::prelude::*;

/// A value that only a thread that holds the GIL can reach. A lock of its own would cost two atomic operations an event
/// and never be waited for: nothing here gives the GIL up while it has the value.
///
/// To take it while it is taken is a mistake in this crate, and panics.
#[derive(Default)]
pub(crate) struct Guarded<T>(RefCell<T>);

// SAFETY: `lock` and `lock_in_traverse` ask for proof that the thread holds the GIL, so that no two threads are in the
// `RefCell` at once; the module declares that it needs the GIL, and a value that stays taken while its holder gives the
// GIL up makes the next `lock` panic.
unsafe impl<T: Send> Sync for Guarded<T> {}

impl<T> Guarded<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(RefCell::new(value))
    }

    #[inline]
    pub(crate) fn lock(&self, _holds_the_gil: Python<'_>) -> RefMut<'_, T> {
        self.0.borrow_mut()
    }

    /// The value for the garbage collector, which may come at a moment when it is taken.
    pub(crate) fn lock_in_traverse(&self, _holds_the_gil: &PyVisit<'_>) -> Option<RefMut<'_, T>> {
        self.0.try_borrow_mut().ok()
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}
