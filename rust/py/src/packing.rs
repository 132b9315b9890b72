//! Events that wait as rows: packed once they have been accepted, and made again before they are handled.
//!
//! Both may run Python code, so that the bus's state is not taken meanwhile. An event is accepted as it is; afterwards its
//! row takes its place wherever it still stands. What cannot be packed, or not exactly, stays as it is.

use std::time::Duration;

use pyo3::prelude::*;
use trading_events_core::bus::{Accepted, Position};
use trading_events_core::queue::{PackedRun, Stored};

use crate::bus::{NativeBus, State};
use crate::codec::row;
use crate::error::EventDecodeError;
use crate::exits::Call;
use crate::publish::gets_through;

/// The room for rows that is kept.
const ROW_BYTES: usize = 1 << 16;

/// How long a thread that outruns the loop leaves the interpreter to it: long enough for half of what waits.
const PAUSE: Duration = Duration::from_micros(200);

impl State {
    /// Whether these events wait only because another thread publishes faster than the loop gets its turns: packing would
    /// be in vain.
    fn is_outrun(&self, places: &[Position]) -> bool {
        self.home.as_ref().is_some_and(|home| !home.is_in_this_thread()) && self.bus.are_served_soon(places)
    }
}

/// The event itself, made again if it has been packed.
#[inline]
pub(crate) fn unpack(py: Python<'_>, kept: Stored<Py<PyAny>>) -> PyResult<Bound<'_, PyAny>> {
    match kept {
        Stored::Live(event) => Ok(event.into_bound(py)),
        Stored::Packed(rows) => unpack_row(py, &rows),
    }
}

pub(crate) fn unpack_row<'py>(py: Python<'py>, rows: &PackedRun) -> PyResult<Bound<'py, PyAny>> {
    let mut row = Vec::with_capacity(512);
    rows.read_row(&mut row).map_err(|error| EventDecodeError::new_err((error.reason, error.offset)))?;
    row::unpack_exactly(py, &row)
}

/// Appends an event's row to bytes; says whether the event will come back from it. An exception that ends the program
/// gets through.
pub(crate) fn pack(event: &Bound<'_, PyAny>, row: &mut Vec<u8>) -> PyResult<bool> {
    match row::pack_exactly(event, row) {
        Err(error) if gets_through(event.py(), &error) => Err(error),
        packed => Ok(packed.unwrap_or(false)),
    }
}

impl NativeBus {
    /// Sees to an event that has just been accepted: packs it where many wait, and calls those whom it is to be called for.
    pub(crate) fn conclude(
        slf: &Bound<'_, Self>,
        event: &Bound<'_, PyAny>,
        accepted: Accepted<Py<PyAny>>,
    ) -> PyResult<()> {
        let _call = Call::go_on(slf.py());
        drop(accepted.dropped);
        let packed = Self::pack_waiting(slf, event, &accepted.to_pack);
        Self::call_inline(slf, &accepted.to_serve)?;
        packed
    }

    fn pack_waiting(slf: &Bound<'_, Self>, event: &Bound<'_, PyAny>, places: &[Position]) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        if places.is_empty() {
            return Ok(());
        }
        if this.lock(py).is_outrun(places) {
            py.detach(|| std::thread::sleep(PAUSE));
            return Ok(());
        }
        let mut row = std::mem::take(&mut this.lock(py).row);
        row.clear();
        let packed = pack(event, &mut row);
        let replaced = {
            let mut state = this.lock(py);
            let is_meant = |waiting: &Py<PyAny>| waiting.is(event);
            let replaced = if matches!(packed, Ok(true)) { state.bus.pack(places, &row, is_meant) } else { Vec::new() };
            if row.capacity() <= ROW_BYTES {
                state.row = row;
            }
            replaced
        };
        drop(replaced);
        packed.map(drop)
    }
}
