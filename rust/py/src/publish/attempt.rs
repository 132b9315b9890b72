//! One publish, in as many steps as it takes.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use trading_events_core::bus::{Offer, Origin, Ticket, WhenFull};

use super::pending::{Enqueued, Outcome, PendingEvent};
use crate::bus::native_bus::NativeBus;
use crate::error::WrongLoopError;
use crate::runtime::drive::{self, Progress};

enum Stage {
    /// Called outside the bus's event loop; nothing has been done.
    NotStarted(Py<PyAny>),
    /// Yields to the loop for one turn first.
    Yield(PendingEvent),
    /// Ready to be enqueued.
    Enqueue(PendingEvent),
    /// In the wait queue, until it is called.
    Waiting { pending: PendingEvent, ticket: Ticket, wait: Py<PyAny> },
    /// Accepted, refused or given up.
    Done,
}

/// The outcome for a waiter whose future has completed.
enum WakeUp {
    /// Its event is accepted.
    Accepted,
    /// It had not been called.
    TooEarly,
    /// The bus has begun to close; it must try again.
    Dismissed,
}

/// The publish of one event.
pub(crate) struct Attempt(Stage);

impl Attempt {
    pub(crate) fn after(pending: Outcome) -> Self {
        Self(match pending {
            Outcome::Accepted => Stage::Done,
            Outcome::MustYield(pending) => Stage::Yield(pending),
            Outcome::MustWait(pending) => Stage::Enqueue(pending),
        })
    }

    pub(crate) fn not_started(event: &Bound<'_, PyAny>) -> Self {
        Self(Stage::NotStarted(event.clone().unbind()))
    }

    /// Runs to the next suspension, whose yielded value is returned, or to the end.
    pub(crate) fn step<'py>(&mut self, bus: &Bound<'py, NativeBus>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = bus.py();
        loop {
            self.0 = match std::mem::replace(&mut self.0, Stage::Done) {
                Stage::Done => return Ok(None),
                Stage::NotStarted(event) => {
                    check_arrived(bus)?;
                    let offered = NativeBus::begin_publish(bus, event.bind(py), WhenFull::Wait, Origin::Publisher)?;
                    Self::after(offered).0
                }
                Stage::Yield(pending) => {
                    self.0 = Stage::Enqueue(pending);
                    return Ok(Some(py.None().into_bound(py)));
                }
                Stage::Enqueue(mut pending) => match Self::enqueue(bus, &mut pending)? {
                    Enqueued::Accepted => return Ok(None),
                    Enqueued::MustWait => Self::wait_for_room(bus, pending)?,
                },
                Stage::Waiting { mut pending, ticket, wait } => match drive::send(wait.bind(py)) {
                    Progress::Suspended(yielded) => {
                        self.0 = Stage::Waiting { pending, ticket, wait };
                        return Ok(Some(yielded));
                    }
                    Progress::Returned => match Self::enqueue_in_turn(bus, ticket, &mut pending)? {
                        WakeUp::Accepted => return Ok(None),
                        WakeUp::TooEarly => Self::wait_for_room(bus, pending)?,
                        WakeUp::Dismissed => Stage::Enqueue(pending),
                    },
                    Progress::Raised(error) => {
                        give_up(bus, ticket);
                        return Err(error);
                    }
                },
            };
        }
    }

    fn enqueue(bus: &Bound<'_, NativeBus>, pending: &mut PendingEvent) -> PyResult<Enqueued> {
        let event = pending.event.bind(bus.py());
        NativeBus::enqueue(bus, event, &mut pending.destination, (WhenFull::Wait, Origin::Publisher))
    }

    fn wait_for_room(bus: &Bound<'_, NativeBus>, pending: PendingEvent) -> PyResult<Stage> {
        let (py, this) = (bus.py(), bus.get());
        let event_loop = this.event_loop_here(py)?;
        let future = event_loop.new_future(py)?;
        let wait = future.call_method0(intern!(py, "__await__"))?.unbind();
        let ticket = this.lock(py).bus.wait(&pending.destination.topic, &pending.destination.targets, future.unbind());
        Ok(Stage::Waiting { pending, ticket, wait })
    }

    fn enqueue_in_turn(bus: &Bound<'_, NativeBus>, ticket: Ticket, pending: &mut PendingEvent) -> PyResult<WakeUp> {
        let (py, this) = (bus.py(), bus.get());
        let event_loop = this.event_loop_here(py)?;
        let speaker = NativeBus::speaker_outside(bus).inspect_err(|_| give_up(bus, ticket))?;
        let (offered, hired) = loop {
            let mut state = this.lock(py);
            if state.bus.is_any_catching_up_since(pending.destination.version) {
                drop(state);
                pending
                    .destination
                    .add_latecomers(bus, pending.event.bind(py))
                    .inspect_err(|_| give_up(bus, ticket))?;
                continue;
            }
            let event = || pending.event.clone_ref(py);
            let offered =
                state.bus.claim(ticket, &pending.destination.topic, &pending.destination.targets, speaker, event);
            break (offered, state.bus.start_first_shared());
        };
        NativeBus::start_workers(bus, &event_loop, hired)?;
        this.wake_waiters(py, None)?;
        match offered {
            Offer::Accepted(accepted) => {
                NativeBus::finish_publish(bus, pending.event.bind(py), accepted)?;
                Ok(WakeUp::Accepted)
            }
            Offer::Wait => Ok(WakeUp::TooEarly),
            Offer::Closed => Ok(WakeUp::Dismissed),
            refused @ Offer::Full(_) => Err(this.refusal(py, &refused)),
        }
    }

    /// Gives the publish up. Errors of that are written to stderr.
    pub(crate) fn give_up(self, bus: &Bound<'_, NativeBus>) {
        if let Stage::Waiting { ticket, .. } = self.0 {
            give_up(bus, ticket);
        }
    }

    pub(crate) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match &self.0 {
            Stage::NotStarted(event) => visit.call(event),
            Stage::Yield(pending) | Stage::Enqueue(pending) => visit.call(&pending.event),
            Stage::Waiting { pending, wait, .. } => {
                visit.call(&pending.event)?;
                visit.call(wait)
            }
            Stage::Done => Ok(()),
        }
    }
}

fn give_up(bus: &Bound<'_, NativeBus>, ticket: Ticket) {
    let token = bus.get().lock(bus.py()).bus.give_up(ticket);
    drop(token);
    if let Err(error) = bus.get().wake_waiters(bus.py(), None) {
        error.write_unraisable(bus.py(), Some(bus));
    }
}

/// Refuses to run outside the bus's event loop.
pub(crate) fn check_arrived(bus: &Bound<'_, NativeBus>) -> PyResult<()> {
    if NativeBus::is_in_event_loop(bus)? {
        return Ok(());
    }
    Err(WrongLoopError::new_err(
        "publish was called and awaited away from the bus's loop; hand it to asyncio.run_coroutine_threadsafe",
    ))
}
