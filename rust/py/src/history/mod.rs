//! The events that a bus keeps, and the events that late subscribers catch up on.

pub(crate) mod preload;
pub(crate) mod query;
pub(crate) mod select;
