//! The coroutine protocol of a worker, with the attributes that debuggers read.

use std::sync::atomic::Ordering;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use trading_events_core::subscription::End;

use super::worker::Worker;
use super::worker_state::Resume;
use crate::runtime::coroutine::{sent, thrown};

#[pymethods]
impl Worker {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.step(py, Resume::Send)
    }

    #[pyo3(signature = (_value, /))]
    fn send<'py>(&self, py: Python<'py>, _value: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        sent(self.step(py, Resume::Send))
    }

    #[pyo3(signature = (kind, value=None, _traceback=None, /))]
    fn throw<'py>(
        &self,
        kind: Bound<'py, PyAny>,
        value: Option<Bound<'py, PyAny>>,
        _traceback: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = kind.py();
        sent(self.step(py, Resume::Throw(thrown(kind, value))))
    }

    /// Closes the handler's coroutine, if one is suspended, and ends.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let Some(current) = self.state.lock(py).take() else { return Ok(()) };
        self.has_ended.store(true, Ordering::Relaxed);
        let active = current.active.as_ref();
        if let Some(coroutine) = active.and_then(|active| active.coroutine.as_ref())
            && let Some(close) = coroutine.bind(py).getattr_opt(intern!(py, "close"))?
        {
            close.call0()?;
        }
        let ending = self.finish(py, &current, active.is_some_and(|active| active.event.is_some()), End::Cancelled);
        self.tell_ending(py, ending)?;
        self.leave(py, current, false)
    }

    /// Counts a cancellation requested of the task (1) or taken back (-1).
    #[pyo3(signature = (change, /))]
    fn note_cancel(&self, py: Python<'_>, change: i64) -> PyResult<()> {
        if self.is_running.load(Ordering::Relaxed) || self.is_called_by_its_handler(py)? {
            self.cancels.fetch_add(change, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The name of the handler that is suspended, for the task's `repr`.
    #[getter(__qualname__)]
    fn qualname<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let name = self.of_coroutine(py, "__qualname__")?;
        Ok(if name.is_none() { intern!(py, "event bus worker").clone().into_any() } else { name })
    }

    /// The subscription whose handler is suspended here.
    #[getter]
    fn suspended_sid(&self, py: Python<'_>) -> Option<String> {
        let current = self.state.lock(py);
        let current = current.as_ref().filter(|current| current.active.is_some())?;
        current.served.as_ref().map(|served| served.subscriber.sid())
    }

    #[getter]
    fn cr_frame<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.of_coroutine(py, "cr_frame")
    }

    #[getter]
    fn cr_await<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.of_coroutine(py, "cr_await")
    }

    #[getter]
    fn cr_code<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.of_coroutine(py, "cr_code")
    }

    #[getter]
    fn cr_running(&self) -> bool {
        self.is_running.load(Ordering::Relaxed)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.bus)?;
        let Some(current) = self.state.lock_in_traverse(&visit) else { return Ok(()) };
        let Some(current) = current.as_ref() else { return Ok(()) };
        visit.call(&current.run)?;
        let Some(active) = &current.active else { return Ok(()) };
        visit.call(&active.event)?;
        visit.call(&active.coroutine)
    }
}
