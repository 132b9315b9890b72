//! The protocol of coroutines: what `throw` is given, and how a step ends.

use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;

/// The exception that `coroutine.throw(...)` is to raise, in either of its forms.
pub(crate) fn thrown(kind: Bound<'_, PyAny>, value: Option<Bound<'_, PyAny>>) -> PyErr {
    PyErr::from_value(value.filter(|value| !value.is_none()).unwrap_or(kind))
}

/// Turns the end of a step into what `coroutine.send` says: a value, or `StopIteration`.
pub(crate) fn sent<T>(step: PyResult<Option<T>>) -> PyResult<T> {
    step?.ok_or_else(|| PyStopIteration::new_err(()))
}
