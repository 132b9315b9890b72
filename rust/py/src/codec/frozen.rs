//! Read-only dictionaries and lists for metadata: the classes of `trading.events._models.frozen`.
//!
//! They are made here only. JSON values cannot form cycles, and nothing is added later, so they are hidden from the
//! garbage collector.

use std::ffi::c_void;
use std::{mem, ptr};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};
use trading_events_core::codec::MAX_DEPTH;

use super::gc::{hide, is_tracked, untracks};

/// The deepest nesting that is certain to be valid JSON: Pydantic reads some 200 levels.
const JSON_DEPTH: usize = 190;

struct Classes {
    dict: Frozen,
    list: Frozen,
    /// The empty dictionary, which all events without metadata share.
    empty: Py<PyAny>,
    /// True if filled ones are hidden from the garbage collector.
    are_hidden: bool,
}

fn classes(py: Python<'_>) -> PyResult<&Classes> {
    static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();
    CLASSES.get_or_try_init(py, || {
        let module = py.import(intern!(py, "trading.events._models.frozen"))?;
        let dict = Frozen::new(module.getattr(intern!(py, "FrozenDict"))?, &py.get_type::<PyDict>())?;
        let list = Frozen::new(module.getattr(intern!(py, "FrozenList"))?, &py.get_type::<PyList>())?;
        let (empty, are_hidden) = (dict.make(py)?, untracks(py)?);
        if are_hidden {
            hide(&empty);
        }
        Ok(Classes { dict, list, empty: empty.unbind(), are_hidden })
    })
}

/// A read-only class, and the `__new__` of its base.
struct Frozen {
    class: Py<PyType>,
    new: ffi::newfunc,
}

impl Frozen {
    fn new(class: Bound<'_, PyAny>, base: &Bound<'_, PyType>) -> PyResult<Self> {
        let class = class.cast_into::<PyType>()?;
        // SAFETY: a live type; the interpreter gives the function in the slot, or null if there is none.
        let slot = unsafe { ffi::PyType_GetSlot(base.as_type_ptr(), ffi::Py_tp_new) };
        // SAFETY: a function in this slot has this type, and null is none.
        let new = unsafe { mem::transmute::<*mut c_void, Option<ffi::newfunc>>(slot) };
        match new.filter(|_| class.is_subclass(base).unwrap_or(false)) {
            Some(new) => Ok(Self { class: class.unbind(), new }),
            None => Err(PyTypeError::new_err(format!("{class} is no {base}"))),
        }
    }

    fn is_class_of(&self, value: &Bound<'_, PyAny>) -> bool {
        value.get_type_ptr() == self.class.bind(value.py()).as_type_ptr()
    }

    /// An empty instance, made without the class's own `__new__` and `__init__`.
    fn make<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (class, arguments) = (self.class.bind(py).as_type_ptr(), PyTuple::empty(py));
        // SAFETY: the class derives from the one whose function this is; all live through the call, which gives a new
        // object, or null with an error set.
        unsafe { Bound::from_owned_ptr_or_err(py, (self.new)(class, arguments.as_ptr(), ptr::null_mut())) }
    }
}

/// The shared empty dictionary.
pub(super) fn empty(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    Ok(classes(py)?.empty.bind(py).clone())
}

/// A new dictionary, to be filled with the methods of `dict` and then sealed.
pub(super) fn new_dict(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    Ok(classes(py)?.dict.make(py)?.cast_into()?)
}

/// A new list, to be filled with the methods of `list` and then sealed.
pub(super) fn new_list(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    Ok(classes(py)?.list.make(py)?.cast_into()?)
}

/// Seals a dictionary or list that holds only JSON values.
pub(super) fn seal<T>(filled: &Bound<'_, T>) -> PyResult<()> {
    if classes(filled.py())?.are_hidden {
        hide(filled.as_any());
    }
    Ok(())
}

/// The value as a dictionary, if it is a plain or a read-only one.
pub(super) fn as_dict<'a, 'py>(value: &'a Bound<'py, PyAny>) -> PyResult<Option<&'a Bound<'py, PyDict>>> {
    if let Ok(plain) = value.cast_exact::<PyDict>() {
        return Ok(Some(plain));
    }
    let is_frozen = classes(value.py())?.dict.is_class_of(value);
    Ok(value.cast::<PyDict>().ok().filter(|_| is_frozen))
}

/// The value as a list, if it is a plain or a read-only one.
pub(super) fn as_list<'a, 'py>(value: &'a Bound<'py, PyAny>) -> PyResult<Option<&'a Bound<'py, PyList>>> {
    if let Ok(plain) = value.cast_exact::<PyList>() {
        return Ok(Some(plain));
    }
    let is_frozen = classes(value.py())?.list.is_class_of(value);
    Ok(value.cast::<PyList>().ok().filter(|_| is_frozen))
}

/// Tells if a value is an empty dictionary, plain or read-only.
pub(super) fn is_empty_dict(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(as_dict(value)?.is_some_and(PyDictMethods::is_empty))
}

/// The value with all plain dictionaries and lists made read-only. Values that JSON does not have stay the same.
#[pyfunction]
#[pyo3(signature = (value, /))]
pub(crate) fn freeze<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let is_exact = |value: &Bound<'_, PyAny>| is_scalar(value) || value.is_exact_instance_of::<PyInt>();
    Ok(freeze_within(value, 0, &is_exact)?.0)
}

/// [`freeze`] for values that are certain to be valid JSON, else `None`.
#[pyfunction]
#[pyo3(signature = (value, /))]
pub(crate) fn freeze_json<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let (frozen, is_json) = freeze_within(value, 0, &is_scalar)?;
    Ok(is_json.then_some(frozen))
}

/// The empty metadata.
#[pyfunction]
pub(crate) fn no_metadata(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    empty(py)
}

type IsScalar<'a> = &'a dyn Fn(&Bound<'_, PyAny>) -> bool;

/// The frozen value, and whether all its scalars satisfy `is_scalar`.
fn freeze_within<'py>(
    value: &Bound<'py, PyAny>,
    depth: usize,
    is_scalar: IsScalar<'_>,
) -> PyResult<(Bound<'py, PyAny>, bool)> {
    if let Ok(plain) = value.cast_exact::<PyDict>() {
        check_depth(depth)?;
        freeze_dict(plain, depth, is_scalar)
    } else if let Ok(plain) = value.cast_exact::<PyList>() {
        check_depth(depth)?;
        freeze_list(plain, depth, is_scalar)
    } else {
        Ok((value.clone(), is_scalar(value) || is_sealed(value)?))
    }
}

fn check_depth(depth: usize) -> PyResult<()> {
    if depth > MAX_DEPTH {
        return Err(PyValueError::new_err(format!("it is nested more than {MAX_DEPTH} deep")));
    }
    Ok(())
}

fn freeze_dict<'py>(
    plain: &Bound<'py, PyDict>,
    depth: usize,
    is_scalar: IsScalar<'_>,
) -> PyResult<(Bound<'py, PyAny>, bool)> {
    let py = plain.py();
    if plain.is_empty() {
        return Ok((empty(py)?, depth < JSON_DEPTH));
    }
    let frozen = new_dict(py)?;
    let mut is_json = depth < JSON_DEPTH;
    for (name, part) in plain {
        if !name.is_exact_instance_of::<PyString>() {
            return Ok((plain.clone().into_any(), false));
        }
        let (part, fits) = freeze_within(&part, depth + 1, is_scalar)?;
        is_json &= fits && is_scalar(&name);
        frozen.set_item(name, part)?;
    }
    if is_json {
        seal(&frozen)?;
    }
    Ok((frozen.into_any(), is_json))
}

fn freeze_list<'py>(
    plain: &Bound<'py, PyList>,
    depth: usize,
    is_scalar: IsScalar<'_>,
) -> PyResult<(Bound<'py, PyAny>, bool)> {
    let frozen = new_list(plain.py())?;
    let mut is_json = depth < JSON_DEPTH;
    for part in plain {
        let (part, fits) = freeze_within(&part, depth + 1, is_scalar)?;
        is_json &= fits;
        frozen.append(part)?;
    }
    if is_json {
        seal(&frozen)?;
    }
    Ok((frozen.into_any(), is_json))
}

/// Tells if a value is certain to be a JSON scalar.
fn is_scalar(value: &Bound<'_, PyAny>) -> bool {
    if let Ok(text) = value.cast_exact::<PyString>() {
        return text.to_str().is_ok();
    }
    if let Ok(float) = value.cast_exact::<PyFloat>() {
        return float.value().is_finite();
    }
    if let Ok(int) = value.cast_exact::<PyInt>() {
        let mut overflow = 0;
        // SAFETY: it is an int; the call raises nothing for one.
        unsafe { ffi::PyLong_AsLongLongAndOverflow(int.as_ptr(), &raw mut overflow) };
        return overflow == 0;
    }
    value.is_none() || value.is_exact_instance_of::<PyBool>()
}

fn is_sealed(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok((as_dict(value)?.is_some() || as_list(value)?.is_some()) && !is_tracked(value))
}
