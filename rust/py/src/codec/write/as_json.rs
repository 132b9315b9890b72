//! Writing JSON text, for sinks in which lists and maps have no columns.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use trading_events_core::codec::{Sink, Token};

use super::super::class::{Class, Field};
use super::super::frozen::is_empty_dict;
use super::super::json::{from_json, render_json};
use super::super::shape::Shape;
use super::null_sink::NullSink;
use super::plain::{Depth, write_json, write_map};
use super::scalars::text;
use super::write_error::WriteResult;

/// Writes the JSON text of a value that every other format accepts too.
pub(super) fn write_as_json<S: Sink>(
    class: &Class,
    field: &Field,
    value: &Bound<'_, PyAny>,
    sink: &mut S,
) -> WriteResult {
    let py = value.py();
    if value.is_none() && field.shape.has_none() {
        sink.put(Token::None);
    } else if matches!(field.shape, Shape::Metadata) && is_empty_dict(value)? {
        sink.put(Token::Text("{}"));
    } else {
        if !field.shape.is_opaque() {
            field.shape.write(value, &mut NullSink, 0)?;
        }
        let rendered = field.json(class, py)?.render.bind(py).call1((value,))?;
        if field.shape.is_opaque() {
            write_json(&from_json(&rendered)?, &mut NullSink, Depth::new(0)?)?;
        }
        sink.put(Token::Text(text(rendered.cast::<PyString>()?)?));
    }
    Ok(())
}

/// Writes the JSON text of the values that are no fields.
pub(super) fn write_extras_as_json<S: Sink>(extras: Option<Bound<'_, PyDict>>, sink: &mut S) -> WriteResult {
    let Some(extras) = extras.filter(|extras| !extras.is_empty()) else {
        sink.put(Token::None);
        return Ok(());
    };
    write_map(&extras, Depth::new(0)?, &mut NullSink)?;
    let rendered = render_json(&extras)?;
    sink.put(Token::Text(text(rendered.cast::<PyString>()?)?));
    Ok(())
}
