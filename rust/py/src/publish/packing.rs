//! What follows when an event has been accepted: inline handlers are called, and where many events wait it is packed.
//!
//! Packing may run Python code, so that the bus's state is not taken meanwhile. An event is accepted as it is; afterwards
//! its row takes its place wherever it still stands.

use std::time::Duration;

use pyo3::prelude::*;
use trading_events_core::bus::{Accepted, Position};

use crate::bus::native_bus::NativeBus;
use crate::bus::state::State;
use crate::codec::packed::pack;
use crate::runtime::exits::NativeCall;

/// The room for rows that is kept.
const ROW_BYTES: usize = 1 << 16;

/// How long a thread that outruns the loop leaves the interpreter to it: long enough for half of what waits.
const PAUSE: Duration = Duration::from_micros(200);

impl State {
    /// Whether these events wait only because another thread publishes faster than the loop gets its turns: packing would
    /// be in vain.
    fn is_outrun(&self, places: &[Position]) -> bool {
        self.event_loop.as_ref().is_some_and(|event_loop| !event_loop.is_in_this_thread())
            && self.bus.are_served_soon(places)
    }
}

impl NativeBus {
    /// Sees to an event that has just been accepted: packs it where many wait, and calls those whom it is to be called for.
    pub(crate) fn finish_publish(
        slf: &Bound<'_, Self>,
        event: &Bound<'_, PyAny>,
        accepted: Accepted<Py<PyAny>>,
    ) -> PyResult<()> {
        let _call = NativeCall::resume(slf.py());
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
