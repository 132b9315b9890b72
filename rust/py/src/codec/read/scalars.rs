//! Building scalars.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyInt, PyString, PyType};
use trading_events_core::codec::decimal::Parsed;
use trading_events_core::codec::limits::Name;
use trading_events_core::codec::{Decimal, Source, Token};
use trading_events_core::topic;

use super::super::decimal;
use super::super::read_error::{ReadError, ReadResult, malformed, out_of_bounds, unexpected};
use super::super::shape::Bounds;
use crate::event::event_id::hex_text;

pub(super) fn read_decimal<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    bounds: &Bounds,
    token: Token<'a>,
    source: &S,
) -> ReadResult<'py> {
    let parsed;
    let plain = match token {
        Token::Decimal(ref found) => Some(found),
        Token::Text(text) | Token::Name(text) => match Decimal::parse(text) {
            Some(Parsed::Decimal(found)) => {
                parsed = found;
                Some(&parsed)
            }
            Some(_) => None,
            None => return Err(unexpected(source, "decimal", &token)),
        },
        _ => return Err(unexpected(source, "decimal", &token)),
    };
    if let Some(found) = plain {
        if !S::TRUSTED && !bounds.hold_sign(found.negative, found.mantissa == 0) {
            return Err(out_of_bounds(source, "decimal", &token, bounds));
        }
        return Ok(decimal::make(py, found)?);
    }
    let (Token::Text(text) | Token::Name(text)) = token else {
        return Err(unexpected(source, "decimal", &token));
    };
    let made = decimal::make_from_text(py, text)?.ok_or_else(|| unexpected(source, "decimal", &token))?;
    let (finite, negative, zero) = decimal::signs(&made)?;
    let fits = if finite { bounds.hold_sign(negative, zero) } else { !bounds.finite };
    if fits || S::TRUSTED { Ok(made) } else { Err(out_of_bounds(source, "decimal", &token, bounds)) }
}

pub(super) fn read_text<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    bounds: &Bounds,
    text: &str,
    source: &S,
) -> ReadResult<'py> {
    if let Some(recent) = bounds.recent.find(py, text) {
        return Ok(recent.into_any());
    }
    let made = PyString::new(py, text);
    match check_text(bounds, text, &made, source) {
        Ok(()) => bounds.recent.keep(text, &made),
        Err(_) if S::TRUSTED => {}
        Err(error) => return Err(error),
    }
    Ok(made.into_any())
}

#[inline]
pub(super) fn read_id<'a, 'py, S: Source<'a>>(py: Python<'py>, token: Token<'a>, source: &S) -> ReadResult<'py> {
    match token {
        Token::Id(id) => Ok(hex_text(py, id).into_any()),
        Token::Bytes(bytes) => match bytes.try_into() {
            Ok(id) => Ok(hex_text(py, id).into_any()),
            Err(_) => Err(malformed(source, format!("an id has 16 bytes, not {}", bytes.len()))),
        },
        _ => Err(unexpected(source, "id", &token)),
    }
}

fn check_text<'a, S: Source<'a>>(
    bounds: &Bounds,
    text: &str,
    made: &Bound<'_, PyString>,
    source: &S,
) -> Result<(), ReadError> {
    if bounds.min_length.is_some() || bounds.max_length.is_some() {
        let length = if bounds.max_length.is_some() { text.chars().count() } else { text.len() };
        let short = bounds.min_length.is_some_and(|least| least > 1 && text.chars().count() < least);
        if short || !bounds.hold_length(length) {
            return Err(malformed(
                source,
                format!(
                    "its length is out of bounds: {:?} is to be {}",
                    text.chars().take(80).collect::<String>(),
                    bounds.limits
                ),
            ));
        }
    }
    let checked = match bounds.name {
        None => Ok(()),
        Some(Name::Exchange) => topic::check_exchange(text),
        Some(Name::Symbol) => topic::check_symbol(text),
    };
    checked.map_err(|error| malformed(source, format!("{text:?}: {error}")))?;
    if let Some(check) = &bounds.check {
        check.bind(made.py()).call1((made,))?;
    }
    Ok(())
}

pub(super) fn read_int<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    bounds: &Bounds,
    token: Token<'a>,
    source: &S,
) -> ReadResult<'py> {
    if let Token::Int(int) = token {
        return if S::TRUSTED || bounds.hold_int(int) {
            Ok(int.into_pyobject(py).map_err(PyErr::from)?.into_any())
        } else {
            Err(out_of_bounds(source, "integer", &token, bounds))
        };
    }
    let (made, above) = match token {
        // Columns hold long integers as text.
        Token::Text(text) if S::COLUMNS => (py.get_type::<PyInt>().call1((text,))?, !text.starts_with('-')),
        Token::Unsigned(int) => (int.into_pyobject(py).map_err(PyErr::from)?.into_any(), true),
        Token::BigInt(bytes) => (big_int(py, bytes)?, bytes.first().is_none_or(|first| *first < 128)),
        _ => return Err(unexpected(source, "integer", &token)),
    };
    // It needs more than 64 bits, and every bound fits in them.
    if !S::TRUSTED && bounds.end(above) {
        return Err(out_of_bounds(source, "integer", &token, bounds));
    }
    Ok(made)
}

fn big_int<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let options = PyDict::new(py);
    options.set_item(intern!(py, "signed"), true)?;
    py.get_type::<PyInt>().call_method(intern!(py, "from_bytes"), (PyBytes::new(py, bytes), "big"), Some(&options))
}

pub(super) fn read_float<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    bounds: &Bounds,
    token: Token<'a>,
    source: &S,
) -> ReadResult<'py> {
    let float = match token {
        Token::Float(float) => float,
        #[expect(clippy::cast_precision_loss, reason = "programs in other languages write 1 for 1.0")]
        Token::Int(int) => int as f64,
        _ => return Err(unexpected(source, "float", &token)),
    };
    if !S::TRUSTED && !bounds.hold_float(float) {
        return Err(out_of_bounds(source, "float", &token, bounds));
    }
    Ok(float.into_pyobject(py).map_err(PyErr::from)?.into_any())
}

pub(super) fn from_isoformat<'py>(class: &Bound<'py, PyType>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    class.call_method1(intern!(class.py(), "fromisoformat"), (text,))
}

pub(super) fn make_uuid<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    static UUID: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let options = PyDict::new(py);
    options.set_item(intern!(py, "bytes"), PyBytes::new(py, bytes))?;
    UUID.import(py, "uuid", "UUID")?.call((), Some(&options))
}
