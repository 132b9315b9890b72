//! The awaitables that `publish` and `publish_batch` return: coroutines without a frame.

use pyo3::exceptions::{PyRuntimeError, PyRuntimeWarning};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyIterator;

use super::attempt::{Attempt, check_arrived};
use super::pending::Outcome;
use crate::bus::native_bus::NativeBus;
use crate::runtime::coroutine::{sent, thrown};
use crate::runtime::done;
use crate::runtime::exits::NativeCall;
use crate::runtime::guarded::Guarded;

/// The name of the coroutines in the `repr` of a task.
const QUALNAME: &str = "publish";

/// A finished publish; one instance serves all.
#[pyclass(frozen, module = "trading.events._core")]
pub(crate) struct Done;

impl Done {
    pub(crate) fn shared(py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Self::only(py)?.0.clone_ref(py))
    }

    /// Tells if `await` takes the fast path through it.
    pub(crate) fn is_short(py: Python<'_>) -> PyResult<bool> {
        Ok(Self::only(py)?.1)
    }

    #[inline]
    fn only(py: Python<'_>) -> PyResult<&(Py<PyAny>, bool)> {
        static ONLY: PyOnceLock<(Py<PyAny>, bool)> = PyOnceLock::new();
        ONLY.get_or_try_init(py, || {
            let only = Py::new(py, Self)?.into_any();
            let is_short = done::shorten(only.bind(py));
            Ok((only, is_short))
        })
    }
}

#[pymethods]
#[expect(clippy::unused_self, reason = "the protocol of a coroutine")]
impl Done {
    #[getter(__qualname__)]
    fn qualname(&self) -> &'static str {
        QUALNAME
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self) -> Option<Py<PyAny>> {
        None
    }

    #[pyo3(signature = (_value, /))]
    fn send(&self, _value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        sent(Ok(None))
    }

    #[pyo3(signature = (kind, value=None, _traceback=None, /))]
    fn throw(
        &self,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        _traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        Err(thrown(kind, value))
    }

    fn close(&self) {}
}

/// Events to be published one after the other.
struct Batch {
    events: Py<PyIterator>,
    published: usize,
    /// The publish of the event under way.
    attempt: Option<Attempt>,
}

impl Batch {
    fn step<'py>(&mut self, bus: &Bound<'py, NativeBus>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = bus.py();
        loop {
            if let Some(mut attempt) = self.attempt.take() {
                match attempt.step(bus) {
                    Ok(Some(yielded)) => {
                        self.attempt = Some(attempt);
                        return Ok(Some(yielded));
                    }
                    Ok(None) => self.published += 1,
                    Err(error) => return Err(count_published(py, error, self.published)),
                }
            }
            check_arrived(bus).map_err(|error| count_published(py, error, self.published))?;
            match NativeBus::begin_publish_batch(bus, self.events.bind(py), &mut self.published)? {
                None => return Ok(None),
                Some(pending) => self.attempt = Some(Attempt::after(pending)),
            }
        }
    }
}

/// Notes in an exception that leaves `publish_batch` the number of events accepted before.
pub(crate) fn count_published(py: Python<'_>, error: PyErr, published: usize) -> PyErr {
    let value = error.value(py);
    let note = format!("publish_batch: {published} events were accepted before this; the rest have reached nobody");
    let noted = value.setattr(intern!(py, "published"), published);
    match noted.and_then(|()| value.call_method1(intern!(py, "add_note"), (note,))) {
        Ok(_) => error,
        Err(wrong) => wrong,
    }
}

enum Work {
    One(Attempt),
    Many(Batch),
}

impl Work {
    fn step<'py>(&mut self, bus: &Bound<'py, NativeBus>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self {
            Self::One(attempt) => attempt.step(bus),
            Self::Many(batch) => batch.step(bus),
        }
    }

    /// Gives the work up. Returns the error to raise.
    fn stop(self, bus: &Bound<'_, NativeBus>, error: PyErr) -> PyErr {
        match self {
            Self::One(attempt) => {
                attempt.give_up(bus);
                error
            }
            Self::Many(batch) => {
                if let Some(attempt) = batch.attempt {
                    attempt.give_up(bus);
                }
                count_published(bus.py(), error, batch.published)
            }
        }
    }
}

/// A publish that has not finished.
#[pyclass(frozen, weakref, module = "trading.events._core")]
pub(crate) struct Publishing {
    bus: Py<NativeBus>,
    /// The work left; `None` while a step runs, and in the end.
    work: Guarded<Option<Work>>,
    started: Guarded<bool>,
}

impl Publishing {
    fn of(bus: &Bound<'_, NativeBus>, work: Work) -> PyResult<Py<PyAny>> {
        let publishing =
            Self { bus: bus.clone().unbind(), work: Guarded::new(Some(work)), started: Guarded::new(false) };
        Ok(Py::new(bus.py(), publishing)?.into_any())
    }

    /// A publish that has to wait.
    pub(crate) fn after(bus: &Bound<'_, NativeBus>, pending: Outcome) -> PyResult<Py<PyAny>> {
        Self::of(bus, Work::One(Attempt::after(pending)))
    }

    /// A publish called outside the bus's event loop, to be awaited there.
    pub(crate) fn from_elsewhere(bus: &Bound<'_, NativeBus>, event: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Self::of(bus, Work::One(Attempt::not_started(event)))
    }

    /// The rest of a batch, after so many published events.
    pub(crate) fn batch(
        bus: &Bound<'_, NativeBus>,
        events: Bound<'_, PyIterator>,
        published: usize,
        attempt: Option<Attempt>,
    ) -> PyResult<Py<PyAny>> {
        Self::of(bus, Work::Many(Batch { events: events.unbind(), published, attempt }))
    }

    fn step<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let _call = NativeCall::resume(py);
        *self.started.lock(py) = true;
        let Some(mut work) = self.work.lock(py).take() else {
            return Err(PyRuntimeError::new_err("a publish can be awaited once, by one task"));
        };
        let step = work.step(self.bus.bind(py));
        if matches!(step, Ok(Some(_))) {
            *self.work.lock(py) = Some(work);
        }
        step
    }

    fn stop(&self, py: Python<'_>, error: PyErr) -> PyErr {
        *self.started.lock(py) = true;
        match self.work.lock(py).take() {
            Some(work) => work.stop(self.bus.bind(py), error),
            None => error,
        }
    }
}

#[pymethods]
impl Publishing {
    #[getter(__qualname__)]
    #[expect(clippy::unused_self, reason = "the protocol of a coroutine")]
    fn qualname(&self) -> &'static str {
        QUALNAME
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.step(py)
    }

    #[pyo3(signature = (_value, /))]
    fn send<'py>(&self, py: Python<'py>, _value: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        sent(self.step(py))
    }

    #[pyo3(signature = (kind, value=None, _traceback=None, /))]
    fn throw(
        &self,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        _traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let py = kind.py();
        Err(self.stop(py, thrown(kind, value)))
    }

    fn close(&self, py: Python<'_>) {
        drop(self.stop(py, PyRuntimeError::new_err("closed")));
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.bus)?;
        let Some(work) = self.work.lock_in_traverse(&visit) else { return Ok(()) };
        match work.as_ref() {
            Some(Work::One(attempt)) => attempt.traverse(visit),
            Some(Work::Many(batch)) => {
                visit.call(&batch.events)?;
                batch.attempt.as_ref().map_or(Ok(()), |attempt| attempt.traverse(visit))
            }
            None => Ok(()),
        }
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        let Some(work) = self.work.get_mut().take() else { return };
        let started = *self.started.get_mut();
        Python::attach(|py| {
            let raised_meanwhile = PyErr::take(py);
            let bus = self.bus.bind(py);
            drop(work.stop(bus, PyRuntimeError::new_err("dropped")));
            if !started {
                bus.get().lock(py).bus.totals.abandoned += 1;
                let text = c"a publish that had to wait was never awaited; its event has reached nobody";
                let category = py.get_type::<PyRuntimeWarning>();
                if let Err(error) = PyErr::warn(py, &category, text, 1) {
                    error.write_unraisable(py, None);
                }
            }
            if let Some(error) = raised_meanwhile {
                error.restore(py);
            }
        });
    }
}
