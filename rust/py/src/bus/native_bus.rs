//! The native half of `InMemoryEventBus`: its event loop, its callers and its waiters.

use std::cell::RefMut;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use trading_events_core::routing::SubscriptionId;
use trading_events_core::subscription::Subscription;

use super::state::State;
use super::subscriber::{Subscriber, sid_of};
use crate::error::{SubscriptionNotFoundError, WrongLoopError};
use crate::runtime::event_loop::{self, LoopHandle};
use crate::runtime::fork::ForkGuard;
use crate::runtime::guarded::Guarded;
use crate::runtime::handler_context;
use crate::runtime::pace::Pace;

/// The state of a bus: subscriptions, queues, workers, counts.
#[pyclass(frozen, subclass, weakref, module = "trading.events._core")]
pub(crate) struct NativeBus {
    pub(crate) number: u64,
    /// The time that a worker may take in one turn of the loop before it yields.
    pub(crate) stretch_ns: AtomicU64,
    fork_guard: ForkGuard,
    state: Guarded<State>,
    /// The bus that this one sends for: its handlers may publish here until this bus is empty.
    patron: Guarded<Option<Py<Self>>>,
}

impl NativeBus {
    #[inline]
    pub(crate) fn lock(&self, py: Python<'_>) -> RefMut<'_, State> {
        self.state.lock(py)
    }

    /// The bus that this one sends for.
    pub(crate) fn patron<'py>(&self, py: Python<'py>) -> Option<Bound<'py, Self>> {
        self.patron.lock(py).as_ref().map(|patron| patron.bind(py).clone())
    }

    pub(crate) fn check_process(&self) -> PyResult<()> {
        self.fork_guard.check()
    }

    /// The subscription whose running handler is the caller, or has started the task that is.
    pub(crate) fn calling_handler(&self, py: Python<'_>) -> PyResult<Option<SubscriptionId>> {
        let Some(number) = handler_context::calling_subscription(py, self.number)? else { return Ok(None) };
        let state = self.lock(py);
        let Some(id) = state.by_number.get(&number) else { return Ok(None) };
        // A subscription that has ended is known until the failure of its last event has been reported.
        Ok(state.bus.subscriptions().get(*id).is_none_or(Subscription::is_served).then_some(*id))
    }

    /// Tells if the caller is a running handler, or a task that one has started.
    pub(crate) fn is_in_handler(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.calling_handler(py)?.is_some())
    }

    /// The bus's event loop. If it has none, the loop that runs in this thread becomes it.
    pub(crate) fn event_loop(&self, py: Python<'_>) -> PyResult<Option<Arc<LoopHandle>>> {
        if let Some(event_loop) = &self.lock(py).event_loop {
            return Ok(Some(Arc::clone(event_loop)));
        }
        let Some(found) = LoopHandle::of_running_loop(py)? else { return Ok(None) };
        Ok(Some(Arc::clone(self.lock(py).event_loop.get_or_insert(Arc::new(found)))))
    }

    /// The bus's event loop, which must be the one that runs in this thread.
    pub(crate) fn event_loop_here(&self, py: Python<'_>) -> PyResult<Arc<LoopHandle>> {
        self.check_process()?;
        let event_loop =
            self.event_loop(py)?.ok_or_else(|| WrongLoopError::new_err("no event loop runs in this thread"))?;
        event_loop.check_running(py)?;
        Ok(event_loop)
    }

    /// The number in a sid of this bus.
    pub(crate) fn number_of(&self, sid: &str) -> Option<u64> {
        let number = sid.strip_prefix(&format!("sub-{}-", self.number))?.parse().ok()?;
        (sid_of(self.number, number) == sid).then_some(number)
    }

    /// The active subscription with a sid.
    pub(crate) fn id_of(&self, py: Python<'_>, sid: &str) -> PyResult<SubscriptionId> {
        let id = self.number_of(sid).and_then(|number| self.lock(py).by_number.get(&number).copied());
        id.ok_or_else(|| SubscriptionNotFoundError::new_err(format!("no subscription {sid:?} stands on this bus")))
    }

    /// Tells if any future is pending: for room in a queue, for the bus to become idle, or for a subscription.
    pub(crate) fn is_awaited(&self, py: Python<'_>) -> PyResult<bool> {
        let futures: Vec<Py<PyAny>> = {
            let state = self.lock(py);
            let ends = state.end_waiters.values().flatten();
            let few = state.idle_waiters.iter().map(|(_, future)| future);
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

    /// Completes the futures whose condition holds: room in a queue, an idle bus, a subscription that has ended or has
    /// reached a watermark.
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
        event_loop::wake(py, futures)
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
            fork_guard: ForkGuard::new(),
            state: Guarded::default(),
            patron: Guarded::default(),
        }
    }

    /// Binds the bus to the running loop, if it has none.
    fn _bind(&self, py: Python<'_>) -> PyResult<()> {
        self.event_loop_here(py).map(drop)
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
        self.fork_guard.is_same_process()
    }

    /// Lets the handlers and stream readers of another bus publish here while this bus closes.
    fn _send_for(&self, py: Python<'_>, patron: Py<Self>) {
        let former = self.patron.lock(py).replace(patron);
        drop(former);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(patron) = self.patron.lock_in_traverse(&visit) {
            visit.call(&*patron)?;
        }
        let Some(state) = self.state.lock_in_traverse(&visit) else { return Ok(()) };
        state.bus.subscriptions().iter().try_for_each(|(_, found)| found.payload.traverse(visit))?;
        state.workers.values().try_for_each(|task| visit.call(task))?;
        state.bus.tokens().try_for_each(|token| visit.call(token))?;
        state.idle_waiters.iter().try_for_each(|(_, future)| visit.call(future))?;
        state.end_waiters.values().flatten().try_for_each(|future| visit.call(future))?;
        state.milestones.iter().try_for_each(|(_, future)| visit.call(future))?;
        state.event_loop.as_ref().map_or(Ok(()), |event_loop| event_loop.traverse(visit))
    }

    fn __clear__(&self, py: Python<'_>) {
        let state = std::mem::take(&mut *self.lock(py));
        let patron = self.patron.lock(py).take();
        drop((state, patron));
    }
}
