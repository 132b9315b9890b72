//! Python decimals, read and made through their memory layout where it is known, else through their text.

use std::hash::BuildHasher;
use std::mem::size_of;

use pyo3::exceptions::PyArithmeticError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyType};
use rustc_hash::FxBuildHasher;
use trading_events_core::codec::Decimal;
use trading_events_core::codec::decimal::Parsed;

use super::recent::Recent;
use crate::runtime::layouts;

/// The base of a decimal's words: 19 digits each.
const WORD: u128 = 10_u128.pow(19);

const NEGATIVE: u8 = 1;
const SPECIAL: u8 = 2 | 4 | 8;
const WORDS: usize = 4;

/// `PyDecObject` of `CPython` 3.11 to 3.13 on 64 bits: the object's head and hash, then its `mpd_t`, then its words.
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

/// The value of a Python decimal.
pub(super) enum Found<'py> {
    Plain(Decimal),
    /// A decimal with more than 38 digits or a large exponent, or one that is not finite.
    Text(Bound<'py, PyString>),
}

fn class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CLASS.import(py, "decimal", "Decimal")
}

/// The context for converting texts, independent of the program's own.
fn context(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static CONTEXT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    CONTEXT.import(py, "trading.events._models.decimals", "WIDE")
}

fn text_of<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    let py = value.py();
    Ok(context(py)?.call_method1(intern!(py, "to_sci_string"), (value,))?.cast_into()?)
}

/// Tells if an object is exactly a `decimal.Decimal`.
pub(super) fn is_decimal(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(value.get_type_ptr() == class(value.py())?.as_type_ptr())
}

/// The initial memory of a decimal; `None` if the layout is not the known one.
fn blank(py: Python<'_>) -> PyResult<Option<Blank>> {
    static BLANK: PyOnceLock<Option<Blank>> = PyOnceLock::new();
    BLANK.get_or_try_init(py, || if layouts::are_known(py) { try_layout(py) } else { Ok(None) }).copied()
}

/// Tells if decimals are read and made through their memory layout.
pub(crate) fn reads_decimals(py: Python<'_>) -> PyResult<bool> {
    Ok(blank(py)?.is_some())
}

/// The initial memory of a decimal.
#[derive(Clone, Copy)]
struct Blank {
    flags: u8,
    room: isize,
    /// True if its class takes part in garbage collection.
    is_collected: bool,
}

/// Tries the layout on some decimals.
fn try_layout(py: Python<'_>) -> PyResult<Option<Blank>> {
    let class = class(py)?;
    let size: usize = class.getattr("__basicsize__")?.extract()?;
    if size != size_of::<Layout>() {
        return Ok(None);
    }
    let zero = class.call0()?;
    // SAFETY: layout: the class's instances have the size of `Layout`, in a version where that is theirs. Aliasing: nobody
    // else has the object. Lifetime: `zero` holds it.
    let layout = unsafe { &*zero.as_ptr().cast::<Layout>() };
    // SAFETY: the class lives.
    let is_collected = unsafe { ffi::PyType_HasFeature(class.as_type_ptr(), ffi::Py_TPFLAGS_HAVE_GC) } != 0;
    let blank = Blank { flags: layout.flags, room: layout.room, is_collected };
    let stands_inside = std::ptr::eq(layout.words, layout.own_words.as_ptr());
    if !stands_inside || layout.hash != -1 || blank.flags & (NEGATIVE | SPECIAL) != 0 {
        return Ok(None);
    }
    let long = "9".repeat(38);
    let texts = ["0", "-0.00", "1.10", "-50000.5", "1E+5", "1E-30", "12345678901234567890.1234567890", &long];
    let fits = texts.iter().map(|text| try_text(class, blank, text)).collect::<PyResult<Vec<_>>>()?;
    Ok(fits.iter().all(|fits| *fits).then_some(blank))
}

/// Tells if a decimal is read and made correctly through the layout.
fn try_text(class: &Bound<'_, PyType>, blank: Blank, text: &str) -> PyResult<bool> {
    let value = class.call1((text,))?;
    let Some(Parsed::Decimal(expected)) = Decimal::parse(text) else {
        return Ok(false);
    };
    // SAFETY: it is a decimal of the size of `Layout`, and is never written to.
    if unsafe { read_layout(&value) } != Some(expected) {
        return Ok(false);
    }
    let made = make_by_layout(class, blank, &expected)?;
    Ok(made.eq(&value)? && text_of(&made)? == text && made.hash()? == value.hash()?)
}

/// Reads a decimal of up to 38 digits.
///
/// # Safety
///
/// The object is a `decimal.Decimal`, and `Layout` is its layout, as [`blank`] says.
unsafe fn read_layout(value: &Bound<'_, PyAny>) -> Option<Decimal> {
    // SAFETY: layout: the caller says so. Aliasing: of a decimal that was made only the hash is ever written, by a thread
    // that holds the GIL, and it is not read here. Lifetime: `value` holds the object.
    let layout = unsafe { &*value.as_ptr().cast::<Layout>() };
    if layout.flags & SPECIAL != 0 || !(1..=2).contains(&layout.length) || layout.words.is_null() {
        return None;
    }
    // SAFETY: layout: `length` words of the number stand at `words`, in the object itself or in memory of its own. Lifetime:
    // both go with the object.
    let (low, high) = unsafe { (*layout.words, if layout.length == 2 { *layout.words.add(1) } else { 0 }) };
    Some(Decimal {
        negative: layout.flags & NEGATIVE != 0,
        mantissa: u128::from(low) + u128::from(high) * WORD,
        exponent: i32::try_from(layout.exponent).ok()?,
    })
}

/// The value of a decimal.
pub(super) fn read<'py>(value: &Bound<'py, PyAny>) -> PyResult<Found<'py>> {
    if blank(value.py())?.is_some() {
        // SAFETY: the layout is known, and the caller has asked `is_decimal` of the value.
        if let Some(found) = unsafe { read_layout(value) } {
            return Ok(Found::Plain(found));
        }
    }
    let text = text_of(value)?;
    match Decimal::parse(text.to_str()?) {
        Some(Parsed::Decimal(found)) => Ok(Found::Plain(found)),
        _ => Ok(Found::Text(text)),
    }
}

/// Makes a decimal, or reuses a recent one.
pub(super) fn make<'py>(py: Python<'py>, decimal: &Decimal) -> PyResult<Bound<'py, PyAny>> {
    static MADE: Recent<(Decimal, Py<PyAny>), 256> = Recent::new();
    let hash = usize::try_from(FxBuildHasher.hash_one(decimal)).unwrap_or_default();
    let is_same = |(known, value): &(Decimal, Py<PyAny>)| (known == decimal).then(|| value.bind(py).clone());
    if let Some(value) = MADE.find(py, hash, is_same) {
        return Ok(value);
    }
    let value = match blank(py)? {
        Some(blank) => make_by_layout(class(py)?, blank, decimal),
        None => class(py)?.call1((decimal.to_string(),)),
    }?;
    MADE.keep(py, hash, (*decimal, value.clone().unbind()));
    Ok(value)
}

/// Makes a decimal by writing its memory.
fn make_by_layout<'py>(class: &Bound<'py, PyType>, blank: Blank, decimal: &Decimal) -> PyResult<Bound<'py, PyAny>> {
    let (low, high) = split(decimal.mantissa);
    let digits = decimal.mantissa.checked_ilog10().map_or(1, |power| power + 1);
    // SAFETY: the class lives; the call gives a new object of it, or null with an error set.
    let made = unsafe { Bound::from_owned_ptr_or_err(class.py(), ffi::PyType_GenericAlloc(class.as_type_ptr(), 0)) }?;
    let layout = made.as_ptr().cast::<Layout>();
    // SAFETY: layout: `blank` says that it was tried, or this is the trial itself, on the known version; `words` is to point
    // to the object's own words, which never move. Aliasing: nobody else has seen the object. It refers to no other object
    // but its class, so that the garbage collector need not see it.
    unsafe {
        (*layout).hash = -1;
        (*layout).flags = blank.flags | u8::from(decimal.negative);
        (*layout).exponent = isize::try_from(decimal.exponent).unwrap_or_default();
        (*layout).digits = isize::try_from(digits).unwrap_or_default();
        (*layout).length = if high == 0 { 1 } else { 2 };
        (*layout).room = blank.room;
        (*layout).words = (&raw mut (*layout).own_words).cast();
        (*layout).own_words = [low, high, 0, 0];
        if blank.is_collected {
            ffi::PyObject_GC_UnTrack(made.as_ptr().cast());
        }
    }
    Ok(made)
}

/// The two words of a mantissa.
fn split(mantissa: u128) -> (u64, u64) {
    let word = |number: u128| u64::try_from(number).unwrap_or_default();
    if mantissa < WORD { (word(mantissa), 0) } else { (word(mantissa % WORD), word(mantissa / WORD)) }
}

/// Makes a decimal from text; `None` if it is not one.
pub(super) fn make_from_text<'py>(py: Python<'py>, text: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    match Decimal::parse(text) {
        None => Ok(None),
        Some(Parsed::Decimal(found)) => make(py, &found).map(Some),
        Some(_) => match class(py)?.call1((text, context(py)?)) {
            Ok(made) => Ok(Some(made)),
            Err(wrong) if wrong.is_instance_of::<PyArithmeticError>(py) => Ok(None),
            Err(wrong) => Err(wrong),
        },
    }
}

/// Tells if a decimal is finite, signed, and zero.
pub(super) fn signs(value: &Bound<'_, PyAny>) -> PyResult<(bool, bool, bool)> {
    let py = value.py();
    let ask = |name| value.call_method0(name)?.is_truthy();
    Ok((ask(intern!(py, "is_finite"))?, ask(intern!(py, "is_signed"))?, ask(intern!(py, "is_zero"))?))
}
