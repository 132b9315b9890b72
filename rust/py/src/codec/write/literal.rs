//! Writing one of the choices of a literal.

use pyo3::prelude::*;
use pyo3::types::PyString;
use trading_events_core::codec::{Sink, Token};

use super::super::literal::find_choice;
use super::plain::{Depth, write_json};
use super::scalars::text;
use super::write_error::{WriteError, WriteResult};

pub(super) fn write_literal<S: Sink>(choices: &[Py<PyAny>], value: &Bound<'_, PyAny>, sink: &mut S) -> WriteResult {
    if find_choice(choices, value)?.is_none() {
        return Err(WriteError::Kind);
    }
    if let Ok(name) = value.cast::<PyString>() {
        sink.put(Token::Name(text(name)?));
        return Ok(());
    }
    write_json(value, sink, Depth::new(0)?)
}
