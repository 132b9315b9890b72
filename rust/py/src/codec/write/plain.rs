//! Putting plain data, of which no shape is known, and how deep it may be.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyString};
use trading_events_core::codec::{MAX_DEPTH, Sink, Token};

use super::super::frozen;
use super::refusal::{Put, Refusal};
use super::scalars::{short, text, write_int};

/// What a JSON text says, as plain data.
pub(crate) fn from_json<'py>(text: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = text.py();
    py.import(intern!(py, "pydantic_core"))?.call_method1(intern!(py, "from_json"), (text,))
}

pub(super) fn deeper(depth: usize) -> Result<usize, Refusal> {
    if depth >= MAX_DEPTH {
        return Err(Refusal::Reason(format!("it is nested more than {MAX_DEPTH} deep")));
    }
    Ok(depth + 1)
}

/// A depth in plain data.
#[derive(Clone, Copy)]
pub(super) struct Depth(usize);

impl Depth {
    pub(super) fn new(depth: usize) -> Result<Self, Refusal> {
        Ok(Self(deeper(depth)?))
    }
}

/// Puts what JSON can say.
pub(super) fn write_json<S: Sink>(value: &Bound<'_, PyAny>, sink: &mut S, depth: Depth) -> Put {
    if let Ok(float) = value.cast_exact::<PyFloat>() {
        if !float.value().is_finite() {
            return Err(Refusal::Reason(format!("JSON has no {}", float.value())));
        }
        sink.put(Token::Float(float.value()));
        return Ok(());
    }
    if value.is_exact_instance_of::<PyBytes>() {
        return Err(Refusal::Reason(String::from("JSON has no bytes")));
    }
    write_plain(value, sink, depth, &mut write_json)
}

/// Puts plain data: what JSON can say, any float, and bytes.
pub(super) fn write_any<S: Sink>(value: &Bound<'_, PyAny>, sink: &mut S, depth: Depth) -> Put {
    if let Ok(float) = value.cast_exact::<PyFloat>() {
        sink.put(Token::Float(float.value()));
        return Ok(());
    }
    if let Ok(bytes) = value.cast_exact::<PyBytes>() {
        sink.put(Token::Bytes(short(bytes.as_bytes())?));
        return Ok(());
    }
    write_plain(value, sink, depth, &mut write_any)
}

pub(super) type WritePart<'a, S> = &'a mut dyn FnMut(&Bound<'_, PyAny>, &mut S, Depth) -> Put;

pub(super) fn write_plain<S: Sink>(
    value: &Bound<'_, PyAny>,
    sink: &mut S,
    depth: Depth,
    write_part: WritePart<'_, S>,
) -> Put {
    if let Ok(found) = value.cast_exact::<PyString>() {
        sink.put(Token::Text(text(found)?));
    } else if value.is_none() {
        sink.put(Token::None);
    } else if let Ok(truth) = value.cast_exact::<PyBool>() {
        sink.put(Token::Bool(truth.is_true()));
    } else if let Ok(int) = value.cast_exact::<PyInt>() {
        write_int(int, sink)?;
    } else if let Some(map) = frozen::as_dict(value)? {
        write_map(map, depth, sink, write_part)?;
    } else if let Some(list) = frozen::as_list(value)? {
        let depth = Depth::new(depth.0)?;
        sink.put(Token::List(list.len()));
        for value in list {
            write_part(&value, sink, depth)?;
        }
    } else {
        return Err(Refusal::Reason(format!("{} is no plain data", value.get_type())));
    }
    Ok(())
}

pub(super) fn write_map<S: Sink>(
    map: &Bound<'_, PyDict>,
    depth: Depth,
    sink: &mut S,
    write_part: WritePart<'_, S>,
) -> Put {
    let depth = Depth::new(depth.0)?;
    sink.put(Token::Map(map.len()));
    for (key, value) in map {
        let key = key.cast_into::<PyString>().map_err(|wrong| {
            Refusal::Reason(format!("a name in it is no text but {}", wrong.into_inner().get_type()))
        })?;
        sink.put(Token::Text(text(&key)?));
        write_part(&value, sink, depth)?;
    }
    Ok(())
}
