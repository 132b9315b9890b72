//! Runs as workers begin and end them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use pyo3::prelude::*;

use super::duty::{Active, Aftermath, Duty};
use super::run::{self, Course, Run};
use super::worker::Worker;
use crate::runtime::drive::{self, Entered, Progress};
use crate::runtime::guarded::Guarded;
use crate::runtime::pace::Pace;

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
        let (coroutine, run) = match self.start_run(py, duty, &event, *pace, entered) {
            Ok(Some(started)) => started,
            Ok(None) => return Ok(Aftermath::GoOn),
            Err(error) => {
                return self.called(py, duty, Active::handler(event.unbind(), None), Progress::Raised(error));
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
        self.called(py, duty, Active::run(event, coroutine.unbind()), progress)
    }

    /// The coroutine of a run that begins with an event, and what it asks for the next ones, in the context of the handler.
    #[inline]
    fn start_run<'py>(
        &self,
        py: Python<'py>,
        duty: &mut Duty,
        event: &Bound<'py, PyAny>,
        pace: Pace,
        entered: &mut Option<Entered<'py>>,
    ) -> PyResult<Option<(Bound<'py, PyAny>, Bound<'py, Run>)>> {
        let Some(served) = duty.served.clone() else { return Ok(None) };
        let course = Course {
            served: served.clone(),
            leads: duty.leads,
            entered: None,
            event: Some(event.clone().unbind()),
            is_new: true,
            is_over: false,
            turn: duty.turn,
            pace,
            unread: None,
        };
        let run = self.new_run(py, duty, course)?;
        Entered::switch(served.subscriber.context.bind(py), entered)?;
        Ok(Some((run::start(served.subscriber.handler.bind(py), &run)?, run)))
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
