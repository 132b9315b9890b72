//! Waiting until a subscription has handled what it has.

use super::Bus;
use crate::routing::SubscriptionId;

/// A position in what a subscription is handed, reached when everything before it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermark {
    subscription: SubscriptionId,
    handed_out: u64,
}

impl<E, S, W> Bus<E, S, W> {
    /// The position behind all but `left` of the waiting events; of a [paused](Bus::pause) subscription, of the
    /// preloaded ones.
    #[must_use]
    pub fn watermark(&self, id: SubscriptionId, left: usize) -> Watermark {
        let handed_out = self.subscriptions.get(id).map_or(0, |found| {
            let queue = &found.queue;
            let waiting = if queue.is_paused() { queue.len() - queue.waiting_len() } else { queue.len() };
            queue.handed_out() + waiting.saturating_sub(left) as u64
        });
        Watermark { subscription: id, handed_out }
    }

    /// True if everything before it has ended, or the subscription has.
    #[must_use]
    pub fn has_reached(&self, watermark: Watermark) -> bool {
        self.subscriptions.get(watermark.subscription).is_none_or(|found| {
            let out = found.queue.handed_out();
            out > watermark.handed_out || (out == watermark.handed_out && !found.in_handler)
        })
    }
}
