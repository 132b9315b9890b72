//! Runs: many events for `async def` handlers, awaited by the interpreter itself.
//!
//! Starting a coroutine from native code enters the interpreter twice; `await` in Python does not enter it at all. So
//! if many events wait for one handler, a Python coroutine (`run.py`) asks for them and awaits the handler. It gets
//! events until one needs more than a plain call, then the handler of the next subscription with many events. Anything
//! else ends the run, and the worker takes over.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTraceback;
use trading_events_core::queue::Stored;
use trading_events_core::subscription::Subscription;

use crate::bus::native_bus::NativeBus;
use crate::bus::subscriber::{Served, Subscriber};
use crate::codec::packed;
use crate::runtime::drive::ContextGuard;
use crate::runtime::guarded::Guarded;
use crate::runtime::pace::Pace;

/// The number of waiting events from which a run pays for its start.
const WORTH_IT: usize = 8;

/// The number of events that a shared worker handles for one subscription before it takes the next.
pub(crate) const TURN: u32 = 32;

/// The iterator from which the coroutine of a run takes its events.
#[pyclass(frozen, module = "trading.events._core")]
pub(crate) struct Run {
    pub(crate) bus: Py<NativeBus>,
    /// Cancellations requested of the worker's task.
    pub(crate) cancels: Arc<AtomicI64>,
    pub(crate) state: Guarded<RunState>,
}

/// The progress of a run.
pub(crate) struct RunState {
    /// The subscription whose events are handed out.
    pub(crate) served: Served,
    pub(crate) is_shared: bool,
    /// Its context, entered.
    pub(crate) entered: Option<Py<PyAny>>,
    /// The event in the handler, or the first one.
    pub(crate) event: Option<Py<PyAny>>,
    /// True until the first event has been asked for.
    pub(crate) is_new: bool,
    pub(crate) is_over: bool,
    /// Events left before another ready subscription gets its turn.
    pub(crate) turn: u32,
    pub(crate) pace: Pace,
    /// The error of an event that could not be unpacked.
    pub(crate) unread: Option<PyErr>,
}

#[pymethods]
impl Run {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let mut run_state = self.state.lock(py);
        if std::mem::take(&mut run_state.is_new) {
            return run_state.event.as_ref().map(|event| event.clone_ref(py));
        }
        if run_state.is_over || self.cancels.load(Ordering::Relaxed) != 0 {
            return None;
        }
        let next = {
            let mut state = self.bus.get().lock(py);
            if run_state.pace.is_over() {
                state.bus.end_dispatching();
            }
            if run_state.turn == 0 && run_state.is_shared && state.bus.has_ready() {
                return None;
            }
            state.bus.take_next(run_state.served.id)?
        };
        run_state.turn = run_state.turn.saturating_sub(1);
        let former = run_state.event.take();
        drop(run_state);
        drop(former);
        self.begin(py, next)
    }

    /// The handler of the next subscription; its events are handed out from now on, in its context. `None` if the
    /// worker has to take over.
    fn next_handler(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let mut run_state = self.state.lock(py);
        let is_plain = run_state.is_shared && !run_state.is_over && run_state.unread.is_none();
        if !is_plain || self.cancels.load(Ordering::Relaxed) != 0 {
            return None;
        }
        let mut state = self.bus.get().lock(py);
        let (id, event) = state.bus.take_from_next(run_state.served.id, is_worth_it)?;
        let subscriber = Arc::clone(&state.bus.subscriptions().get(id)?.payload);
        drop(state);
        let (handler, context) = (subscriber.handler.clone_ref(py), subscriber.context.clone_ref(py));
        let former = (std::mem::replace(&mut run_state.served, Served { id, subscriber }), run_state.event.take());
        let left = ContextGuard::from_raw(py, run_state.entered.take());
        (run_state.is_new, run_state.turn) = (true, TURN - 1);
        drop(run_state);
        drop((left, former));
        let entered = ContextGuard::enter(context.bind(py)).map(ContextGuard::into_raw);
        let begun = entered.and_then(|entered| {
            self.state.lock(py).entered = entered;
            packed::unpack(py, event)
        });
        let mut run_state = self.state.lock(py);
        match begun {
            Ok(event) => run_state.event = Some(event.unbind()),
            Err(error) => run_state.unread = Some(error),
        }
        run_state.event.is_some().then_some(handler)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.bus)?;
        let Some(run_state) = self.state.lock_in_traverse(&visit) else { return Ok(()) };
        visit.call(&run_state.entered)?;
        visit.call(&run_state.event)
    }
}

impl Run {
    /// Unpacks the next event and keeps it as the one in the handler.
    fn begin(&self, py: Python<'_>, next: Stored<Py<PyAny>>) -> Option<Py<PyAny>> {
        match packed::unpack(py, next) {
            Ok(event) => {
                self.state.lock(py).event = Some(event.clone().unbind());
                Some(event.unbind())
            }
            Err(error) => {
                self.state.lock(py).unread = Some(error);
                None
            }
        }
    }

    /// Ends the run. Returns the last event, or the error of one that could not be unpacked.
    pub(crate) fn end(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let mut run_state = self.state.lock(py);
        run_state.is_over = true;
        match run_state.unread.take() {
            Some(error) => Err(error),
            None => Ok(run_state.event.take().unwrap_or_else(|| py.None())),
        }
    }
}

/// Tells if the events of a subscription are to be handled in a run.
pub(crate) fn is_worth_it(found: &Subscription<Py<PyAny>, Arc<Subscriber>>) -> bool {
    found.payload.is_async && found.queue.len() >= WORTH_IT
}

/// The coroutine of a run.
pub(crate) fn start<'py>(handler: &Bound<'py, PyAny>, run: &Bound<'py, Run>) -> PyResult<Bound<'py, PyAny>> {
    static RUN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    RUN.import(handler.py(), "trading.events._bus.run", "run")?.call1((handler, run))
}

/// Removes the run's own frame from the traceback of a handler's exception.
pub(crate) fn shorten_traceback(py: Python<'_>, error: &PyErr) {
    let next = error.traceback(py).and_then(|trace| trace.getattr(intern!(py, "tb_next")).ok());
    if let Some(next) = next.and_then(|next| next.cast_into::<PyTraceback>().ok()) {
        error.set_traceback(py, Some(next));
    }
}
