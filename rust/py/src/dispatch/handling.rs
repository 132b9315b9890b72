//! One event in its handler: the call, the coroutine, the end, the report.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyMappingProxy, PyType};
use trading_events_core::bus::Ended;
use trading_events_core::queue::Stored;
use trading_events_core::subscription::{End, Gap};

use super::run;
use super::worker::Worker;
use super::worker_state::{ActiveCall, NextStep, Resume, WorkerState};
use crate::bus::native_bus::NativeBus;
use crate::bus::subscriber::Subscriber;
use crate::codec::packed;
use crate::error::ends_program;
use crate::runtime::drive::{self, ContextGuard, Progress};

impl Worker {
    pub(crate) fn call_handler<'py>(
        &self,
        py: Python<'py>,
        current: &mut WorkerState,
        event: Stored<Py<PyAny>>,
        entered: &mut Option<ContextGuard<'py>>,
    ) -> Result<NextStep, Bound<'py, PyAny>> {
        let event = match packed::unpack(py, event) {
            Ok(event) => event,
            Err(error) => return self.fail_unread(py, current, error),
        };
        let Some(served) = current.served.take() else { return Ok(NextStep::Continue) };
        let mut coroutine = None;
        self.expect_nesting(py, current);
        let progress = match ContextGuard::switch(served.subscriber.context.bind(py), entered) {
            Ok(()) => drive::start(served.subscriber.handler.bind(py), &event, &mut coroutine),
            Err(error) => Progress::Raised(error),
        };
        current.served = Some(served);
        self.note_nesting(current);
        if matches!(progress, Progress::Returned) && self.cancels.load(Ordering::Relaxed) == 0 {
            current.counts_handled = true;
            return Ok(NextStep::Continue);
        }
        *entered = None;
        self.called(py, current, ActiveCall::handler(event.unbind(), coroutine.map(Bound::unbind)), progress)
    }

    /// Counts and reports an event that could not be unpacked as one whose handler has failed.
    #[cold]
    pub(crate) fn fail_unread<'py>(
        &self,
        py: Python<'py>,
        current: &mut WorkerState,
        error: PyErr,
    ) -> Result<NextStep, Bound<'py, PyAny>> {
        self.called(py, current, ActiveCall::handler(py.None(), None), Progress::Raised(error))
    }

    pub(crate) fn call_on_gap<'py>(
        &self,
        py: Python<'py>,
        current: &mut WorkerState,
        gap: &Gap,
        entered: &mut Option<ContextGuard<'py>>,
    ) -> Result<NextStep, Bound<'py, PyAny>> {
        let Some(served) = current.served.clone() else { return Ok(NextStep::Continue) };
        let Some(on_gap) = &served.subscriber.on_gap else { return Ok(NextStep::Continue) };
        let mut coroutine = None;
        self.expect_nesting(py, current);
        let gap = ContextGuard::switch(served.subscriber.context.bind(py), entered).and_then(|()| gap_object(py, gap));
        let progress = match gap {
            Ok(gap) => drive::start(on_gap.bind(py), &gap, &mut coroutine),
            Err(error) => Progress::Raised(error),
        };
        *entered = None;
        self.note_nesting(current);
        self.called(py, current, ActiveCall::on_gap(coroutine.map(Bound::unbind)), progress)
    }

    /// Handles the outcome of a call: keeps a suspended coroutine, or ends the event.
    pub(crate) fn called<'py>(
        &self,
        py: Python<'py>,
        current: &mut WorkerState,
        active: ActiveCall,
        progress: Progress<'py>,
    ) -> Result<NextStep, Bound<'py, PyAny>> {
        let Progress::Suspended(yielded) = progress else { return Ok(self.end_call(py, current, &active, progress)) };
        current.active = Some(active);
        if std::mem::replace(&mut current.is_shared, false)
            && let Err(error) = self.hire_replacements(py)
        {
            error.write_unraisable(py, None);
        }
        Err(yielded)
    }

    /// Starts two shared workers in place of this one, which stays with a suspended handler. Two, so that many handlers
    /// that suspend all start within a few turns of the loop.
    pub(crate) fn hire_replacements(&self, py: Python<'_>) -> PyResult<()> {
        let bus = self.bus.bind(py);
        let (event_loop, hired) = {
            let mut state = bus.get().lock(py);
            state.bus.leave_shared();
            let hired = state.bus.start_shared(2);
            (state.event_loop.clone(), hired)
        };
        event_loop.map_or(Ok(()), |event_loop| NativeBus::start_workers(bus, &event_loop, hired))
    }

    pub(crate) fn resume<'py>(
        &self,
        py: Python<'py>,
        current: &mut WorkerState,
        mut active: ActiveCall,
        resume: Resume,
    ) -> Result<NextStep, Bound<'py, PyAny>> {
        let (Some(served), Some(coroutine)) = (current.served.clone(), active.coroutine.as_ref()) else {
            return Ok(NextStep::Continue);
        };
        let context = served.subscriber.context.bind(py);
        let progress = match resume {
            Resume::Send => drive::resume(context, coroutine.bind(py)),
            Resume::Throw(error) => {
                active.was_cancelled |= is_cancelled_error(py, &error);
                drive::throw(context, coroutine.bind(py), error)
            }
        };
        if let Progress::Suspended(yielded) = progress {
            current.active = Some(active);
            return Err(yielded);
        }
        Ok(self.end_call(py, current, &active, progress))
    }

    /// Counts and reports the end of a handler.
    fn end_call(
        &self,
        py: Python<'_>,
        current: &mut WorkerState,
        active: &ActiveCall,
        progress: Progress<'_>,
    ) -> NextStep {
        let raised = match progress {
            Progress::Raised(error) => Some(error),
            _ => None,
        };
        if let Some(error) = raised.as_ref().filter(|_| active.is_run) {
            run::shorten_traceback(py, error);
        }
        let own = current.own_cancels + self.cancels.swap(0, Ordering::Relaxed);
        current.own_cancels = 0;
        let cancelled = raised.as_ref().is_some_and(|error| is_cancelled_error(py, error));
        let ended = (active.was_cancelled || cancelled) && self.has_to_end(py, own.max(0));
        let end = match &raised {
            None => End::Handled,
            Some(_) if cancelled && ended => End::Cancelled,
            Some(_) => End::Failed,
        };
        let ending = self.finish(py, current, active.event.is_some(), end);
        if own > 0
            && let Err(error) = self.undo_cancels(py, current, own)
        {
            error.write_unraisable(py, None);
        }
        let next_step = match raised {
            Some(error) if end == End::Cancelled || ends_program(py, &error) => NextStep::Raise(error),
            Some(error) => match self.report(py, current, active, error) {
                Err(fatal) => NextStep::Raise(fatal),
                Ok(()) if ended => NextStep::End,
                Ok(()) => NextStep::Continue,
            },
            None if ended => NextStep::End,
            None => NextStep::Continue,
        };
        // Waiters are woken last, so that an idle bus has reported all failures.
        if let Err(error) = self.tell_ending(py, ending) {
            error.write_unraisable(py, None);
        }
        next_step
    }

    pub(crate) fn finish(
        &self,
        py: Python<'_>,
        current: &WorkerState,
        was_event: bool,
        end: End,
    ) -> Option<Ended<Arc<Subscriber>>> {
        let served = current.served.as_ref().filter(|_| was_event)?;
        let mut state = self.bus.get().lock(py);
        let ended = state.bus.finish(served.id, end);
        (ended.few || state.has_to_wake(&ended)).then_some(ended)
    }

    pub(crate) fn tell_ending(&self, py: Python<'_>, ending: Option<Ended<Arc<Subscriber>>>) -> PyResult<()> {
        ending.map_or(Ok(()), |ended| self.bus.get().wake_waiters(py, ended.retired.as_deref()))
    }

    fn report(&self, py: Python<'_>, current: &WorkerState, active: &ActiveCall, error: PyErr) -> PyResult<()> {
        let Some(served) = &current.served else { return Ok(()) };
        let phase = if active.event.is_some() { "handler" } else { "on_gap" };
        let none = py.None();
        let event = active.event.as_ref().unwrap_or(&none).bind(py);
        NativeBus::report(self.bus.bind(py), &served.subscriber, event, error, phase)
    }

    pub(crate) fn task<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.bus.get().lock(py).workers.get(&self.number).map(|task| task.bind(py).clone())
    }

    /// Tells if the worker's task is being cancelled by more than the handler's `own` requests.
    pub(crate) fn is_cancelled(&self, py: Python<'_>, own: i64) -> PyResult<bool> {
        let Some(task) = self.task(py) else { return Ok(true) };
        Ok(task.call_method0(intern!(py, "cancelling"))?.extract::<i64>()? > own)
    }

    /// [`Worker::is_cancelled`], true if the task cannot be asked.
    fn has_to_end(&self, py: Python<'_>, own: i64) -> bool {
        self.is_cancelled(py, own).unwrap_or_else(|error| {
            error.write_unraisable(py, None);
            true
        })
    }

    /// Takes back the cancellations that a handler has requested of its own task, so that they do not hit the next
    /// handler.
    fn undo_cancels(&self, py: Python<'_>, current: &mut WorkerState, own: i64) -> PyResult<()> {
        let Some(task) = self.task(py) else { return Ok(()) };
        for _ in 0..own {
            task.call_method0(intern!(py, "uncancel"))?;
        }
        self.cancels.store(0, Ordering::Relaxed);
        // Before 3.13 `uncancel` leaves a pending CancelledError in place; one bare yield consumes it.
        current.absorbs_cancel = task.getattr(intern!(py, "_must_cancel"))?.is_truthy()?;
        Ok(())
    }
}

fn is_cancelled_error(py: Python<'_>, error: &PyErr) -> bool {
    static CANCELLED: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CANCELLED.import(py, "asyncio", "CancelledError").is_ok_and(|class| error.is_instance(py, class))
}

/// The gap as `trading.events.statistics.Gap`.
fn gap_object<'py>(py: Python<'py>, gap: &Gap) -> PyResult<Bound<'py, PyAny>> {
    static GAP: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let topics = PyDict::new(py);
    for (topic, count) in &gap.topics {
        topics.set_item(&**topic, count)?;
    }
    GAP.import(py, "trading.events.statistics", "Gap")?.call1((gap.count, PyMappingProxy::new(py, topics.as_mapping())))
}
