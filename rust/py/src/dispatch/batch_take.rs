//! Many events for one call of a handler, as an outbox needs them.

use std::sync::Arc;

use pyo3::prelude::*;

use crate::bus::native_bus::NativeBus;
use crate::codec::packed;

#[pymethods]
impl NativeBus {
    /// Takes up to `most` more events from the queue of a subscription whose handler runs, and counts them as handled.
    #[pyo3(signature = (sid, most, /))]
    fn _take_along<'py>(slf: &Bound<'py, Self>, sid: &str, most: usize) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let (py, this) = (slf.py(), slf.get());
        let id = this.id_of(py, sid)?;
        let (taken, subscriber): (Vec<_>, _) = {
            let mut state = this.lock(py);
            let taken = (0..most).map_while(|_| state.bus.take_batched(id)).collect();
            (taken, state.bus.subscriptions().get(id).map(|found| Arc::clone(&found.payload)))
        };
        this.wake_waiters(py, None)?;
        let mut events = Vec::with_capacity(taken.len());
        for kept in taken {
            match (packed::unpack(py, kept), &subscriber) {
                (Ok(event), _) => events.push(event),
                (Err(error), Some(subscriber)) => Self::report(slf, subscriber, py.None().bind(py), error, "handler")?,
                (Err(error), None) => return Err(error),
            }
        }
        Ok(events)
    }
}
