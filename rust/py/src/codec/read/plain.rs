//! Building plain data, without a shape.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use trading_events_core::codec::{Source, Token};

use super::super::frozen;
use super::super::read_error::{ReadError, ReadResult, nested, unexpected};
use super::super::shape::{Bounds, Shape};
use super::containers::read_name;
use super::scalars::read_int;

/// The mutability of dictionaries and lists.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    Plain,
    Frozen,
}

/// A JSON value.
pub(super) fn read_json<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    token: Token<'a>,
    source: &mut S,
    depth: usize,
) -> ReadResult<'py> {
    check_json(&token, source)?;
    read_plain(py, Made::Plain, token, source, depth, &mut read_json)
}

/// A read-only JSON value.
pub(super) fn read_frozen<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    token: Token<'a>,
    source: &mut S,
    depth: usize,
) -> ReadResult<'py> {
    check_json(&token, source)?;
    read_plain(py, Made::Frozen, token, source, depth, &mut read_frozen)
}

fn check_json<'a, S: Source<'a>>(token: &Token<'a>, source: &S) -> Result<(), ReadError> {
    match token {
        Token::Float(float) if !float.is_finite() => Err(unexpected(source, "number that JSON has", token)),
        Token::Bytes(_) | Token::Id(_) => Err(unexpected(source, "value that JSON has", token)),
        _ => Ok(()),
    }
}

/// Plain data: JSON values, any float, and bytes.
pub(super) fn read_any<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    token: Token<'a>,
    source: &mut S,
    depth: usize,
) -> ReadResult<'py> {
    match token {
        Token::Bytes(bytes) => Ok(PyBytes::new(py, bytes).into_any()),
        Token::Id(bytes) => Ok(PyBytes::new(py, &bytes).into_any()),
        _ => read_plain(py, Made::Plain, token, source, depth, &mut read_any),
    }
}

pub(super) type ReadPart<'b, 'a, 'py, S> = &'b mut dyn FnMut(Python<'py>, Token<'a>, &mut S, usize) -> ReadResult<'py>;

pub(super) fn read_plain<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    made: Made,
    token: Token<'a>,
    source: &mut S,
    depth: usize,
    read_part: ReadPart<'_, 'a, 'py, S>,
) -> ReadResult<'py> {
    match token {
        Token::None => Ok(py.None().into_bound(py)),
        Token::Bool(_) => Shape::Bool.read(py, token, source, depth),
        Token::Int(_) | Token::Unsigned(_) | Token::BigInt(_) => read_int(py, &Bounds::default(), token, source),
        Token::Float(float) => Ok(float.into_pyobject(py).map_err(PyErr::from)?.into_any()),
        Token::Text(text) | Token::Name(text) => Ok(PyString::new(py, text).into_any()),
        Token::List(count) => {
            let depth = nested(source, depth)?;
            let list = if made == Made::Frozen { frozen::new_list(py)? } else { PyList::empty(py) };
            for _ in 0..count {
                let token = source.next()?;
                list.append(read_part(py, token, source, depth)?)?;
            }
            if made == Made::Frozen {
                frozen::seal(&list)?;
            }
            Ok(list.into_any())
        }
        Token::Map(count) => read_map(py, made, count, source, depth, read_part),
        Token::Bytes(_) | Token::Id(_) | Token::Decimal(_) | Token::Moment(_) => {
            Err(unexpected(source, "value of plain data", &token))
        }
    }
}

pub(super) fn read_map<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    made: Made,
    count: usize,
    source: &mut S,
    depth: usize,
    read_part: ReadPart<'_, 'a, 'py, S>,
) -> ReadResult<'py> {
    let depth = nested(source, depth)?;
    if made == Made::Frozen && count == 0 {
        return Ok(frozen::empty(py)?);
    }
    let dict = if made == Made::Frozen { frozen::new_dict(py)? } else { PyDict::new(py) };
    for _ in 0..count {
        let name = read_name(source)?;
        let token = source.next()?;
        dict.set_item(name, read_part(py, token, source, depth)?)?;
    }
    if made == Made::Frozen {
        frozen::seal(&dict)?;
    }
    Ok(dict.into_any())
}
