//! The heart of an event bus: topics, patterns, subscriptions, queues, the order in which events are dispatched, and the
//! journal that keeps them.
//!
//! Nothing here knows Python, an I/O loop or an event class. An event is whatever type the caller queues; a waiting
//! publisher is whatever token the caller leaves. Every structure is a plain state machine behind `&mut self`: the caller
//! owns the lock and does the waking.

#![forbid(unsafe_code)]

pub mod bus;
pub mod codec;
pub mod filter;
pub mod journal;
pub mod queue;
pub mod routing;
pub mod subscription;
pub mod topic;
