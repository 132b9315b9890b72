//! Event classes, as routing uses them.

use std::sync::Arc;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use rustc_hash::FxHashMap;

use crate::error::NotAnEventError;
use crate::runtime::guarded::Guarded;

/// An event class, as routing uses it.
pub(crate) struct EventClass {
    /// Held so that no other class gets its address.
    _class: Py<PyType>,
    pub(crate) event_type: String,
    /// The identities of the kinds of the class and of the event classes it derives from.
    pub(crate) lineage: Box<[usize]>,
}

/// The address of a class, which identifies it while it is alive.
pub(crate) fn identity(class: &Bound<'_, PyType>) -> usize {
    class.as_ptr() as usize
}

/// The class that all events derive from.
pub(crate) fn base_event(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static BASE_EVENT: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    BASE_EVENT.import(py, "trading.events.base", "BaseEvent")
}

/// The identity of an event class in routing: the address of the first class of its kind, as a notebook or a reload may
/// define it again. The class keeps that one alive. See `trading.events._models.event_kinds`.
pub(crate) fn kind_identity(class: &Bound<'_, PyType>) -> PyResult<usize> {
    static KIND_OF: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let kind_of = KIND_OF.import(class.py(), "trading.events._models.event_kinds", "kind_of")?;
    Ok(identity(kind_of.call1((class,))?.cast::<PyType>()?))
}

/// All event classes seen so far, by their identity.
static SEEN: Guarded<Option<FxHashMap<usize, Arc<EventClass>>>> = Guarded::new(None);

impl EventClass {
    pub(crate) fn of(event: &Bound<'_, PyAny>) -> PyResult<Arc<Self>> {
        let class = event.get_type();
        match Self::seen(&class) {
            Some(known) => Ok(known),
            None if class.is_subclass(base_event(event.py())?)? => Self::learn(class),
            None => Err(not_an_event(event)),
        }
    }

    /// The description of an event class.
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

pub(crate) fn not_an_event(found: &Bound<'_, PyAny>) -> PyErr {
    let class = found.get_type().qualname().map_or_else(|_| String::from("?"), |name| name.to_string());
    NotAnEventError::new_err(format!("{class} is no event: it does not derive from BaseEvent"))
}
