//! The Python side of a subscription.

use std::sync::Arc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyType;
use trading_events_core::routing::SubscriptionId;

use crate::runtime::references::holders;

/// The Python side of a subscription. The fields that every event needs come first, to share a cache line.
#[repr(C)]
pub(crate) struct Subscriber {
    pub(crate) handler: Py<PyAny>,
    pub(crate) context: Py<PyAny>,
    pub(crate) bus: u64,
    pub(crate) number: u64,
    /// True if the handler is an `async def`.
    pub(crate) is_async: bool,
    pub(crate) name: String,
    pub(crate) pattern: String,
    pub(crate) on_gap: Option<Py<PyAny>>,
    pub(crate) leaves: Vec<Py<PyAny>>,
    /// The class subscribed to. It is held so that no other class gets its address.
    pub(crate) class: Option<Py<PyType>>,
}

impl Subscriber {
    /// Its public identifier.
    pub(crate) fn sid(&self) -> String {
        sid_of(self.bus, self.number)
    }

    /// Prefetches handler and context.
    pub(crate) fn prefetch(&self, py: Python<'_>) -> isize {
        holders(self.handler.bind(py)) ^ holders(self.context.bind(py))
    }

    pub(crate) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.handler)?;
        visit.call(&self.on_gap)?;
        visit.call(&self.class)?;
        visit.call(&self.context)?;
        self.leaves.iter().try_for_each(|leaf| visit.call(leaf))
    }
}

/// A subscription that a worker serves.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) id: SubscriptionId,
    pub(crate) subscriber: Arc<Subscriber>,
}

/// The public identifier of a subscription: the number of its bus and its own.
pub(crate) fn sid_of(bus: u64, number: u64) -> String {
    format!("sub-{bus}-{number}")
}
