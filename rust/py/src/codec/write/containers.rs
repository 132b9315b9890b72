//! Putting what holds values of other shapes.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use trading_events_core::codec::{Sink, Token};

use super::super::class::Class;
use super::super::shape::Shape;
use super::plain::{Depth, deeper, write_json};
use super::refusal::{Put, Refusal};
use super::scalars::text;
use super::{NAME_TAKEN, Nothing, extras_of, known_name, write};
use crate::event::kind::dictionary;

pub(super) fn write_items<'py, S: Sink>(
    inner: &Shape,
    values: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
    sink: &mut S,
    depth: usize,
) -> Put {
    let depth = deeper(depth)?;
    sink.put(Token::List(values.len()));
    for value in values {
        write(inner, &value, sink, depth)?;
    }
    Ok(())
}

pub(super) fn write_dict<S: Sink>(
    parts: &(Shape, Shape),
    value: &Bound<'_, PyDict>,
    sink: &mut S,
    depth: usize,
) -> Put {
    let depth = deeper(depth)?;
    let (key_shape, value_shape) = parts;
    let named = matches!(key_shape, Shape::Text(_));
    sink.put(if named { Token::Map(value.len()) } else { Token::List(value.len()) });
    for (key, value) in value {
        if !named {
            sink.put(Token::List(2));
        }
        write(key_shape, &key, sink, depth)?;
        write(value_shape, &value, sink, depth)?;
    }
    Ok(())
}

pub(super) fn write_model<S: Sink>(class: &Class, model: &Bound<'_, PyAny>, sink: &mut S, depth: usize) -> Put {
    let fields = dictionary(model).ok_or(Refusal::Kind)?;
    let extras = if class.keeps_extras { extras_of(model)? } else { None };
    if extras.as_ref().is_some_and(|extras| known_name(class, extras).is_some()) {
        return Err(Refusal::Reason(String::from(NAME_TAKEN)));
    }
    sink.put(Token::Map(class.fields.len() + extras.as_ref().map_or(0, PyDictMethods::len)));
    for (field, name) in class.fields.iter().zip(class.layout.names()) {
        let value = fields.get_item(&field.name)?.ok_or(Refusal::Kind)?;
        sink.put(Token::Name(name));
        write(&field.shape, &value, sink, depth)?;
    }
    for (name, value) in extras.iter().flat_map(PyDictMethods::iter) {
        sink.put(Token::Text(text(name.cast_exact::<PyString>()?)?));
        write_json(&value, sink, Depth::new(depth)?)?;
    }
    Ok(())
}

pub(super) fn write_union<S: Sink>(
    members: &[Shape],
    is_told: bool,
    value: &Bound<'_, PyAny>,
    sink: &mut S,
    depth: usize,
) -> Put {
    let mut why = Refusal::Kind;
    for (index, member) in members.iter().enumerate() {
        // Whether a member takes the value is tried without a trace.
        match write(member, value, &mut Nothing, depth) {
            Ok(()) => {
                if is_told {
                    sink.put(Token::List(2));
                    sink.put(Token::Int(i64::try_from(index).unwrap_or(i64::MAX)));
                }
                return write(member, value, sink, depth);
            }
            Err(Refusal::Kind) => {}
            Err(refusal) => why = refusal,
        }
    }
    Err(why)
}
