//! The beginning and the end of subscriptions.

pub(crate) mod policies;
pub(crate) mod subscribing;
