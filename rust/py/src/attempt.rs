//! One event's way into its queues, in as many steps as it takes.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use trading_events_core::bus::{Offer, Origin, Ticket, WhenFull};

use crate::bus::NativeBus;
use crate::drive::{self, Progress};
use crate::error::WrongLoopError;
use crate::publish::{Admitted, Outcome, Parcel};

enum Stage {
    /// Called away from the bus's loop; nothing has been done.
    Elsewhere(Py<PyAny>),
    /// The loop is to turn first.
    Yield(Parcel),
    /// The queues are to be asked.
    Ask(Parcel),
    /// In line, waiting to be called.
    InLine { parcel: Parcel, ticket: Ticket, wait: Py<PyAny> },
    /// Accepted, refused or given up.
    Over,
}

/// What became of somebody in line who thought that it was called.
enum Came {
    /// Its event is accepted.
    In,
    /// It was not called.
    TooEarly,
    /// It was called because the bus has begun to close, and is to ask whether it is still heard.
    Dismissed,
}

/// An event that is being published.
pub(crate) struct Attempt(Stage);

impl Attempt {
    pub(crate) fn after(pending: Outcome) -> Self {
        Self(match pending {
            Outcome::Accepted => Stage::Over,
            Outcome::MustYield(parcel) => Stage::Yield(parcel),
            Outcome::MustWait(parcel) => Stage::Ask(parcel),
        })
    }

    pub(crate) fn elsewhere(event: &Bound<'_, PyAny>) -> Self {
        Self(Stage::Elsewhere(event.clone().unbind()))
    }

    /// Goes on until there is something to wait for, which is returned, or until the event is accepted.
    pub(crate) fn step<'py>(&mut self, bus: &Bound<'py, NativeBus>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = bus.py();
        loop {
            self.0 = match std::mem::replace(&mut self.0, Stage::Over) {
                Stage::Over => return Ok(None),
                Stage::Elsewhere(event) => {
                    check_arrived(bus)?;
                    let offered = NativeBus::offer(bus, event.bind(py), WhenFull::Wait, Origin::Publisher)?;
                    Self::after(offered).0
                }
                Stage::Yield(parcel) => {
                    self.0 = Stage::Ask(parcel);
                    return Ok(Some(py.None().into_bound(py)));
                }
                Stage::Ask(mut parcel) => match Self::ask(bus, &mut parcel)? {
                    Admitted::Accepted => return Ok(None),
                    Admitted::MustWait => Self::join(bus, parcel)?,
                },
                Stage::InLine { mut parcel, ticket, wait } => match drive::send(wait.bind(py)) {
                    Progress::Suspended(yielded) => {
                        self.0 = Stage::InLine { parcel, ticket, wait };
                        return Ok(Some(yielded));
                    }
                    Progress::Returned => match Self::come(bus, ticket, &mut parcel)? {
                        Came::In => return Ok(None),
                        Came::TooEarly => Self::join(bus, parcel)?,
                        Came::Dismissed => Stage::Ask(parcel),
                    },
                    Progress::Raised(error) => {
                        give_up(bus, ticket);
                        return Err(error);
                    }
                },
            };
        }
    }

    fn ask(bus: &Bound<'_, NativeBus>, parcel: &mut Parcel) -> PyResult<Admitted> {
        let event = parcel.event.bind(bus.py());
        NativeBus::admit(bus, event, &mut parcel.aim, (WhenFull::Wait, Origin::Publisher))
    }

    fn join(bus: &Bound<'_, NativeBus>, parcel: Parcel) -> PyResult<Stage> {
        let (py, this) = (bus.py(), bus.get());
        let home = this.home_here(py)?;
        let future = home.new_future(py)?;
        let wait = future.call_method0(intern!(py, "__await__"))?.unbind();
        let ticket = this.lock(py).bus.wait(&parcel.aim.topic, &parcel.aim.targets, future.unbind());
        Ok(Stage::InLine { parcel, ticket, wait })
    }

    fn come(bus: &Bound<'_, NativeBus>, ticket: Ticket, parcel: &mut Parcel) -> PyResult<Came> {
        let (py, this) = (bus.py(), bus.get());
        let home = this.home_here(py)?;
        let speaker = NativeBus::speaker_outside(bus).inspect_err(|_| give_up(bus, ticket))?;
        let (offered, hired) = loop {
            let mut state = this.lock(py);
            if state.bus.is_any_catching_up_since(parcel.aim.version) {
                drop(state);
                parcel.aim.add_latecomers(bus, parcel.event.bind(py)).inspect_err(|_| give_up(bus, ticket))?;
                continue;
            }
            let event = || parcel.event.clone_ref(py);
            let offered = state.bus.claim(ticket, &parcel.aim.topic, &parcel.aim.targets, speaker, event);
            break (offered, state.bus.start_first_shared());
        };
        NativeBus::start_workers(bus, &home, hired)?;
        this.wake_waiters(py, None)?;
        match offered {
            Offer::Accepted(accepted) => {
                NativeBus::conclude(bus, parcel.event.bind(py), accepted)?;
                Ok(Came::In)
            }
            Offer::Wait => Ok(Came::TooEarly),
            Offer::Closed => Ok(Came::Dismissed),
            refused @ Offer::Full(_) => Err(this.refusal(py, &refused)),
        }
    }

    /// Ends without the event being accepted. What goes wrong in that is shown, and harms nobody.
    pub(crate) fn give_up(self, bus: &Bound<'_, NativeBus>) {
        if let Stage::InLine { ticket, .. } = self.0 {
            give_up(bus, ticket);
        }
    }

    pub(crate) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match &self.0 {
            Stage::Elsewhere(event) => visit.call(event),
            Stage::Yield(parcel) | Stage::Ask(parcel) => visit.call(&parcel.event),
            Stage::InLine { parcel, wait, .. } => {
                visit.call(&parcel.event)?;
                visit.call(wait)
            }
            Stage::Over => Ok(()),
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

/// Refuses to go on anywhere but in the bus's loop.
pub(crate) fn check_arrived(bus: &Bound<'_, NativeBus>) -> PyResult<()> {
    if NativeBus::is_home(bus)? {
        return Ok(());
    }
    Err(WrongLoopError::new_err(
        "publish was called and awaited away from the bus's loop; hand it to asyncio.run_coroutine_threadsafe",
    ))
}
