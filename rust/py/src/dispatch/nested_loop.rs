//! Handlers that run the event loop from within, as `nest_asyncio` allows.
//!
//! Such a handler does not suspend: its worker stays in one step while other tasks run inside it. If that worker is
//! shared, no other worker would hand out events, and the handler might wait for one of them. So a shared worker asks
//! the loop to call it back in its next turn. If the step is still running then, the loop runs inside it, and
//! replacements are started.

use std::sync::atomic::Ordering;

use pyo3::intern;
use pyo3::prelude::*;

use super::worker::Worker;
use super::worker_state::WorkerState;

impl Worker {
    /// Asks the loop for a call back. Called before a handler.
    #[inline]
    pub(crate) fn expect_nesting(&self, py: Python<'_>, current: &WorkerState) {
        if self.nesting.is_possible
            && current.is_shared
            && !self.nesting.is_expected.swap(true, Ordering::Relaxed)
            && let Err(error) = self.ask_for_call(py)
        {
            error.write_unraisable(py, None);
        }
    }

    /// Makes the worker a pinned one if it was replaced. Called after a handler or a failure report has returned.
    #[inline]
    pub(crate) fn note_nesting(&self, current: &mut WorkerState) {
        if self.nesting.is_possible && self.nesting.has_replacements.swap(false, Ordering::Relaxed) {
            current.is_shared = false;
        }
    }

    #[cold]
    fn ask_for_call(&self, py: Python<'_>) -> PyResult<()> {
        let event_loop = self.bus.get().lock(py).event_loop.clone();
        let (Some(event_loop), Some(task)) = (event_loop, self.task(py)) else { return Ok(()) };
        let worker = task.call_method0(intern!(py, "get_coro"))?;
        event_loop.call_soon(&worker.getattr(intern!(py, "notice_nesting"))?)
    }
}

#[pymethods]
impl Worker {
    /// Starts replacements if the step is still running. Called by the loop in its next turn.
    fn notice_nesting(&self, py: Python<'_>) -> PyResult<()> {
        self.nesting.is_expected.store(false, Ordering::Relaxed);
        if self.is_running.load(Ordering::Relaxed) && !self.nesting.has_replacements.swap(true, Ordering::Relaxed) {
            self.hire_replacements(py)?;
        }
        Ok(())
    }
}
