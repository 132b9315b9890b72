//! The last step of a publish: packing the event where many wait, and calling inline handlers.
//!
//! Packing may run Python code, so the bus's state is not borrowed meanwhile. An event is enqueued as an object;
//! afterwards its row replaces it wherever it still waits.

use std::time::Duration;

use pyo3::prelude::*;
use trading_events_core::bus::{Accepted, Position};

use crate::bus::native_bus::NativeBus;
use crate::bus::state::State;
use crate::codec::packed::pack;
use crate::runtime::exits::NativeCall;

/// The largest buffer kept for packing.
const ROW_BYTES: usize = 1 << 16;

/// The pause of a thread that publishes faster than the loop handles: enough for the loop to halve the queue.
const PAUSE: Duration = Duration::from_micros(200);

impl State {
    /// Tells if the events wait only because another thread publishes faster than the loop runs. Packing them would be
    /// wasted.
    fn is_outrun(&self, places: &[Position]) -> bool {
        self.event_loop.as_ref().is_some_and(|event_loop| !event_loop.is_in_this_thread())
            && self.bus.are_served_soon(places)
    }
}

impl NativeBus {
    /// Packs an accepted event where many wait, and calls inline handlers.
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
