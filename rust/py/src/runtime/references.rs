//! Reference counts of Python objects.

use pyo3::ffi;
use pyo3::prelude::*;

/// How many references to an object there are.
pub(crate) fn holders(object: &Bound<'_, PyAny>) -> isize {
    // SAFETY: reads a field of a live object.
    unsafe { ffi::Py_REFCNT(object.as_ptr()) }
}
