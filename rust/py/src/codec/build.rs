//! Building the instance of a class from its decoded values.

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PySet};
use smallvec::SmallVec;
use trading_events_core::codec::DecodeError;

use super::class::Class;
use super::frozen;
use super::gc::{hide, is_tracked};
use super::read_error::ReadError;
use super::shape::Shape;
use super::slot::new_instance;

/// The values of an instance, by field index.
pub(super) struct Values<'py> {
    found: SmallVec<[Option<Bound<'py, PyAny>>; 24]>,
    extras: Option<Bound<'py, PyDict>>,
    /// True if they are those of an existing instance, so that rules are not checked again.
    are_trusted: bool,
}

impl<'py> Values<'py> {
    pub(super) fn new(class: &Class, are_trusted: bool) -> Self {
        Self { found: class.fields.iter().map(|_| None).collect(), extras: None, are_trusted }
    }

    /// Keeps a value. Returns false if the field has one already.
    pub(super) fn put(&mut self, index: usize, value: Bound<'py, PyAny>) -> bool {
        self.found[index].replace(value).is_none()
    }

    /// The values of names that are no fields of the class.
    pub(super) fn extras(&mut self, py: Python<'py>) -> &Bound<'py, PyDict> {
        self.extras.get_or_insert_with(|| PyDict::new(py))
    }
}

/// The instance that has these values; fields without one get their defaults.
pub(super) fn build<'py>(
    py: Python<'py>,
    class: &Class,
    values: Values<'py>,
    offset: usize,
) -> Result<Bound<'py, PyAny>, ReadError> {
    let fields = class.template.bind(py).copy()?;
    let mut missing = Vec::new();
    let mut is_flat = class.is_flat;
    for (index, (field, value)) in class.fields.iter().zip(values.found).enumerate() {
        let value = match value {
            Some(value) if value.is_none() => continue, // as it is in the template
            Some(value) => value,
            None if class.type_index == Some(index) => continue,
            None if class.metadata_index == Some(index) => match field.shape {
                Shape::Metadata => frozen::empty(py)?,
                _ => PyDict::new(py).into_any(),
            },
            None => {
                missing.push(index);
                default(py, class, index, &fields, offset)?
            }
        };
        fields.set_item(&field.name, value)?;
    }
    is_flat &= missing.is_empty();
    if is_flat {
        hide(&fields);
    }
    let set = field_names(py, class, &missing)?;
    let built = instance(py, class, &fields, set, extras_of(py, class, values.extras))?;
    finish(class, &built, values.are_trusted)?;
    if is_flat && !is_tracked(&fields) {
        hide(&built);
    }
    Ok(built)
}

/// Sets the private attributes of an instance, and checks the rules of its class.
#[inline]
fn finish(class: &Class, built: &Bound<'_, PyAny>, are_trusted: bool) -> PyResult<()> {
    let py = built.py();
    if let Some(restore) = &class.restore {
        restore.bind(py).call1((built,))?;
    }
    for rule in class.rules.iter().filter(|_| !are_trusted) {
        rule.bind(py).call1((built,))?;
    }
    Ok(())
}

#[cold]
fn default<'py>(
    py: Python<'py>,
    class: &Class,
    index: usize,
    before: &Bound<'py, PyDict>,
    offset: usize,
) -> Result<Bound<'py, PyAny>, ReadError> {
    let field = &class.fields[index];
    if field.is_required {
        return Err(DecodeError::new(offset, format!("its field {} is missing", class.layout.names()[index])).into());
    }
    let module = py.import(intern!(py, "trading.events._models.updating"))?;
    Ok(module.call_method1(intern!(py, "default_of"), (&class.python, &field.name, before))?)
}

/// The names of the fields that were given. Frozen instances share one set.
fn field_names<'py>(py: Python<'py>, class: &Class, missing: &[usize]) -> PyResult<Bound<'py, PySet>> {
    let all = class.names.bind(py);
    if missing.is_empty() && class.is_frozen {
        return Ok(all.clone());
    }
    let names = all.call_method0(intern!(py, "copy"))?.cast_into::<PySet>()?;
    for index in missing {
        names.discard(&class.fields[*index].name)?;
    }
    Ok(names)
}

fn extras_of<'py>(py: Python<'py>, class: &Class, extras: Option<Bound<'py, PyDict>>) -> Bound<'py, PyAny> {
    match extras {
        Some(extras) => extras.into_any(),
        None if class.keeps_extras => PyDict::new(py).into_any(),
        None => py.None().into_bound(py),
    }
}

/// An instance made as Pydantic makes it, without `__init__`.
fn instance<'py>(
    py: Python<'py>,
    class: &Class,
    fields: &Bound<'py, PyDict>,
    set: Bound<'py, PySet>,
    extras: Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let made = new_instance(class.python.bind(py))?;
    // SAFETY: both live; an instance of such a class has room for a dictionary, and takes a reference to this one.
    let status = unsafe { ffi::PyObject_GenericSetDict(made.as_ptr(), fields.as_ptr(), std::ptr::null_mut()) };
    if status != 0 {
        return Err(PyErr::fetch(py));
    }
    for (slot, value) in class.slots.iter().zip([set.into_any(), extras, py.None().into_bound(py)]) {
        slot.fill(&made, value)?;
    }
    Ok(made)
}
