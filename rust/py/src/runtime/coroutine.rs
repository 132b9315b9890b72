//! The coroutine protocol: the arguments of `throw`, and the result of a step.

use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;

/// The exception that `coroutine.throw(...)` is to raise, in either of its forms.
pub(crate) fn thrown(kind: Bound<'_, PyAny>, value: Option<Bound<'_, PyAny>>) -> PyErr {
    PyErr::from_value(value.filter(|value| !value.is_none()).unwrap_or(kind))
}

/// The result of `coroutine.send`: the yielded value, or `StopIteration`.
pub(crate) fn sent<T>(step: PyResult<Option<T>>) -> PyResult<T> {
    step?.ok_or_else(|| PyStopIteration::new_err(()))
}
