//! The values of an instance under names that its class does not have.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::super::class::Class;

/// The first of the names that an instance has beside its fields which is a field's name as well: it was given by an alias.
pub(super) fn known_name<'py>(
    class: &Class,
    extras: &Bound<'py, PyDict>,
) -> Option<(Bound<'py, PyString>, Bound<'py, PyAny>)> {
    let mut names = class.fields.iter().map(|field| field.name.bind(extras.py()));
    names.find_map(|name| Some((name.clone(), extras.get_item(name).ok()??)))
}

pub(super) const NAME_TAKEN: &str = "a field has that name";

pub(super) fn extras_of<'py>(model: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyDict>>> {
    let extras = model.getattr(intern!(model.py(), "__pydantic_extra__"))?;
    Ok(extras.cast_into::<PyDict>().ok())
}
