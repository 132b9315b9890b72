//! Finding who hears an event: a trie over the segments of patterns, and a bounded cache of its answers.

mod cache;
mod id;
mod registry;
mod route;

pub use id::SubscriptionId;
pub use registry::{Interest, Registry, Selector};
pub use route::{Route, Target};
