//! Subscribing and unsubscribing.

pub(crate) mod policies;
pub(crate) mod subscribing;
