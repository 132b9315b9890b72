//! Errors of building values from a source.

use pyo3::exceptions::{PyException, PyMemoryError};
use pyo3::prelude::*;
use trading_events_core::codec::limits::Limits;
use trading_events_core::codec::{DecodeError, MAX_DEPTH, Source, Token};

use crate::error::EventDecodeError;

/// The reason that a value cannot be built.
pub(crate) enum ReadError {
    /// The data is invalid.
    Decode(DecodeError),
    /// Python raised.
    Raised(PyErr),
}

impl From<DecodeError> for ReadError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<PyErr> for ReadError {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

pub(super) type ReadResult<'py> = Result<Bound<'py, PyAny>, ReadError>;

impl ReadError {
    /// The exception to raise. Exceptions of Python code become an `EventDecodeError` as well.
    pub(crate) fn into_error(self, py: Python<'_>, offset: usize) -> PyErr {
        match self {
            Self::Decode(error) => EventDecodeError::new_err((error.reason, error.offset)),
            Self::Raised(error) if error.is_instance_of::<EventDecodeError>(py) => error,
            Self::Raised(error)
                if !error.is_instance_of::<PyException>(py) || error.is_instance_of::<PyMemoryError>(py) =>
            {
                error
            }
            Self::Raised(error) => {
                let told = EventDecodeError::new_err((error.value(py).to_string(), offset));
                told.set_cause(py, Some(error));
                told
            }
        }
    }
}

#[cold]
pub(super) fn malformed<'a, S: Source<'a>>(source: &S, reason: impl Into<String>) -> ReadError {
    ReadError::Decode(DecodeError::new(source.offset(), reason))
}

#[cold]
pub(super) fn unexpected<'a, S: Source<'a>>(source: &S, wanted: &str, token: &Token<'_>) -> ReadError {
    let found = match *token {
        Token::Text(text) | Token::Name(text) => format!("{:?}", text.chars().take(80).collect::<String>()),
        Token::Int(int) => int.to_string(),
        Token::Unsigned(int) => int.to_string(),
        Token::Float(float) => float.to_string(),
        Token::Decimal(ref decimal) => decimal.to_string(),
        ref other => other.type_name().to_owned(),
    };
    malformed(source, format!("{found} is no {wanted}"))
}

/// The error of a value beyond its field's limits.
#[cold]
pub(super) fn out_of_bounds<'a, S: Source<'a>>(
    source: &S,
    kind: &str,
    token: &Token<'_>,
    limits: &Limits,
) -> ReadError {
    unexpected(source, &format!("{kind} that its field may hold: that is {limits}"), token)
}

pub(super) fn nested<'a, S: Source<'a>>(source: &S, depth: usize) -> Result<usize, ReadError> {
    if depth >= MAX_DEPTH {
        return Err(malformed(source, format!("it is nested more than {MAX_DEPTH} deep")));
    }
    Ok(depth + 1)
}
