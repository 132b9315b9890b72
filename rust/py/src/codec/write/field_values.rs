//! The values of an instance, in field order.

use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

/// The values of an instance's dictionary, in which they mostly are in field order.
pub(super) struct FieldValues<'a, 'py> {
    fields: &'a Bound<'py, PyDict>,
    place: ffi::Py_ssize_t,
}

impl<'a, 'py> FieldValues<'a, 'py> {
    pub(super) fn new(fields: &'a Bound<'py, PyDict>) -> Self {
        Self { fields, place: 0 }
    }

    /// The value of the next field.
    #[inline]
    pub(super) fn next(&mut self, name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (mut key, mut value) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the dictionary lives; the call borrows a pair from it, and notices when it has changed its size.
        let found =
            unsafe { ffi::PyDict_Next(self.fields.as_ptr(), &raw mut self.place, &raw mut key, &raw mut value) };
        if found != 0 && key == name.as_ptr() {
            // SAFETY: the pair is still there, as nothing has run since.
            return Ok(Some(unsafe { Bound::from_borrowed_ptr(self.fields.py(), value) }));
        }
        self.fields.get_item(name)
    }
}
