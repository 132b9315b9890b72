//! Identity of a subscription.

/// Slot of a subscription in its bus. A slot is reused under another generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId {
    /// The slot.
    pub index: u32,
    /// Number of subscriptions that had the slot before.
    pub generation: u32,
}
