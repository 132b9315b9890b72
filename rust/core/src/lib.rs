//! The core of an event bus: topics, patterns, routing, queues, subscriptions, dispatch order, and the journal.
//!
//! It is free of Python, of I/O loops and of event classes. Events, and the tokens that wake waiting publishers, are of
//! types that the caller chooses. Every structure is a plain state machine behind `&mut self`: the caller holds the
//! lock and wakes the publishers.

#![forbid(unsafe_code)]

pub mod bus;
pub mod codec;
pub mod filter;
pub mod journal;
pub mod queue;
pub mod routing;
pub mod subscription;
pub mod topic;
