//! What an outbox needs of its bus: to take many events at once, and not to hear what comes from outside.

use std::sync::Arc;

use pyo3::prelude::*;
use trading_events_core::bus::{Origin, WhenFull};
use trading_events_core::subscription::Subscription;

use crate::awaitable::{Done, Publishing};
use crate::bus::NativeBus;
use crate::packing;
use crate::publish::Outcome;

#[pymethods]
impl NativeBus {
    /// Takes more events out of the queue of a subscription whose handler runs; they are handled.
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
            match (packing::unpack(py, kept), &subscriber) {
                (Ok(event), _) => events.push(event),
                (Err(error), Some(subscriber)) => Self::report(slf, subscriber, py.None().bind(py), error, "handler")?,
                (Err(error), None) => return Err(error),
            }
        }
        Ok(events)
    }

    /// How many events of a subscription have not ended; none if it has itself.
    #[pyo3(signature = (sid, /))]
    fn _unfinished_of(&self, py: Python<'_>, sid: &str) -> u64 {
        let Ok(id) = self.id_of(py, sid) else { return 0 };
        self.lock(py).bus.subscriptions().get(id).map_or(0, Subscription::unfinished)
    }

    /// `publish`, in the bus's loop, to all but one subscription.
    #[pyo3(signature = (event, sid, /))]
    fn _publish_past(slf: &Bound<'_, Self>, event: &Bound<'_, PyAny>, sid: &str) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let passed = slf.get().id_of(py, sid).ok();
        match Self::offer_past(slf, event, passed, (WhenFull::Wait, Origin::Publisher))? {
            Outcome::Accepted => Done::shared(py),
            pending => Publishing::after(slf, pending),
        }
    }

    /// `publish_nowait` to all but one subscription.
    #[pyo3(signature = (event, sid, /))]
    fn _publish_nowait_past(slf: &Bound<'_, Self>, event: &Bound<'_, PyAny>, sid: &str) -> PyResult<()> {
        let passed = slf.get().id_of(slf.py(), sid).ok();
        Self::offer_past(slf, event, passed, (WhenFull::Fail, Origin::Publisher)).map(drop)
    }
}
