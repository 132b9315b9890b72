//! Identity of a subscription.

/// A subscription's place in its bus. A place is used again, under another generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId {
    /// The place.
    pub index: u32,
    /// How many subscriptions have stood there before.
    pub generation: u32,
}
