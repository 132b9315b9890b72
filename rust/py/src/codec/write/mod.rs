//! Writing an event into a sink.

mod as_json;
mod containers;
mod extras;
mod field_values;
mod literal;
mod null_sink;
mod plain;
mod scalars;
mod walk;
mod write_error;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use trading_events_core::codec::Sink;
use trading_events_core::codec::columns::Form;
use trading_events_core::codec::msgpack::MsgpackSink;

use super::class::{Class, Gate};
use super::frozen::is_empty_dict;
use super::msgpack_read::event_of;
use crate::event::event_class::not_an_event;
use crate::event::names::dictionary;
use as_json::{write_as_json, write_extras_as_json};
use extras::{NAME_TAKEN, extras_of, known_name};
use field_values::FieldValues;
use plain::{Depth, write_json};
pub(super) use scalars::MAX_TEXT_BYTES;
use scalars::text;
use write_error::{WriteError, missing, refuse, refuse_class, refuse_raised};

/// Writes an event into a sink.
pub(super) fn write_event<S: Sink>(event: &Bound<'_, PyAny>, sink: &mut S) -> PyResult<()> {
    let class = Class::of_event(event)?;
    match &class.gate {
        Gate::Closed(reason) => return Err(refuse_class(class, event, reason)),
        Gate::RoundTrip if S::COLUMNS || S::LASTING => check_round_trip(event)?,
        Gate::Open | Gate::RoundTrip => {}
    }
    write_fields(class, event, sink)
}

/// Encodes an event, decodes it, and compares the two.
#[cold]
fn check_round_trip(event: &Bound<'_, PyAny>) -> PyResult<()> {
    let (py, class) = (event.py(), Class::of_event(event)?);
    let mut sink = MsgpackSink::new(Vec::new());
    write_fields(class, event, &mut sink)?;
    let exactness = py.import(intern!(py, "trading.events._codec.exactness"))?;
    let is_same = event_of(py, &sink.finish())
        .and_then(|again| exactness.call_method1(intern!(py, "is_same"), (event, again))?.is_truthy())
        .map_err(|error| refuse_raised(class, event, error))?;
    if is_same {
        return Ok(());
    }
    Err(refuse_class(class, event, "what it has beside its fields would not come back as it is"))
}

/// Writes an event that has passed the gate into a sink.
#[inline]
fn write_fields<S: Sink>(class: &Class, event: &Bound<'_, PyAny>, sink: &mut S) -> PyResult<()> {
    let py = event.py();
    let fields = dictionary(event).ok_or_else(|| not_an_event(event))?;
    let extras = if class.keeps_extras { extras_of(event)? } else { None };
    if let Some((name, value)) = extras.as_ref().and_then(|extras| known_name(class, extras)) {
        return Err(refuse(class, &name, &value, WriteError::Reason(String::from(NAME_TAKEN))));
    }
    sink.begin(&class.layout, extras.as_ref().map_or(0, PyDictMethods::len));
    let mut stored = FieldValues::new(&fields);
    for (index, field) in class.fields.iter().enumerate() {
        let value = stored.next(field.name.bind(py))?.ok_or_else(|| missing(class, field, py))?;
        if !S::COLUMNS && class.type_index == Some(index) {
            continue;
        }
        if S::SPARSE && class.metadata_index == Some(index) && is_empty_dict(&value)? {
            continue;
        }
        sink.field(&class.layout, index);
        let put = if S::COLUMNS && field.form == Form::Json {
            write_as_json(class, field, &value, sink)
        } else {
            field.shape.write(&value, sink, 0)
        };
        put.map_err(|error| refuse(class, field.name.bind(py), &value, error))?;
    }
    if S::COLUMNS && class.keeps_extras {
        sink.field(&class.layout, class.fields.len());
        return write_extras_as_json(extras, sink).map_err(|error| refuse(class, intern!(py, "_extra"), event, error));
    }
    if let Some(extras) = extras {
        write_extras(class, &extras, sink)?;
    }
    sink.end();
    Ok(())
}

/// Writes the extra values, nested as deep as in a column, where they are one object.
fn write_extras<S: Sink>(class: &Class, extras: &Bound<'_, PyDict>, sink: &mut S) -> PyResult<()> {
    for (name, value) in extras {
        let name = name.cast_into::<PyString>()?;
        let put = text(&name).and_then(|text| {
            sink.extra(text);
            write_json(&value, sink, Depth::new(1)?)
        });
        put.map_err(|error| refuse(class, &name, &value, error))?;
    }
    Ok(())
}
