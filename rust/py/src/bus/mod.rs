//! The native half of a bus: its state, its subscriptions and its counts.

pub(crate) mod closing;
pub(crate) mod failures;
pub(crate) mod interest;
pub(crate) mod native_bus;
pub(crate) mod state;
pub(crate) mod statistics;
pub(crate) mod subscriber;
