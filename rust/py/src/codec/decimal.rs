//! Python decimals, read and made through their layout in memory where that is the known one, else through their text.

use std::mem::size_of;

use pyo3::exceptions::PyArithmeticError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyType};
use trading_events_core::codec::Decimal;
use trading_events_core::codec::decimal::Parsed;

/// One word of a decimal holds this many digits.
const WORD: u128 = 10_u128.pow(19);

const NEGATIVE: u8 = 1;
const SPECIAL: u8 = 2 | 4 | 8;
const WORDS: usize = 4;

/// What `decimal.Decimal` objects are in Python 3.11 to 3.13 on 64 bits: the object's head, then the number.
#[repr(C)]
struct Layout {
    head: ffi::PyObject,
    hash: ffi::Py_hash_t,
    flags: u8,
    exponent: isize,
    digits: isize,
    length: isize,
    room: isize,
    words: *mut u64,
    own_words: [u64; WORDS],
}

/// A decimal as it is found.
pub(super) enum Found<'py> {
    Plain(Decimal),
    /// Longer than 38 digits, of a great exponent, or not finite.
    Text(Bound<'py, PyString>),
}

fn class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CLASS.import(py, "decimal", "Decimal")
}

/// Whether it is a decimal, and not of a class derived from that.
pub(super) fn is_decimal(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(value.get_type_ptr() == class(value.py())?.as_type_ptr())
}

/// Whether decimals have the layout that is known here, tried once on a few.
fn is_known(py: Python<'_>) -> PyResult<bool> {
    static KNOWN: PyOnceLock<bool> = PyOnceLock::new();
    KNOWN.get_or_try_init(py, || try_layout(py)).copied()
}

fn try_layout(py: Python<'_>) -> PyResult<bool> {
    let size: usize = class(py)?.getattr("__basicsize__")?.extract()?;
    if size != size_of::<Layout>() || cfg!(not(target_pointer_width = "64")) {
        return Ok(false);
    }
    let long = "9".repeat(38);
    let texts = ["0", "-0.00", "1.10", "-50000.5", "1E+5", "1E-30", "12345678901234567890.1234567890", &long];
    for text in texts {
        let value = class(py)?.call1((text,))?;
        let Some(Parsed::Decimal(expected)) = Decimal::parse(text) else {
            return Ok(false);
        };
        // SAFETY: it is a decimal of the size of `Layout`, as long as the process lives and is not written to.
        let found = unsafe { read_layout(&value) };
        if found != Some(expected) {
            return Ok(false);
        }
        let made = make_by_layout(py, expected)?;
        let same = |made: &Bound<'_, PyAny>| PyResult::Ok(made.eq(&value)? && made.str()? == text);
        if !made.is_some_and(|made| same(&made).unwrap_or(false)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads a decimal of up to 38 digits.
///
/// # Safety
///
/// The object is a `decimal.Decimal` whose layout is `Layout`.
unsafe fn read_layout(value: &Bound<'_, PyAny>) -> Option<Decimal> {
    // SAFETY: the caller says so; decimals are never changed once made.
    let layout = unsafe { &*value.as_ptr().cast::<Layout>() };
    if layout.flags & SPECIAL != 0 || !(1..=2).contains(&layout.length) || layout.words.is_null() {
        return None;
    }
    // SAFETY: `length` words of the number stand at `words`.
    let (low, high) = unsafe { (*layout.words, if layout.length == 2 { *layout.words.add(1) } else { 0 }) };
    Some(Decimal {
        negative: layout.flags & NEGATIVE != 0,
        mantissa: u128::from(low) + u128::from(high) * WORD,
        exponent: i32::try_from(layout.exponent).ok()?,
    })
}

/// What a decimal is.
pub(super) fn read<'py>(value: &Bound<'py, PyAny>) -> PyResult<Found<'py>> {
    if is_known(value.py())? {
        // SAFETY: the layout is known, and the caller's value is a decimal.
        if let Some(found) = unsafe { read_layout(value) } {
            return Ok(Found::Plain(found));
        }
    }
    let text = value.str()?;
    match Decimal::parse(text.to_str()?) {
        Some(Parsed::Decimal(found)) => Ok(Found::Plain(found)),
        _ => Ok(Found::Text(text)),
    }
}

/// Makes a decimal.
pub(super) fn make<'py>(py: Python<'py>, decimal: &Decimal) -> PyResult<Bound<'py, PyAny>> {
    if is_known(py)?
        && let Some(made) = make_by_layout(py, *decimal)?
    {
        return Ok(made);
    }
    class(py)?.call1((decimal.to_string(),))
}

/// Makes a zero and writes the number over it, while nobody else has seen it.
fn make_by_layout(py: Python<'_>, decimal: Decimal) -> PyResult<Option<Bound<'_, PyAny>>> {
    let made = class(py)?.call0()?;
    let layout = made.as_ptr().cast::<Layout>();
    let (low, high) = split(decimal.mantissa);
    let digits = decimal.mantissa.checked_ilog10().map_or(1, |power| power + 1);
    // SAFETY: the object is new, of this layout (its size was compared, and `read_layout` was tried on others), and
    // nobody else holds it.
    unsafe {
        if ffi::Py_REFCNT(made.as_ptr()) != 1 || (*layout).words != (&raw mut (*layout).own_words).cast() {
            return Ok(None);
        }
        (*layout).flags |= u8::from(decimal.negative);
        (*layout).exponent = isize::try_from(decimal.exponent).unwrap_or_default();
        (*layout).digits = isize::try_from(digits).unwrap_or_default();
        (*layout).length = if high == 0 { 1 } else { 2 };
        (*layout).own_words[0] = low;
        (*layout).own_words[1] = high;
    }
    Ok(Some(made))
}

/// The words of a number.
fn split(mantissa: u128) -> (u64, u64) {
    let word = |number: u128| u64::try_from(number).unwrap_or_default();
    if mantissa < WORD { (word(mantissa), 0) } else { (word(mantissa % WORD), word(mantissa / WORD)) }
}

/// Makes a decimal of its text; none if it is no decimal's.
pub(super) fn make_from_text<'py>(py: Python<'py>, text: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    match Decimal::parse(text) {
        None => Ok(None),
        Some(Parsed::Decimal(found)) => make(py, &found).map(Some),
        Some(_) => match class(py)?.call1((text,)) {
            Ok(made) => Ok(Some(made)),
            Err(wrong) if wrong.is_instance_of::<PyArithmeticError>(py) => Ok(None),
            Err(wrong) => Err(wrong),
        },
    }
}

/// Whether a decimal is finite, below zero, and zero.
pub(super) fn signs(value: &Bound<'_, PyAny>) -> PyResult<(bool, bool, bool)> {
    let py = value.py();
    let ask = |name| value.call_method0(name)?.is_truthy();
    Ok((ask(intern!(py, "is_finite"))?, ask(intern!(py, "is_signed"))?, ask(intern!(py, "is_zero"))?))
}
