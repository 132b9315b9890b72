//! Waiting for a subscription to work off what it has.

use super::Bus;
use crate::routing::SubscriptionId;

/// A place among all that a subscription is handed, reached when what stands before it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Milestone {
    subscription: SubscriptionId,
    handed_out: u64,
}

impl<E, S, W> Bus<E, S, W> {
    /// The place behind all but `left` of the events that wait in a subscription: of one that is
    /// [held](Bus::hold), those put ahead.
    #[must_use]
    pub fn milestone(&self, id: SubscriptionId, left: usize) -> Milestone {
        let handed_out = self.subscriptions.get(id).map_or(0, |found| {
            let queue = &found.queue;
            let waiting = if queue.is_held() { queue.len() - queue.live() } else { queue.len() };
            queue.handed_out() + waiting.saturating_sub(left) as u64
        });
        Milestone { subscription: id, handed_out }
    }

    /// Whether what stood before it has ended; so it has where the subscription has.
    #[must_use]
    pub fn has_reached(&self, milestone: Milestone) -> bool {
        self.subscriptions.get(milestone.subscription).is_none_or(|found| {
            let out = found.queue.handed_out();
            out > milestone.handed_out || (out == milestone.handed_out && !found.in_handler)
        })
    }
}
