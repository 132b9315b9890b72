//! Event ids.

use pyo3::prelude::*;
use pyo3::types::PyString;
use uuid::Uuid;

/// A version 7 UUID (RFC 9562) as 32 hex digits: sorts by time, also within a millisecond of one process, and takes its
/// randomness from the system each time, so that forked processes do not repeat each other.
#[pyfunction]
pub(crate) fn new_event_id(py: Python<'_>) -> Bound<'_, PyString> {
    let mut digits = [0; uuid::fmt::Simple::LENGTH];
    PyString::new(py, Uuid::now_v7().simple().encode_lower(&mut digits))
}
