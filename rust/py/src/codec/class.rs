//! Descriptions of event classes and of model classes in them, made once each.

use std::sync::OnceLock;

use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PySet, PyString, PyType};
use rustc_hash::FxHashMap;
use trading_events_core::codec::Layout;
use trading_events_core::codec::columns::Form;
use trading_events_core::codec::transcode::Transcoder;

use super::gc::untracks;
use super::shape::Shape;
use super::slot::{Slot, Slots};
use crate::event::event_class::{base_event, identity, not_an_event};

/// All described classes, by address. A description keeps its class alive.
static CLASSES: Mutex<Option<FxHashMap<usize, &'static Class>>> = Mutex::new(None);

/// The description of a class, by which its instances are written and read.
pub(crate) struct Class {
    /// The class itself.
    pub(super) python: Py<PyType>,
    pub(super) layout: Layout,
    pub(super) fields: Box<[Field]>,
    /// Checks of each decoded instance, besides those of its fields.
    pub(super) rules: Vec<Py<PyAny>>,
    /// The function that sets private attributes, if the class has any.
    pub(super) restore: Option<Py<PyAny>>,
    pub(super) keeps_extras: bool,
    /// The names of all fields, shared by frozen instances.
    pub(super) names: Py<PySet>,
    pub(super) is_frozen: bool,
    /// True if instances are hidden from the garbage collector, as they cannot be part of a cycle.
    pub(super) is_flat: bool,
    is_complete: PyOnceLock<bool>,
    /// A dictionary with `event_type` and None for all other fields. Instances begin with a copy, which need not grow.
    pub(super) template: Py<PyDict>,
    /// The slots of instances for the given fields, other fields, and private attributes.
    pub(super) slots: Slots,
    /// The index of `event_type` in an event class.
    pub(super) type_index: Option<usize>,
    /// The index of `metadata`, where an empty dictionary need not be written.
    pub(super) metadata_index: Option<usize>,
    pub(super) gate: Gate,
    /// The transcoder of its rows into columns, if that needs no Python.
    pub(super) transcoder: OnceLock<Option<Transcoder>>,
}

/// The events of a class that can be encoded without loss.
pub(super) enum Gate {
    /// Events whose fields can be.
    Open,
    /// Events that equal their decoded copy, which is checked when they are encoded.
    RoundTrip,
    /// None, for this reason.
    Closed(String),
}

/// One field of a class.
pub(crate) struct Field {
    pub(super) name: Py<PyString>,
    pub(super) shape: Shape,
    pub(super) is_required: bool,
    /// The form of its columns.
    pub(super) form: Form,
    json: PyOnceLock<TypedJson>,
}

/// Functions that render values as JSON text and parse that.
pub(super) struct TypedJson {
    pub(super) render: Py<PyAny>,
    pub(super) parse: Py<PyAny>,
}

impl Field {
    fn describe(
        name: &str,
        shape: &Bound<'_, PyAny>,
        class: &Bound<'_, PyType>,
        infos: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        Ok(Self {
            name: PyString::intern(class.py(), name).unbind(),
            shape: Shape::compile(shape, class)?,
            form: form_of(shape)?,
            json: PyOnceLock::new(),
            is_required: infos.as_any().get_item(name)?.call_method0("is_required")?.is_truthy()?,
        })
    }

    /// The JSON functions of the field, for values without columns of their own.
    pub(super) fn json(&self, class: &Class, py: Python<'_>) -> PyResult<&TypedJson> {
        self.json.get_or_try_init(py, || {
            let module = py.import(intern!(py, "trading.events._codec.typed_json"))?;
            let (render, parse) =
                module.call_method1(intern!(py, "field_json"), (class.python.bind(py), &self.name))?.extract()?;
            Ok(TypedJson { render, parse })
        })
    }
}

impl Class {
    /// The class of rows with a mark.
    pub(super) fn marked(mark: usize) -> Option<&'static Self> {
        CLASSES.lock().as_ref()?.get(&mark).copied()
    }

    fn known(class: &Bound<'_, PyType>) -> Option<&'static Self> {
        Self::marked(identity(class))
    }

    /// The description of a class, made on first use. It lives as long as the process.
    pub(crate) fn of(class: &Bound<'_, PyType>) -> PyResult<&'static Self> {
        if let Some(known) = Self::known(class) {
            return Ok(known);
        }
        let made: &'static Self = Box::leak(Box::new(Self::describe(class)?));
        CLASSES.lock().get_or_insert_default().insert(identity(class), made);
        Ok(made)
    }

    /// The description of an event's class.
    pub(super) fn of_event(event: &Bound<'_, PyAny>) -> PyResult<&'static Self> {
        let class = event.get_type();
        match Self::known(&class) {
            Some(known) if known.type_index.is_some() => Ok(known),
            _ if class.is_subclass(base_event(event.py())?)? => Self::of(&class),
            _ => Err(not_an_event(event)),
        }
    }

    /// Tells if the fields of an instance, and of models in it, hold its whole state.
    pub(super) fn is_complete(&self, py: Python<'_>) -> PyResult<bool> {
        self.is_complete
            .get_or_try_init(py, || {
                let mut classes = vec![self.python.clone_ref(py)];
                let mut seen = 0;
                while let Some(class) = classes.get(seen) {
                    let class = Self::of(class.bind(py))?;
                    if class.restore.is_some() {
                        return Ok(false);
                    }
                    let mut add = |model: &Py<PyType>| {
                        if !classes.iter().any(|known| known.is(model)) {
                            classes.push(model.clone_ref(py));
                        }
                    };
                    class.fields.iter().for_each(|field| field.shape.each_model(&mut add));
                    seen += 1;
                }
                Ok(true)
            })
            .copied()
    }

    fn describe(class: &Bound<'_, PyType>) -> PyResult<Self> {
        let py = class.py();
        let module = py.import(intern!(py, "trading.events._codec.description"))?;
        let description = module.call_method1(intern!(py, "describe_class"), (class,))?;
        let infos = class.getattr(intern!(py, "model_fields"))?.cast_into::<PyDict>()?;
        let is_event = class.is_subclass(base_event(py)?)?;
        let (mut fields, mut names) = (Vec::new(), Vec::new());
        for field in description.getattr("fields")?.try_iter()? {
            let field = field?;
            let name: String = field.getattr("name")?.extract()?;
            fields.push(Field::describe(&name, &field.getattr("shape")?, class, &infos)?);
            names.push(name);
        }
        let place = |wanted: &str| is_event.then(|| names.iter().position(|name| name == wanted)).flatten();
        let default = |_| infos.as_any().get_item("event_type")?.getattr("default");
        let event_type = place("event_type").map(default).transpose()?;
        let type_name: String = event_type.as_ref().map_or_else(|| Ok(String::new()), PyAnyMethods::extract)?;
        let has_private: bool = description.getattr("has_private")?.extract()?;
        let restore = py.import("trading.events._models.restoring")?.getattr("restore_private")?;
        let template = template(py, &fields, place("event_type").zip(event_type.as_ref()))?;
        Ok(Self {
            python: class.clone().unbind(),
            layout: Layout::new(&type_name, &names).marked(identity(class)),
            rules: description.getattr("rules")?.extract()?,
            restore: has_private.then(|| restore.unbind()),
            keeps_extras: description.getattr("keeps_extras")?.extract()?,
            names: PySet::new(py, &names)?.unbind(),
            is_frozen: description.getattr("is_frozen")?.extract()?,
            is_flat: description.getattr("is_flat")?.extract()? && untracks(py)?,
            is_complete: PyOnceLock::new(),
            type_index: place("event_type"),
            metadata_index: place("metadata").filter(|index| fields[*index].shape.has_empty_dict()),
            gate: gate_of(&description)?,
            template,
            slots: Slot::of_model(class)?,
            fields: fields.into(),
            transcoder: OnceLock::new(),
        })
    }
}

fn gate_of(description: &Bound<'_, PyAny>) -> PyResult<Gate> {
    let reason: Option<String> = description.getattr("reason")?.extract()?;
    let is_compared: bool = description.getattr("is_compared")?.extract()?;
    Ok(reason.map_or(if is_compared { Gate::RoundTrip } else { Gate::Open }, Gate::Closed))
}

fn template(py: Python<'_>, fields: &[Field], fixed: Option<(usize, &Bound<'_, PyAny>)>) -> PyResult<Py<PyDict>> {
    let template = PyDict::new(py);
    for field in fields {
        template.set_item(&field.name, py.None())?;
    }
    if let Some((index, event_type)) = fixed {
        template.set_item(&fields[index].name, event_type)?;
    }
    Ok(template.unbind())
}

fn form_of(shape: &Bound<'_, PyAny>) -> PyResult<Form> {
    let name: String = shape.getattr("form")?.extract()?;
    Form::named(&name).ok_or_else(|| PyValueError::new_err(format!("no form is called {name}")))
}

/// The class of an event type, if any.
pub(crate) fn class_of_type<'py>(py: Python<'py>, event_type: &str) -> PyResult<Option<Bound<'py, PyType>>> {
    Ok(classes(py)?.get_item(event_type)?.map(Bound::cast_into).transpose()?)
}

/// The classes by event type.
fn classes(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    static BASE: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let base = BASE.get_or_try_init(py, || {
        let module = py.import("trading.events.base")?;
        PyResult::Ok(module.dict().unbind())
    })?;
    Ok(base.bind(py).as_any().get_item(intern!(py, "_CLASSES"))?.cast_into::<PyDict>()?)
}
