//! A run: events that `async def` handlers get one after the other, awaited by the interpreter itself.
//!
//! To start a coroutine from native code takes two entries into the interpreter, where `await` in Python takes none. So
//! where many events wait for one handler, a coroutine of Python's (`run.py`) asks for them and awaits the handler. It is
//! given an event for as long as all is plain, and then the handler of the next subscription for which many wait; anything
//! else ends the run, and the worker sees to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyFunction, PyTraceback, PyType};
use pyo3::{ffi, intern};
use trading_events_core::queue::Stored;
use trading_events_core::subscription::Subscription;

use crate::bus::NativeBus;
use crate::drive::{self, Entered, Progress};
use crate::guarded::Guarded;
use crate::handling::enter;
use crate::pace::Pace;
use crate::packing;
use crate::subscriber::Subscriber;
use crate::worker::{Active, Aftermath, Duty, Served, Worker};

/// From how many waiting events on a run is worth its start.
const WORTH_IT: usize = 8;

/// What the coroutine of a run asks for events.
#[pyclass(frozen, module = "trading.events._core")]
pub(crate) struct Run {
    bus: Py<NativeBus>,
    /// Cancellations that the worker's task has been asked for.
    cancels: Arc<AtomicI64>,
    course: Guarded<Course>,
}

/// How far a run has come.
struct Course {
    /// Whose events they are.
    served: Served,
    leads: bool,
    /// Its context, which has been entered.
    entered: Option<Py<PyAny>>,
    /// The event that is handled, or is to be.
    event: Option<Py<PyAny>>,
    /// Whether that has not been asked for yet.
    is_new: bool,
    is_over: bool,
    /// How many more events a leader takes while other subscriptions wait.
    turn: u32,
    pace: Pace,
    /// Why the event that is the next could not be made.
    unread: Option<PyErr>,
}

#[pymethods]
impl Run {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let mut course = self.course.lock(py);
        if std::mem::take(&mut course.is_new) {
            return course.event.as_ref().map(|event| event.clone_ref(py));
        }
        if course.is_over || self.cancels.load(Ordering::Relaxed) != 0 {
            return None;
        }
        let next = {
            let mut state = self.bus.get().lock(py);
            if course.pace.is_over() {
                state.bus.end_dispatching();
            }
            if course.turn == 0 && course.leads && state.bus.has_ready() {
                return None;
            }
            state.bus.take_next(course.served.id)?
        };
        course.turn = course.turn.saturating_sub(1);
        let former = course.event.take();
        drop(course);
        drop(former);
        self.begin(py, next)
    }

    /// The handler of the subscription that is the next, whose events are given out from now on, in its context. `None` if
    /// the worker has to see to what is next.
    fn next_handler(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let mut course = self.course.lock(py);
        let is_plain = course.leads && !course.is_over && course.unread.is_none();
        if !is_plain || self.cancels.load(Ordering::Relaxed) != 0 {
            return None;
        }
        let mut state = self.bus.get().lock(py);
        let (id, event) = state.bus.take_from_next(course.served.id, is_worth_it)?;
        let subscriber = Arc::clone(&state.bus.subscriptions().get(id)?.payload);
        drop(state);
        let (handler, context) = (subscriber.handler.clone_ref(py), subscriber.context.clone_ref(py));
        let former = (std::mem::replace(&mut course.served, Served { id, subscriber }), course.event.take());
        let left = Entered::take_back(py, course.entered.take());
        (course.is_new, course.turn) = (true, Worker::TURN - 1);
        drop(course);
        drop((left, former));
        let entered = Entered::enter(context.bind(py)).map(Entered::hand_over);
        let begun = entered.and_then(|entered| {
            self.course.lock(py).entered = entered;
            packing::unpack(py, event)
        });
        let mut course = self.course.lock(py);
        match begun {
            Ok(event) => course.event = Some(event.unbind()),
            Err(error) => course.unread = Some(error),
        }
        course.event.is_some().then_some(handler)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.bus)?;
        let Some(course) = self.course.lock_in_traverse(&visit) else { return Ok(()) };
        visit.call(&course.entered)?;
        visit.call(&course.event)
    }
}

impl Run {
    /// Notes the event that is handled from now on.
    fn begin(&self, py: Python<'_>, next: Stored<Py<PyAny>>) -> Option<Py<PyAny>> {
        match packing::unpack(py, next) {
            Ok(event) => {
                self.course.lock(py).event = Some(event.clone().unbind());
                Some(event.unbind())
            }
            Err(error) => {
                self.course.lock(py).unread = Some(error);
                None
            }
        }
    }

    /// Gives out no more events. Returns the last, or why it could not be made.
    fn end(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let mut course = self.course.lock(py);
        course.is_over = true;
        match course.unread.take() {
            Some(error) => Err(error),
            None => Ok(course.event.take().unwrap_or_else(|| py.None())),
        }
    }
}

impl Worker {
    /// Has many events handled, beginning with one that has been taken out.
    pub(crate) fn run_through<'py>(
        &self,
        py: Python<'py>,
        duty: &mut Duty,
        event: Bound<'py, PyAny>,
        pace: &mut Pace,
        entered: &mut Option<Entered<'py>>,
    ) -> Result<Aftermath, Bound<'py, PyAny>> {
        let Some(served) = duty.served.clone() else { return Ok(Aftermath::GoOn) };
        let course = Course {
            served: served.clone(),
            leads: duty.leads,
            entered: None,
            event: Some(event.clone().unbind()),
            is_new: true,
            is_over: false,
            turn: duty.turn,
            pace: *pace,
            unread: None,
        };
        let started = self.new_run(py, duty, course).and_then(|run| {
            enter(py, &served.subscriber, entered)?;
            Ok((start(served.subscriber.handler.bind(py), &run)?, run))
        });
        let (coroutine, run) = match started {
            Ok(started) => started,
            Err(error) => {
                let active =
                    Active { event: Some(event.unbind()), coroutine: None, is_run: false, was_cancelled: false };
                return self.called(py, duty, active, Progress::Raised(error));
            }
        };
        drop(event);
        run.get().course.lock(py).entered = entered.take().and_then(Entered::hand_over);
        let progress = drive::send(&coroutine);
        let last = run.get().end(py);
        {
            let mut course = run.get().course.lock(py);
            *entered = Some(Entered::take_back(py, course.entered.take()));
            (duty.turn, *pace) = (course.turn, course.pace);
            duty.served = Some(course.served.clone());
        }
        let event = match last {
            Ok(event) => event,
            Err(error) => return self.fail_unread(py, duty, error),
        };
        if matches!(progress, Progress::Returned) && self.cancels.load(Ordering::Relaxed) == 0 {
            duty.counts_handled = true;
            duty.run = Some(run.unbind());
            return Ok(Aftermath::GoOn);
        }
        *entered = None;
        let active =
            Active { event: Some(event), coroutine: Some(coroutine.unbind()), is_run: true, was_cancelled: false };
        self.called(py, duty, active, progress)
    }

    /// What a new run asks for events: the same as the former, if that has ended.
    fn new_run<'py>(&self, py: Python<'py>, duty: &mut Duty, course: Course) -> PyResult<Bound<'py, Run>> {
        let Some(run) = duty.run.take() else {
            let cancels = Arc::clone(&self.cancels);
            return Bound::new(py, Run { bus: self.bus.clone_ref(py), cancels, course: Guarded::new(course) });
        };
        *run.get().course.lock(py) = course;
        Ok(run.into_bound(py))
    }
}

/// Whether the events of a subscription are to be awaited in a run.
pub(crate) fn is_worth_it(found: &Subscription<Py<PyAny>, Arc<Subscriber>>) -> bool {
    found.payload.is_async && found.queue.len() >= WORTH_IT
}

/// The coroutine of a run.
fn start<'py>(handler: &Bound<'py, PyAny>, run: &Bound<'py, Run>) -> PyResult<Bound<'py, PyAny>> {
    static RUN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    RUN.import(handler.py(), "trading.events.run", "run")?.call1((handler, run))
}

/// Whether a handler is an `async def`, or a method that is one.
pub(crate) fn is_async(handler: &Bound<'_, PyAny>) -> PyResult<bool> {
    static METHOD: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let py = handler.py();
    let is_method = handler.is_exact_instance(METHOD.import(py, "types", "MethodType")?);
    let function = if is_method { handler.getattr(intern!(py, "__func__"))? } else { handler.clone() };
    if !function.is_instance_of::<PyFunction>() {
        return Ok(false);
    }
    let flags: std::ffi::c_int =
        function.getattr(intern!(py, "__code__"))?.getattr(intern!(py, "co_flags"))?.extract()?;
    Ok(flags & ffi::CO_COROUTINE != 0)
}

/// Takes the run's own line off the traceback of a handler's exception.
pub(crate) fn shorten_traceback(py: Python<'_>, error: &PyErr) {
    let next = error.traceback(py).and_then(|trace| trace.getattr(intern!(py, "tb_next")).ok());
    if let Some(next) = next.and_then(|next| next.cast_into::<PyTraceback>().ok()) {
        error.set_traceback(py, Some(next));
    }
}
