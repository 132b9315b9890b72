//! Events as rows, for queues and histories that keep many.
//!
//! `pack` and `unpack` may run Python code (of fields that only Pydantic knows, of rules), so no lock may be held
//! around them. A packed row is complete but long. Its owner shortens it with an `Interner` under its own lock, and
//! expands it before it is unpacked:
//!
//! ```text
//! row::pack(event, &mut row)?;                    // Python may run
//! interner.lock().shrink(&row, &mut kept)?;       // pure
//! interner.lock().expand(&kept, &mut row)?;       // pure
//! row::unpack(py, &row)?                          // Python may run
//! ```

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use trading_events_core::codec::DecodeError;
use trading_events_core::codec::row::{Interner, RowSink, RowSource, TrustedRow};

use super::class::{Class, class_of_type};
use super::read::read_event;
use super::read_error::ReadError;
use super::write::write_event;

/// Appends an event's row to bytes, which are unchanged if that fails.
///
/// Raises `NotAnEventError` or `EventEncodeError`.
pub(crate) fn pack(event: &Bound<'_, PyAny>, row: &mut Vec<u8>) -> PyResult<()> {
    let length = row.len();
    write_event(event, &mut RowSink::new(row)).inspect_err(|_| row.truncate(length))
}

/// Appends the row of an event if it can be unpacked without loss. Returns whether it can.
///
/// Raises `NotAnEventError` or `EventEncodeError`, or any exception of Pydantic's.
pub(crate) fn pack_exactly(event: &Bound<'_, PyAny>, row: &mut Vec<u8>) -> PyResult<bool> {
    if !Class::of_event(event)?.is_complete(event.py())? {
        return Ok(false);
    }
    pack(event, row).map(|()| true)
}

/// The event of a row, of the class that its event type has now. Raises `EventDecodeError`.
fn unpack<'py>(py: Python<'py>, row: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let mut source = RowSource::new(row);
    let event_type = source.begin().map_err(|error| raise(py, error))?;
    let class = class_of_type(py, event_type)?
        .ok_or_else(|| raise(py, DecodeError::new(0, format!("no class here has the event type {event_type:?}"))))?;
    read_event(py, Class::of(&class)?, &mut source, 0).map_err(|error| error.into_error(py, 0))
}

/// The event of a row that this process has made: unchanged and of its own class, even if another class has its event
/// type now, or its class would refuse it now.
pub(crate) fn unpack_exactly<'py>(py: Python<'py>, row: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let mut source = RowSource::new(row);
    source.begin().map_err(|error| raise(py, error))?;
    let class = source.mark().and_then(Class::marked);
    let class = class.ok_or_else(|| raise(py, DecodeError::new(0, "no class here has made this row")))?;
    read_event(py, class, &mut TrustedRow::new(source), 0).map_err(|error| error.into_error(py, 0))
}

fn raise(py: Python<'_>, error: DecodeError) -> PyErr {
    ReadError::from(error).into_error(py, 0)
}

/// An interner with the rows that it shortens, as queues and histories use it.
#[pyclass(frozen, module = "trading.events._core")]
#[derive(Default)]
pub(crate) struct RowTable {
    interner: Mutex<Interner>,
}

#[pymethods]
impl RowTable {
    #[new]
    #[pyo3(signature = (texts = Vec::new(), /))]
    fn new(texts: Vec<String>) -> Self {
        Self { interner: Mutex::new(Interner::from_texts(texts)) }
    }

    /// The event's row.
    #[pyo3(signature = (event, /))]
    fn pack<'py>(&self, event: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        let (mut row, mut kept) = (Vec::new(), Vec::new());
        pack(event, &mut row)?;
        let shrunk = self.interner.lock().shrink(&row, &mut kept);
        shrunk.map_err(|error| ReadError::from(error).into_error(event.py(), 0))?;
        Ok(PyBytes::new(event.py(), &kept))
    }

    /// The event of a row.
    #[pyo3(signature = (row, /))]
    fn unpack<'py>(&self, py: Python<'py>, row: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        let mut complete = Vec::new();
        let expanded = self.interner.lock().expand(row, &mut complete);
        expanded.map_err(|error| ReadError::from(error).into_error(py, 0))?;
        unpack(py, &complete)
    }

    /// The interned texts, in the order of their numbers.
    #[getter]
    fn texts(&self) -> Vec<String> {
        self.interner.lock().texts().iter().map(ToString::to_string).collect()
    }
}
