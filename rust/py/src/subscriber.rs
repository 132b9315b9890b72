//! What a bus keeps with a subscription.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyType;

/// The Python side of a subscription.
pub(crate) struct Subscriber {
    pub(crate) bus: u64,
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) pattern: String,
    pub(crate) handler: Py<PyAny>,
    pub(crate) on_gap: Option<Py<PyAny>>,
    pub(crate) leaves: Vec<Py<PyAny>>,
    /// The class subscribed to, kept so that no other class gets its address.
    pub(crate) class: Option<Py<PyType>>,
    pub(crate) context: Py<PyAny>,
}

impl Subscriber {
    /// What it is called outside: the bus's number, so that no other bus knows it, and its own.
    pub(crate) fn sid(&self) -> String {
        format!("sub-{}-{}", self.bus, self.number)
    }

    pub(crate) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.handler)?;
        visit.call(&self.on_gap)?;
        visit.call(&self.class)?;
        visit.call(&self.context)?;
        self.leaves.iter().try_for_each(|leaf| visit.call(leaf))
    }
}
