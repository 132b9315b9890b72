//! The worker: a coroutine that takes events from their queues and drives the handlers.
//!
//! A worker is shared or pinned. A shared worker takes one ready subscription after the other and calls its handler; a
//! handler that does not suspend costs a call and no more. If a handler suspends, its worker is pinned to it and to its
//! subscription, and other workers become shared ones. A coroutine that was started is never moved to another task.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use trading_events_core::subscription::End;

use super::nesting::Nesting;
use super::next::{Next, choose};
use super::worker_state::{NextStep, Resume, WorkerState};
use crate::bus::native_bus::NativeBus;
use crate::runtime::exits::NativeCall;
use crate::runtime::guarded::Guarded;
use crate::runtime::handler_context;
use crate::runtime::pace::Pace;

#[pyclass(frozen, weakref, module = "trading.events._core")]
pub(crate) struct Worker {
    pub(crate) bus: Py<NativeBus>,
    pub(crate) number: u64,
    /// `None` while a step runs, and after the worker has ended.
    pub(crate) state: Guarded<Option<WorkerState>>,
    pub(crate) is_running: AtomicBool,
    pub(crate) has_ended: AtomicBool,
    /// Cancellations requested in the running step, less those taken back.
    pub(crate) cancels: Arc<AtomicI64>,
    pub(crate) nesting: Nesting,
}

impl Worker {
    /// A shared worker that has just been hired.
    pub(crate) fn new(bus: &Bound<'_, NativeBus>, number: u64, nesting: Nesting) -> Self {
        Self {
            bus: bus.clone().unbind(),
            number,
            state: Guarded::new(Some(WorkerState::of_leader())),
            is_running: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            cancels: Arc::default(),
            nesting,
        }
    }

    pub(crate) fn step<'py>(&self, py: Python<'py>, resume: Resume) -> PyResult<Option<Bound<'py, PyAny>>> {
        let _call = NativeCall::resume(py);
        let Some(mut current) = self.state.lock(py).take() else {
            return Err(if self.has_ended.load(Ordering::Relaxed) {
                PyRuntimeError::new_err("cannot reuse a worker that has ended")
            } else {
                PyValueError::new_err("the worker is already executing")
            });
        };
        self.is_running.store(true, Ordering::Relaxed);
        let outcome = self.run(py, &mut current, resume);
        self.is_running.store(false, Ordering::Relaxed);
        if matches!(outcome, Ok(Some(_))) {
            let own = current.own_cancels + self.cancels.swap(0, Ordering::Relaxed);
            current.own_cancels = own.max(0);
            *self.state.lock(py) = Some(current);
        } else {
            self.has_ended.store(true, Ordering::Relaxed);
            self.leave(py, current, outcome.is_ok())?;
        }
        outcome
    }

    /// Releases the worker's subscription. A cancelled worker is replaced only if a future waits for the bus: a loop
    /// that ends cancels all tasks, waiting ones first, and new ones would outlive it.
    pub(crate) fn leave(&self, py: Python<'_>, current: WorkerState, was_done: bool) -> PyResult<()> {
        let bus = self.bus.bind(py);
        let was_cancelled = !was_done || current.served.is_some();
        let task = {
            let mut state = bus.get().lock(py);
            if let Some(served) = &current.served {
                state.bus.release(served.id);
            }
            if current.is_shared {
                state.bus.leave_shared();
            }
            state.workers.remove(&self.number)
        };
        drop((current, task));
        if was_cancelled && !bus.get().is_awaited(py)? {
            return Ok(());
        }
        NativeBus::ensure_worker(bus)
    }

    fn run<'py>(
        &self,
        py: Python<'py>,
        current: &mut WorkerState,
        resume: Resume,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut pace = Pace::start(self.bus.get().stretch_ns.load(Ordering::Relaxed));
        let mut called = self.take_up(py, current, resume);
        let mut entered = None;
        loop {
            match called {
                Ok(NextStep::Continue) => {}
                Ok(NextStep::End) => return Ok(None),
                Ok(NextStep::Raise(error)) => return Err(error),
                Err(yielded) => return Ok(Some(yielded)),
            }
            if current.absorbs_cancel {
                return Ok(Some(py.None().into_bound(py)));
            }
            if pace.is_over() {
                self.bus.get().lock(py).bus.end_dispatching();
            }
            called = match self.next(py, current)? {
                Next::Run(event) if !self.nesting.is_possible => {
                    self.run_through(py, current, event, &mut pace, &mut entered)
                }
                Next::Event(event) | Next::Run(event) => self.call_handler(py, current, event, &mut entered),
                Next::Gap(gap) => self.call_on_gap(py, current, &gap, &mut entered),
                Next::Yield => {
                    drop(entered);
                    NativeBus::schedule_refill(self.bus.bind(py))?;
                    return Ok(Some(py.None().into_bound(py)));
                }
                Next::Linger => return Ok(Some(py.None().into_bound(py))),
                Next::End => return Ok(None),
            };
            // Asked again, as a failure report may have run the loop too.
            self.note_nesting(current);
        }
    }

    /// Resumes the suspended handler, if there is one.
    #[inline]
    fn take_up<'py>(
        &self,
        py: Python<'py>,
        current: &mut WorkerState,
        resume: Resume,
    ) -> Result<NextStep, Bound<'py, PyAny>> {
        match (current.active.take(), resume) {
            (Some(active), resume) => self.resume(py, current, active, resume),
            (None, Resume::Send) => Ok(NextStep::Continue),
            (None, Resume::Throw(error)) => {
                let was_ours = std::mem::replace(&mut current.absorbs_cancel, false);
                Ok(match if was_ours { self.is_cancelled(py, 0) } else { Ok(true) } {
                    Ok(false) => NextStep::Continue,
                    Ok(true) => NextStep::Raise(error),
                    Err(wrong) => NextStep::Raise(wrong),
                })
            }
        }
    }

    /// The worker's next action. A pinned worker stays with its subscription, a shared one takes turns.
    fn next(&self, py: Python<'_>, current: &mut WorkerState) -> PyResult<Next> {
        let this = self.bus.bind(py).get();
        // Dropped after the lock is released: it may hold the last reference to a subscription.
        let (mut former, mut ending) = (None, None);
        let (next, has_called, wakes) = {
            let mut state = this.lock(py);
            if std::mem::replace(&mut current.counts_handled, false)
                && let Some(served) = &current.served
            {
                if (current.turn > 0 || !current.is_shared || !state.bus.has_ready())
                    && let Some(event) = state.bus.take_next(served.id)
                {
                    current.turn = current.turn.saturating_sub(1);
                    return Ok(Next::of(event, served, &state.bus));
                }
                ending = Some(state.bus.finish(served.id, End::Handled));
            }
            let next = choose(py, &mut state.bus, current, &mut former);
            let wakes = ending.as_ref().is_some_and(|ended| state.has_to_wake(ended));
            (next, state.bus.has_woken(), wakes)
        };
        drop(former);
        if has_called || wakes {
            this.wake_waiters(py, ending.and_then(|ended| ended.retired).as_deref())?;
        }
        Ok(next)
    }

    /// Tells if the caller runs in the context of the handler that is suspended here, as callbacks of a `TaskGroup` or
    /// a timeout do.
    pub(crate) fn is_called_by_its_handler(&self, py: Python<'_>) -> PyResult<bool> {
        let caller = handler_context::calling_subscription(py, self.bus.get().number)?;
        let current = self.state.lock(py);
        let served = current.as_ref().and_then(|current| current.served.as_ref());
        Ok(served.is_some_and(|served| Some(served.subscriber.number) == caller))
    }

    pub(crate) fn of_coroutine<'py>(&self, py: Python<'py>, attribute: &str) -> PyResult<Bound<'py, PyAny>> {
        let (coroutine, is_run) = {
            let current = self.state.lock(py);
            let active = current.as_ref().and_then(|current| current.active.as_ref());
            let coroutine =
                active.and_then(|active| active.coroutine.as_ref()).map(|coroutine| coroutine.clone_ref(py));
            (coroutine, active.is_some_and(|active| active.is_run))
        };
        let none = py.None().into_bound(py);
        let Some(coroutine) = coroutine else { return Ok(none) };
        let coroutine = coroutine.into_bound(py);
        let coroutine = if is_run { coroutine.getattr(intern!(py, "cr_await"))? } else { coroutine };
        Ok(coroutine.getattr_opt(attribute)?.unwrap_or(none))
    }
}
