//! The walk that builds an event of what a source holds.

mod containers;
mod plain;
mod scalars;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDate, PyDateTime, PyDelta, PyDict, PyString, PyTime, PyTuple};
use trading_events_core::codec::columns::Form;
use trading_events_core::codec::{DecodeError, Key, Source, Token};

use super::build::{self, Values};
use super::class::{Class, Field};
use super::flaw::{Flaw, Read, deeper, unfit, wrong};
use super::frozen;
use super::json::{from_json, render_json};
use super::literal::find_choice;
use super::moment;
use super::shape::{Bounds, Shape};
use crate::error::EventDecodeError;
use crate::event::event_id::hex_text;
use containers::{read_dict, read_items, read_model, read_union};
use plain::{Made, read_any, read_frozen, read_json, read_map};
use scalars::{from_isoformat, make_uuid, read_decimal, read_float, read_int, read_text};

/// Builds the event of a class whose fields a source holds. `offset` is where it begins.
pub(super) fn read_event<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    class: &Class,
    source: &mut S,
    offset: usize,
) -> Read<'py> {
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
                let value = read(py, &Shape::Any, token, source, 0)?;
                values.extras(py).set_item(name, value)?;
            }
            Key::Extra(_) => source.skip()?,
            Key::Extras => read_extras(py, source.next()?, &mut values)?,
        }
    }
    build::build(py, class, values, offset)
}

fn put<'a, 'py, S: Source<'a>>(
    values: &mut Values<'py>,
    class: &Class,
    index: usize,
    value: Bound<'py, PyAny>,
    source: &S,
) -> Result<(), Flaw> {
    if values.put(index, value) {
        return Ok(());
    }
    Err(wrong(source, format!("{} stands twice", class.layout.names()[index])))
}

/// The value of a field; an error names the field.
fn read_field<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    class: &Class,
    index: usize,
    token: Token<'a>,
    source: &mut S,
    depth: usize,
) -> Read<'py> {
    let offset = source.offset();
    let field = &class.fields[index];
    let value = match token {
        Token::Text(text) if S::COLUMNS && field.form == Form::Json => read_as_json(py, class, field, text),
        _ => read(py, &field.shape, token, source, depth),
    };
    value.map_err(|flaw| {
        let name = &class.layout.names()[index];
        match flaw {
            Flaw::Decode(error) => DecodeError::new(error.offset, format!("{name}: {}", error.reason)).into(),
            Flaw::Raised(error) => Flaw::Raised(name_field(py, error, name, offset)),
        }
    })
}

fn read_as_json<'py>(py: Python<'py>, class: &Class, field: &Field, text: &str) -> Read<'py> {
    if text == "{}" && matches!(field.shape, Shape::Metadata) {
        return Ok(frozen::empty(py)?);
    }
    Ok(field.json(class, py)?.parse.bind(py).call1((text,))?)
}

fn read_extras<'py>(py: Python<'py>, token: Token<'_>, values: &mut Values<'py>) -> Result<(), Flaw> {
    let Token::Text(text) = token else {
        return Ok(());
    };
    let found = from_json(&PyString::new(py, text).into_any())?;
    let found = found.cast::<PyDict>().map_err(PyErr::from)?;
    Ok(values.extras(py).update(found.as_mapping())?)
}

#[cold]
fn name_field(py: Python<'_>, error: PyErr, name: &str, offset: usize) -> PyErr {
    if error.is_instance_of::<EventDecodeError>(py) {
        return error;
    }
    match Flaw::Raised(error).into_error(py, offset) {
        told if told.is_instance_of::<EventDecodeError>(py) => {
            let reason = told.value(py).getattr("reason").map_or_else(|_| String::new(), |reason| reason.to_string());
            let named = EventDecodeError::new_err((format!("{name}: {reason}"), offset));
            named.set_cause(py, told.cause(py));
            named
        }
        other => other,
    }
}

/// A value of a shape, of which the first token has been read.
fn read<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    shape: &Shape,
    token: Token<'a>,
    source: &mut S,
    depth: usize,
) -> Read<'py> {
    match (shape, token) {
        (Shape::Optional(_) | Shape::None, Token::None) => Ok(py.None().into_bound(py)),
        (Shape::Optional(inner), token) => read(py, inner, token, source, depth),
        (Shape::Decimal(bounds), token) => read_decimal(py, bounds, token, source),
        (Shape::Moment | Shape::Datetime, Token::Moment(micros)) => Ok(moment::make_utc(py, micros)?.into_any()),
        (Shape::Text(bounds) | Shape::Id(bounds), Token::Text(text) | Token::Name(text)) => {
            read_text(py, bounds, text, source)
        }
        (Shape::Id(_), Token::Id(id)) => Ok(hex_text(py, id).into_any()),
        (Shape::Id(_), Token::Bytes(bytes)) => match bytes.try_into() {
            Ok(id) => Ok(hex_text(py, id).into_any()),
            Err(_) => Err(wrong(source, format!("an id has 16 bytes, not {}", bytes.len()))),
        },
        (Shape::Bool, Token::Bool(truth)) => Ok(truth.into_pyobject(py).map_err(PyErr::from)?.to_owned().into_any()),
        (Shape::Int(bounds), token) => read_int(py, bounds, token, source),
        (Shape::Float(bounds), token) => read_float(py, bounds, token, source),
        (Shape::Literal(choices), Token::Text(text) | Token::Name(text)) => {
            let is_it = |choice: &&Py<PyAny>| choice.bind(py).cast_exact::<PyString>().is_ok_and(|it| it == text);
            let choice = choices.iter().find(is_it).map(|choice| choice.bind(py).clone());
            choice.ok_or_else(|| unfit(source, "choice of its field", &token))
        }
        (Shape::Literal(choices), token) => {
            let value = read_any(py, token, source, deeper(source, depth)?)?;
            let choice = find_choice(choices, &value)?;
            choice.cloned().ok_or_else(|| unfit(source, "choice of its field", &token))
        }
        (Shape::Metadata, Token::Map(count)) => {
            let depth = deeper(source, depth)?;
            read_map(py, Made::Frozen, count, source, depth, &mut read_frozen)
        }
        (shape, token) => read_rest(py, shape, token, source, depth),
    }
}

fn read_rest<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    shape: &Shape,
    token: Token<'a>,
    source: &mut S,
    depth: usize,
) -> Read<'py> {
    match (shape, token) {
        (Shape::Bytes(bounds), Token::Bytes(bytes)) if S::TRUSTED || bounds.hold_length(bytes.len()) => {
            Ok(PyBytes::new(py, bytes).into_any())
        }
        (Shape::Bytes(bounds), Token::Id(bytes)) if S::TRUSTED || bounds.hold_length(16) => {
            Ok(PyBytes::new(py, &bytes).into_any())
        }
        (Shape::Datetime, Token::Text(text) | Token::Name(text)) => {
            Ok(from_isoformat(&py.get_type::<PyDateTime>(), text)?)
        }
        (Shape::Date, Token::Text(text) | Token::Name(text)) => Ok(from_isoformat(&py.get_type::<PyDate>(), text)?),
        (Shape::Time, Token::Text(text) | Token::Name(text)) => Ok(from_isoformat(&py.get_type::<PyTime>(), text)?),
        (Shape::Timedelta, token) => {
            let micros = read_int(py, &Bounds::default(), token, source)?;
            let options = PyDict::new(py);
            options.set_item(intern!(py, "microseconds"), micros)?;
            Ok(py.get_type::<PyDelta>().call((), Some(&options))?)
        }
        (Shape::Uuid, Token::Bytes(bytes)) => Ok(make_uuid(py, bytes)?),
        (Shape::Uuid, Token::Id(bytes)) => Ok(make_uuid(py, &bytes)?),
        (Shape::Any, token) => read_any(py, token, source, deeper(source, depth)?),
        (Shape::Json, token) => read_json(py, token, source, deeper(source, depth)?),
        (Shape::Enum { by_value, .. }, token) => {
            let value = read_any(py, token, source, deeper(source, depth)?)?;
            let member = if value.hash().is_ok() { by_value.bind(py).get_item(&value)? } else { None };
            member.ok_or_else(|| unfit(source, "value of its enumeration", &token))
        }
        (Shape::List(inner, bounds), Token::List(count)) => {
            let list = read_items(py, inner, bounds, count, source, depth)?;
            Ok(list.into_any())
        }
        (Shape::TupleOf(inner, bounds), Token::List(count)) => {
            let list = read_items(py, inner, bounds, count, source, depth)?;
            Ok(list.to_tuple().into_any())
        }
        (Shape::Tuple(inner), Token::List(count)) if count == inner.len() => {
            let depth = deeper(source, depth)?;
            let values =
                inner.iter().map(|inner| read_next(py, inner, source, depth)).collect::<Result<Vec<_>, _>>()?;
            Ok(PyTuple::new(py, values)?.into_any())
        }
        (Shape::Dict(parts, bounds), token) => read_dict(py, parts, bounds, token, source, depth),
        (Shape::Model(class), Token::Map(count)) => {
            let depth = deeper(source, depth)?;
            read_model(py, Class::of(class.bind(py))?, count, source, depth)
        }
        (Shape::Proven { inner, .. }, token) => read(py, inner, token, source, depth),
        (Shape::Union { members, is_told }, token) => read_union(py, members, *is_told, token, source, depth),
        (Shape::Checked(inner, check), token) => {
            let value = read(py, inner, token, source, depth)?;
            if !S::TRUSTED {
                check.bind(py).call1((&value,))?;
            }
            Ok(value)
        }
        (Shape::Pydantic { parse, .. }, token) => {
            let plain = read_any(py, token, source, deeper(source, depth)?)?;
            let text = render_json(&plain)?;
            Ok(parse.bind(py).call1((text,))?)
        }
        (_, token) => Err(unfit(source, "value of its field", &token)),
    }
}

fn read_next<'a, 'py, S: Source<'a>>(py: Python<'py>, shape: &Shape, source: &mut S, depth: usize) -> Read<'py> {
    let token = source.next()?;
    read(py, shape, token, source, depth)
}
