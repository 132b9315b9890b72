//! Publishing: events into the queues.

pub(crate) mod attempt;
pub(crate) mod awaitable;
pub(crate) mod begin;
pub(crate) mod enqueue;
pub(crate) mod fast_path;
pub(crate) mod inline;
pub(crate) mod methods;
pub(crate) mod origin;
pub(crate) mod outbox;
pub(crate) mod packing;
pub(crate) mod pending;
