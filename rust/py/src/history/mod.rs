//! The events that a bus keeps, and earlier events for late subscribers.

pub(crate) mod preload;
pub(crate) mod query;
pub(crate) mod select;
