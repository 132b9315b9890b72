//! Offering an event to its queues.

use std::sync::Arc;

use pyo3::prelude::*;
use trading_events_core::admission::{Manner, Offer, Patience, Speaker};
use trading_events_core::registry::SubscriptionId;

use super::pending::{Admitted, Aim};
use crate::bus::native_bus::NativeBus;
use crate::error::{BusClosedError, QueueFullError, WrongLoopError};
use crate::runtime::event_loop::Home;

impl NativeBus {
    /// Offers an event to its queues, past the line if the caller runs in a handler.
    pub(crate) fn admit(
        slf: &Bound<'_, Self>,
        event: &Bound<'_, PyAny>,
        aim: &mut Aim,
        (patience, speaker): (Patience, Speaker),
    ) -> PyResult<Admitted> {
        let (py, this) = (slf.py(), slf.get());
        let speaker = if speaker == Speaker::Bus { speaker } else { Self::speaker(slf, event, aim)? };
        let home = Self::open_home(slf, &aim.targets)?;
        let can_call = home.as_ref().is_some_and(|home| home.is_in_this_thread());
        let mut manner = Manner { patience, speaker, can_call };
        let (mut offered, mut hired) = Self::offer_once(slf, event, aim, manner)?;
        if matches!(offered, Offer::Closed) && speaker == Speaker::Publisher {
            // The bus may have begun to close since it was asked who speaks.
            manner.speaker = Self::speaker(slf, event, aim)?;
            if manner.speaker != Speaker::Publisher {
                (offered, hired) = Self::offer_once(slf, event, aim, manner)?;
            }
        }
        if matches!(offered, Offer::Wait | Offer::Full(_)) && patience != Patience::Urgent && this.is_in_handler(py)? {
            manner.patience = Patience::Urgent;
            let (again, more) = Self::offer_once(slf, event, aim, manner)?;
            (offered, hired) = (again, hired + more);
        }
        if let Some(home) = home {
            Self::attend(slf, &home, hired)?;
        }
        match offered {
            Offer::Accepted(accepted) => {
                Self::conclude(slf, event, accepted)?;
                Ok(Admitted::Accepted)
            }
            Offer::Wait => Ok(Admitted::MustWait),
            refused => Err(this.refusal(py, &refused)),
        }
    }

    /// Offers an event to its queues as they are; says also how many workers were hired for them.
    fn offer_once(
        slf: &Bound<'_, Self>,
        event: &Bound<'_, PyAny>,
        aim: &mut Aim,
        manner: Manner,
    ) -> PyResult<(Offer<Py<PyAny>>, usize)> {
        loop {
            let mut state = slf.get().lock(slf.py());
            if state.bus.has_latecomers(aim.version) {
                drop(state);
                aim.add_latecomers(slf, event)?;
                continue;
            }
            let offer = state.bus.offer(&aim.topic, &aim.targets, manner, || event.clone().unbind());
            return Ok((offer, state.bus.hire_first()));
        }
    }

    /// The bus's loop, where there may be something to do in it.
    fn open_home(slf: &Bound<'_, Self>, targets: &[SubscriptionId]) -> PyResult<Option<Arc<Home>>> {
        let (py, this) = (slf.py(), slf.get());
        let (home, may_be_dead) = {
            let state = this.lock(py);
            (state.home.clone(), state.bus.has_no_leader() || state.bus.publishing_is_spent())
        };
        let Some(home) = (if home.is_some() { home } else { this.home(py)? }) else {
            if targets.is_empty() {
                return Ok(None);
            }
            return Err(WrongLoopError::new_err(
                "this bus has no event loop yet; await one of its methods in the loop before others publish to it",
            ));
        };
        if may_be_dead {
            home.check_open(py)?;
        }
        Ok(Some(home))
    }

    /// The error for an offer that was not accepted.
    pub(crate) fn refusal<E>(&self, py: Python<'_>, offer: &Offer<E>) -> PyErr {
        let Offer::Full(id) = offer else {
            return BusClosedError::new_err("the bus is closed and takes no new events");
        };
        let state = self.lock(py);
        let Some(full) = state.bus.subscriptions().get(*id) else {
            return QueueFullError::new_err("a queue is full; the event has reached nobody");
        };
        QueueFullError::new_err(format!(
            "the queue of subscription {:?} ({}) is full with {} events; the event has reached nobody",
            full.payload.name,
            full.payload.pattern,
            full.queue.len(),
        ))
    }
}
