//! Enqueuing an event for its subscriptions, all or none.

use std::sync::Arc;

use pyo3::prelude::*;
use trading_events_core::bus::{Offer, OfferOptions, Origin, WhenFull};
use trading_events_core::routing::SubscriptionId;

use super::pending::{Destination, Enqueued};
use crate::bus::native_bus::NativeBus;
use crate::error::{BusClosedError, QueueFullError, WrongLoopError};
use crate::runtime::event_loop::LoopHandle;

impl NativeBus {
    /// Enqueues an event, ahead of waiting publishers if the caller is a handler.
    pub(crate) fn enqueue(
        slf: &Bound<'_, Self>,
        event: &Bound<'_, PyAny>,
        destination: &mut Destination,
        (patience, speaker): (WhenFull, Origin),
    ) -> PyResult<Enqueued> {
        let (py, this) = (slf.py(), slf.get());
        let speaker = if speaker == Origin::Bus { speaker } else { Self::speaker(slf, event, destination)? };
        let event_loop = Self::open_event_loop(slf, &destination.targets)?;
        let can_call = event_loop.as_ref().is_some_and(|event_loop| event_loop.is_in_this_thread());
        let mut manner = OfferOptions { when_full: patience, origin: speaker, can_call };
        let (mut offered, mut hired) = Self::enqueue_once(slf, event, destination, manner)?;
        if matches!(offered, Offer::Closed) && speaker == Origin::Publisher {
            // The bus may have begun to close since the origin was determined.
            manner.origin = Self::speaker(slf, event, destination)?;
            if manner.origin != Origin::Publisher {
                (offered, hired) = Self::enqueue_once(slf, event, destination, manner)?;
            }
        }
        if matches!(offered, Offer::Wait | Offer::Full(_)) && patience != WhenFull::Exceed && this.is_in_handler(py)? {
            manner.when_full = WhenFull::Exceed;
            let (again, more) = Self::enqueue_once(slf, event, destination, manner)?;
            (offered, hired) = (again, hired + more);
        }
        if let Some(event_loop) = event_loop {
            Self::attend(slf, &event_loop, hired)?;
        }
        match offered {
            Offer::Accepted(accepted) => {
                Self::finish_publish(slf, event, accepted)?;
                Ok(Enqueued::Accepted)
            }
            Offer::Wait => Ok(Enqueued::MustWait),
            refused => Err(this.refusal(py, &refused)),
        }
    }

    /// Tries to enqueue an event. Returns also the number of workers hired.
    fn enqueue_once(
        slf: &Bound<'_, Self>,
        event: &Bound<'_, PyAny>,
        destination: &mut Destination,
        manner: OfferOptions,
    ) -> PyResult<(Offer<Py<PyAny>>, usize)> {
        loop {
            let mut state = slf.get().lock(slf.py());
            if state.bus.is_any_catching_up_since(destination.version) {
                drop(state);
                destination.add_latecomers(slf, event)?;
                continue;
            }
            let offer = state.bus.publish(&destination.topic, &destination.targets, manner, || event.clone().unbind());
            return Ok((offer, state.bus.start_first_shared()));
        }
    }

    /// The bus's event loop, which must be open.
    fn open_event_loop(slf: &Bound<'_, Self>, targets: &[SubscriptionId]) -> PyResult<Option<Arc<LoopHandle>>> {
        let (py, this) = (slf.py(), slf.get());
        let (event_loop, may_be_dead) = {
            let state = this.lock(py);
            (state.event_loop.clone(), state.bus.has_no_shared_worker() || state.bus.publishing_is_spent())
        };
        let Some(event_loop) = (if event_loop.is_some() { event_loop } else { this.event_loop(py)? }) else {
            if targets.is_empty() {
                return Ok(None);
            }
            return Err(WrongLoopError::new_err(
                "this bus has no event loop yet; await one of its methods in the loop before others publish to it",
            ));
        };
        if may_be_dead {
            event_loop.check_open(py)?;
        }
        Ok(Some(event_loop))
    }

    /// The error for a refused event.
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
