//! State guarded by the GIL.

use std::cell::{RefCell, RefMut};

use pyo3::gc::PyVisit;
use pyo3::prelude::*;

/// A value that only a thread with the GIL can borrow. A lock of its own would cost two atomic operations an event and
/// would never be contended: no code here releases the GIL while it borrows one.
///
/// Borrowing it twice is a bug in this crate, and panics.
#[derive(Default)]
pub(crate) struct Guarded<T>(RefCell<T>);

// SAFETY: `lock` and `lock_in_traverse` take proof that the thread holds the GIL, so that no two threads are in the
// `RefCell` at once; the module declares that it needs the GIL. A value borrowed while its holder releases the GIL
// makes the next `lock` panic.
unsafe impl<T: Send> Sync for Guarded<T> {}

impl<T> Guarded<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(RefCell::new(value))
    }

    #[inline]
    pub(crate) fn lock(&self, _holds_the_gil: Python<'_>) -> RefMut<'_, T> {
        self.0.borrow_mut()
    }

    /// The value for the garbage collector, unless it is borrowed.
    pub(crate) fn lock_in_traverse(&self, _holds_the_gil: &PyVisit<'_>) -> Option<RefMut<'_, T>> {
        self.0.try_borrow_mut().ok()
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}
