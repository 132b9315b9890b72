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
            Entered::switch(served.subscriber.context.bind(py), entered)?;
            Ok((run::start(served.subscriber.handler.bind(py), &run)?, run))
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
