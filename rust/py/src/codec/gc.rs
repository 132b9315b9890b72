//! The garbage collector: pausing it, and hiding objects from it.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList};

use crate::runtime::layouts;

/// A guard that disables the garbage collector while many events are built.
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
            // SAFETY: the thread is attached: this lives no longer than the call that made it.
            unsafe { ffi::PyGC_Enable() };
        }
    }
}

/// Tells if objects that cannot be part of a cycle are hidden from the garbage collector.
///
/// Up to 3.13 a hidden dictionary is tracked again as soon as a tracked object is put into it. Later versions do not,
/// and a cycle made so would never be collected; there nothing is hidden.
pub(crate) fn untracks(py: Python<'_>) -> PyResult<bool> {
    static UNTRACKS: PyOnceLock<bool> = PyOnceLock::new();
    UNTRACKS.get_or_try_init(py, || Ok(layouts::are_known(py) && comes_back(py)?)).copied()
}

/// Tells if a hidden dictionary is tracked again.
fn comes_back(py: Python<'_>) -> PyResult<bool> {
    let tried = PyDict::new(py);
    hide(&tried);
    let is_hidden = !is_tracked(&tried);
    tried.set_item("list", PyList::empty(py))?;
    Ok(is_hidden && is_tracked(&tried))
}

/// Hides an object from the garbage collector. Called only where [`untracks`] is true, for an object that refers to no
/// tracked one.
pub(super) fn hide(object: &Bound<'_, PyAny>) {
    // SAFETY: the object lives, and has the collector's head before it, as instances of Python classes, dictionaries and
    // lists do. The call does nothing to one that is hidden. Nobody else walks the collector's lists while this thread
    // holds the GIL.
    unsafe { ffi::PyObject_GC_UnTrack(object.as_ptr().cast()) };
}

pub(super) fn is_tracked(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: the object lives; the call asks for its type before it looks at the collector's head.
    unsafe { ffi::PyObject_GC_IsTracked(object.as_ptr()) == 1 }
}
