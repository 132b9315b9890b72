//! Writing plain data, without a shape, and its depth limit.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyString};
use trading_events_core::codec::{Sink, Token};

use super::super::frozen;
use super::scalars::{text, write_int};
use super::write_error::{WriteError, WriteResult};

/// The deepest nesting of lists and maps: less than Pydantic's JSON parser and every source here allow.
pub(super) const MOST_DEPTH: usize = 192;

pub(super) fn nested(depth: usize) -> Result<usize, WriteError> {
    if depth >= MOST_DEPTH {
        return Err(WriteError::Reason(format!("it is nested more than {MOST_DEPTH} deep")));
    }
    Ok(depth + 1)
}

/// A nesting depth in plain data.
#[derive(Clone, Copy)]
pub(super) struct Depth(usize);

impl Depth {
    pub(super) fn new(depth: usize) -> Result<Self, WriteError> {
        Ok(Self(nested(depth)?))
    }
}

/// Writes a JSON value.
pub(super) fn write_json<S: Sink>(value: &Bound<'_, PyAny>, sink: &mut S, depth: Depth) -> WriteResult {
    if let Ok(float) = value.cast_exact::<PyFloat>() {
        if !float.value().is_finite() {
            return Err(WriteError::Reason(format!("JSON has no {}", float.value())));
        }
        sink.put(Token::Float(float.value()));
        return Ok(());
    }
    if value.is_exact_instance_of::<PyBytes>() {
        return Err(WriteError::Reason(String::from("JSON has no bytes")));
    }
    if let Ok(found) = value.cast_exact::<PyString>() {
        sink.put(Token::Text(text(found)?));
    } else if value.is_none() {
        sink.put(Token::None);
    } else if let Ok(truth) = value.cast_exact::<PyBool>() {
        sink.put(Token::Bool(truth.is_true()));
    } else if let Ok(int) = value.cast_exact::<PyInt>() {
        write_int(int, sink)?;
    } else if let Some(map) = frozen::as_dict(value)? {
        write_map(map, depth, sink)?;
    } else if let Some(list) = frozen::as_list(value)? {
        let depth = Depth::new(depth.0)?;
        sink.put(Token::List(list.len()));
        for value in list {
            write_json(&value, sink, depth)?;
        }
    } else {
        return Err(WriteError::Reason(format!("{} is no plain data", value.get_type())));
    }
    Ok(())
}

/// Writes a JSON object.
pub(super) fn write_map<S: Sink>(map: &Bound<'_, PyDict>, depth: Depth, sink: &mut S) -> WriteResult {
    let depth = Depth::new(depth.0)?;
    sink.put(Token::Map(map.len()));
    for (key, value) in map {
        let Ok(name) = key.cast_exact::<PyString>() else {
            return Err(WriteError::Reason(format!("a name in it is no text but {}", key.get_type())));
        };
        sink.put(Token::Text(text(name)?));
        write_json(&value, sink, depth)?;
    }
    Ok(())
}
