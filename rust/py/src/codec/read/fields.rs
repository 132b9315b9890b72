//! The values of fields; an error names the field.

use pyo3::prelude::*;
use trading_events_core::codec::columns::Form;
use trading_events_core::codec::{DecodeError, Source, Token};

use super::super::build::Values;
use super::super::class::{Class, Field};
use super::super::frozen;
use super::super::read_error::{ReadError, ReadResult, malformed};
use super::super::shape::Shape;
use crate::error::EventDecodeError;

/// Keeps the value of a field, which must not have one.
pub(super) fn put<'a, 'py, S: Source<'a>>(
    values: &mut Values<'py>,
    class: &Class,
    index: usize,
    value: Bound<'py, PyAny>,
    source: &S,
) -> Result<(), ReadError> {
    if values.put(index, value) {
        return Ok(());
    }
    Err(malformed(source, format!("{} stands twice", class.layout.names()[index])))
}

/// The value of a field whose first token has been read.
pub(super) fn read_field<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    class: &Class,
    index: usize,
    token: Token<'a>,
    source: &mut S,
    depth: usize,
) -> ReadResult<'py> {
    let offset = source.offset();
    let field = &class.fields[index];
    let value = match token {
        Token::Text(text) if S::COLUMNS && field.form == Form::Json => read_as_json(py, class, field, text),
        _ => field.shape.read(py, token, source, depth),
    };
    value.map_err(|error| {
        let name = &class.layout.names()[index];
        match error {
            ReadError::Decode(error) => DecodeError::new(error.offset, format!("{name}: {}", error.reason)).into(),
            ReadError::Raised(error) => ReadError::Raised(name_field(py, error, name, offset)),
        }
    })
}

fn read_as_json<'py>(py: Python<'py>, class: &Class, field: &Field, text: &str) -> ReadResult<'py> {
    if text == "{}" && matches!(field.shape, Shape::Metadata) {
        return Ok(frozen::empty(py)?);
    }
    Ok(field.json(class, py)?.parse.bind(py).call1((text,))?)
}

#[cold]
fn name_field(py: Python<'_>, error: PyErr, name: &str, offset: usize) -> PyErr {
    if error.is_instance_of::<EventDecodeError>(py) {
        return error;
    }
    match ReadError::Raised(error).into_error(py, offset) {
        told if told.is_instance_of::<EventDecodeError>(py) => {
            let reason = told.value(py).getattr("reason").map_or_else(|_| String::new(), |reason| reason.to_string());
            let named = EventDecodeError::new_err((format!("{name}: {reason}"), offset));
            named.set_cause(py, told.cause(py));
            named
        }
        other => other,
    }
}
