//! An event on its way to its queues, and how far it has come.

use std::sync::Arc;

use pyo3::prelude::*;
use smallvec::SmallVec;
use trading_events_core::routing::SubscriptionId;

use crate::bus::native_bus::NativeBus;

/// An event on its way, with the subscriptions whose filters it has passed.
pub(crate) struct PendingEvent {
    pub(crate) event: Py<PyAny>,
    pub(crate) destination: Destination,
}

/// Where an event goes.
pub(crate) struct Destination {
    pub(crate) topic: Arc<str>,
    pub(crate) targets: SmallVec<[SubscriptionId; 4]>,
    /// The version of the routes at which they were found.
    pub(crate) version: u64,
}

impl Destination {
    /// Adds the subscriptions that have begun since, take up where earlier events end, and want the event.
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

/// What became of a publish.
pub(crate) enum Outcome {
    /// The event is accepted.
    Accepted,
    /// The loop must turn once before the event is accepted.
    MustYield(PendingEvent),
    /// The event must wait for room.
    MustWait(PendingEvent),
}

/// What became of an event that was offered to its queues.
pub(crate) enum Enqueued {
    Accepted,
    MustWait,
}
