//! Writing containers and models.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use trading_events_core::codec::{Sink, Token};

use super::super::class::Class;
use super::super::shape::{Bounds, Shape};
use super::extras::{NAME_TAKEN, extras_of, known_name};
use super::null_sink::NullSink;
use super::plain::{Depth, nested, write_json};
use super::scalars::text;
use super::write_error::{WriteError, WriteResult, check};
use crate::event::names::dictionary;

pub(super) fn write_items<'py, S: Sink>(
    inner: &Shape,
    values: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
    sink: &mut S,
    depth: usize,
) -> WriteResult {
    let depth = nested(depth)?;
    sink.put(Token::List(values.len()));
    for value in values {
        inner.write(&value, sink, depth)?;
    }
    Ok(())
}

pub(super) fn write_tuple<S: Sink>(
    inner: &[Shape],
    values: &Bound<'_, PyTuple>,
    sink: &mut S,
    depth: usize,
) -> WriteResult {
    if values.len() != inner.len() {
        return Err(WriteError::Kind);
    }
    sink.put(Token::List(inner.len()));
    for (inner, value) in inner.iter().zip(values) {
        inner.write(&value, sink, nested(depth)?)?;
    }
    Ok(())
}

pub(super) fn write_dict<S: Sink>(
    parts: &(Shape, Shape),
    bounds: &Bounds,
    value: &Bound<'_, PyDict>,
    sink: &mut S,
    depth: usize,
) -> WriteResult {
    check(bounds.hold_length(value.len()))?;
    let depth = nested(depth)?;
    let (key_shape, value_shape) = parts;
    let named = matches!(key_shape, Shape::Text(_));
    sink.put(if named { Token::Map(value.len()) } else { Token::List(value.len()) });
    for (key, value) in value {
        if !named {
            sink.put(Token::List(2));
        }
        key_shape.write(&key, sink, depth)?;
        value_shape.write(&value, sink, depth)?;
    }
    Ok(())
}

pub(super) fn write_model<S: Sink>(class: &Class, model: &Bound<'_, PyAny>, sink: &mut S, depth: usize) -> WriteResult {
    let fields = dictionary(model).ok_or(WriteError::Kind)?;
    let extras = if class.keeps_extras { extras_of(model)? } else { None };
    if extras.as_ref().is_some_and(|extras| known_name(class, extras).is_some()) {
        return Err(WriteError::Reason(String::from(NAME_TAKEN)));
    }
    sink.put(Token::Map(class.fields.len() + extras.as_ref().map_or(0, PyDictMethods::len)));
    for (field, name) in class.fields.iter().zip(class.layout.names()) {
        let value = fields.get_item(&field.name)?.ok_or(WriteError::Kind)?;
        sink.put(Token::Name(name));
        field.shape.write(&value, sink, depth)?;
    }
    for (name, value) in extras.iter().flat_map(PyDictMethods::iter) {
        sink.put(Token::Text(text(name.cast_exact::<PyString>()?)?));
        write_json(&value, sink, Depth::new(depth)?)?;
    }
    Ok(())
}

pub(super) fn write_union<S: Sink>(
    members: &[Shape],
    is_tagged: bool,
    value: &Bound<'_, PyAny>,
    sink: &mut S,
    depth: usize,
) -> WriteResult {
    let mut why = WriteError::Kind;
    for (index, member) in members.iter().enumerate() {
        // A dry run tells if the member accepts the value.
        match member.write(value, &mut NullSink, depth) {
            Ok(()) => {
                if is_tagged {
                    sink.put(Token::List(2));
                    sink.put(Token::Int(i64::try_from(index).unwrap_or(i64::MAX)));
                }
                return member.write(value, sink, depth);
            }
            Err(WriteError::Kind) => {}
            Err(error) => why = error,
        }
    }
    Err(why)
}
