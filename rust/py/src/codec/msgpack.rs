//! Encoding and decoding msgpack, as Python functions.

use pyo3::buffer::PyBuffer;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyList, PyType};
use trading_events_core::codec::msgpack::{MsgpackSink, MsgpackSource};
use trading_events_core::codec::{DecodeError, Sink, Token};

use super::class::Class;
use super::gc::CollectorPaused;
use super::msgpack_read::{event_of, read_next};
use super::read_error::ReadError;
use super::write::write_event;
use crate::error::{EventEncodeError, ends_program};
use crate::runtime::exits::NativeCall;

/// The initial capacity for an event; most need no more.
const EVENT_BYTES: usize = 512;

/// The event as one msgpack map.
#[pyfunction]
#[pyo3(signature = (event, /))]
pub(crate) fn encode_event<'py>(event: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let _call = NativeCall::begin(event.py())?;
    Ok(PyBytes::new(event.py(), &bytes_of(event)?))
}

/// The same as `encode_event` for an event that its class would take as it is.
#[pyfunction]
#[pyo3(signature = (event, /))]
pub(crate) fn encode_row<'py>(event: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let _call = NativeCall::begin(event.py())?;
    Ok(PyBytes::new(event.py(), &row_of(event)?))
}

fn bytes_of(event: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let mut sink = MsgpackSink::new(Vec::with_capacity(EVENT_BYTES));
    if let Err(refusal) = write_event(event, &mut sink) {
        return Ok(carried_bytes(event, refusal)?.to_vec());
    }
    Ok(sink.finish())
}

/// The bytes that an `UnknownEvent` carries, whose class refuses to be written; for any other event, the refusal.
#[cold]
#[inline(never)]
fn carried_bytes(event: &Bound<'_, PyAny>, refusal: PyErr) -> PyResult<PyBackedBytes> {
    static UNKNOWN_EVENT: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let py = event.py();
    if !event.is_instance(UNKNOWN_EVENT.import(py, "trading.events.unknown", "UnknownEvent")?)? {
        return Err(refusal);
    }
    let carried: Option<PyBackedBytes> = event.getattr(intern!(py, "encoded"))?.extract()?;
    carried.ok_or(refusal)
}

/// The msgpack of an event to be recorded. The rules of its class are checked, as it may have been made without
/// validation.
pub(crate) fn row_of(event: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let py = event.py();
    let row = bytes_of(event)?;
    for rule in &Class::of_event(event)?.rules {
        rule.bind(py).call1((event,)).map_err(|error| {
            if ends_program(py, &error) {
                return error;
            }
            let told = EventEncodeError::new_err(error.value(py).to_string());
            told.set_cause(py, Some(error));
            told
        })?;
    }
    Ok(row)
}

/// The events as one msgpack array of such maps as `encode_event` makes.
#[pyfunction]
#[pyo3(signature = (events, /))]
pub(crate) fn encode_batch<'py>(events: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let py = events.py();
    let _call = NativeCall::begin(py)?;
    let events = events.try_iter()?.collect::<PyResult<Vec<_>>>()?;
    let mut sink = MsgpackSink::new(Vec::with_capacity(EVENT_BYTES * events.len().min(64)));
    sink.put(Token::List(events.len()));
    for event in &events {
        if let Err(refusal) = write_event(event, &mut sink) {
            let carried = carried_bytes(event, refusal)?;
            let mut written = sink.finish();
            written.extend_from_slice(&carried);
            sink = MsgpackSink::new(written);
        }
    }
    Ok(PyBytes::new(py, &sink.finish()))
}

/// The event that `encode_event` made these bytes of.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub(crate) fn decode_event<'py>(data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let _call = NativeCall::begin(data.py())?;
    with_bytes(data, |bytes| event_of(data.py(), bytes))
}

/// The events that `encode_batch` made these bytes of, in their order.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub(crate) fn decode_batch<'py>(data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
    let py = data.py();
    let _call = NativeCall::begin(py)?;
    let raise = |error: DecodeError| ReadError::from(error).into_error(py, 0);
    with_bytes(data, |bytes| {
        let mut source = MsgpackSource::new(bytes);
        let (events, _paused) = (PyList::empty(py), CollectorPaused::new(py));
        for _ in 0..source.begin_batch().map_err(raise)? {
            events.append(read_next(py, &mut source)?)?;
        }
        source.finish().map_err(raise)?;
        Ok(events)
    })
}

/// The bytes of an object; a copy if they could change meanwhile.
fn with_bytes<T>(data: &Bound<'_, PyAny>, read: impl FnOnce(&[u8]) -> PyResult<T>) -> PyResult<T> {
    if let Ok(bytes) = data.cast::<PyBytes>() {
        return read(bytes.as_bytes());
    }
    let buffer = PyBuffer::<u8>::get(data)?;
    read(&buffer.to_vec(data.py())?)
}
