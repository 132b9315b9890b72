//! The heart of an event bus: topics, patterns, subscriptions, queues, the order in which events are dispatched, and the
//! journal that keeps them.
//!
//! Nothing here knows Python, an I/O loop or an event class. An event is whatever type the caller queues; a waiting
//! publisher is whatever token the caller leaves. Every structure is a plain state machine behind `&mut self`: the caller
//! owns the lock and does the waking.

#![forbid(unsafe_code)]

pub mod admission;
pub mod backlog;
mod budget;
pub mod bus;
pub mod closing;
pub mod codec;
pub mod dispatch;
pub mod error;
pub mod filter;
pub mod histogram;
pub mod history;
mod id;
mod intake;
pub mod journal;
pub mod line;
pub mod milestone;
mod offer;
pub mod pattern;
mod phase;
pub mod queue;
pub mod registry;
pub mod route;
mod route_cache;
pub mod sequence;
pub mod stats;
pub mod stopwatch;
pub mod subscription;
pub mod topic;
