//! The exchange and the symbol of an event.

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::event_class::not_an_event;
use crate::error::NotAnEventError;
use crate::runtime::references::holders;

/// An exchange or a symbol, held while its text is read.
pub(crate) struct Name<'py>(Option<Bound<'py, PyString>>);

impl<'py> Name<'py> {
    fn new(value: Bound<'py, PyAny>, field: &Bound<'py, PyString>) -> PyResult<Self> {
        if value.is_none() {
            return Ok(Self(None));
        }
        match value.cast_into::<PyString>() {
            Ok(text) => Ok(Self(Some(text))),
            Err(_) => Err(NotAnEventError::new_err(format!("{field} of an event is neither text nor None"))),
        }
    }

    /// The object's address; 0 for `None`.
    pub(crate) fn address(&self) -> usize {
        self.0.as_ref().map_or(0, |text| text.as_ptr() as usize)
    }

    /// Tells if it is a plain `str` that others than its event and its reader hold.
    pub(crate) fn is_shared(&self) -> bool {
        const EVENT_AND_READER: isize = 2;
        self.0.as_ref().is_none_or(|text| text.is_exact_instance_of::<PyString>() && holders(text) > EVENT_AND_READER)
    }

    pub(crate) fn kept(&self) -> Option<Py<PyString>> {
        self.0.as_ref().map(|text| text.clone().unbind())
    }

    pub(crate) fn text(&self) -> PyResult<Option<&str>> {
        let text = self.0.as_ref().map(PyStringMethods::to_str).transpose();
        text.map_err(|wrong| {
            NotAnEventError::new_err(format!("the exchange or symbol of an event is no text: {wrong}"))
        })
    }
}

/// An event's exchange and symbol. They are read from the instance's dictionary, which takes a third of the time of
/// attribute access on a class with a `__getattr__`, as Pydantic's models are.
pub(crate) fn names<'py>(event: &Bound<'py, PyAny>) -> PyResult<(Name<'py>, Name<'py>)> {
    let py = event.py();
    let fields = dictionary(event);
    let name = |field: &Bound<'py, PyString>| {
        let stored = fields.as_ref().and_then(|fields| fields.get_item(field).ok().flatten());
        let value = stored.map_or_else(|| event.getattr(field).map_err(|_| not_an_event(event)), Ok)?;
        Name::new(value, field)
    };
    Ok((name(intern!(py, "exchange"))?, name(intern!(py, "symbol"))?))
}

pub(crate) fn dictionary<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyDict>> {
    // SAFETY: the object lives; the call gives a new reference, or null with an error set.
    let found = unsafe { ffi::PyObject_GenericGetDict(object.as_ptr(), std::ptr::null_mut()) };
    // SAFETY: the call has given a new reference or null.
    let found = unsafe { Bound::from_owned_ptr_or_opt(object.py(), found) };
    if found.is_none() {
        drop(PyErr::take(object.py()));
    }
    found?.cast_into().ok()
}
