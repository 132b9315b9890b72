//! Building containers and models.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use trading_events_core::codec::{Layout, Source, Token};

use super::super::build::{self, Values};
use super::super::class::Class;
use super::super::read_error::{ReadError, ReadResult, malformed, nested, unexpected};
use super::super::shape::{Bounds, Shape};
use super::fields::{put, read_field};

pub(super) fn read_items<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    inner: &Shape,
    bounds: &Bounds,
    count: usize,
    source: &mut S,
    depth: usize,
) -> Result<Bound<'py, PyList>, ReadError> {
    let depth = nested(source, depth)?;
    if !S::TRUSTED && !bounds.hold_length(count) {
        return Err(malformed(
            source,
            format!("{count} values are not what its field may hold: it is {}", bounds.limits),
        ));
    }
    let list = PyList::empty(py);
    for _ in 0..count {
        list.append(inner.read_next(py, source, depth)?)?;
    }
    Ok(list)
}

pub(super) fn read_tuple<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    inner: &[Shape],
    source: &mut S,
    depth: usize,
) -> ReadResult<'py> {
    let depth = nested(source, depth)?;
    let values = inner.iter().map(|inner| inner.read_next(py, source, depth)).collect::<Result<Vec<_>, _>>()?;
    Ok(PyTuple::new(py, values)?.into_any())
}

pub(super) fn read_dict<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    parts: &(Shape, Shape),
    bounds: &Bounds,
    token: Token<'a>,
    source: &mut S,
    depth: usize,
) -> ReadResult<'py> {
    let depth = nested(source, depth)?;
    let named = matches!(parts.0, Shape::Text(_));
    let count = match token {
        Token::Map(count) if named => count,
        Token::List(count) if !named => count,
        _ => return Err(unexpected(source, "mapping", &token)),
    };
    if !S::TRUSTED && !bounds.hold_length(count) {
        return Err(malformed(
            source,
            format!("{count} entries are not what its field may hold: it is {}", bounds.limits),
        ));
    }
    let dict = PyDict::new(py);
    for _ in 0..count {
        if !named {
            let pair = source.next()?;
            if pair != Token::List(2) {
                return Err(unexpected(source, "pair of a key and its value", &pair));
            }
        }
        let key = parts.0.read_next(py, source, depth)?;
        dict.set_item(key, parts.1.read_next(py, source, depth)?)?;
    }
    Ok(dict.into_any())
}

pub(super) fn read_model<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    class: &Class,
    count: usize,
    source: &mut S,
    depth: usize,
) -> ReadResult<'py> {
    let offset = source.offset();
    let mut values = Values::new(class, S::TRUSTED);
    for place in 0..count {
        let name = read_name(source)?;
        match find_name(&class.layout, name, place) {
            Some(index) => {
                let token = source.next()?;
                let value = read_field(py, class, index, token, source, depth)?;
                put(&mut values, class, index, value, source)?;
            }
            None if class.keeps_extras => {
                let value = Shape::Any.read_next(py, source, depth)?;
                values.extras(py).set_item(name, value)?;
            }
            None => source.skip()?,
        }
    }
    build::build(py, class, values, offset)
}

pub(super) fn find_name(layout: &Layout, name: &str, expected: usize) -> Option<usize> {
    let names = layout.names();
    if names.get(expected).is_some_and(|at| at == name) {
        return Some(expected);
    }
    names.iter().position(|at| at == name)
}

pub(super) fn read_name<'a, S: Source<'a>>(source: &mut S) -> Result<&'a str, ReadError> {
    match source.next()? {
        Token::Text(name) | Token::Name(name) => Ok(name),
        other => Err(malformed(source, format!("a key of a map is {}, not a text", other.type_name()))),
    }
}

pub(super) fn read_union<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    members: &[Shape],
    is_tagged: bool,
    token: Token<'a>,
    source: &mut S,
    depth: usize,
) -> ReadResult<'py> {
    if !is_tagged {
        let member = members.iter().find(|member| member.may_begin_with(&token));
        let member = member.ok_or_else(|| unexpected(source, "value of its field", &token))?;
        return member.read(py, token, source, depth);
    }
    if token != Token::List(2) {
        return Err(unexpected(source, "pair of a number and its value", &token));
    }
    let number = source.next()?;
    let member = match number {
        Token::Int(index) => usize::try_from(index).ok().and_then(|index| members.get(index)),
        _ => None,
    };
    let member = member.ok_or_else(|| unexpected(source, "number of a type in its union", &number))?;
    member.read_next(py, source, depth)
}
