//! Closing a bus.

use pyo3::prelude::*;
use trading_events_core::bus::Phase;

use super::native_bus::NativeBus;

#[pymethods]
impl NativeBus {
    #[getter]
    fn _phase(&self, py: Python<'_>) -> &'static str {
        match self.lock(py).bus.phase() {
            Phase::Open => "open",
            Phase::Closing | Phase::Ending => "closing",
            Phase::Closed => "closed",
        }
    }

    /// Refuses events from outside from now on.
    fn _close(&self, py: Python<'_>) -> PyResult<()> {
        self.lock(py).bus.close();
        self.wake_waiters(py, None)
    }

    /// Refuses all events but the bus's own from now on.
    fn _refuse(&self, py: Python<'_>) -> PyResult<()> {
        self.lock(py).bus.refuse();
        self.wake_waiters(py, None)
    }

    /// Drops all waiting events, and returns the tasks that still run handlers.
    fn _abandon(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let (abandoned, tasks) = {
            let mut state = self.lock(py);
            let abandoned = state.bus.abandon();
            (abandoned, state.workers.values().map(|task| task.clone_ref(py)).collect())
        };
        drop(abandoned.events);
        for ended in &abandoned.ended {
            self.wake_waiters(py, Some(ended))?;
        }
        self.wake_waiters(py, None)?;
        Ok(tasks)
    }

    /// Closes the bus for good, unless events are left. Returns whether it is closed.
    fn _seal(&self, py: Python<'_>) -> PyResult<bool> {
        let is_closed = self.lock(py).bus.mark_closed();
        self.wake_waiters(py, None)?;
        Ok(is_closed)
    }
}
