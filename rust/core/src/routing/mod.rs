//! Routing: finding the subscriptions that hear an event.

mod cache;
mod id;
mod registry;
mod route;

pub use id::SubscriptionId;
pub use registry::{Interest, Registry, Selector};
pub use route::{Route, Target};
