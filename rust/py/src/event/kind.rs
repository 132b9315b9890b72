//! What the bus reads of an event: its class, exchange, symbol and timestamp.

use std::sync::Arc;

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyType};
use rustc_hash::FxHashMap;

use crate::error::NotAnEventError;
use crate::runtime::guarded::Guarded;
use crate::runtime::references::holders;

/// An event class as routing sees it.
pub(crate) struct Kind {
    /// Kept, so that no other class gets its address, or that of its kind.
    _class: Py<PyType>,
    pub(crate) event_type: String,
    /// The identities of the kinds of the class and of the event classes it derives from.
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

/// The identity by which routing knows a class of events: the address of the first class of its kind, as a notebook or
/// a reload may define it anew. The class itself keeps that one alive. See `trading.events._models.event_kinds`.
pub(crate) fn kind_identity(class: &Bound<'_, PyType>) -> PyResult<usize> {
    static KIND_OF: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let kind_of = KIND_OF.import(class.py(), "trading.events._models.event_kinds", "kind_of")?;
    Ok(identity(kind_of.call1((class,))?.cast::<PyType>()?))
}

/// Every class of events that has been seen, by its identity.
static SEEN: Guarded<Option<FxHashMap<usize, Arc<Kind>>>> = Guarded::new(None);

impl Kind {
    pub(crate) fn of(event: &Bound<'_, PyAny>) -> PyResult<Arc<Self>> {
        let class = event.get_type();
        match Self::seen(&class) {
            Some(known) => Ok(known),
            None if class.is_subclass(base_event(event.py())?)? => Self::learn(class),
            None => Err(not_an_event(event)),
        }
    }

    /// The same of a class of events.
    pub(crate) fn of_class(class: Bound<'_, PyType>) -> PyResult<Arc<Self>> {
        Self::seen(&class).map_or_else(|| Self::learn(class), Ok)
    }

    fn seen(class: &Bound<'_, PyType>) -> Option<Arc<Self>> {
        SEEN.lock(class.py()).as_ref()?.get(&identity(class)).cloned()
    }

    fn learn(class: Bound<'_, PyType>) -> PyResult<Arc<Self>> {
        let (py, key) = (class.py(), identity(&class));
        let kind = Arc::new(Self::describe(class)?);
        SEEN.lock(py).get_or_insert_default().insert(key, Arc::clone(&kind));
        Ok(kind)
    }

    fn describe(class: Bound<'_, PyType>) -> PyResult<Self> {
        let py = class.py();
        let base = base_event(py)?;
        let fields = class.getattr(intern!(py, "model_fields"))?;
        let event_type: String =
            fields.get_item(intern!(py, "event_type"))?.getattr(intern!(py, "default"))?.extract()?;
        let mut lineage = Vec::new();
        for ancestor in class.mro() {
            let ancestor = ancestor.cast_into::<PyType>()?;
            if ancestor.is_subclass(base)? {
                lineage.push(kind_identity(&ancestor)?);
            }
        }
        Ok(Self { _class: class.unbind(), event_type, lineage: lineage.into() })
    }
}

/// An exchange or a symbol, held for as long as its text is read.
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

    /// Where the object is; 0 for none.
    pub(crate) fn address(&self) -> usize {
        self.0.as_ref().map_or(0, |text| text.as_ptr() as usize)
    }

    /// Whether it is plain text that more than its event and its reader hold.
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

pub(crate) fn not_an_event(found: &Bound<'_, PyAny>) -> PyErr {
    let class = found.get_type().qualname().map_or_else(|_| String::from("?"), |name| name.to_string());
    NotAnEventError::new_err(format!("{class} is no event: it does not derive from BaseEvent"))
}

/// An event's exchange and symbol. Pydantic keeps fields in the instance's dictionary; reading them there takes a third
/// of the time that attribute access takes on a class with a `__getattr__`, as its models are.
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
    // SAFETY: as above.
    let found = unsafe { Bound::from_owned_ptr_or_opt(object.py(), found) };
    if found.is_none() {
        drop(PyErr::take(object.py()));
    }
    found?.cast_into().ok()
}
