//! The state of a worker between two steps.

use pyo3::prelude::*;

use super::run::Run;
use crate::bus::subscriber::Served;

/// A call of a handler or a gap callback.
pub(crate) struct ActiveCall {
    /// The event being handled; `None` in a gap callback.
    pub(crate) event: Option<Py<PyAny>>,
    /// The coroutine that it returned, if any.
    pub(crate) coroutine: Option<Py<PyAny>>,
    /// True if that is the coroutine of a run, which awaits the handler's.
    pub(crate) is_run: bool,
    /// True if a `CancelledError` was thrown into it.
    pub(crate) was_cancelled: bool,
}

impl ActiveCall {
    /// The call of a handler with an event.
    pub(crate) fn handler(event: Py<PyAny>, coroutine: Option<Py<PyAny>>) -> Self {
        Self { event: Some(event), coroutine, is_run: false, was_cancelled: false }
    }

    /// The call of a gap callback.
    pub(crate) fn on_gap(coroutine: Option<Py<PyAny>>) -> Self {
        Self { event: None, coroutine, is_run: false, was_cancelled: false }
    }

    /// A run, with its last event.
    pub(crate) fn run(event: Py<PyAny>, coroutine: Py<PyAny>) -> Self {
        Self { event: Some(event), coroutine: Some(coroutine), is_run: true, was_cancelled: false }
    }
}

/// The state of a worker between two steps.
pub(crate) struct WorkerState {
    pub(crate) is_shared: bool,
    pub(crate) served: Option<Served>,
    pub(crate) active: Option<ActiveCall>,
    /// Events left for this subscription before a shared worker takes the next one.
    pub(crate) turn: u32,
    /// Cancellations that the running handler requested of its own task and did not take back.
    pub(crate) own_cancels: i64,
    /// True if the last event was handled and is not counted yet.
    pub(crate) counts_handled: bool,
    /// Ready subscriptions that are prefetched and not served yet.
    pub(crate) prefetched: u32,
    /// Steps in a row without an event.
    pub(crate) idle_steps: u32,
    /// True if the next `CancelledError` is a leftover of a handler's own request.
    pub(crate) absorbs_cancel: bool,
    /// The iterator of the last run, for reuse.
    pub(crate) run: Option<Py<Run>>,
}

impl WorkerState {
    /// The state of a shared worker that has just been hired.
    pub(crate) fn of_leader() -> Self {
        Self {
            is_shared: true,
            served: None,
            active: None,
            turn: 0,
            own_cancels: 0,
            counts_handled: false,
            prefetched: 0,
            idle_steps: 0,
            absorbs_cancel: false,
            run: None,
        }
    }
}

pub(crate) enum Resume {
    Send,
    Throw(PyErr),
}

/// The worker's next step after an event.
pub(crate) enum NextStep {
    Continue,
    End,
    Raise(PyErr),
}
