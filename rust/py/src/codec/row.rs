//! Events as rows, for whoever keeps many: the backlog and the journal.
//!
//! `pack` and `unpack` may run Python code (of fields that only Pydantic knows, of rules), so no lock is to be held
//! around them. A packed row is complete but long. Whoever keeps it makes it short with an `Interner` of its own, under its
//! own lock, and long again before it is unpacked:
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

/// Appends an event's row to bytes, which stay as they are if that fails.
///
/// Raises `NotAnEventError` or `EventEncodeError`.
pub(crate) fn pack(event: &Bound<'_, PyAny>, row: &mut Vec<u8>) -> PyResult<()> {
    let length = row.len();
    write_event(event, &mut RowSink::new(row)).inspect_err(|_| row.truncate(length))
}

/// Appends the row of an event that is to come back from it as it is; says whether it will.
///
/// Raises `NotAnEventError` or `EventEncodeError`, or whatever raises where Pydantic is asked.
pub(crate) fn pack_exactly(event: &Bound<'_, PyAny>, row: &mut Vec<u8>) -> PyResult<bool> {
    if !Class::of_event(event)?.is_whole(event.py())? {
        return Ok(false);
    }
    pack(event, row).map(|()| true)
}

/// The event of a row, of the class that has its type now. Raises `EventDecodeError`.
fn unpack<'py>(py: Python<'py>, row: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let mut source = RowSource::new(row);
    let event_type = source.begin().map_err(|error| raise(py, error))?;
    let class = class_of_type(py, event_type)?
        .ok_or_else(|| raise(py, DecodeError::new(0, format!("no class here has the event type {event_type:?}"))))?;
    read_event(py, Class::of(&class)?, &mut source, 0).map_err(|flaw| flaw.into_error(py, 0))
}

/// The event of a row that this process has made of it: as it was and of its own class, whatever has that one's event type
/// now, and whatever its class would say of it now.
pub(crate) fn unpack_exactly<'py>(py: Python<'py>, row: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let mut source = RowSource::new(row);
    source.begin().map_err(|error| raise(py, error))?;
    let class = source.mark().and_then(Class::marked);
    let class = class.ok_or_else(|| raise(py, DecodeError::new(0, "no class here has made this row")))?;
    read_event(py, class, &mut TrustedRow::new(source), 0).map_err(|flaw| flaw.into_error(py, 0))
}

fn raise(py: Python<'_>, error: DecodeError) -> PyErr {
    ReadError::from(error).into_error(py, 0)
}

/// An interner with rows that it shrinks: what a backlog and a journal do, as a Python class.
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

    #[pyo3(signature = (event, /))]
    fn pack<'py>(&self, event: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        let (mut row, mut kept) = (Vec::new(), Vec::new());
        pack(event, &mut row)?;
        let shrunk = self.interner.lock().shrink(&row, &mut kept);
        shrunk.map_err(|error| ReadError::from(error).into_error(event.py(), 0))?;
        Ok(PyBytes::new(event.py(), &kept))
    }

    #[pyo3(signature = (row, /))]
    fn unpack<'py>(&self, py: Python<'py>, row: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        let mut complete = Vec::new();
        let expanded = self.interner.lock().expand(row, &mut complete);
        expanded.map_err(|error| ReadError::from(error).into_error(py, 0))?;
        unpack(py, &complete)
    }

    /// The texts that the rows need, in the order of their numbers.
    #[getter]
    fn texts(&self) -> Vec<String> {
        self.interner.lock().texts().iter().map(ToString::to_string).collect()
    }
}
