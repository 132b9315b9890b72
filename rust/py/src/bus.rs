//! The native half of `InMemoryEventBus`: its state, its subscriptions, its counts.

use std::cell::RefMut;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use trading_events_core::bus::{Bus, Ended, Phase, Watermark};
use trading_events_core::routing::SubscriptionId;
use trading_events_core::subscription::Subscription;

use crate::error::WrongLoopError;
use crate::guarded::Guarded;
use crate::home::{self, Birthplace, Home};
use crate::nesting::Nesting;
use crate::pace::Pace;
use crate::route_memo::RouteMemo;
use crate::routing::Classes;
use crate::subscriber::Subscriber;
use crate::worker::Worker;

/// The core's bus, of Python's objects.
pub(crate) type PythonBus = Bus<Py<PyAny>, Arc<Subscriber>, Py<PyAny>>;

/// Everything that changes, in one place. No Python code runs, and nothing of Python is dropped, while it is taken.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) bus: PythonBus,
    pub(crate) memo: RouteMemo,
    pub(crate) classes: Classes,
    pub(crate) home: Option<Arc<Home>>,
    pub(crate) workers: HashMap<u64, Py<PyAny>>,
    pub(crate) next_worker: u64,
    pub(crate) refill_is_due: bool,
    /// Who waits until no more than so many events are left.
    pub(crate) few_waiters: Vec<(u64, Py<PyAny>)>,
    /// Who waits for a subscription to end.
    pub(crate) end_waiters: HashMap<u64, Vec<Py<PyAny>>>,
    /// Who waits for a subscription to have handled something.
    pub(crate) milestones: Vec<(Watermark, Py<PyAny>)>,
    pub(crate) by_number: HashMap<u64, SubscriptionId>,
    pub(crate) last_number: u64,
    /// Room for a row that is being made.
    pub(crate) row: Vec<u8>,
    /// The bus that this one sends for, whose handlers are heard until this one has worked off what it has.
    pub(crate) patron: Option<Py<NativeBus>>,
}

impl State {
    /// Whether somebody waits for what the end of an event has brought about.
    pub(crate) fn has_to_wake(&self, ended: &Ended<Arc<Subscriber>>) -> bool {
        ended.retired.is_some()
            || (ended.few && !self.few_waiters.is_empty())
            || !self.milestones.is_empty()
            || self.bus.has_woken()
    }

    /// Whoever waits for so few events as there are.
    fn take_satisfied(&mut self) -> Vec<Py<PyAny>> {
        if self.bus.unfinished() > self.bus.awaited {
            return Vec::new();
        }
        let left = self.bus.unfinished();
        let satisfied = self.few_waiters.extract_if(.., |(few, _)| left <= *few);
        let futures = satisfied.map(|(_, future)| future).collect();
        self.bus.awaited = self.few_waiters.iter().map(|(few, _)| *few).max().unwrap_or(0);
        futures
    }
}

#[pyclass(frozen, subclass, weakref, module = "trading.events._core")]
pub(crate) struct NativeBus {
    pub(crate) number: u64,
    /// How long a worker may take in one turn of the loop before it yields.
    pub(crate) stretch_ns: AtomicU64,
    birthplace: Birthplace,
    state: Guarded<State>,
}

impl NativeBus {
    #[inline]
    pub(crate) fn lock(&self, py: Python<'_>) -> RefMut<'_, State> {
        self.state.lock(py)
    }

    pub(crate) fn check_process(&self) -> PyResult<()> {
        self.birthplace.check()
    }

    /// The subscription whose handler runs and is the caller, or has started the task that is.
    pub(crate) fn calling_handler(&self, py: Python<'_>) -> PyResult<Option<SubscriptionId>> {
        let Some(number) = home::calling_subscription(py, self.number)? else { return Ok(None) };
        let state = self.lock(py);
        let Some(id) = state.by_number.get(&number) else { return Ok(None) };
        // One that has ended is known for as long as the failure of its last event is being reported.
        Ok(state.bus.subscriptions().get(*id).is_none_or(Subscription::is_served).then_some(*id))
    }

    /// Whether the caller is a handler that runs, or a task that one has started.
    pub(crate) fn is_in_handler(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.calling_handler(py)?.is_some())
    }

    /// The bus's loop; the one that runs here becomes it if it has none.
    pub(crate) fn home(&self, py: Python<'_>) -> PyResult<Option<Arc<Home>>> {
        if let Some(home) = &self.lock(py).home {
            return Ok(Some(Arc::clone(home)));
        }
        let Some(found) = Home::of_running_loop(py)? else { return Ok(None) };
        Ok(Some(Arc::clone(self.lock(py).home.get_or_insert(Arc::new(found)))))
    }

    /// The bus's loop, which must be the one that runs here.
    pub(crate) fn home_here(&self, py: Python<'_>) -> PyResult<Arc<Home>> {
        self.check_process()?;
        let home = self.home(py)?.ok_or_else(|| WrongLoopError::new_err("no event loop runs in this thread"))?;
        home.check_running(py)?;
        Ok(home)
    }

    /// Sees to what an accepted event has brought about: starts workers that were hired, and wakes publishers who can
    /// come. From another thread, the loop does it.
    pub(crate) fn attend(slf: &Bound<'_, Self>, home: &Home, hired: usize) -> PyResult<()> {
        let has_called = slf.get().lock(slf.py()).bus.has_woken();
        if hired == 0 && !has_called {
            return Ok(());
        }
        if !home.is_running_here(slf.py())? {
            return home.call_soon_threadsafe(&slf.getattr("_attend")?, hired);
        }
        Self::start_workers(slf, home, hired)?;
        let called = slf.get().lock(slf.py()).bus.take_woken();
        home::wake(slf.py(), called)
    }

    /// Starts a worker if there are events and nobody to hand them out.
    pub(crate) fn rouse(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (home, hired) = {
            let mut state = slf.get().lock(slf.py());
            let Some(home) = state.home.clone() else { return Ok(()) };
            (home, state.bus.start_first_shared())
        };
        Self::start_workers(slf, &home, hired)
    }

    /// Whether somebody waits for room, for few events to be left, or for a subscription to end.
    pub(crate) fn is_awaited(&self, py: Python<'_>) -> PyResult<bool> {
        let futures: Vec<Py<PyAny>> = {
            let state = self.lock(py);
            let ends = state.end_waiters.values().flatten();
            let few = state.few_waiters.iter().map(|(_, future)| future);
            let milestones = state.milestones.iter().map(|(_, future)| future);
            let waiters = state.bus.tokens().chain(few).chain(ends).chain(milestones);
            waiters.map(|future| future.clone_ref(py)).collect()
        };
        for future in futures {
            if !future.bind(py).call_method0(intern!(py, "done"))?.is_truthy()? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Starts workers that have been hired.
    pub(crate) fn start_workers(slf: &Bound<'_, Self>, home: &Home, count: usize) -> PyResult<()> {
        for _ in 0..count {
            let nesting = Nesting::of(home::may_nest(slf.py())?);
            let number = {
                let mut state = slf.get().lock(slf.py());
                state.next_worker += 1;
                state.next_worker
            };
            let worker = Bound::new(slf.py(), Worker::new(slf, number, nesting))?;
            let task = home.start_task(worker.as_any())?;
            slf.get().lock(slf.py()).workers.insert(number, task.unbind());
        }
        Ok(())
    }

    /// Has the loop begin a new budget in its next turn.
    pub(crate) fn schedule_refill(slf: &Bound<'_, Self>) -> PyResult<()> {
        let home = {
            let mut state = slf.get().lock(slf.py());
            let Some(home) = state.home.clone().filter(|_| !state.refill_is_due) else { return Ok(()) };
            state.refill_is_due = true;
            home
        };
        home.call_soon(&slf.getattr("_refill")?)
    }

    /// Wakes whoever waits for places, for few events to be left, or for a subscription to end or to have handled something.
    pub(crate) fn wake_waiters(&self, py: Python<'_>, ended: Option<&Subscriber>) -> PyResult<()> {
        let futures = {
            let mut state = self.lock(py);
            let mut futures = state.bus.take_woken();
            futures.append(&mut state.take_satisfied());
            if let Some(ended) = ended {
                state.by_number.remove(&ended.number);
                futures.extend(state.end_waiters.remove(&ended.number).unwrap_or_default());
            }
            let State { bus, milestones, .. } = &mut *state;
            futures.extend(milestones.extract_if(.., |(place, _)| bus.has_reached(*place)).map(|(_, future)| future));
            futures
        };
        home::wake(py, futures)
    }
}

#[pymethods]
impl NativeBus {
    #[new]
    #[pyo3(signature = (*_arguments, **_options))]
    fn new(_arguments: &Bound<'_, PyAny>, _options: Option<&Bound<'_, PyDict>>) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        Self {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            stretch_ns: AtomicU64::new(Pace::STRETCH_NS),
            birthplace: Birthplace::here(),
            state: Guarded::default(),
        }
    }

    /// The running loop becomes the bus's, if it has none.
    fn _bind(&self, py: Python<'_>) -> PyResult<()> {
        self.home_here(py).map(drop)
    }

    #[getter]
    fn _in_handler(&self, py: Python<'_>) -> PyResult<bool> {
        self.is_in_handler(py)
    }

    #[getter]
    fn _unfinished(&self, py: Python<'_>) -> u64 {
        self.lock(py).bus.unfinished()
    }

    #[getter]
    fn _publishers_waiting(&self, py: Python<'_>) -> usize {
        self.lock(py).bus.publishers_waiting()
    }

    #[getter]
    fn _is_local(&self) -> bool {
        self.birthplace.is_here()
    }

    #[getter]
    fn _phase(&self, py: Python<'_>) -> &'static str {
        match self.lock(py).bus.phase() {
            Phase::Open => "open",
            Phase::Closing | Phase::Ending => "closing",
            Phase::Closed => "closed",
        }
    }

    /// What to await until no more than so many accepted events are left. Starts a worker where a cancelled one has left
    /// events behind.
    #[pyo3(signature = (few=0))]
    fn _idle<'py>(slf: &Bound<'py, Self>, few: u64) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        let home = this.home_here(py)?;
        let future = home.new_future(py)?;
        {
            let mut state = this.lock(py);
            state.few_waiters.push((few, future.clone().unbind()));
            state.bus.awaited = state.bus.awaited.max(few);
        }
        Self::rouse(slf)?;
        this.wake_waiters(py, None)?;
        Ok(future)
    }

    /// Takes no new events from outside.
    fn _close(&self, py: Python<'_>) -> PyResult<()> {
        self.lock(py).bus.close();
        self.wake_waiters(py, None)
    }

    /// Takes no new events from anybody but the bus itself.
    fn _refuse(&self, py: Python<'_>) -> PyResult<()> {
        self.lock(py).bus.refuse();
        self.wake_waiters(py, None)
    }

    /// Has this bus, while it closes, still take events from the handlers of another and from those who read its
    /// streams.
    fn _send_for(&self, py: Python<'_>, patron: Py<Self>) {
        self.lock(py).patron = Some(patron);
    }

    /// Gives up all that waits, and returns the tasks that still run handlers.
    fn _abandon(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let (abandoned, tasks) = {
            let mut state = self.lock(py);
            let abandoned = state.bus.abandon();
            (abandoned, state.workers.values().map(|task| task.clone_ref(py)).collect())
        };
        drop(abandoned.events);
        for ended in &abandoned.ended {
            self.wake_waiters(py, Some(ended))?;
        }
        self.wake_waiters(py, None)?;
        Ok(tasks)
    }

    /// Closes the bus for good, unless something has come that is still to be handled. Says whether it is closed.
    fn _seal(&self, py: Python<'_>) -> PyResult<bool> {
        let is_closed = self.lock(py).bus.mark_closed();
        self.wake_waiters(py, None)?;
        Ok(is_closed)
    }

    fn _refill(&self, py: Python<'_>) {
        let mut state = self.lock(py);
        state.refill_is_due = false;
        state.bus.begin_turn();
    }

    /// Has workers yield after so long in one turn of the loop.
    fn _yield_after(&self, stretch_ns: u64) {
        self.stretch_ns.store(stretch_ns, Ordering::Relaxed);
    }

    /// The tasks of all workers.
    fn _workers(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        self.lock(py).workers.values().map(|task| task.clone_ref(py)).collect()
    }

    fn _attend(slf: &Bound<'_, Self>, hired: usize) -> PyResult<()> {
        let home = slf.get().home_here(slf.py())?;
        Self::attend(slf, &home, hired)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Some(state) = self.state.lock_in_traverse(&visit) else { return Ok(()) };
        state.bus.subscriptions().iter().try_for_each(|(_, found)| found.payload.traverse(visit))?;
        state.workers.values().try_for_each(|task| visit.call(task))?;
        visit.call(&state.patron)?;
        state.bus.tokens().try_for_each(|token| visit.call(token))?;
        state.few_waiters.iter().try_for_each(|(_, future)| visit.call(future))?;
        state.end_waiters.values().flatten().try_for_each(|future| visit.call(future))?;
        state.milestones.iter().try_for_each(|(_, future)| visit.call(future))?;
        state.home.as_ref().map_or(Ok(()), |home| home.traverse(visit))
    }

    fn __clear__(&self, py: Python<'_>) {
        let state = std::mem::take(&mut *self.lock(py));
        drop(state);
    }
}
