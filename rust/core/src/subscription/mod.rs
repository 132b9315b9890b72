//! Subscriptions of a bus.

mod histogram;
mod slots;
mod statistics;
mod stopwatch;

pub use histogram::Histogram;
pub use slots::Subscriptions;
pub use statistics::{Counts, End, Gap, Totals};
pub use stopwatch::Stopwatch;

use std::sync::Arc;

use crate::queue::{DropReason, EventDeque, Queue, Stored};
use crate::routing::Interest;

/// Worker of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// None, and there are no events.
    Idle,
    /// None yet: it is in the ready list.
    Ready,
    /// A worker serves it.
    Served,
}

/// Caller of a subscription's handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// A worker.
    Queued,
    /// The publisher, if it can and nothing waits.
    Inline,
}

/// One subscription; `S` is the caller's payload. The fields that every event needs come first, to lie in few cache
/// lines.
#[derive(Debug)]
#[repr(C)]
pub struct Subscription<E, S> {
    /// Its waiting events.
    pub queue: Queue<E>,
    /// Mask of timed positions: an event is timed if all these bits of its position are zero.
    pub(crate) timed_mask: u64,
    /// Events dropped since it was last told; `None` if it is not told.
    pub gap: Option<Box<Gap>>,
    /// Caller of its handler.
    pub(crate) delivery: Delivery,
    /// Worker of its events.
    pub(crate) service: Service,
    /// True if an event is in its handler.
    pub(crate) in_handler: bool,
    /// True if it takes no more events and ends when it has none left.
    pub(crate) ending: bool,
    /// True if it ends once waiting events have been handled, and takes those of its own handler until then.
    pub(crate) draining: bool,
    /// The caller's payload.
    pub payload: S,
    /// Its counts.
    pub counts: Counts,
    /// Timing of its events, if any are timed.
    pub stopwatch: Option<Box<Stopwatch>>,
    /// Interest that it was registered with.
    pub interest: Box<Interest>,
    /// Version of the routes with which it began, if it was paused.
    pub(crate) catches_up_from: Option<u64>,
}

impl<E, S> Subscription<E, S> {
    /// Number of accepted events that have not ended.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        self.queue.len() as u64 + u64::from(self.in_handler)
    }

    /// True if an event is in its handler.
    #[must_use]
    pub fn is_in_handler(&self) -> bool {
        self.in_handler
    }

    /// True if a worker serves it.
    #[must_use]
    pub fn is_served(&self) -> bool {
        self.service == Service::Served
    }

    /// True if its events only wait for a worker's turn, and are few enough to stay live until then.
    pub(crate) fn is_served_soon(&self) -> bool {
        !self.in_handler && !self.queue.is_paused() && !self.queue.is_overdue()
    }

    /// True if a publisher that can would call its handler now.
    pub(crate) fn is_called_inline(&self) -> bool {
        self.delivery == Delivery::Inline && self.service == Service::Idle && !self.queue.is_paused()
    }

    /// True if it takes only events of its own handler, and ends when it has none left.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining
    }

    /// True if it has ended, but for the event in its handler.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ending && self.queue.is_empty()
    }

    /// Position at which an event of this topic that was just accepted is to be packed; `next` is the position that it
    /// would have taken.
    #[cold]
    pub(crate) fn position_to_pack(&self, next: u64, topic: &Arc<str>) -> Option<u64> {
        if self.queue.next_position() > next { Some(next) } else { self.queue.position_of(topic) }
    }

    /// Puts an event into the queue. Returns the event that was dropped for it.
    #[inline]
    pub(crate) fn enqueue(&mut self, event: E, topic: &Arc<str>) -> Option<Stored<E>> {
        self.counts.accepted += 1;
        let position = self.queue.next_position();
        let dropped = self.queue.push(event, topic);
        if position & self.timed_mask == 0 && self.queue.next_position() > position {
            self.stopwatch.iter_mut().for_each(|stopwatch| stopwatch.mark(position, self.queue.first_position()));
        }
        let dropped = dropped?;
        if dropped.reason == DropReason::Conflate
            && let (Some(stopwatch), Some(position)) = (&mut self.stopwatch, self.queue.position_of(topic))
        {
            stopwatch.forget(position);
        }
        self.counts.drop_events(dropped.reason, 1);
        if let (Some(gap), Some(topic)) = (self.gap.as_mut(), &dropped.topic) {
            gap.add(topic);
        }
        Some(dropped.event)
    }

    /// Fast path of [`Subscription::enqueue`].
    #[inline]
    pub(crate) fn enqueue_fast(&mut self, event: E) {
        self.counts.accepted += 1;
        let position = self.queue.next_position();
        self.queue.push_fast(event);
        if position & self.timed_mask == 0 {
            self.stopwatch.iter_mut().for_each(|stopwatch| stopwatch.mark(position, self.queue.first_position()));
        }
    }

    /// Takes the next event into the handler.
    #[expect(clippy::inline_always, reason = "as for `Bus::take_next`")]
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Option<Stored<E>> {
        let position = self.queue.first_position();
        let event = self.queue.pop()?;
        self.in_handler = true;
        if position & self.timed_mask == 0 && self.queue.first_position() > position {
            self.stopwatch.iter_mut().for_each(|stopwatch| stopwatch.begin(position));
        }
        Some(event)
    }

    /// Takes the next event on behalf of the running handler, and counts it as handled. Neither it nor the handler's
    /// own event is timed.
    pub(crate) fn take_batched(&mut self) -> Option<Stored<E>> {
        if !self.in_handler {
            return None;
        }
        let position = self.queue.first_position();
        let event = self.queue.pop()?;
        self.stopwatch.iter_mut().for_each(|stopwatch| stopwatch.skip(position));
        self.counts.end(End::Handled);
        Some(event)
    }

    /// Records the end of the event in the handler.
    #[inline]
    pub(crate) fn finish(&mut self, end: End) {
        self.in_handler = false;
        self.counts.end(end);
        if self.queue.first_position().wrapping_sub(1) & self.timed_mask == 0 {
            self.stopwatch.iter_mut().for_each(|stopwatch| stopwatch.end());
        }
    }

    /// True if it has dropped events and is to be told.
    pub(crate) fn has_gap(&self) -> bool {
        self.gap.as_ref().is_some_and(|gap| gap.count > 0)
    }

    /// Drops all waiting events.
    pub(crate) fn discard(&mut self, reason: DropReason) -> EventDeque<E> {
        let dropped = self.queue.drain();
        self.counts.drop_events(reason, dropped.len() as u64);
        dropped
    }
}
