//! Writing scalars.

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBytes, PyDateTime, PyDelta, PyDeltaAccess, PyDict, PyInt, PyString, PyTime, PyTimeAccess, PyType, PyTzInfoAccess,
};
use trading_events_core::codec::{Sink, Token};

use super::super::decimal::{self, Found};
use super::super::moment;
use super::super::shape::Bounds;
use super::write_error::{WriteError, WriteResult, check};

/// The length of the longest text or bytes; every format has room for it.
pub(crate) const MAX_TEXT_BYTES: usize = 1 << 30;

pub(super) fn text<'a>(text: &'a Bound<'_, PyString>) -> Result<&'a str, WriteError> {
    let text = text.to_str().map_err(|wrong| WriteError::Reason(format!("a text is no Unicode: {wrong}")))?;
    short(text.as_bytes())?;
    Ok(text)
}

pub(super) fn short(bytes: &[u8]) -> Result<&[u8], WriteError> {
    if bytes.len() > MAX_TEXT_BYTES {
        return Err(WriteError::Reason(format!("it has more than {MAX_TEXT_BYTES} bytes")));
    }
    Ok(bytes)
}

#[inline]
pub(super) fn write_text<S: Sink>(bounds: &Bounds, value: &Bound<'_, PyAny>, sink: &mut S) -> WriteResult {
    let text = text(value.cast_exact::<PyString>()?)?;
    check(bounds.min_length.is_none() && bounds.max_length.is_none() || bounds.hold_length_of(text))?;
    if let Some(check) = &bounds.check {
        check_text::<S>(bounds, check, text, value)?;
    }
    sink.put(if bounds.name.is_some() { Token::Name(text) } else { Token::Text(text) });
    Ok(())
}

/// Checks the constraints of a text that only Pydantic knows, unless the text is cached.
#[cold]
fn check_text<S: Sink>(bounds: &Bounds, check: &Py<PyAny>, text: &str, value: &Bound<'_, PyAny>) -> WriteResult {
    let py = value.py();
    if (S::COLUMNS || S::LASTING) && bounds.recent.find(py, text).is_none() {
        check.bind(py).call1((value,))?;
        bounds.recent.keep(text, value.cast_exact::<PyString>()?);
    }
    Ok(())
}

#[inline]
pub(super) fn write_id<S: Sink>(value: &Bound<'_, PyAny>, sink: &mut S) -> WriteResult {
    let text = text(value.cast_exact::<PyString>()?)?;
    let id = if S::COLUMNS { None } else { hex_digits(text) };
    sink.put(id.map_or(Token::Text(text), Token::Id));
    Ok(())
}

/// The 16 bytes of 32 lower-case hex digits.
fn hex_digits(text: &str) -> Option<[u8; 16]> {
    let digits: &[u8; 32] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

pub(super) fn write_decimal<S: Sink>(bounds: &Bounds, value: &Bound<'_, PyAny>, sink: &mut S) -> WriteResult {
    if !decimal::is_decimal(value)? {
        return Err(WriteError::Kind);
    }
    match decimal::read(value)? {
        Found::Plain(found) => {
            check(bounds.comparisons.is_empty() || bounds.hold_sign(found.negative, found.mantissa == 0))?;
            sink.put(Token::Decimal(found));
        }
        Found::Text(found) => {
            let (finite, negative, zero) = decimal::signs(value)?;
            check(if finite { bounds.hold_sign(negative, zero) } else { !bounds.finite })?;
            sink.put(Token::Text(text(&found)?));
        }
    }
    Ok(())
}

#[cold]
pub(super) fn holds_int(bounds: &Bounds, value: &Bound<'_, PyInt>) -> bool {
    match value.extract::<i64>() {
        Ok(int) => bounds.hold_int(int),
        Err(_) => value.gt(0).is_ok_and(|above| !bounds.end(above)),
    }
}

pub(super) fn write_int<S: Sink>(value: &Bound<'_, PyInt>, sink: &mut S) -> WriteResult {
    let mut overflow = 0;
    // SAFETY: it is an int; the call raises nothing for one.
    let int = unsafe { ffi::PyLong_AsLongLongAndOverflow(value.as_ptr(), &raw mut overflow) };
    if overflow == 0 {
        sink.put(Token::Int(int));
    } else if int_bits(value)? > MOST_BITS {
        return Err(WriteError::Reason(format!("an integer may have {MOST_BITS} bits")));
    } else if S::COLUMNS {
        sink.put(Token::Text(value.str()?.to_str()?));
    } else if let Ok(unsigned) = value.extract::<u64>() {
        sink.put(Token::Unsigned(unsigned));
    } else {
        let py = value.py();
        let bits = int_bits(value)?;
        let options = PyDict::new(py);
        options.set_item(intern!(py, "signed"), true)?;
        let bytes = value.call_method(intern!(py, "to_bytes"), (bits / 8 + 1, "big"), Some(&options))?;
        sink.put(Token::BigInt(short(bytes.cast::<PyBytes>()?.as_bytes())?));
    }
    Ok(())
}

/// The most bits of an integer. Python converts 640 digits to text whatever its limit is set to.
const MOST_BITS: usize = 2048;

fn int_bits(value: &Bound<'_, PyInt>) -> PyResult<usize> {
    value.call_method0(intern!(value.py(), "bit_length"))?.extract()
}

pub(super) fn write_text_of<S: Sink>(value: Bound<'_, PyAny>, sink: &mut S) -> WriteResult {
    sink.put(Token::Text(text(&value.cast_into::<PyString>().map_err(|_| WriteError::Kind)?)?));
    Ok(())
}

pub(super) fn write_datetime<S: Sink>(value: &Bound<'_, PyDateTime>, sink: &mut S) -> WriteResult {
    match moment::read_utc(value)? {
        Some(micros) => {
            sink.put(Token::Moment(micros));
            Ok(())
        }
        None if moment::is_kept_by_iso(value.get_tzinfo().as_ref(), value.get_fold())? => {
            write_text_of(value.call_method0(intern!(value.py(), "isoformat"))?, sink)
        }
        None => Err(WriteError::Reason(String::from(ZONE_LOST))),
    }
}

const ZONE_LOST: &str = "its zone and fold would be lost: only UTC, a fixed offset or no zone come back";

pub(super) fn write_time<S: Sink>(value: &Bound<'_, PyTime>, sink: &mut S) -> WriteResult {
    if !moment::is_kept_by_iso(value.get_tzinfo().as_ref(), value.get_fold())? {
        return Err(WriteError::Reason(String::from(ZONE_LOST)));
    }
    write_text_of(value.call_method0(intern!(value.py(), "isoformat"))?, sink)
}

pub(super) fn write_uuid<S: Sink>(value: &Bound<'_, PyAny>, sink: &mut S) -> WriteResult {
    static UUID: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let py = value.py();
    if !value.get_type().is(UUID.import(py, "uuid", "UUID")?) {
        return Err(WriteError::Kind);
    }
    sink.put(Token::Bytes(value.getattr(intern!(py, "bytes"))?.cast::<PyBytes>()?.as_bytes()));
    Ok(())
}

/// Writes a timedelta as its microseconds.
pub(super) fn write_timedelta<S: Sink>(value: &Bound<'_, PyDelta>, sink: &mut S) -> WriteResult {
    let whole = i128::from(value.get_days()) * 86_400 + i128::from(value.get_seconds());
    let micros = whole * 1_000_000 + i128::from(value.get_microseconds());
    write_int(micros.into_pyobject(value.py()).map_err(PyErr::from)?.cast_exact::<PyInt>()?, sink)
}
