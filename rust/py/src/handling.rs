//! One event in its handler: called, driven, ended, reported.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyMappingProxy, PyType};
use trading_events_core::bus::Ended;
use trading_events_core::subscription::{End, Gap};

use crate::bus::NativeBus;
use crate::drive::{self, Entered, Progress};
use crate::publish::gets_through;
use crate::run;
use crate::subscriber::Subscriber;
use crate::worker::{Active, Aftermath, Duty, Resume, Worker};

impl Worker {
    pub(crate) fn call_handler<'py>(
        &self,
        py: Python<'py>,
        duty: &mut Duty,
        event: Bound<'py, PyAny>,
        entered: &mut Option<Entered<'py>>,
    ) -> Result<Aftermath, Bound<'py, PyAny>> {
        let Some(served) = duty.served.take() else { return Ok(Aftermath::GoOn) };
        let mut coroutine = None;
        self.expect_nesting(py, duty);
        let progress = match enter(py, &served.subscriber, entered) {
            Ok(()) => drive::start(served.subscriber.handler.bind(py), &event, &mut coroutine),
            Err(error) => Progress::Raised(error),
        };
        duty.served = Some(served);
        self.note_nesting(duty);
        if matches!(progress, Progress::Returned) && self.cancels.load(Ordering::Relaxed) == 0 {
            duty.counts_handled = true;
            return Ok(Aftermath::GoOn);
        }
        *entered = None;
        let active = Active {
            event: Some(event.unbind()),
            coroutine: coroutine.map(Bound::unbind),
            is_run: false,
            was_cancelled: false,
        };
        self.called(py, duty, active, progress)
    }

    /// Counts and reports an event that could not be read back, as one whose handler has failed.
    #[cold]
    pub(crate) fn fail_unread<'py>(
        &self,
        py: Python<'py>,
        duty: &mut Duty,
        error: PyErr,
    ) -> Result<Aftermath, Bound<'py, PyAny>> {
        let active = Active { event: Some(py.None()), coroutine: None, is_run: false, was_cancelled: false };
        self.called(py, duty, active, Progress::Raised(error))
    }

    pub(crate) fn call_on_gap<'py>(
        &self,
        py: Python<'py>,
        duty: &mut Duty,
        gap: &Gap,
        entered: &mut Option<Entered<'py>>,
    ) -> Result<Aftermath, Bound<'py, PyAny>> {
        let Some(served) = duty.served.clone() else { return Ok(Aftermath::GoOn) };
        let Some(on_gap) = &served.subscriber.on_gap else { return Ok(Aftermath::GoOn) };
        let mut coroutine = None;
        self.expect_nesting(py, duty);
        let gap = enter(py, &served.subscriber, entered).and_then(|()| gap_object(py, gap));
        let progress = match gap {
            Ok(gap) => drive::start(on_gap.bind(py), &gap, &mut coroutine),
            Err(error) => Progress::Raised(error),
        };
        *entered = None;
        self.note_nesting(duty);
        let coroutine = coroutine.map(Bound::unbind);
        self.called(py, duty, Active { event: None, coroutine, is_run: false, was_cancelled: false }, progress)
    }

    /// Goes on after a call: with what it yielded, or with how it ended.
    pub(crate) fn called<'py>(
        &self,
        py: Python<'py>,
        duty: &mut Duty,
        active: Active,
        progress: Progress<'py>,
    ) -> Result<Aftermath, Bound<'py, PyAny>> {
        let Progress::Suspended(yielded) = progress else { return Ok(self.settle(py, duty, &active, progress)) };
        duty.active = Some(active);
        if std::mem::replace(&mut duty.leads, false)
            && let Err(error) = self.hand_over(py)
        {
            error.write_unraisable(py, None);
        }
        Err(yielded)
    }

    /// The worker stays with a handler that has suspended. Two lead in its stead, so that many such handlers all start
    /// within a few turns of the loop.
    pub(crate) fn hand_over(&self, py: Python<'_>) -> PyResult<()> {
        let bus = self.bus.bind(py);
        let (home, hired) = {
            let mut state = bus.get().lock(py);
            state.bus.leave_shared();
            let hired = state.bus.start_shared(2);
            (state.home.clone(), hired)
        };
        home.map_or(Ok(()), |home| NativeBus::start_workers(bus, &home, hired))
    }

    pub(crate) fn resume<'py>(
        &self,
        py: Python<'py>,
        duty: &mut Duty,
        mut active: Active,
        resume: Resume,
    ) -> Result<Aftermath, Bound<'py, PyAny>> {
        let (Some(served), Some(coroutine)) = (duty.served.clone(), active.coroutine.as_ref()) else {
            return Ok(Aftermath::GoOn);
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
            duty.active = Some(active);
            return Err(yielded);
        }
        Ok(self.settle(py, duty, &active, progress))
    }

    /// Counts and reports how a handler has ended.
    fn settle(&self, py: Python<'_>, duty: &mut Duty, active: &Active, progress: Progress<'_>) -> Aftermath {
        let raised = match progress {
            Progress::Raised(error) => Some(error),
            _ => None,
        };
        if let Some(error) = raised.as_ref().filter(|_| active.is_run) {
            run::shorten_traceback(py, error);
        }
        let own = duty.own_cancels + self.cancels.swap(0, Ordering::Relaxed);
        duty.own_cancels = 0;
        let cancelled = raised.as_ref().is_some_and(|error| is_cancelled_error(py, error));
        let ended = if active.was_cancelled || cancelled { self.is_cancelled(py, own.max(0)) } else { Ok(false) };
        let ended = ended.unwrap_or_else(|error| {
            error.write_unraisable(py, None);
            true
        });
        let end = match &raised {
            None => End::Handled,
            Some(_) if cancelled && ended => End::Cancelled,
            Some(_) => End::Failed,
        };
        let ending = self.finish(py, duty, active.event.is_some(), end);
        if own > 0
            && let Err(error) = self.undo_cancels(py, duty, own)
        {
            error.write_unraisable(py, None);
        }
        let aftermath = match raised {
            Some(error) if end == End::Cancelled || gets_through(py, &error) => Aftermath::Raise(error),
            Some(error) => match self.report(py, duty, active, error) {
                Err(fatal) => Aftermath::Raise(fatal),
                Ok(()) if ended => Aftermath::End,
                Ok(()) => Aftermath::GoOn,
            },
            None if ended => Aftermath::End,
            None => Aftermath::GoOn,
        };
        // Only now, so that whoever waits for few events to be left waits for the report of this failure too.
        if let Err(error) = self.tell_ending(py, ending) {
            error.write_unraisable(py, None);
        }
        aftermath
    }

    pub(crate) fn finish(
        &self,
        py: Python<'_>,
        duty: &Duty,
        was_event: bool,
        end: End,
    ) -> Option<Ended<Arc<Subscriber>>> {
        let served = duty.served.as_ref().filter(|_| was_event)?;
        let mut state = self.bus.get().lock(py);
        let ended = state.bus.finish(served.id, end);
        (ended.few || state.has_to_wake(&ended)).then_some(ended)
    }

    pub(crate) fn tell_ending(&self, py: Python<'_>, ending: Option<Ended<Arc<Subscriber>>>) -> PyResult<()> {
        ending.map_or(Ok(()), |ended| self.bus.get().wake_waiters(py, ended.retired.as_deref()))
    }

    fn report(&self, py: Python<'_>, duty: &Duty, active: &Active, error: PyErr) -> PyResult<()> {
        let Some(served) = &duty.served else { return Ok(()) };
        let phase = if active.event.is_some() { "handler" } else { "on_gap" };
        let none = py.None();
        let event = active.event.as_ref().unwrap_or(&none).bind(py);
        NativeBus::report(self.bus.bind(py), &served.subscriber, event, error, phase)
    }

    pub(crate) fn task<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.bus.get().lock(py).workers.get(&self.number).map(|task| task.bind(py).clone())
    }

    /// Whether somebody wants the worker itself to end: its task is being cancelled, not counting the handler's own.
    pub(crate) fn is_cancelled(&self, py: Python<'_>, own: i64) -> PyResult<bool> {
        let Some(task) = self.task(py) else { return Ok(true) };
        Ok(task.call_method0(intern!(py, "cancelling"))?.extract::<i64>()? > own)
    }

    /// Takes back what a handler has done to its task by cancelling it, so that the next handler is not hit.
    fn undo_cancels(&self, py: Python<'_>, duty: &mut Duty, own: i64) -> PyResult<()> {
        let Some(task) = self.task(py) else { return Ok(()) };
        for _ in 0..own {
            task.call_method0(intern!(py, "uncancel"))?;
        }
        self.cancels.store(0, Ordering::Relaxed);
        // Before 3.13 `uncancel` leaves the pending CancelledError standing; one bare yield takes it out.
        duty.absorbs = task.getattr(intern!(py, "_must_cancel"))?.is_truthy()?;
        Ok(())
    }
}

fn is_cancelled_error(py: Python<'_>, error: &PyErr) -> bool {
    static CANCELLED: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CANCELLED.import(py, "asyncio", "CancelledError").is_ok_and(|class| error.is_instance(py, class))
}

/// Enters a subscription's context, unless it is the one that has been entered.
pub(crate) fn enter<'py>(py: Python<'py>, subscriber: &Subscriber, entered: &mut Option<Entered<'py>>) -> PyResult<()> {
    if !entered.as_ref().is_some_and(|entered| entered.is(&subscriber.context)) {
        *entered = None;
        *entered = Some(Entered::enter(subscriber.context.bind(py))?);
    }
    Ok(())
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
