//! Waiting events packed as rows, and unpacked before they are handled.
//!
//! Both may run Python code, so the bus's state is not borrowed meanwhile. Events that cannot be packed without loss
//! stay objects.

use pyo3::prelude::*;
use trading_events_core::queue::{PackedRun, Stored};

use super::row;
use crate::error::{EventDecodeError, ends_program};

/// The event, unpacked if it was packed.
#[inline]
pub(crate) fn unpack(py: Python<'_>, kept: Stored<Py<PyAny>>) -> PyResult<Bound<'_, PyAny>> {
    match kept {
        Stored::Live(event) => Ok(event.into_bound(py)),
        Stored::Packed(rows) => unpack_row(py, &rows),
    }
}

fn unpack_row<'py>(py: Python<'py>, rows: &PackedRun) -> PyResult<Bound<'py, PyAny>> {
    let mut row = Vec::with_capacity(512);
    rows.read_row(&mut row).map_err(|error| EventDecodeError::new_err((error.reason, error.offset)))?;
    row::unpack_exactly(py, &row)
}

/// Appends an event's row to bytes. Returns whether it can be unpacked without loss. Fails only with exceptions that
/// end the program.
pub(crate) fn pack(event: &Bound<'_, PyAny>, row: &mut Vec<u8>) -> PyResult<bool> {
    match row::pack_exactly(event, row) {
        Err(error) if ends_program(event.py(), &error) => Err(error),
        packed => Ok(packed.unwrap_or(false)),
    }
}
