//! Why a value cannot be put into a sink.

use pyo3::exceptions::{PyException, PyMemoryError};
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::super::class::{Class, Field};
use crate::error::EventEncodeError;

/// Why a value cannot be put.
pub(super) enum Refusal {
    /// Its type is not what its field says.
    Kind,
    /// It is of the type, but cannot be put as it is.
    Reason(String),
    /// Something else raised.
    Raised(PyErr),
}

impl From<PyErr> for Refusal {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl From<pyo3::CastError<'_, '_>> for Refusal {
    fn from(_: pyo3::CastError<'_, '_>) -> Self {
        Self::Kind
    }
}

pub(super) type Put = Result<(), Refusal>;

#[cold]
pub(super) fn missing(class: &Class, field: &Field, py: Python<'_>) -> PyErr {
    EventEncodeError::new_err(format!("{}.{} is missing", class.python.bind(py), field.name.bind(py)))
}

#[cold]
pub(super) fn refuse(class: &Class, field: &Bound<'_, PyString>, value: &Bound<'_, PyAny>, refusal: Refusal) -> PyErr {
    let py = value.py();
    let name = class.python.bind(py).qualname().map_or_else(|_| String::from("?"), |name| name.to_string());
    let shown = |value: &Bound<'_, PyAny>| {
        value.repr().map_or_else(|_| String::from("?"), |text| text.to_string_lossy().chars().take(200).collect())
    };
    match refusal {
        Refusal::Kind => {
            let found = value.get_type().to_string();
            EventEncodeError::new_err(format!(
                "{name}.{field} holds what its type does not say, {found}: {}",
                shown(value)
            ))
        }
        Refusal::Reason(reason) => {
            EventEncodeError::new_err(format!("{name}.{field} cannot be encoded: {reason}: {}", shown(value)))
        }
        Refusal::Raised(error)
            if !error.is_instance_of::<PyException>(py) || error.is_instance_of::<PyMemoryError>(py) =>
        {
            error
        }
        Refusal::Raised(error) => {
            let told = EventEncodeError::new_err(format!("{name}.{field} cannot be encoded: {}", error.value(py)));
            told.set_cause(py, Some(error));
            told
        }
    }
}
