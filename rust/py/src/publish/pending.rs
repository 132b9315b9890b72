//! A publish under way: the event, its destination, its outcome.

use std::sync::Arc;

use pyo3::prelude::*;
use smallvec::SmallVec;
use trading_events_core::routing::SubscriptionId;

use crate::bus::native_bus::NativeBus;

/// An event that is not enqueued yet, with its destination.
pub(crate) struct PendingEvent {
    pub(crate) event: Py<PyAny>,
    pub(crate) destination: Destination,
}

/// The subscriptions that an event goes to.
pub(crate) struct Destination {
    pub(crate) topic: Arc<str>,
    pub(crate) targets: SmallVec<[SubscriptionId; 4]>,
    /// The version of the routes from which they were found.
    pub(crate) version: u64,
}

impl Destination {
    /// Adds the subscriptions that have begun since with earlier events, and want this event.
    #[cold]
    pub(crate) fn add_latecomers(&mut self, bus: &Bound<'_, NativeBus>, event: &Bound<'_, PyAny>) -> PyResult<()> {
        let (version, late) = {
            let state = bus.get().lock(bus.py());
            (state.bus.routes_version(), state.bus.catching_up_since(self.version))
        };
        self.version = version;
        for id in late {
            if !self.targets.contains(&id) && NativeBus::wants(bus, id, event)? {
                self.targets.push(id);
            }
        }
        self.targets.sort_unstable();
        Ok(())
    }
}

/// The outcome of the first step of a publish.
pub(crate) enum Outcome {
    /// The event is accepted.
    Accepted,
    /// The event must wait for a turn of the loop.
    MustYield(PendingEvent),
    /// The event must wait for room.
    MustWait(PendingEvent),
}

/// The outcome of an attempt to enqueue.
pub(crate) enum Enqueued {
    Accepted,
    MustWait,
}
