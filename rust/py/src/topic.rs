//! Topics and patterns as Python functions.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use trading_events_core::error::NameError;
use trading_events_core::pattern::Pattern;
use trading_events_core::topic::{self, NONE, Topic};

use crate::error::PatternError;

/// A pattern's text; what is no Unicode is no pattern.
pub(crate) fn pattern_text<'a>(text: &'a Bound<'_, PyString>) -> PyResult<&'a str> {
    text.to_str().map_err(|wrong| PatternError::new_err(format!("no pattern: {wrong}")))
}

/// Reads a pattern, naming it in the error when it is none.
pub(crate) fn parse_pattern(text: &str) -> PyResult<Pattern> {
    Pattern::parse(text).map_err(|wrong| PatternError::new_err(format!("no pattern: {text:?}: {wrong}")))
}

fn refused(what: &str, name: &str, wrong: &NameError) -> PyErr {
    PyValueError::new_err(format!("{name:?} cannot be {what}: {wrong}"))
}

#[pyfunction]
#[pyo3(signature = (event_type, exchange, symbol, /))]
pub(crate) fn compose_topic(event_type: &str, exchange: Option<&str>, symbol: Option<&str>) -> String {
    Topic { event_type, exchange: exchange.unwrap_or(NONE), symbol: symbol.unwrap_or(NONE) }.text()
}

#[pyfunction]
#[pyo3(signature = (name, /))]
pub(crate) fn check_event_type<'a, 'py>(name: &'a Bound<'py, PyString>) -> PyResult<&'a Bound<'py, PyString>> {
    let text = name.to_str()?;
    topic::check_event_type(text).map(|()| name).map_err(|wrong| refused("an event type", text, &wrong))
}

#[pyfunction]
#[pyo3(signature = (name, /))]
pub(crate) fn check_exchange<'a, 'py>(name: &'a Bound<'py, PyString>) -> PyResult<&'a Bound<'py, PyString>> {
    let text = name.to_str()?;
    topic::check_exchange(text).map(|()| name).map_err(|wrong| refused("an exchange", text, &wrong))
}

#[pyfunction]
#[pyo3(signature = (name, /))]
pub(crate) fn check_symbol<'a, 'py>(name: &'a Bound<'py, PyString>) -> PyResult<&'a Bound<'py, PyString>> {
    let text = name.to_str()?;
    topic::check_symbol(text).map(|()| name).map_err(|wrong| refused("a symbol", text, &wrong))
}

#[pyfunction]
#[pyo3(signature = (pattern, /))]
pub(crate) fn normalize_pattern(pattern: &str) -> PyResult<String> {
    parse_pattern(pattern).map(|parsed| parsed.to_string())
}

#[pyfunction]
#[pyo3(signature = (pattern, topic, /))]
pub(crate) fn matches(pattern: &str, topic: &str) -> PyResult<bool> {
    let parsed = parse_pattern(pattern)?;
    Ok(Topic::parse(topic).is_some_and(|topic| parsed.matches(&topic)))
}
