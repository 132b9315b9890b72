//! Starting workers, and the budget of each turn of the loop.

use std::sync::atomic::Ordering;

use pyo3::prelude::*;

use super::nesting::Nesting;
use super::worker::Worker;
use crate::bus::native_bus::NativeBus;
use crate::runtime::event_loop::{self, LoopHandle};

impl NativeBus {
    /// Starts hired workers and wakes publishers for whom there is room, after an event was enqueued. Called from
    /// another thread, it has the loop do so.
    pub(crate) fn attend(slf: &Bound<'_, Self>, event_loop: &LoopHandle, hired: usize) -> PyResult<()> {
        let has_called = slf.get().lock(slf.py()).bus.has_woken();
        if hired == 0 && !has_called {
            return Ok(());
        }
        if !event_loop.is_running_here(slf.py())? {
            return event_loop.call_soon_threadsafe(&slf.getattr("_attend")?, hired);
        }
        Self::start_workers(slf, event_loop, hired)?;
        let called = slf.get().lock(slf.py()).bus.take_woken();
        event_loop::wake(slf.py(), called)
    }

    /// Starts a worker if events are ready and no shared worker runs.
    pub(crate) fn ensure_worker(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (event_loop, hired) = {
            let mut state = slf.get().lock(slf.py());
            let Some(event_loop) = state.event_loop.clone() else { return Ok(()) };
            (event_loop, state.bus.start_first_shared())
        };
        Self::start_workers(slf, &event_loop, hired)
    }

    /// Starts workers that have been hired.
    pub(crate) fn start_workers(slf: &Bound<'_, Self>, event_loop: &LoopHandle, count: usize) -> PyResult<()> {
        for _ in 0..count {
            let nesting = Nesting::of(event_loop::may_nest(slf.py())?);
            let number = {
                let mut state = slf.get().lock(slf.py());
                state.next_worker += 1;
                state.next_worker
            };
            let worker = Bound::new(slf.py(), Worker::new(slf, number, nesting))?;
            let task = event_loop.start_task(worker.as_any())?;
            slf.get().lock(slf.py()).workers.insert(number, task.unbind());
        }
        Ok(())
    }

    /// Schedules a new budget for the next turn of the loop.
    pub(crate) fn schedule_refill(slf: &Bound<'_, Self>) -> PyResult<()> {
        let event_loop = {
            let mut state = slf.get().lock(slf.py());
            let Some(event_loop) = state.event_loop.clone().filter(|_| !state.refill_is_due) else { return Ok(()) };
            state.refill_is_due = true;
            event_loop
        };
        event_loop.call_soon(&slf.getattr("_refill")?)
    }
}

#[pymethods]
impl NativeBus {
    /// A future that completes once no more than `few` accepted events are left. Starts a worker if a cancelled one has
    /// left events behind.
    #[pyo3(signature = (few=0))]
    fn _idle<'py>(slf: &Bound<'py, Self>, few: u64) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        let event_loop = this.event_loop_here(py)?;
        let future = event_loop.new_future(py)?;
        {
            let mut state = this.lock(py);
            state.idle_waiters.push((few, future.clone().unbind()));
            state.bus.awaited = state.bus.awaited.max(few);
        }
        Self::ensure_worker(slf)?;
        this.wake_waiters(py, None)?;
        Ok(future)
    }

    fn _refill(&self, py: Python<'_>) {
        let mut state = self.lock(py);
        state.refill_is_due = false;
        state.bus.begin_turn();
    }

    fn _attend(slf: &Bound<'_, Self>, hired: usize) -> PyResult<()> {
        let event_loop = slf.get().event_loop_here(slf.py())?;
        Self::attend(slf, &event_loop, hired)
    }

    /// Sets the time after which workers yield to the loop.
    fn _yield_after(&self, stretch_ns: u64) {
        self.stretch_ns.store(stretch_ns, Ordering::Relaxed);
    }

    /// The tasks of all workers.
    fn _workers(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        self.lock(py).workers.values().map(|task| task.clone_ref(py)).collect()
    }
}
