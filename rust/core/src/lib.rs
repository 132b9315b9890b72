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

pub use bus as admission;
pub use bus as closing;
pub use bus as dispatch;
pub use bus as line;
pub use bus as milestone;
pub use queue as backlog;
pub use queue as history;
pub use queue as sequence;
pub use routing as registry;
pub use routing as route;
pub use subscription as histogram;
pub use subscription as stats;
pub use topic as error;
pub use topic as pattern;
