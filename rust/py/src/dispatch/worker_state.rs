//! What a worker is at from one step to the next.

use pyo3::prelude::*;

use super::run::Run;
use crate::bus::subscriber::Served;

/// A handler, or a gap callback, that has been called.
pub(crate) struct ActiveCall {
    /// The event being handled; `None` in a gap callback.
    pub(crate) event: Option<Py<PyAny>>,
    /// What it returned, if that has to be driven.
    pub(crate) coroutine: Option<Py<PyAny>>,
    /// Whether that is a run's, which awaits the handler's.
    pub(crate) is_run: bool,
    /// Whether a `CancelledError` has been thrown into it.
    pub(crate) was_cancelled: bool,
}

impl ActiveCall {
    /// A handler that has been called with an event.
    pub(crate) fn handler(event: Py<PyAny>, coroutine: Option<Py<PyAny>>) -> Self {
        Self { event: Some(event), coroutine, is_run: false, was_cancelled: false }
    }

    /// A gap callback that has been called.
    pub(crate) fn on_gap(coroutine: Option<Py<PyAny>>) -> Self {
        Self { event: None, coroutine, is_run: false, was_cancelled: false }
    }

    /// A run whose last event this is.
    pub(crate) fn run(event: Py<PyAny>, coroutine: Py<PyAny>) -> Self {
        Self { event: Some(event), coroutine: Some(coroutine), is_run: true, was_cancelled: false }
    }
}

/// What a worker is at.
pub(crate) struct WorkerState {
    pub(crate) is_shared: bool,
    pub(crate) served: Option<Served>,
    pub(crate) active: Option<ActiveCall>,
    /// How many more events a leader takes from the subscription it serves before it goes on to the next.
    pub(crate) turn: u32,
    /// Cancellations of its task that the running handler asked for itself, and did not take back.
    pub(crate) own_cancels: i64,
    /// The last event has been handled and is not counted yet.
    pub(crate) counts_handled: bool,
    /// How many more ready subscriptions have been touched.
    pub(crate) prefetched: u32,
    /// How many steps in a row there was nothing to do.
    pub(crate) idle_steps: u32,
    /// The next `CancelledError` thrown in was a handler's own, and is over.
    pub(crate) absorbs_cancel: bool,
    /// What the last run asked for events, if its coroutine has ended.
    pub(crate) run: Option<Py<Run>>,
}

impl WorkerState {
    /// That of a leader who has just been hired.
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

/// How the handling of one event leaves the worker.
pub(crate) enum NextStep {
    Continue,
    End,
    Raise(PyErr),
}
