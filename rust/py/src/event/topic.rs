//! Topics and patterns as Python functions.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use trading_events_core::topic::{self, NONE, NameError, Pattern, Topic};

use crate::error::PatternError;

/// A pattern's text, refused if it is not valid Unicode.
pub(crate) fn pattern_text<'a>(text: &'a Bound<'_, PyString>) -> PyResult<&'a str> {
    text.to_str().map_err(|wrong| PatternError::new_err(format!("no pattern: {wrong}")))
}

/// Parses a pattern; the error names its text.
pub(crate) fn parse_pattern(text: &str) -> PyResult<Pattern> {
    Pattern::parse(text).map_err(|wrong| PatternError::new_err(format!("no pattern: {text:?}: {wrong}")))
}

/// The object itself, if its text is valid: a feed names its instruments by the same few objects.
fn checked<'py>(
    name: Bound<'py, PyString>,
    what: &str,
    check: fn(&str) -> Result<(), NameError>,
) -> PyResult<Bound<'py, PyString>> {
    let text = name.to_str()?;
    check(text).map_err(|wrong| refused(what, text, &wrong))?;
    Ok(name)
}

fn refused(what: &str, name: &str, wrong: &NameError) -> PyErr {
    PyValueError::new_err(format!("{name:?} cannot be {what}: {wrong}"))
}

/// `events.{event_type}.{exchange}.{symbol}`, with `_` for None. The parts are taken as valid.
#[pyfunction]
#[pyo3(signature = (event_type, exchange, symbol, /))]
pub(crate) fn compose_topic(event_type: &str, exchange: Option<&str>, symbol: Option<&str>) -> String {
    Topic { event_type, exchange: exchange.unwrap_or(NONE), symbol: symbol.unwrap_or(NONE) }.text()
}

/// Returns the name if it is `[a-z][a-z0-9_]*`.
#[pyfunction]
#[pyo3(signature = (name, /))]
pub(crate) fn check_event_type(name: Bound<'_, PyString>) -> PyResult<Bound<'_, PyString>> {
    checked(name, "an event type", topic::check_event_type)
}

/// Returns the name if it can be an exchange: not blank or `_`; no dot, `*`, `?` or control character.
#[pyfunction]
#[pyo3(signature = (name, /))]
pub(crate) fn check_exchange(name: Bound<'_, PyString>) -> PyResult<Bound<'_, PyString>> {
    checked(name, "an exchange", topic::check_exchange)
}

/// Returns the name if it can be a symbol: not blank or `_`; no `*`, `?` or control character.
#[pyfunction]
#[pyo3(signature = (name, /))]
pub(crate) fn check_symbol(name: Bound<'_, PyString>) -> PyResult<Bound<'_, PyString>> {
    checked(name, "a symbol", topic::check_symbol)
}

/// The pattern with its shorthands written out: `tick` is `events.tick.*.*`.
#[pyfunction]
#[pyo3(signature = (pattern, /))]
pub(crate) fn normalize_pattern(pattern: &str) -> PyResult<String> {
    parse_pattern(pattern).map(|parsed| parsed.to_string())
}

/// True if the pattern matches the topic. A text that is no topic matches nothing.
#[pyfunction]
#[pyo3(signature = (pattern, topic, /))]
pub(crate) fn matches(pattern: &str, topic: &str) -> PyResult<bool> {
    let parsed = parse_pattern(pattern)?;
    Ok(Topic::parse(topic).is_some_and(|topic| parsed.matches(&topic)))
}
