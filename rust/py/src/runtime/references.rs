//! Reference counts of Python objects.

use pyo3::ffi;
use pyo3::prelude::*;

/// The reference count of an object.
pub(crate) fn holders(object: &Bound<'_, PyAny>) -> isize {
    // SAFETY: reads a field of a live object.
    unsafe { ffi::Py_REFCNT(object.as_ptr()) }
}
