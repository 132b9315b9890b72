//! Waiting for a subscription to work off what it has.

use super::Bus;
use crate::routing::SubscriptionId;

/// A place among all that a subscription is handed, reached when what stands before it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermark {
    subscription: SubscriptionId,
    handed_out: u64,
}

impl<E, S, W> Bus<E, S, W> {
    /// The place behind all but `left` of the events that wait in a subscription: of one that is
    /// [held](Bus::hold), those put ahead.
    #[must_use]
    pub fn watermark(&self, id: SubscriptionId, left: usize) -> Watermark {
        let handed_out = self.subscriptions.get(id).map_or(0, |found| {
            let queue = &found.queue;
            let waiting = if queue.is_paused() { queue.len() - queue.waiting_len() } else { queue.len() };
            queue.handed_out() + waiting.saturating_sub(left) as u64
        });
        Watermark { subscription: id, handed_out }
    }

    /// Whether what stood before it has ended; so it has where the subscription has.
    #[must_use]
    pub fn has_reached(&self, watermark: Watermark) -> bool {
        self.subscriptions.get(watermark.subscription).is_none_or(|found| {
            let out = found.queue.handed_out();
            out > watermark.handed_out || (out == watermark.handed_out && !found.in_handler)
        })
    }
}
