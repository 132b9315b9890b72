//! What the bus reads of an event: its class, exchange, symbol and timestamp.

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyType};

use crate::error::NotAnEventError;

/// An event class as routing sees it.
pub(crate) struct Kind {
    /// Kept, so that no other class gets its address.
    _class: Py<PyType>,
    pub(crate) event_type: String,
    /// The addresses of the class and of the event classes it derives from.
    pub(crate) lineage: Box<[usize]>,
}

/// A class's address, by which it is known while it lives.
pub(crate) fn identity(class: &Bound<'_, PyType>) -> usize {
    class.as_ptr() as usize
}

/// The class that all events derive from.
pub(crate) fn base_event(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static BASE_EVENT: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    BASE_EVENT.import(py, "trading.events.base", "BaseEvent")
}

impl Kind {
    pub(crate) fn of(event: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = event.py();
        let class = event.get_type();
        let base = base_event(py)?;
        if !class.is_subclass(base)? {
            return Err(not_an_event(event));
        }
        let fields = class.getattr(intern!(py, "model_fields"))?;
        let event_type: String =
            fields.get_item(intern!(py, "event_type"))?.getattr(intern!(py, "default"))?.extract()?;
        let mut lineage = Vec::new();
        for ancestor in class.mro() {
            let ancestor = ancestor.cast_into::<PyType>()?;
            if ancestor.is_subclass(base)? {
                lineage.push(identity(&ancestor));
            }
        }
        Ok(Self { _class: class.unbind(), event_type, lineage: lineage.into() })
    }
}

/// An exchange or a symbol, held for as long as its text is read.
pub(crate) struct Name<'py>(Option<Bound<'py, PyString>>);

impl Name<'_> {
    pub(crate) fn text(&self) -> PyResult<Option<&str>> {
        self.0.as_ref().map(PyStringMethods::to_str).transpose()
    }
}

fn not_an_event(found: &Bound<'_, PyAny>) -> PyErr {
    let class = found.get_type().qualname().map_or_else(|_| String::from("?"), |name| name.to_string());
    NotAnEventError::new_err(format!("{class} is no event: it does not derive from BaseEvent"))
}

fn name<'py>(event: &Bound<'py, PyAny>, field: &Bound<'py, PyString>) -> PyResult<Name<'py>> {
    let value = event.getattr(field).map_err(|_| not_an_event(event))?;
    if value.is_none() {
        return Ok(Name(None));
    }
    match value.cast_into::<PyString>() {
        Ok(text) => Ok(Name(Some(text))),
        Err(_) => Err(PyTypeError::new_err(format!("{field} of an event is neither text nor None"))),
    }
}

pub(crate) fn exchange<'py>(event: &Bound<'py, PyAny>) -> PyResult<Name<'py>> {
    name(event, intern!(event.py(), "exchange"))
}

pub(crate) fn symbol<'py>(event: &Bound<'py, PyAny>) -> PyResult<Name<'py>> {
    name(event, intern!(event.py(), "symbol"))
}
