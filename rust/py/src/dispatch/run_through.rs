//! Beginning and ending a run in a worker.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use pyo3::prelude::*;
use trading_events_core::queue::Stored;

use super::run::{self, Run, RunState};
use super::worker::Worker;
use super::worker_state::{ActiveCall, NextStep, WorkerState};
use crate::codec::packed;
use crate::runtime::drive::{self, ContextGuard, Progress};
use crate::runtime::guarded::Guarded;
use crate::runtime::pace::Pace;

impl Worker {
    /// Handles many events in a run, beginning with one taken from the queue.
    pub(crate) fn run_through<'py>(
        &self,
        py: Python<'py>,
        current: &mut WorkerState,
        event: Stored<Py<PyAny>>,
        pace: &mut Pace,
        entered: &mut Option<ContextGuard<'py>>,
    ) -> Result<NextStep, Bound<'py, PyAny>> {
        let event = match packed::unpack(py, event) {
            Ok(event) => event,
            Err(error) => return self.fail_unread(py, current, error),
        };
        let (coroutine, run) = match self.start_run(py, current, &event, *pace, entered) {
            Ok(Some(started)) => started,
            Ok(None) => return Ok(NextStep::Continue),
            Err(error) => {
                return self.called(py, current, ActiveCall::handler(event.unbind(), None), Progress::Raised(error));
            }
        };
        drop(event);
        run.get().state.lock(py).entered = entered.take().and_then(ContextGuard::into_raw);
        let progress = drive::send(&coroutine);
        let last = run.get().end(py);
        {
            let mut run_state = run.get().state.lock(py);
            *entered = Some(ContextGuard::from_raw(py, run_state.entered.take()));
            (current.turn, *pace) = (run_state.turn, run_state.pace);
            current.served = Some(run_state.served.clone());
        }
        let event = match last {
            Ok(event) => event,
            Err(error) => return self.fail_unread(py, current, error),
        };
        if matches!(progress, Progress::Returned) && self.cancels.load(Ordering::Relaxed) == 0 {
            current.counts_handled = true;
            current.run = Some(run.unbind());
            return Ok(NextStep::Continue);
        }
        *entered = None;
        self.called(py, current, ActiveCall::run(event, coroutine.unbind()), progress)
    }

    /// Starts a run in the context of the handler. Returns its coroutine and its iterator.
    #[inline]
    fn start_run<'py>(
        &self,
        py: Python<'py>,
        current: &mut WorkerState,
        event: &Bound<'py, PyAny>,
        pace: Pace,
        entered: &mut Option<ContextGuard<'py>>,
    ) -> PyResult<Option<(Bound<'py, PyAny>, Bound<'py, Run>)>> {
        let Some(served) = current.served.clone() else { return Ok(None) };
        let run_state = RunState {
            served: served.clone(),
            is_shared: current.is_shared,
            entered: None,
            event: Some(event.clone().unbind()),
            is_new: true,
            is_over: false,
            turn: current.turn,
            pace,
            unread: None,
        };
        let run = self.new_run(py, current, run_state)?;
        ContextGuard::switch(served.subscriber.context.bind(py), entered)?;
        Ok(Some((run::start(served.subscriber.handler.bind(py), &run)?, run)))
    }

    /// The iterator of a new run; that of the last run is reused.
    fn new_run<'py>(
        &self,
        py: Python<'py>,
        current: &mut WorkerState,
        run_state: RunState,
    ) -> PyResult<Bound<'py, Run>> {
        let Some(run) = current.run.take() else {
            let cancels = Arc::clone(&self.cancels);
            return Bound::new(py, Run { bus: self.bus.clone_ref(py), cancels, state: Guarded::new(run_state) });
        };
        *run.get().state.lock(py) = run_state;
        Ok(run.into_bound(py))
    }
}
