//! Publishing to all but one subscription, as events from outside do not go back to the outbox.

use pyo3::prelude::*;
use trading_events_core::bus::{Origin, WhenFull};

use super::awaitable::{Done, Publishing};
use super::pending::Outcome;
use crate::bus::native_bus::NativeBus;

#[pymethods]
impl NativeBus {
    /// `publish` to all but one subscription, in the bus's event loop.
    #[pyo3(signature = (event, sid, /))]
    fn _publish_past(slf: &Bound<'_, Self>, event: &Bound<'_, PyAny>, sid: &str) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let passed = slf.get().id_of(py, sid).ok();
        match Self::begin_publish_except(slf, event, passed, (WhenFull::Wait, Origin::Publisher))? {
            Outcome::Accepted => Done::shared(py),
            pending => Publishing::after(slf, pending),
        }
    }

    /// `publish_nowait` to all but one subscription.
    #[pyo3(signature = (event, sid, /))]
    fn _publish_nowait_past(slf: &Bound<'_, Self>, event: &Bound<'_, PyAny>, sid: &str) -> PyResult<()> {
        let passed = slf.get().id_of(slf.py(), sid).ok();
        Self::begin_publish_except(slf, event, passed, (WhenFull::Fail, Origin::Publisher)).map(drop)
    }
}
