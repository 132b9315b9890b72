//! The garbage collector, spared what is no garbage.

use pyo3::ffi;
use pyo3::prelude::*;

/// Keeps the garbage collector from running while many events are built, of which none is garbage.
pub(crate) struct CollectorPaused(bool);

impl CollectorPaused {
    pub(crate) fn new(_: Python<'_>) -> Self {
        // SAFETY: the thread is attached.
        Self(unsafe { ffi::PyGC_Disable() } == 1)
    }
}

impl Drop for CollectorPaused {
    fn drop(&mut self) {
        if self.0 {
            // SAFETY: as above; this lives no longer than the call that made it.
            unsafe { ffi::PyGC_Enable() };
        }
    }
}

/// Spares the garbage collector an object that leads to no other which it must see. Before 3.14 a dictionary comes back
/// into its sight by itself when something is put into it that does; from then on a cycle made so would not be
/// collected.
pub(super) fn untrack(object: &Bound<'_, PyAny>) {
    // SAFETY: it lives, and takes part in garbage collection as instances of Python classes and dictionaries do.
    unsafe { ffi::PyObject_GC_UnTrack(object.as_ptr().cast()) };
}

pub(super) fn is_tracked(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: it lives.
    unsafe { ffi::PyObject_GC_IsTracked(object.as_ptr()) == 1 }
}
