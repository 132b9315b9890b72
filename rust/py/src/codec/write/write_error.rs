//! Errors of writing a value into a sink.

use pyo3::exceptions::{PyException, PyMemoryError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::super::class::{Class, Field};
use crate::error::UnstorableEventError;

/// The longest text of an exception in an error message.
const MOST_REASON: usize = 400;

/// The reason that a value cannot be written.
pub(super) enum WriteError {
    /// Its type is not that of its field.
    Kind,
    /// It has the type, but cannot be written without loss.
    Reason(String),
    /// Python code raised.
    Raised(PyErr),
}

impl From<PyErr> for WriteError {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl From<pyo3::CastError<'_, '_>> for WriteError {
    fn from(_: pyo3::CastError<'_, '_>) -> Self {
        Self::Kind
    }
}

pub(super) type WriteResult = Result<(), WriteError>;

/// Refuses a value that its class, and so every reader, would refuse.
#[inline]
pub(super) fn check(holds: bool) -> WriteResult {
    if holds { Ok(()) } else { Err(out_of_bounds()) }
}

#[cold]
#[inline(never)]
fn out_of_bounds() -> WriteError {
    WriteError::Reason(String::from("it is beyond the constraints of its field"))
}

#[cold]
pub(super) fn missing(class: &Class, field: &Field, py: Python<'_>) -> PyErr {
    UnstorableEventError::new_err(format!("{}.{} is missing", class.python.bind(py), field.name.bind(py)))
}

#[cold]
pub(super) fn refuse(class: &Class, field: &Bound<'_, PyString>, value: &Bound<'_, PyAny>, cause: WriteError) -> PyErr {
    let py = value.py();
    let name = name_of(class, py);
    let shown = |value: &Bound<'_, PyAny>| show(value).unwrap_or_else(|_| String::from("?"));
    let told = match cause {
        WriteError::Kind => {
            let found = value.get_type().to_string();
            format!(
                "{name}.{field} holds what its type does not say, {found}: {}; events are to be made by validation",
                shown(value)
            )
        }
        WriteError::Reason(reason) => {
            format!("{name}.{field} cannot be encoded: {reason}: {}; {}", shown(value), way(&name))
        }
        WriteError::Raised(error)
            if !error.is_instance_of::<PyException>(py) || error.is_instance_of::<PyMemoryError>(py) =>
        {
            return error;
        }
        WriteError::Raised(error) => {
            let reason: String = error.value(py).to_string().chars().take(MOST_REASON).collect();
            let told = format!("{name}.{field} cannot be encoded: {reason}: {}; {}", shown(value), way(&name));
            let told = UnstorableEventError::new_err(told);
            told.set_cause(py, Some(error));
            return told;
        }
    };
    UnstorableEventError::new_err(told)
}

/// The error of an event for which decoding raises. Exceptions that are not errors are returned unchanged.
#[cold]
pub(super) fn refuse_raised(class: &Class, event: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    let py = event.py();
    if !error.is_instance_of::<PyException>(py) || error.is_instance_of::<PyMemoryError>(py) {
        return error;
    }
    let reason: String = error.value(py).to_string().chars().take(MOST_REASON).collect();
    let told = refuse_class(class, event, &reason);
    told.set_cause(py, Some(error));
    told
}

/// The error of an event whose class cannot be restored.
#[cold]
pub(super) fn refuse_class(class: &Class, event: &Bound<'_, PyAny>, reason: &str) -> PyErr {
    let name = name_of(class, event.py());
    UnstorableEventError::new_err(format!("{name} cannot be encoded: {reason}: {}", show(event).unwrap_or_default()))
}

fn name_of(class: &Class, py: Python<'_>) -> String {
    class.python.bind(py).qualname().map_or_else(|_| String::from("?"), |name| name.to_string())
}

fn show(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = value.py();
    py.import(intern!(py, "trading.events._codec.exactness"))?.call_method1(intern!(py, "show"), (value,))?.extract()
}

fn way(name: &str) -> String {
    format!("describe({name}) says how each field is kept")
}
