//! The routes of events that have come before.

pub(crate) mod classes;
pub(crate) mod memo;
