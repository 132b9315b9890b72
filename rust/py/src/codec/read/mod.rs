//! Building an event from a source.

mod containers;
mod fields;
mod plain;
mod scalars;
mod walk;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use trading_events_core::codec::{Key, Source, Token};

use super::build::{self, Values};
use super::class::Class;
use super::json::from_json;
use super::read_error::{ReadError, ReadResult};
use super::shape::Shape;
use fields::{put, read_field};

/// Builds an event of a class from a source. The event begins at `offset`.
pub(super) fn read_event<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    class: &Class,
    source: &mut S,
    offset: usize,
) -> ReadResult<'py> {
    let mut values = Values::new(class, S::TRUSTED);
    while let Some(key) = source.next_key(&class.layout)? {
        match key {
            Key::Field(index) => {
                let token = source.next()?;
                let value = read_field(py, class, index, token, source, 0)?;
                put(&mut values, class, index, value, source)?;
            }
            Key::Extra(name) if class.keeps_extras => {
                let token = source.next()?;
                let value = Shape::Any.read(py, token, source, 0)?;
                values.extras(py).set_item(name, value)?;
            }
            Key::Extra(_) => source.skip()?,
            Key::Extras => read_extras(py, source.next()?, &mut values)?,
        }
    }
    build::build(py, class, values, offset)
}

fn read_extras<'py>(py: Python<'py>, token: Token<'_>, values: &mut Values<'py>) -> Result<(), ReadError> {
    let Token::Text(text) = token else {
        return Ok(());
    };
    let found = from_json(&PyString::new(py, text).into_any())?;
    let found = found.cast::<PyDict>().map_err(PyErr::from)?;
    Ok(values.extras(py).update(found.as_mapping())?)
}
