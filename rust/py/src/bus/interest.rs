//! The events that a subscription asks for.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};
use trading_events_core::filter::Filter;
use trading_events_core::routing::Selector;

use crate::event::event_class::{base_event, kind_identity};
use crate::event::topic::{parse_pattern, pattern_text};

/// The events of a pattern or a class: their kinds, their description, and the class if one was given.
pub(crate) fn kinds_of<'py>(what: &Bound<'py, PyAny>) -> PyResult<(Selector, String, Option<Bound<'py, PyType>>)> {
    if let Ok(text) = what.cast::<PyString>() {
        let pattern = parse_pattern(pattern_text(text)?)?;
        let words = pattern.to_string();
        return Ok((Selector::Matching(pattern), words, None));
    }
    match what.cast::<PyType>() {
        Ok(class) if class.is_subclass(base_event(what.py())?)? => {
            Ok((Selector::Class(kind_identity(class)?), class.qualname()?.to_string(), Some(class.clone())))
        }
        _ => Err(PyTypeError::new_err(format!("{} is neither a pattern nor an event class", what.repr()?))),
    }
}

/// Nested conjunctions merged into one, so that routing can use each of their parts.
pub(crate) fn flattened(filter: Filter<usize>) -> Filter<usize> {
    fn collect(filter: Filter<usize>, parts: &mut Vec<Filter<usize>>) {
        match filter {
            Filter::All(inner) => inner.into_iter().for_each(|part| collect(part, parts)),
            other => parts.push(other),
        }
    }
    let mut parts = Vec::new();
    collect(filter, &mut parts);
    if parts.len() == 1 { parts.remove(0) } else { Filter::All(parts) }
}
