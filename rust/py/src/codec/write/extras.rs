//! The values of an instance that are no fields of its class.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::super::class::Class;

/// The first extra value with the name of a field, as an alias may give it.
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
